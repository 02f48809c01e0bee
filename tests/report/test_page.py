"""The page holds the run's answer, whole and escaped, and is the same each time."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from segment_lib.report import RunFacts, write_report

Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]
Tried = Callable[[range, int], pl.DataFrame]
Alone = Callable[[pl.DataFrame], pl.DataFrame]

KINDS = ("svg", "png")
HOSTILE = """<script>alert(1)</script><!--'"&amp;${x}{{ x }}</style>"""


def page(facts: RunFacts, folder: Path) -> str:
    write_report(facts, folder)
    return (folder / "index.html").read_text()


def csv_of(html: str, name: str) -> pl.DataFrame:
    """The table a reader of the page can take away."""
    link = re.search(f'download="{name}.csv" href="data:text/csv;charset=utf-8,([^"]*)"', html)
    assert link is not None
    text = unquote(link[1])
    assert text.startswith("\ufeff")
    return pl.read_csv(text.encode())


def titles(html: str, figure: str) -> list[str]:
    """What the marks of a figure say when they are pointed at."""
    drawn = html[html.index(f'id="figure-{figure}"') :].partition("</figure>")[0]
    return [unescape(title) for title in re.findall("<title>(.*?)</title>", drawn, re.DOTALL)]


def test_the_same_facts_give_the_same_bytes(facts: RunFacts, report: Path, tmp_path: Path) -> None:
    for path in write_report(facts, tmp_path):
        assert path.read_bytes() == (report.parent / path.relative_to(tmp_path)).read_bytes()


def test_every_chart_is_also_a_file_as_svg_and_png(report: Path) -> None:
    names = re.findall(r'<figure class="figure" id="figure-([\w-]+)"', report.read_text())
    figures = list((report.parent / "figures").iterdir())
    assert {path.name for path in figures} == {f"{n}.{kind}" for n in names for kind in KINDS}
    assert all(path.stat().st_size > 1000 for path in figures)


def test_the_page_names_no_address(report: Path) -> None:
    html = report.read_text()
    assert set(re.findall(r"https?://[\w.]+", html)) <= {"http://www.w3.org"}  # XML namespaces
    markup = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""\b(src|href)=["'](?!#|data:|figures/)""", markup)
    assert "default-src 'none'" in markup


def test_the_policy_allows_the_scripts_and_the_style_by_their_hashes(report: Path) -> None:
    html = report.read_text()
    header = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert header is not None
    policy = {name: values for name, *values in map(str.split, header[1].split(";"))}
    assert "unsafe" not in header[1]
    for directive, tag in (("script-src", "script"), ("style-src", "style")):
        parts = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digests = [b64encode(sha256(part.encode()).digest()).decode() for part in parts]
        assert policy[directive] == [f"'sha256-{digest}'" for digest in digests] != []
    body = re.sub(r"<(script|style)[ >].*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"<[^>]*\s(style|on\w+)=", body)


def test_what_would_not_show_or_turns_a_line_around_is_spelled_out(
    facts: RunFacts, tmp_path: Path
) -> None:
    words = pl.lit("a\u202eb\x1bc\u200bd")
    html = page(
        replace(
            facts,
            folder="run\u202e",
            names=facts.names.with_columns(name=words),
            attributes=facts.attributes.with_columns(attribute=words + pl.col("attribute")),
            inputs=facts.inputs.with_columns(path=words),
            remarks=["a\u2066b"],
        ),
        tmp_path,
    )
    for mark in "\u202e\x1b\u200b\u2066":
        assert mark not in html
    assert r"a\u202eb\x1bc\u200bd" in html
    assert r"run\u202e" in html


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_the_paper_in_both_schemes(report: Path, scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", report.read_text(), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#\w+);", block))
    paper = luminance(colours["paper"])
    for name, least in {"ink": 7, "muted": 4.5, "over": 4.5, "under": 4.5, "average": 4.5}.items():
        dark, light = sorted((paper, luminance(colours[name])))
        assert (light + 0.05) / (dark + 0.05) >= least, name


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def test_ids_are_unique(report: Path) -> None:
    html = re.sub(r"<script>.*?</script>", "", report.read_text(), flags=re.DOTALL)
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))


def hostile_traits(traits: pl.DataFrame) -> pl.DataFrame:
    words = pl.lit(HOSTILE)
    return traits.with_columns(
        *(words.alias(name) for name in ("levels", "words", "direction")),
        *((words + pl.col(name)).alias(name) for name in ("attribute", "family")),
    )


def test_hostile_words_stay_words(facts: RunFacts, tmp_path: Path) -> None:
    words = pl.lit(HOSTILE)
    html = page(
        replace(
            facts,
            folder=HOSTILE,
            rule=HOSTILE,
            attributes=facts.attributes.with_columns(
                attribute=words + pl.col("attribute"), reason=words, type=words
            ),
            names=facts.names.with_columns(name=words),
            traits=hostile_traits(facts.traits),
            groups=facts.groups.with_columns(name=words),
            group_traits=hostile_traits(facts.group_traits),
            suspicious=[HOSTILE],
            fairness=facts.fairness.with_columns(label=words, meaning=words),
            components=facts.components.with_columns(reading=words),
            loadings=facts.loadings.with_columns(feature=words + pl.col("feature"), toward=words),
            stages=facts.stages.with_columns(stage=words),
            inputs=facts.inputs.with_columns(path=words),
            settings={HOSTILE: HOSTILE},
            versions={HOSTILE: HOSTILE},
        ),
        tmp_path,
    )
    assert "<script>alert" not in html
    assert "<!--" not in html
    assert html.count("</style>") == 1
    assert html.count("<script>") == 1
    assert any(title.startswith(f"Attribute: {HOSTILE}") for title in titles(html, "missing"))


def test_small_counts_are_nowhere_on_the_page(
    facts: RunFacts, shares: Shares, alone: Alone, tmp_path: Path
) -> None:
    table = shares({1: (90_000, 7, "under"), 2: (50_000, 4_000, "over"), 3: (60_000, 993, "under")})
    html = page(replace(facts, segments=table, groups=alone(table)), tmp_path)
    tables = "".join(
        html[html.index(f'<table id="table-{name}"') :].partition("</table>")[0]
        for name in ("index", "limits")
    )
    rows = [row for row in re.findall(r"<tr>(.*?)</tr>", tables, re.DOTALL) if "Segment 1<" in row]
    assert [re.findall(r">([^<>]+)</t[dh]>", row) for row in rows] == [
        # verdict, index, its range, shares
        ["Segment 1", "Savers of kind 1, seldom online", "–", "–", "–", "45%", "–"],
        # index, limits, chance, counts, stability
        ["Segment 1", "–", "–", "–", "–", "–", "90,000", "not shown", "0.85"],
    ]
    content = csv_of(html, "limits")
    assert (
        content.row(by_predicate=pl.col("Segment") == "Segment 1", named=True)["Customers"] is None
    )
    assert html.count("Customers: not shown</p>") == 2
    assert "Too few people stand behind segments 1 and 3 to say more." in html
    assert 'class="verdict under"' not in html
    assert any(
        title.startswith("Segment: Segment 1:") and "Share of customers: –" in title
        for title in titles(html, "shares")
    )


def test_of_few_people_the_page_claims_nothing(
    facts: RunFacts, shares: Shares, alone: Alone, tmp_path: Path
) -> None:
    table = shares({1: (14, 5, "average"), 2: (9, 5, "average"), 3: (7, 20, "average")})
    html = page(
        replace(
            facts,
            segments=table,
            groups=alone(table),
            rows=facts.rows.filter(pl.col("n_missing") < 3),
            gains=facts.gains.with_columns(
                population_rows=pl.when(pl.col("depth") < 0.05).then(0).otherwise("population_rows")
            ),
            n_micro=1,
        ),
        tmp_path,
    )
    assert "<h1>There are too few people to say which segments customers come from.</h1>" in html
    assert "hold about as many customers" not in html
    assert "about average</span>" not in html
    assert "Segments 1, 2 and 3 are not shown" in html
    assert "That limit lies beyond what is drawn." in html
    assert "finer order" not in html
    assert "says little" not in html
    assert 0 not in csv_of(html, "gains")["Pieces"].to_list()


def sized(n: int) -> dict[int, tuple[int, int, str]]:
    verdicts = ("over", "average", "under")
    return {k: (1_000 + k, 100 + 7 * (n - k), verdicts[3 * (k - 1) // n]) for k in range(1, n + 1)}


def test_forty_segments_each_have_a_card_and_a_row(
    facts: RunFacts, shares: Shares, alone: Alone, tmp_path: Path
) -> None:
    table = shares(sized(40))
    html = page(replace(facts, segments=table, groups=alone(table)), tmp_path)
    assert {int(n) for n in re.findall(r'id="segment-(\d+)"', html)} == set(range(1, 41))
    assert 'id="set-aside"' not in html


@pytest.mark.parametrize("profiled", [True, False])
def test_the_smallest_run_still_makes_a_page(
    facts: RunFacts, shares: Shares, alone: Alone, tried: Tried, tmp_path: Path, profiled: bool
) -> None:
    flat = shares({1: (600, 300, "average"), 2: (400, 0, "under")})
    one_number = tried(range(2, 3), 2)
    html = page(
        replace(
            facts,
            segments=flat.with_columns(index=pl.lit(None, pl.Float64)),
            groups=alone(flat.with_columns(index=pl.lit(None, pl.Float64))),
            sweep=one_number.with_columns(
                pl.lit(None, pl.Float64).alias(name)
                for name in ("stability", "found_again", "silhouette")
            ),
            stability=facts.stability.clear(),
            explained_variance_ratio=[1.0],
            n_above_chance=0,
            n_features=1,
            constant_features=[],
            components=facts.components.clear(),
            loadings=facts.loadings.clear(),
            names=facts.names.clear(),
            traits=facts.traits if profiled else facts.traits.clear(),
            tests={"all_segments": None, "without_set_aside": None},
            fairness=facts.fairness.clear(),
            gains=facts.gains.clear(),
            attributes=facts.attributes.filter("kept").with_columns(
                unseen_rows=pl.lit(0), customers_unseen_rows=pl.lit(0)
            ),
            inputs=facts.inputs.clear(),
            settings={},
            versions={},
        ),
        tmp_path,
    )
    assert "There are too few people to say which segments customers come from." in html
    assert "1 component keeps 100% of the variance of 1 feature" in html
    assert "0 of them stand out from chance." in html
    assert ("No trait on record" in html) is not profiled
    assert "listed in the dictionary or, where that lists none, held by the population." in html


def test_every_table_can_be_taken_away_with_its_numbers_whole(
    facts: RunFacts, report: Path
) -> None:
    html = report.read_text()
    names = re.findall(r'<table id="table-([\w-]+)"', html)
    shown_twice = ("heat", "pair")
    assert len(names) + len(shown_twice) == len(re.findall("<table ", html)) >= 9
    for name in names:
        assert csv_of(html, name).height > 0
    index = csv_of(html, "index")  # the rows set aside, on another base, are not among them
    known = facts.segments.filter(pl.col("segment") > 0).sort("index", descending=True)
    assert index["Index"].to_list() == known["index"].to_list()
    limits = csv_of(html, "limits").filter(pl.col("Segment") != "Set aside, against everybody")
    assert limits["People"].to_list() == known["population_rows"].to_list()


def test_what_few_people_hold_is_left_empty_in_the_fairness_table(report: Path) -> None:
    row = csv_of(report.read_text(), "fairness-1").filter(pl.col("Segment") == "Segment 10")
    assert row["female: customers"].to_list() == [None]
    assert row["male: customers"].to_list() == [0.4]


def test_another_number_of_segments_says_what_it_would_give(report: Path) -> None:
    html = report.read_text()
    choice = html[html.index('<select id="choose-k"') :]
    assert re.findall(r'<option value="(\d+)" selected>', choice) == ["10"]
    line = re.search(r'<p data-k="5" hidden>(.*?)</p>', html)
    assert line is not None
    assert line[1].startswith(
        "5 segments: the best 20% of people reach 2.5 points fewer of the held-out customers. "
        "90% of people are in segments found again on other samples."
    )


def test_costs_and_responses_are_told_where_the_run_knows_them(
    paid: RunFacts, tmp_path: Path
) -> None:
    rates = {"response_rate": 0.02, "low": 0.01, "high": 0.03}
    lifts = {"lift": 1.5, "lift_low": 0.8, "lift_high": 2.2}
    people = ((1, 900, 18), (2, 900, 20), (3, 900, 4))
    response = pl.DataFrame(
        [
            {"extract": "customers", "segment": s, "rows": n, "responses": r, **rates, **lifts}
            for s, n, r in people
        ]
    )
    html = page(replace(paid, response=response), tmp_path)
    assert paid.depth is not None
    option = re.search(r"--depth <[^>]+>([\d.]+)<", html)
    assert option is not None
    assert round(float(option[1]) * 891_221) == paid.depth["pieces"]
    table = csv_of(html, "response")
    assert table["Responses"].to_list() == [None, 20, None]  # 4, and 18 that would give it away
    assert table["Rate"].to_list() == [None, 0.02, None]
