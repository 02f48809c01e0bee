"""The table of labels: a line per column and code, in place of a data dictionary or beside it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from segment_lib.errors import DataError
from segment_lib.schema.codes import canonical, is_number
from segment_lib.schema.labels import Meaning
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.schema.small_table import read_table
from segment_lib.schema.summary import Schema
from segment_lib.schema.text import Readable

COLUMNS = ("column", "code", "label")


@dataclass(frozen=True)
class LabelTable:
    """The labels of the codes of attributes."""

    path: str
    labels: Mapping[str, Mapping[str, str]]
    """By attribute, code to label; codes that mean missing are left out."""
    not_used: tuple[str, ...] = ()
    """Columns with labels that are no attributes, or are amounts."""

    def meanings(self, others: Mapping[str, Meaning]) -> dict[str, Meaning]:
        """Return meanings with these labels put over their own."""
        unknown = Meaning(complete=False)
        return dict(others) | {
            name: replace(
                others.get(name, unknown),
                levels={**(others[name].levels if name in others else {}), **labels},
            )
            for name, labels in self.labels.items()
        }

    def remarks(self, held: Mapping[str, Collection[str] | None]) -> list[Sentence]:
        """Return what does not fit together in the labels and the rows, in a line each.

        Parameters
        ----------
        held : by attribute, the codes that rows hold; None if there are too many to count

        Raises
        ------
        DataError
            If no row holds any code that has a label.
        """
        unheld = {name: self._unheld(name, held.get(name, ())) for name in self.labels}
        if all(unheld[name] == len(labels) for name, labels in self.labels.items()):
            raise DataError(
                f"{self.path}: no row of either extract holds one of its codes. Write them in the "
                "column code as the extracts do, or set inputs.labels to another file."
            )
        remarks = []
        if self.not_used:
            words = N_("labels of columns that are no codes are not used: {names:items}")
            remarks.append(sentence(words, names=list(self.not_used)))
        if codes := sum(unheld.values()):
            one = N_("1 code has a label and is in no row: {names:items}")
            more = N_("{codes:count} codes have labels and are in no row: {names:items}")
            names = [name for name, n in unheld.items() if n]
            remarks.append(sentence(one if codes == 1 else more, codes=codes, names=names))
        return remarks

    def _unheld(self, name: str, codes: Collection[str] | None) -> int:
        return 0 if codes is None else sum(code not in codes for code in self.labels[name])


def read_labels(path: Readable, schema: Schema) -> LabelTable:
    """Read a table ``column,code,label``; lines without a label are passed over.

    Numbers as codes are put in their order, so that a scale reads from its low end.

    Raises
    ------
    DataError
        If the file is absent, is no such table, gives a code two labels, or has none for any
        attribute.
    """
    header, rows = read_table(path, COLUMNS, "inputs.labels")
    at = [header.index(name) for name in COLUMNS]
    tables: dict[str, dict[str, str]] = {}
    for line, cells in rows:
        if len(cells) <= max(at) or any(cells[len(header) :]):
            raise DataError(
                f"{path}, line {line}: {len(cells)} cells, expected {len(header)}. Put a label "
                "with a separator in it in quotes."
            )
        name, code, label = (cells[i] for i in at)
        code = canonical(code)
        if not (name and code and label):
            continue
        if tables.setdefault(name, {}).setdefault(code, label) != label:
            raise DataError(
                f"{path}, line {line}, column {name}: a second label for a code that has one "
                "above. Keep one of them."
            )
    labels = {
        name: known
        for name, codes in tables.items()
        if name in schema.names and schema[name].type != "numeric"
        if (known := {code: codes[code] for code in codes if code not in schema[name].missing})
    }
    if not labels:
        raise DataError(
            f"{path}: labels of {len(tables)} columns, none of them an attribute with codes. Name "
            "them in column as the feature summary does, or set inputs.labels to another file."
        )
    ordered = {name: _in_order(codes) for name, codes in labels.items()}
    return LabelTable(str(path), ordered, tuple(n for n in tables if n not in labels))


def _in_order(codes: Mapping[str, str]) -> dict[str, str]:
    if not all(map(is_number, codes)):
        return dict(codes)
    return dict(sorted(codes.items(), key=lambda item: float(item[0])))
