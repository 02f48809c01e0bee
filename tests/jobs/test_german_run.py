"""A whole run in German: no English is left on its page and in its PDF, and a name is one name."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from pypdf import PdfReader

from jobs.run import STAGES
from segment_lib.run.fingerprint import package_versions
from tests.conftest import RunJob, hashes

CODES = {"code", "pre", "script", "style"}
"""Elements that hold no words: commands, names of keys and of files."""
SPOKEN = ("title", "alt", "aria-label", "content")
"""Attributes of elements that are read out or shown."""
SAME_IN_GERMAN = {
    *("Calinski–Harabasz", "Davies–Bouldin", "Fairness", "Index", "Lift", "Name", "PSI", "Segment"),
    *("Silhouette", "Singles", "dominant", "ordinal", "rational"),
}
"""Words that are the same in both languages."""
PROGRAM = {*package_versions(), *(stage.name for stage in STAGES)}
PROGRAM |= {"attribute", "auto", "ignore", "once", "parallel", "placed"}
"""Names of packages and stages, and values that the config has."""
ALIKE = SAME_IN_GERMAN | PROGRAM
NAMES = re.compile(r"\W*([A-Z0-9_/]+|[\w-]+\.\w[\w.]*|Segment|Parquet|CSV|SVG|PNG|[0-9a-f]{16})\W*")
"""Names of attributes, files, keys, packages, formats and hashes."""


class Texts(HTMLParser):
    """The texts of a page, those of attributes and of charts too."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        if tag != "meta":
            self._add(*(value or "" for name, value in attrs if name in SPOKEN))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not CODES.intersection(self._open):
            self._add(data)

    def _add(self, *texts: str) -> None:
        self.texts |= {" ".join(text.split()) for text in texts}


def texts_of(run: Path) -> set[str]:
    page = Texts()
    page.feed((run / "report/index.html").read_text(encoding="utf-8"))
    return page.texts


def words_of(text: str) -> list[str]:
    """Words of a text but names, numbers and what is the same in German."""
    words = [word for word in text.split() if not NAMES.fullmatch(word)]
    letters = [re.sub(r"^\W+|\W+$", "", word) for word in words]
    return [word for word in letters if re.search("[a-z]{2}", word) and word not in ALIKE]


def pdf_of(run: Path) -> str:
    pages = " ".join(page.extract_text() for page in PdfReader(run / "report/report.pdf").pages)
    return " ".join(pages.replace("\u00ad", "").replace("-\n", "-").split())


@pytest.fixture(scope="module")
def german(
    small_run: Path, small_config: Path, run_job: RunJob, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small run, described and drawn again in German."""
    run = tmp_path_factory.mktemp("german") / small_run.name
    shutil.copytree(small_run, run)
    done = run_job("jobs.run", small_config, "--run-dir", run, "--set", "report.language=de")
    assert done.returncode == 0, done.stderr
    return run


def test_no_text_of_the_page_is_the_same_in_english(small_run: Path, german: Path) -> None:
    same = texts_of(small_run) & texts_of(german)
    assert sorted(text for text in same if words_of(text)) == []


def test_no_sentence_of_the_english_page_is_in_the_german_pdf(
    small_run: Path, german: Path
) -> None:
    english = {text for text in texts_of(small_run) if len(words_of(text)) > 1}
    assert len(english) > 300
    printed = pdf_of(german)
    assert sorted(text for text in english if text in printed) == []


def test_english_that_is_left_would_be_seen(small_run: Path) -> None:
    shown = texts_of(small_run)
    assert "Who the segments are" in shown
    assert any(text.startswith("Declared as missing, but in no row") for text in shown)
    assert words_of("CAMEO_DEUG_2015: 1, 2 (Segment 3) AZDIAS_Feature_Summary.csv") == []
    assert words_of("Rarely dreamy") == ["Rarely", "dreamy"]


def names_of(run: Path, file: str) -> Iterator[str]:
    separator = ";" if file == "describe.csv" else ","
    table = pl.read_csv(run / "compare" / file, separator=separator)
    yield from table.filter(pl.col(table.columns[0]) >= 0)["name"]


def test_a_name_is_the_same_word_for_word_wherever_it_stands(german: Path) -> None:
    html = (german / "report/index.html").read_text(encoding="utf-8")
    shown, printed = texts_of(german), pdf_of(german).replace(" ", "")
    link = next(
        link for link in re.findall(r'href="data:text/csv[^,]*,([^"]*)"', html) if "Name" in link
    )
    segments = pl.read_csv(unquote(link).lstrip("\ufeff").encode(), separator=";")
    names = set(names_of(german, "names.csv"))
    assert {name.removesuffix(" (klein)") for name in segments["Name"]} - {"–"} == names
    assert set(names_of(german, "describe.csv")) == names
    for name in names | set(names_of(german, "groups.csv")):
        assert name in shown, name
        assert name.replace(" ", "") in printed.replace("-", "") or "-" in name, name


def test_another_language_leaves_segments_and_rankings_as_they_are(
    small_run: Path, german: Path
) -> None:
    before, now = hashes(small_run), hashes(german)
    described = {"traits", "names", "groups", "group_traits", "components", "loadings"}
    described |= {"fairness", "describe", "profile"}
    changed = {path for path in before if before[path] != now.get(path)}
    assert changed <= {path for path in before if Path(path).stem in described | {"index"}} | {
        path for path in before if path.startswith("report/")
    }
    assert "compare/names.csv" in changed
    assert before.keys() == now.keys()
