"""The page in a real browser with the network cut. Slow: each test starts Chromium."""

import re
import shutil
import struct
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from pypdf import PdfReader
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from selenium_axe_python import Axe

from segment_lib.report import RunFacts, write_report
from segment_lib.schema.language import Language

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="chromium and chromedriver are not on the PATH"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    driver.set_script_timeout(120)  # axe looks at every element there is
    try:
        driver.execute_cdp_cmd("Network.enable", {})
        driver.set_network_conditions(
            offline=True, latency=0, download_throughput=0, upload_throughput=0
        )
        yield driver
    finally:
        driver.quit()


def open_page(
    browser: webdriver.Chrome, path: Path, width: int = 1400, scheme: str = "light"
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.get(path.as_uri())


def unfold(browser: webdriver.Chrome) -> None:
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")


def console(browser: webdriver.Chrome) -> list[dict[str, object]]:
    return list(browser.get_log("browser"))  # type: ignore[no-untyped-call]


def first_column(browser: webdriver.Chrome) -> list[str]:
    cells = browser.find_elements(By.CSS_SELECTOR, "#table-index tbody th")
    return [cell.text for cell in cells]


@pytest.mark.parametrize("width", [390, 820, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_a_word_in_the_console_or_a_request(
    browser: webdriver.Chrome, report: Path, width: int, scheme: str
) -> None:
    open_page(browser, report, width, scheme)
    assert console(browser) == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("width", [390, 820, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_bars_a_reader(
    browser: webdriver.Chrome, report: Path, width: int, scheme: str
) -> None:
    open_page(browser, report, width, scheme)
    unfold(browser)
    axe = Axe(browser)
    axe.inject()
    results = axe.run()
    assert len(results["passes"]) > 20
    violations = [
        (violation["id"], violation["impact"], violation["nodes"][0]["target"])
        for violation in results["violations"]
    ]
    assert violations == []


def test_the_charts_stand_without_scripts(browser: webdriver.Chrome, report: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(report.as_uri())
        charts = browser.find_elements(By.CSS_SELECTOR, "#figure-index .chart svg")
        assert [chart.is_displayed() for chart in charts] == [True, False]  # wide, for a phone
        assert charts[0].find_elements(By.CSS_SELECTOR, "title")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_phone_never_scrolls_the_page_sideways(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report, width=390)
    unfold(browser)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390


def test_no_chart_is_wider_than_its_place(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report, width=390)
    wider = browser.execute_script(
        "return [...document.querySelectorAll('.chart')].filter("
        "c => c.scrollWidth > c.clientWidth).map(c => c.ariaLabel)"
    )
    assert wider == []


def test_a_heading_sorts_by_click_and_again_the_other_way(
    browser: webdriver.Chrome, report: Path
) -> None:
    open_page(browser, report)
    assert first_column(browser)[0] == "Segment 1"  # as delivered: by falling index
    button = browser.find_element(By.XPATH, "//table[@id='table-index']//button[.='Index']")
    button.click()
    assert first_column(browser)[0] == "Segment 10"
    assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    button.click()
    assert first_column(browser)[0] == "Segment 1"


def test_a_heading_sorts_by_keyboard(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report)
    button = browser.find_element(By.XPATH, "//table[@id='table-index']//button[.='Of all people']")
    browser.execute_script("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    assert first_column(browser)[0] == "Segment 8"
    sorted_headings = browser.find_elements(By.CSS_SELECTOR, "#table-index th[aria-sort]")
    assert [heading.text[:13] for heading in sorted_headings] == ["Of all people"]


def test_charts_follow_the_dark_scheme(browser: webdriver.Chrome, report: Path) -> None:
    inks = []
    for scheme in ("light", "dark"):
        open_page(browser, report, scheme=scheme)
        text = browser.find_element(By.CSS_SELECTOR, "#figure-index svg text[font-weight=bold]")
        inks.append(text.value_of_css_property("fill"))
    assert inks == ["rgb(11, 110, 138)", "rgb(98, 195, 224)"]


def test_hostile_labels_run_nothing(
    browser: webdriver.Chrome, facts: RunFacts, tmp_path: Path
) -> None:
    bad = pl.lit("</script><script>window.struck = 1</script><img src=x onerror='struck = 1'>")
    write_report(
        replace(
            facts,
            attributes=facts.attributes.with_columns(attribute=bad + pl.col("attribute")),
            names=facts.names.with_columns(name=bad),
            traits=facts.traits.with_columns(words=bad, direction=bad),
            group_traits=facts.group_traits.with_columns(words=bad, family=bad),
        ),
        tmp_path,
    )
    open_page(browser, tmp_path / "index.html", width=390)
    assert browser.execute_script("return typeof window.struck") == "undefined"
    assert console(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390


def test_another_number_of_segments_is_told_by_choice(
    browser: webdriver.Chrome, report: Path
) -> None:
    open_page(browser, report)
    unfold(browser)
    choice = browser.find_element(By.ID, "choose-k")
    sentence = browser.find_element(By.ID, "chosen-k")
    assert sentence.text.startswith("10 segments:")
    choice.send_keys("5")
    assert sentence.text.startswith("5 segments:")
    assert "model.n_clusters=5" in sentence.text


def test_any_two_segments_are_put_side_by_side(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report)
    browser.find_element(By.CSS_SELECTOR, "#pair-fold > summary").click()
    second = Select(browser.find_element(By.ID, "pick-second"))
    second.select_by_value("7")
    browser.find_element(By.ID, "pick-first").send_keys("Segment 5")

    def column(css: str) -> list[str]:
        cells = browser.find_elements(By.CSS_SELECTOR, css)
        return [cell.get_attribute("innerHTML") or "" for cell in cells]

    for number, at in ((5, 2), (7, 3)):
        shown = column(f"#pair tbody td:nth-child({at})")
        assert shown == column(f"#heat tr[data-segment='{number}'] td")
        heading = browser.find_element(By.CSS_SELECTOR, f"#pair thead th:nth-child({at})")
        assert heading.text.startswith(f"Segment {number}: ")


def test_two_segments_stand_side_by_side_without_scripts(
    browser: webdriver.Chrome, report: Path
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(report.as_uri())
        assert not browser.find_element(By.ID, "pick-first").is_displayed()
        browser.find_element(By.CSS_SELECTOR, "#pair-fold > summary").click()
        headings = browser.find_elements(By.CSS_SELECTOR, "#pair thead th")
        # The highest and the lowest index.
        assert [heading.text.split(":")[0] for heading in headings[1:]] == [
            "Segment 1",
            "Segment 10",
        ]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_mark_says_its_numbers_when_pointed_at(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report)
    mark = browser.find_element(By.CSS_SELECTOR, "#figure-index .wide path[data-tip]")
    ActionChains(browser).move_to_element(mark).perform()
    tip = browser.find_element(By.ID, "tip")
    assert tip.is_displayed()
    assert tip.text.splitlines()[0] == "Segment: Segment 1: Savers of kind 1, seldom online"
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert not tip.is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_is_taken_away_from_the_page_alone(
    browser: webdriver.Chrome, report: Path, tmp_path: Path, scheme: str
) -> None:
    """The page has left its folder, as one that was sent by mail."""
    alone = shutil.copy(report, tmp_path / "forwarded.html")
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    open_page(browser, Path(alone), scheme=scheme)
    for kind in ("svg", "png"):
        link = browser.find_element(By.CSS_SELECTOR, f"#figure-index a[data-kind={kind}]")
        browser.execute_script("arguments[0].click()", link)
        WebDriverWait(browser, 20).until(lambda _, kind=kind: (tmp_path / f"index.{kind}").exists())
    svg = (tmp_path / "index.svg").read_text()
    assert "var(--" not in svg
    assert 'fill="#ffffff"' in svg
    assert ">How common customers are in each segment</text>" in svg
    assert struct.unpack(">2I", (tmp_path / "index.png").read_bytes()[16:24])[0] == 2 * (760 + 24)


def test_it_is_light_and_has_one_script(report: Path) -> None:
    """How long it takes to load is measured by benchmarks/page.py, as it differs by machine."""
    html = report.read_text()
    assert report.stat().st_size < 700 * 1024
    assert len(re.findall(r"<script(?! type=\"application/json\")", html)) == 1
    assert html.count("<script") == 2  # the other holds figures alone


def test_a_phone_shows_all_but_the_details_in_fifteen_screens(
    browser: webdriver.Chrome, report: Path
) -> None:
    open_page(browser, report, width=390)
    assert browser.execute_script("return document.documentElement.scrollHeight") <= 15 * 844


def test_a_wide_table_keeps_its_first_column(browser: webdriver.Chrome, report: Path) -> None:
    open_page(browser, report, width=390)
    unfold(browser)
    left = browser.execute_script(
        "const table = document.querySelector('#table-limits'), scroll = table.parentElement;"
        "const cell = table.querySelector('tbody th'), left = () => cell.getBoundingClientRect().x;"
        "const before = left(); scroll.scrollLeft = 99; return [before, left(), scroll.scrollLeft]"
    )
    assert left == [16, 16, 99]


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_heat_map_fits_a_desk_and_says_so_where_it_does_not(
    browser: webdriver.Chrome, facts: RunFacts, tmp_path: Path, language: str
) -> None:
    write_report(replace(facts, language=Language(language)), tmp_path)
    for width, hint in ((390, True), (820, True), (1400, False)):
        open_page(browser, tmp_path / "index.html", width)
        assert browser.find_element(By.CSS_SELECTOR, ".sideways").is_displayed() is hint
        hidden, left = browser.execute_script(
            "const heat = document.getElementById('heat'), scroll = heat.parentElement;"
            "const hidden = scroll.scrollWidth - scroll.clientWidth; scroll.scrollLeft = 50;"
            "return [hidden, heat.querySelector('tbody th').getBoundingClientRect().x]"
        )
        assert (hidden > 0) is hint
        assert left == browser.execute_script(
            "return document.getElementById('heat').parentElement.getBoundingClientRect().x"
        )


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [390, 820, 1400])
def test_the_index_is_read_without_scrolling_sideways(
    browser: webdriver.Chrome, facts: RunFacts, tmp_path: Path, language: str, width: int
) -> None:
    write_report(replace(facts, language=Language(language)), tmp_path)
    open_page(browser, tmp_path / "index.html", width)
    room = browser.execute_script(
        "const scroll = document.querySelector('#table-index').parentElement;"
        "return [scroll.scrollWidth, scroll.clientWidth]"
    )
    assert room[0] == room[1]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_text_runs_out_of_its_chart(
    browser: webdriver.Chrome, paid: RunFacts, tmp_path: Path, language: str, width: int
) -> None:
    write_report(replace(paid, language=Language(language)), tmp_path)
    open_page(browser, tmp_path / "index.html", width)
    unfold(browser)
    outside = browser.execute_script(
        "return [...document.querySelectorAll('.chart text')].filter((text) => {"
        "const own = text.getBoundingClientRect(), page = document.documentElement.clientWidth;"
        "const chart = text.ownerSVGElement.getBoundingClientRect();"
        "return own.width && (own.right > Math.min(page, chart.right + 24) || own.left < "
        "chart.left - 1);}).map((text) => [text.closest('figure').id, text.textContent])"
    )
    assert outside == []


def test_no_line_of_the_scale_crosses_the_name_of_a_segment(
    browser: webdriver.Chrome, report: Path
) -> None:
    """What is painted last below a name, of the lines and the ground, is the ground."""
    open_page(browser, report)
    below = browser.execute_script(
        "const svg = document.querySelector('#figure-index .wide svg'), crossed = [];"
        "for (const text of svg.querySelectorAll('text')) {"
        "  if (!/^Savers/.test(text.textContent)) continue;"
        "  const box = text.getBoundingClientRect(), y = box.top + box.height / 2;"
        "  const across = [...svg.querySelectorAll('line, path')].filter((mark) => {"
        "    const own = mark.getBoundingClientRect();"
        "    return own.left < box.right && own.right > box.left && own.top < y && own.bottom > y;"
        "  });"
        "  crossed.push(across.at(-1)?.getAttribute('fill'));"
        "} return crossed"
    )
    assert below == ["var(--paper)"] * 10


def test_each_link_to_a_section_leads_to_its_heading(
    browser: webdriver.Chrome, report: Path
) -> None:
    open_page(browser, report)
    links = [link.get_attribute("hash") for link in browser.find_elements(By.CSS_SELECTOR, "nav a")]
    assert len(links) >= 7
    for link in links:
        heading = browser.find_element(By.CSS_SELECTOR, f"{link} > h2")
        browser.execute_script("location.hash = arguments[0]", link)
        assert heading.is_displayed(), link


@pytest.mark.parametrize("sheet", [(8.27, 11.69), (8.5, 11)], ids=["A4", "Letter"])
def test_it_prints_on_eight_pages_at_most(
    browser: webdriver.Chrome, report: Path, sheet: tuple[float, float]
) -> None:
    open_page(browser, report)
    paper = {"paperWidth": sheet[0], "paperHeight": sheet[1], "printBackground": True}
    printed = b64decode(browser.execute_cdp_cmd("Page.printToPDF", paper)["data"])
    pages = PdfReader(BytesIO(printed)).pages
    assert 3 <= len(pages) <= 8
    assert "Customers come above all from segments 1, 4 and 2" in re.sub(
        r"\s+", " ", pages[0].extract_text()
    )


def test_on_paper_nothing_is_cut_off(browser: webdriver.Chrome, report: Path) -> None:
    """A sheet of A4 within its margins is about 718 of the browser's pixels wide."""
    open_page(browser, report, width=718)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    try:
        assert browser.execute_script(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        assert not browser.find_element(By.TAG_NAME, "nav").is_displayed()
        # No heading stands over what is folded and therefore not printed.
        for section, stands in (("components", False), ("run", False), ("method", True)):
            assert browser.find_element(By.ID, f"{section}-heading").is_displayed() is stands
        paper = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        assert paper == "rgba(255, 255, 255, 1)"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


# The depth slider


@pytest.fixture(scope="module")
def page_with_money(paid: RunFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paid")
    write_report(paid, folder)
    return folder / "index.html"


def beside_slider(browser: webdriver.Chrome) -> dict[str, str]:
    """What stands beside the slider, by what it is."""
    places = browser.find_elements(By.CSS_SELECTOR, "[data-plan]")
    return {str(place.get_attribute("data-plan")): place.text for place in places}


def slide_to(browser: webdriver.Chrome, at: int) -> None:
    browser.execute_script(
        "const s = document.getElementById('plan-depth'); s.value = arguments[0];"
        "s.dispatchEvent(new Event('input'))",
        at,
    )


def type_in(browser: webdriver.Chrome, name: str, text: str) -> None:
    field = browser.find_element(By.ID, f"plan-{name}")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(text or Keys.DELETE)


def test_the_slider_tells_what_the_job_reckoned_at_every_depth(
    browser: webdriver.Chrome, page_with_money: Path, paid: RunFacts
) -> None:
    open_page(browser, page_with_money)
    assert paid.depth is not None
    first = beside_slider(browser)
    assert first["pieces"] == f"{paid.depth['pieces']:,}"
    for at, row in enumerate(paid.depths.iter_rows(named=True)):
        slide_to(browser, at)
        share = (f"{100 * row[name]:.1f}%" for name in ("customers_reached", "low", "high"))
        assert beside_slider(browser) == {
            "depth": f"{100 * row['depth']:.1f}%",
            "pieces": f"{row['pieces']:,}",
            "reached": "{} ({} to {})".format(*share),
            "orders": "{:,.0f} ({:,.0f} to {:,.0f})".format(
                *(row[name] for name in ("orders", "orders_low", "orders_high"))
            ),
            "cost": f"{row['cost']:,.0f}" if row["cost"] else "0.00",
            "profit": "{:,.0f} ({:,.0f} to {:,.0f})".format(
                *(row[name] for name in ("profit", "profit_low", "profit_high"))
            )
            if row["cost"]
            else "0.00 (0.00 to 0.00)",
        }
        depth = float(browser.find_element(By.ID, "plan-command").text)
        assert round(depth * paid.depths["pieces"].max()) == row["pieces"]
    browser.find_element(By.ID, "plan-best").click()
    assert beside_slider(browser) == first


def test_other_money_moves_the_depth_that_pays_most(
    browser: webdriver.Chrome, page_with_money: Path
) -> None:
    """Reach is depth to the power of 0.4: a piece of 1.00 pays to an index of 167."""
    open_page(browser, page_with_money)
    type_in(browser, "cost", "1")
    browser.find_element(By.ID, "plan-best").click()
    shown = beside_slider(browser)
    assert shown["depth"] == "9.0%"
    orders = 0.02 * 891_221 * 0.09**0.4
    profit = 30 * orders - round(0.09 * 891_221)
    assert float(shown["profit"].partition(" ")[0].replace(",", "")) == pytest.approx(
        profit, abs=40
    )
    type_in(browser, "margin", "")
    assert beside_slider(browser)["profit"] == "–"
    assert not browser.find_element(By.ID, "plan-best").is_enabled()


def test_money_can_be_typed_where_the_run_knows_none(
    browser: webdriver.Chrome, report: Path, page_with_money: Path
) -> None:
    open_page(browser, page_with_money)
    expected = beside_slider(browser)
    open_page(browser, report)
    assert beside_slider(browser)["depth"] == "20.0%"
    assert beside_slider(browser)["profit"] == "–"
    for name, text in (("cost", "0.5"), ("margin", "30"), ("rate", "2")):
        type_in(browser, name, text)
    browser.find_element(By.ID, "plan-best").click()
    assert beside_slider(browser) == expected
    hint = browser.find_element(By.CLASS_NAME, "plan-hint")
    for text in ("0,5", ".5", "0.500", " 0,50 "):
        type_in(browser, "cost", text)
        assert beside_slider(browser) == expected, text
        assert not hint.is_displayed(), text
    for text in ("1,000", "1.000,50", "0.5 €", "-1", "1e3"):
        type_in(browser, "cost", text)
        assert beside_slider(browser)["profit"] == "–", text
        field = browser.find_element(By.ID, "plan-cost")
        assert field.get_attribute("aria-invalid") == "true"
        assert hint.is_displayed(), text


def test_the_slider_moves_by_keyboard_and_says_where_it_is(
    browser: webdriver.Chrome, page_with_money: Path
) -> None:
    open_page(browser, page_with_money)
    slider = browser.find_element(By.ID, "plan-depth")
    before = beside_slider(browser)["depth"]
    slider.send_keys(Keys.ARROW_RIGHT)
    shown = beside_slider(browser)
    assert float(shown["depth"].rstrip("%")) == pytest.approx(float(before.rstrip("%")) + 1)
    assert slider.get_attribute("aria-valuetext") == f"{shown['depth']}, {shown['profit']}"


def test_without_scripts_the_depths_are_a_table(
    browser: webdriver.Chrome, page_with_money: Path
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page_with_money.as_uri())
        assert not browser.find_element(By.ID, "plan-depth").is_displayed()
        browser.find_element(By.CSS_SELECTOR, "#plan-table > summary").click()
        table = browser.find_element(By.ID, "table-depths")
        assert table.is_displayed()
        assert len(table.find_elements(By.CSS_SELECTOR, "tbody tr")) == 14
        assert "%" in beside_slider(browser)["reached"]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (820, "light"), (1400, "dark")])
def test_with_money_axe_finds_nothing_either_and_nothing_is_cut_off(
    browser: webdriver.Chrome, page_with_money: Path, width: int, scheme: str
) -> None:
    open_page(browser, page_with_money, width, scheme)
    browser.set_script_timeout(120)
    assert console(browser) == []
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    axe = Axe(browser)
    axe.inject()
    violations = [(fault["id"], fault["nodes"][0]["target"]) for fault in axe.run()["violations"]]
    assert violations == []
