"""The page holds the run's answer, whole and escaped, and is the same each time."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from segment_lib.report import RunFacts, tables, write_report
from segment_lib.report.page import headline

Shares = Callable[[dict[int, tuple[int, int, str]]], pl.DataFrame]
Tried = Callable[[range, int], pl.DataFrame]

KINDS = ("svg", "png")
HOSTILE = """<script>alert(1)</script><!--'"&amp;${x}{{ x }}</style>"""


def page(facts: RunFacts, folder: Path) -> str:
    write_report(facts, folder)
    return (folder / "index.html").read_text()


def said(facts: RunFacts) -> tuple[str, str]:
    answer, backing = headline(tables.segments(facts.segments, facts.profile, facts.min_cell))
    return answer, " ".join(backing)


def specs(html: str) -> list[str]:
    return re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)


def test_the_same_facts_give_the_same_bytes(facts: RunFacts, report: Path, tmp_path: Path) -> None:
    for path in write_report(facts, tmp_path):
        assert path.read_bytes() == (report.parent / path.relative_to(tmp_path)).read_bytes()


def test_every_chart_is_also_a_file_as_svg_and_png(report: Path) -> None:
    names = re.findall(r'data-spec="spec-([\w-]+)"', report.read_text())
    figures = list((report.parent / "figures").iterdir())
    assert {path.name for path in figures} == {f"{n}.{kind}" for n in names for kind in KINDS}
    assert all(path.stat().st_size > 1000 for path in figures)


def test_the_page_names_no_address(report: Path) -> None:
    html = report.read_text()
    assert set(re.findall(r"https?://[\w.]+", html)) <= {"http://www.w3.org"}  # XML namespaces
    markup = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""\b(src|href)=["'](?!#|data:)""", markup)
    assert "default-src 'none'" in markup


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


def test_the_headline_says_where_to_mail(facts: RunFacts) -> None:
    answer, backing = said(facts)
    assert answer == (
        "Customers are 3.1 times as likely as the population at large to be in segment 1."
    )
    assert "Segments 1, 4 and 2 together hold 53% of customers in 21% of the population." in backing
    assert "Mail there first; leave out segments 10, 7, 9, 8, 6 and 5." in backing
    assert "10% of the population and 26% of customers (index 249)" in backing


def test_the_headline_never_sends_mail_to_rows_set_aside(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (500, 500, "average"), 2: (400, 300, "average"), -1: (100, 200, "over")})
    answer, backing = said(replace(facts, segments=table))
    assert answer == "Customers are spread over the segments as the population is."
    assert "Mail there" not in backing
    assert "set aside" in backing


def test_the_headline_may_have_segments_to_leave_out_alone(facts: RunFacts, shares: Shares) -> None:
    table = shares({1: (500, 520, "average"), 2: (100, 20, "under")})
    answer, _ = said(replace(facts, segments=table))
    assert answer == (
        "No segment holds more customers than its size suggests; segment 2 holds fewer."
    )


def test_hostile_words_stay_words(facts: RunFacts, tmp_path: Path) -> None:
    words = pl.lit(HOSTILE)
    html = page(
        replace(
            facts,
            title=HOSTILE,
            rule=HOSTILE,
            attributes=facts.attributes.with_columns(
                attribute=words + pl.col("attribute"), reason=words, type=words
            ),
            profile=facts.profile.with_columns(
                attribute=words + pl.col("attribute"),
                level=words,
                label=words,
                meaning=words,
                direction=words,
            ),
            loadings=facts.loadings.with_columns(feature=words + pl.col("feature")),
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
    assert html.count("<script>") == 2
    missing = next(spec for spec in specs(html) if "coded as unknown" in spec)
    drawn = [row for rows in json.loads(missing)["datasets"].values() for row in rows]
    assert any(row.get("attribute", "").startswith(HOSTILE) for row in drawn)


def test_small_counts_are_nowhere_on_the_page(
    facts: RunFacts, shares: Shares, tmp_path: Path
) -> None:
    table = shares({1: (90_000, 7, "under"), 2: (50_000, 4_000, "over"), 3: (60_000, 993, "under")})
    html = page(replace(facts, segments=table), tmp_path)
    index = html[html.index('<table id="table-index"') : html.index('<section id="cards"')]
    rows = re.findall(r"<tr>(.*?)</tr>", index, re.DOTALL)
    row = next(row for row in rows if "Segment 1<" in row)
    assert re.findall(r">([^<>]+)</t[dh]>", row) == [
        "Segment 1",
        "▼ under-represented",
        "–",
        "–",
        "45%",
        "–",
        "90,000",
        "not shown",
    ]
    assert "under 10 customers" in html
    dumbbells = next(spec for spec in specs(html) if "verdict_key" in spec)
    assert '"customers":null' in dumbbells


def sized(n: int) -> dict[int, tuple[int, int, str]]:
    verdicts = ("over", "average", "under")
    return {k: (1_000 + k, 100 + 7 * (n - k), verdicts[3 * (k - 1) // n]) for k in range(1, n + 1)}


def test_forty_segments_each_have_a_card_and_a_row(
    facts: RunFacts, shares: Shares, tmp_path: Path
) -> None:
    html = page(replace(facts, segments=shares(sized(40))), tmp_path)
    assert {int(n) for n in re.findall(r'id="segment-(\d+)"', html)} == set(range(1, 41))
    assert 'id="set-aside"' not in html


@pytest.mark.parametrize("profiled", [True, False])
def test_the_smallest_run_still_makes_a_page(
    facts: RunFacts, shares: Shares, tried: Tried, tmp_path: Path, profiled: bool
) -> None:
    flat = shares({1: (600, 300, "average"), 2: (400, 0, "average")})
    html = page(
        replace(
            facts,
            segments=flat.with_columns(index=pl.lit(None, pl.Float64)),
            sweep=tried(range(2, 3), 2).with_columns(stability=None, silhouette=None),
            explained_variance_ratio=[1.0],
            n_components=1,
            n_features=1,
            loadings=facts.loadings.clear(),
            profile=facts.profile if profiled else facts.profile.clear(),
            attributes=facts.attributes.filter("kept").with_columns(
                unseen_rows=pl.lit(0), customers_unseen_rows=pl.lit(0)
            ),
            inputs=facts.inputs.clear(),
            settings={},
            versions={},
        ),
        tmp_path,
    )
    assert "No segment is over- or under-represented" in html
    assert "1 component of 1 keeps 100%" in html
    assert ("No trait on record" in html) is not profiled
    assert "Every code found is listed in the dictionary." in html
