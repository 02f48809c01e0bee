"""The screen that a draft prints: what was found, what is doubtful, what to do next."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from segment_lib.clean.kinds import ColumnDraft, Doubt
from segment_lib.run.drafting import CONFIG, SUMMARY, Draft
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.schema.wording import counted, listed
from segment_lib.sources.numbers import NATIVE_FORMAT
from segment_lib.tasks.columns import CountedExtract

MOST_QUESTIONS = 5
_NAMES = 6
_TYPES = {
    "numeric": "amounts",
    "interval": "amounts",
    "amount": "amounts",
    "ordinal": "scales",
    "categorical": "codes",
    "mixed": "mixed codes",
    "date": "dates",
    "us date": "dates",
    "postcode": "postcodes",
}


def screen_lines(draft: Draft, folder: Path, min_cell: int) -> Iterator[str]:
    """Yield the lines of the screen."""
    for extract in (draft.population, draft.customers):
        yield f"{extract.name:<11} {counted(extract.rows, 'row')}, {_layout(extract)}"
        for remark in extract.remarks:
            yield f"{'':<11} {remark}"
    yield from map(str, draft.remarks)
    yield ""
    yield from _found(draft, min_cell)
    questions = _questions(draft)
    if questions:
        yield ""
        yield "doubtful; if it is right as it is, there is nothing to do:"
    for i, question in enumerate(questions[:MOST_QUESTIONS], start=1):
        yield f"  {i}. {question}"
    yield ""
    yield f"written: {folder / CONFIG}, {folder / SUMMARY} (a line per column; correct it there)"
    if draft.attributes:
        yield f"next:    segments run {folder / CONFIG}"
    else:
        yield "No column makes features, so nobody can be told apart by them: name other files,"
        yield f"or correct the types in {folder / SUMMARY}."


def assumed(draft: Draft) -> Sentence:
    """The sentences on what a job assumes whose feature summary was drafted."""
    doubtful = [column.name for column in draft.columns if column.doubts]
    texts = [
        N_(
            "No feature summary is given, so what each column is was drafted from the rows: "
            "{features:count} make features, {others:count} do not."
        ),
        *([N_("Doubtful: {doubtful:items}.")] if doubtful else []),
        N_("To correct it, run draft, edit its {summary}, and run its {config}."),
    ]
    return sentence(
        *texts,
        features=len(draft.attributes),
        others=len(draft.columns) - len(draft.attributes),
        doubtful=doubtful,
        summary=SUMMARY,
        config=CONFIG,
    )


def _layout(extract: CountedExtract) -> str:
    numbers = extract.reading.number_format
    decimal = {",": ", decimal comma", ".": ""}[numbers.decimal] if numbers != NATIVE_FORMAT else ""
    return f"{counted(len(extract.columns), 'column')}, {extract.layout.words}{decimal}"


def _found(draft: Draft, min_cell: int) -> Iterator[str]:
    """Yield what was found, a line for each kind of column."""
    by_type = defaultdict[str, list[ColumnDraft]](list)
    for column in draft.attributes:
        by_type[_TYPES[column.kind]].append(column)
    for words, columns in by_type.items():
        yield f"{words:<11} {_names(columns)}"
    roles = draft.roles
    if roles.id_column:
        known = draft.known_customers or 0
        few = f"fewer than {min_cell}" if 0 < known < min_cell else f"{known:,}"
        yield f"{'id':<11} {roles.id_column}; {few} customers are in the population too"
    if roles.suppress_column:
        yield f"{'no mail to':<11} people marked in {roles.suppress_column}"
    if roles.response:
        yield f"{'response':<11} {roles.response}"
    if roles.sensitive:
        yield f"{'sensitive':<11} {listed(roles.sensitive, _NAMES)}"
    missing = [f"{c.name} {' '.join(c.missing)}" for c in draft.attributes if c.missing]
    if missing:
        yield f"{'missing':<11} {listed(missing, _NAMES)}"
    named = {roles.id_column, roles.suppress_column, roles.response}
    for column in draft.columns:
        if not column.is_attribute and column.name not in named:
            yield f"{'left out':<11} {column.name}: {column.why}"


def _names(columns: Sequence[ColumnDraft]) -> str:
    return f"{len(columns)}: {listed([column.name for column in columns], _NAMES)}"


_QUESTIONS: dict[Doubt, str] = {
    "flag": "{names}: marks the customers, so it is left out. Right?",
    "mark": "{names}: may say who must not be mailed. If so: inputs.suppress_column in my.toml.",
    "consent": "{names}: says who may be mailed. The job takes a column of who must not be: "
    "turn it round, and name it in inputs.suppress_column.",
    "repeats": "{names}: people come more than once. Only their first row counts; if each row is a "
    'person: inputs.repeated_ids = "rows".',
    "order": "{names}: no number above 12 shows which is the month. The day is taken to be first; "
    "if it is the month, set type to us date.",
    "scale": "{names}: scale or code? Where the order of the numbers means nothing, set type to "
    "categorical; where it means something, to ordinal.",
    "apart": "{names}: taken for missing, as apart from the others. Where one is a value, take it "
    "out of missing_or_unknown.",
    "missing": "{names}: if these codes mean missing, list them in missing_or_unknown.",
    "zero": "{names}: if 0 means missing, list it in missing_or_unknown.",
    "alone": "{names}: only one extract has it, so it is left out. Is it called otherwise there?",
}
"""Kind of doubt to the question, the weightiest first."""


def _questions(draft: Draft) -> list[str]:
    questions = []
    for doubt, words in _QUESTIONS.items():
        columns = [c for c in draft.columns if c.doubts and doubt in c.doubts]
        names = []
        for column in columns:
            codes = (column.doubts or {}).get(doubt, ())
            names.append(f"{column.name} {' '.join(codes)}" if codes else column.name)
        if names:
            questions.append(words.format(names=listed(names, _NAMES)))
    return questions
