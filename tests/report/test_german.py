"""The page in German: its words and its marks of numbers."""

from dataclasses import replace

import pytest

from segment_lib.report import RunFacts, write_report
from segment_lib.schema.language import Language


@pytest.fixture(scope="module")
def page(facts: RunFacts, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("german")
    write_report(replace(facts, language=Language("de")), folder)
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_page_says_its_language(page: str) -> None:
    assert '<html lang="de">' in page


@pytest.mark.parametrize(
    "words",
    [
        "<title>Wer kauft: 891.221 Menschen und 191.652 Kunden im Vergleich</title>",
        "Wie sicher das ist",
        ">99,8\u00a0%<",
        ">58.210<",
        ">fehlt zu oft<",
        ">Merkmal</button>",
        "193 Variablen wurden auf 66 Komponenten verdichtet",
        ">0,90<",
    ],
)
def test_words_and_numbers_are_german(page: str, words: str) -> None:
    assert words in page
