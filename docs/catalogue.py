"""The catalogue of the page's words: ``make words`` brings it up to date with the code.

Texts are extracted from the code, the templates and the labels that the project ships. A text that
is new has no translation; one that is gone is dropped.
"""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from segment_lib.schema import known_families, known_meanings, known_phrases
from segment_lib.terms import LANGUAGES

LIBRARY = Path(__file__).parents[1] / "segment_lib"
LOCALES = LIBRARY / "schema" / "locales"
METHODS = [("**.py", "python"), ("**.jinja", "jinja2")]
OPTIONS = {"**.jinja": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def texts() -> Catalog:
    """All texts of the page, untranslated: sentences in the order of the code, then labels."""
    moment = datetime(2000, 1, 1, tzinfo=UTC)  # the same texts give the same file
    catalog = Catalog(project="segment_lib", creation_date=moment, revision_date=moment)
    for path, _, text, _, context in extract_from_dir(LIBRARY, METHODS, OPTIONS, KEYWORDS):
        catalog.add(text, locations=[(path, 0)], context=context)
    for meaning in known_meanings().values():
        for label in (meaning.meaning, *meaning.levels.values()):
            catalog.add(label, locations=[("schema/known_labels.json", 0)], context="label")
    for phrases in known_phrases().values():
        for phrase in filter(None, (phrases.topic, *phrases.words.values())):
            catalog.add(phrase, locations=[("schema/known_phrases.json", 0)], context="label")
    for family in known_families().values():
        catalog.add(family, locations=[("schema/known_families.json", 0)], context="label")
    return catalog


def path_of(language: str) -> Path:
    """The file of a language."""
    return LOCALES / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """The translations of a language."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> bytes:
    """The catalogue of a language with all texts, and the translations there are."""
    catalog, fresh = read(language), texts()
    catalog.update(fresh, no_fuzzy_matching=True)
    catalog.revision_date = fresh.revision_date
    content = BytesIO()
    write_po(content, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return content.getvalue()


if __name__ == "__main__":
    for name in LANGUAGES[1:]:
        path_of(name).write_bytes(updated(name))
