"""An extract: its files, checked and cut into pieces."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from segment_lib.errors import DataError
from segment_lib.schema import Schema
from segment_lib.schema.customer_mark import CustomerMark
from segment_lib.schema.language import N_, Sentence, sentence
from segment_lib.sources import delimited, parquet
from segment_lib.sources.content import detect_kind
from segment_lib.sources.copies import FileDigests
from segment_lib.sources.delimited import DelimitedPiece
from segment_lib.sources.marked import MarkedPiece
from segment_lib.sources.numbers import ambiguous_points
from segment_lib.sources.packed import as_written, expand, is_packed, read_unpacked
from segment_lib.sources.partitions import PartitionedPiece, Piece, drop_attributes, path_columns
from segment_lib.sources.sniff import sniff
from segment_lib.sources.text_format import TextFormat
from segment_lib.sources.workbook import sheet_remarks
from segment_lib.storage.location import Location


@dataclass(frozen=True)
class Extract:
    """One delivered table, population or customers."""

    name: str
    files: tuple[Location, ...]
    pieces: tuple[Piece, ...]
    extra: tuple[str, ...]
    """Columns the feature summary lacks, the id column aside."""
    passthrough: tuple[str, ...]
    """Columns kept as text beside the attributes."""
    remarks: tuple[Sentence, ...] = ()
    """Sentences for the user on what was noticed while the files were opened."""
    origins: tuple[Location, ...] = ()
    """The delivered file of each piece."""

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)

    @property
    def extra_notes(self) -> list[str]:
        """A line on where the columns that the feature summary lacks stand, if there are any."""
        if not self.extra:
            return []
        kept = "carried along" if set(self.extra) <= set(self.passthrough) else "ignored"
        where = column_positions(self.extra, self.pieces[0].columns)
        return [f"{self.name}: {where} not in the summary, {kept}"]

    @property
    def delimited(self) -> list[DelimitedPiece]:
        """The pieces of delimited text, without what their paths add to them."""
        return [own for own in map(_innermost, self.pieces) if isinstance(own, DelimitedPiece)]

    def with_rows(self, rows: Sequence[int]) -> "Extract":
        """Return the extract without the pieces that have no rows, given the rows of each."""
        kept = [i for i, n in enumerate(rows) if n]
        return replace(
            self,
            pieces=tuple(self.pieces[i] for i in kept),
            origins=tuple(self.origins[i] for i in kept),
        )

    def contents(self, digests: Sequence[tuple[str, int]]) -> list[FileDigests]:
        """Return what is in each file that has rows, from digest and rows of each piece."""
        pieces = groupby(zip(self.origins, digests, strict=True), itemgetter(0))
        files = [(file, [digest for _, digest in own]) for file, own in pieces]
        return [
            FileDigests(self.name, file, tuple(name for name, _ in own), sum(n for _, n in own))
            for file, own in files
        ]

    def refuse_ambiguous_points(self, notes: Mapping[str, int]) -> None:
        """Raise a DataError if points of a column may separate either thousands or decimals."""
        if names := ambiguous_points(notes):
            raise DataError(
                f"{self.files[0]}{' and others' * (len(self.files) > 1)}, "
                f"column{'s' * (len(names) > 1)} {', '.join(names)}: all cells with a point have "
                'three digits behind it. Set inputs.decimal = "." if these are decimals, or '
                'inputs.thousands = "." if the point parts thousands.'
            )


def read_columns(path: Location, form: TextFormat, schema: Schema) -> tuple[str, ...]:
    """Read the columns of a delivered file, from its head or its path.

    Raises
    ------
    DataError
        If it has no head that can be read.
    """
    return tuple(dict.fromkeys((*_own_columns(path, form, schema), *path_columns(path))))


def _own_columns(path: Location, form: TextFormat, schema: Schema) -> tuple[str, ...]:
    if detect_kind(path).parquet:
        return parquet.columns(path)
    head = read_unpacked(path, delimited.read_head, form.sheet)
    form = as_written(path, form)
    if is_packed(path) and head.startswith(b"PAR1"):
        # Parquet names its columns at the end of the file.
        with TemporaryDirectory() as folder:
            return parquet.columns(expand(path, Path(folder), Path(folder)))
    form = sniff(head, form, schema, path)
    return tuple(filter(None, delimited.columns(head, path, form, schema).columns))


def open_extract(
    name: str,
    files: Sequence[Location],
    schema: Schema,
    *,
    form: TextFormat,
    rows_per_part: int,
    id_column: str = "",
    suppress_column: str = "",
    extra_columns: str = "ignore",
    response: str = "",
    mark: CustomerMark | None = None,
    expanded: Mapping[Location, Location] = MappingProxyType({}),
) -> Extract:
    """Check the heads of the files and cut them into pieces of about `rows_per_part` rows.

    Parameters
    ----------
    extra_columns : what to do with columns the feature summary lacks: ignore, carry or refuse
    response, suppress_column : columns carried along where the extract has them
    mark : what tells the customers from others, of one extract with all people; the population
        carries its column along
    expanded : compressed file to the file it was written out to

    Raises
    ------
    DataError
        If a file is empty, not text, has another separator, or lacks a column, or if the id column
        is of a type that no id is of.
    """
    mark_column = mark.column if mark else ""
    wanted = {*schema.names, id_column, suppress_column, response, mark_column}
    opened = [
        _cut_file(origin, expanded.get(origin, origin), schema, form, rows_per_part, wanted)
        for origin in files
    ]
    pieces = [piece for file in opened for piece in file.pieces]
    if not pieces:
        raise DataError(
            f"{', '.join(map(str, files))}: no rows below the header. Fetch the file again."
        )
    extra = _extra_columns(pieces, {*wanted, *schema.listed})
    if extra and extra_columns == "refuse":
        raise DataError(
            f"{files[0]}: {column_positions(extra, pieces[0].columns)} not in the feature summary. "
            'Add them to it, or set inputs.extra_columns to "ignore" or "carry".'
        )
    optional = [
        name
        for name in (response, suppress_column)
        if name and name not in schema.names and any(name in piece.columns for piece in pieces)
    ]
    carried = [c for c in schema.carried if all(c in piece.columns for piece in pieces)]
    stated = [*([id_column] if id_column else []), *optional, *carried]
    if mark_column:
        _refuse_unmarked(pieces, mark_column)
        if name == "customers":
            pieces = [MarkedPiece(piece, mark) for piece in pieces if mark]
        elif mark_column not in schema.names:
            stated.append(mark_column)
    passthrough = (*dict.fromkeys(stated), *(extra if extra_columns == "carry" else ()))
    if "row" in passthrough:
        raise DataError(
            f"{files[0]}: a column to carry along is called row, the name of the row "
            "number. Rename it, or do not carry it."
        )
    for piece in pieces:
        if absent := [column for column in passthrough if column not in piece.columns]:
            raise DataError(
                f"{piece.path}: no column {_names(absent, stated)}, which is to be carried along. "
                "Check inputs.id_column, inputs.response, inputs.suppress_column and "
                "inputs.extra_columns."
            )
    for path in dict.fromkeys(piece.path for piece in pieces if id_column):
        if detect_kind(path).parquet:
            parquet.refuse_id_column(path, id_column)
    remarks = tuple({str(r): r for file in opened for r in file.remarks}.values())
    origins = tuple(origin for origin, file in zip(files, opened, strict=True) for _ in file.pieces)
    return Extract(name, tuple(files), tuple(pieces), extra, passthrough, remarks, origins)


def _innermost(piece: Piece) -> Piece:
    while isinstance(piece, PartitionedPiece | MarkedPiece):
        piece = piece.piece
    return piece


def _refuse_unmarked(pieces: Sequence[Piece], column: str) -> None:
    """Raise a DataError if a file lacks the column that marks the customers."""
    for piece in pieces:
        if column not in piece.columns:
            raise DataError(
                f"{piece.path}: no column {column}, in which inputs.customers_where looks for "
                f"customers, among its {len(piece.columns)}. Write its name as the file has it."
            )


@dataclass(frozen=True)
class _CutFile:
    """A delivered file, cut."""

    pieces: tuple[Piece, ...]
    remarks: tuple[Sentence, ...] = ()


def _cut_file(
    origin: Location,
    path: Location,
    schema: Schema,
    form: TextFormat,
    rows_per_part: int,
    wanted: Collection[str],
) -> _CutFile:
    """Cut a delivered file; the columns of its path are added to its own.

    Parameters
    ----------
    path : the file that holds the bytes; another than `origin` if that is packed
    wanted : the columns that are needed
    """
    in_path = {name: value for name, value in path_columns(origin).items() if name in wanted}
    if detect_kind(path).parquet:
        own = parquet.columns(path) if in_path else ()
        constants = {name: value for name, value in in_path.items() if name not in own}
        cut = parquet.cut(path, drop_attributes(schema, constants), rows_per_part)
        return _CutFile(_with_constants(cut, constants, origin))
    with path.open("rb") as file:
        head = delimited.read_head(file)
    form = as_written(origin, form)
    requested, form = form, sniff(head, form, drop_attributes(schema, in_path), origin)
    own = delimited.columns(head, origin, form, drop_attributes(schema, in_path)).columns
    constants = {name: value for name, value in in_path.items() if name not in own}
    rows = delimited.cut(path, drop_attributes(schema, constants), form, rows_per_part, origin)
    remarks = [remark for piece in rows[:1] for remark in piece.head.remarks]
    if detect_kind(origin).packing == "xlsx":
        remarks += sheet_remarks(origin, form)
    if form.encoding == "cp1252" and not requested.encoding:
        remarks.append(
            sentence(
                N_(
                    "{file} is not UTF-8 and was read as cp1252. If its umlauts look wrong, set "
                    "inputs.encoding."
                ),
                file=origin.name,
            )
        )
    return _CutFile(_with_constants(rows, constants, origin), tuple(remarks))


def _with_constants(
    pieces: Sequence[Piece], constants: Mapping[str, str | None], origin: Location
) -> tuple[Piece, ...]:
    if not constants:
        return tuple(pieces)
    return tuple(PartitionedPiece(piece, tuple(constants.items()), origin) for piece in pieces)


def column_positions(names: Sequence[str], columns: Sequence[str], most: int = 5) -> str:
    """List the positions of columns, from 1; their names may be cells if the header is lost."""
    positions = [str(columns.index(name) + 1) for name in names if name in columns]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    word = "column" if len(names) == 1 else "columns"
    return f"{word} {', '.join(positions[:most])}{more}"


def _names(names: Sequence[str], stated: Sequence[str]) -> str:
    """List the names that the config states; of other columns, only their number."""
    others = len(set(names) - set(stated))
    named = [name for name in names if name in stated]
    return ", ".join(named + ([f"{others} of another file's extra columns"] if others else []))


def _extra_columns(pieces: Sequence[Piece], known: Collection[str]) -> tuple[str, ...]:
    columns = (column for piece in pieces for column in piece.columns)
    return tuple(dict.fromkeys(column for column in columns if column and column not in known))
