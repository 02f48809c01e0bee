"""Counts of how the code is built, each against its bound: ``make house``; ``--all`` lists places.

What is counted is read from the syntax of the files and from the graph of their imports, so that
neither a comment nor a name in a sentence counts.
"""

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

from benchmarks.places import artifact_places, key_places, stage_places
from benchmarks.syntax import Module, modules, names_in
from segment_lib.run.artifacts import ARTIFACTS, FOLDERS

LIBRARY = "segment_lib"
PRODUCT = ("jobs", LIBRARY)
PACKAGES = (*PRODUCT, "extracts")
CHECKED = (*PACKAGES, "benchmarks", "tests")

MAX_NAMES = 20
MAX_MODULE_LINES = 420
MAX_PRODUCT_LINES = 26_479
"""What they were when they were last brought down; they may not grow without a look here."""
EMPTY_NAMES = frozenset({"told", "found", "of"})
"""Names of variables that do not say what they hold."""
_DISK_PATHS = {"Path", "PosixPath"}
_VALUES = {"StoredFile"}
"""Classes of the storage that are no stores."""
MAX_STAGE_PLACES = 2
"""Of drift and refresh, which are words of the command line too."""
_RUN_CLASSES = {"Context", "RunReader", "Job"}
_SHOWN = 10


@dataclass(frozen=True)
class Count:
    """A number and the largest that it may be."""

    what: str
    number: int
    bound: int
    places: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.number <= self.bound


def count_all(root: Path) -> tuple[Count, ...]:
    """All counts of the code below the root, which is on the import path."""
    product = modules(root, *PRODUCT)
    names = names_at_top(root / LIBRARY)
    layers = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    lines = sum(product_lines(module) for module in product)
    stores = store_classes(modules(root, f"{LIBRARY}/storage"))
    return (
        Count(f"names directly under {LIBRARY}/", len(names), MAX_NAMES, names),
        _count("names of these in no layer of the import contract", layerless(names, layers)),
        _count("import cycles, main guards included", import_cycles(PACKAGES)),
        _count(
            f"modules over {MAX_MODULE_LINES} lines",
            long_modules(modules(root, *PACKAGES, "benchmarks")),
        ),
        _count("isinstance against a store outside storage/", store_checks(product, stores)),
        _count("literals of artifact paths outside artifacts", path_literals(product)),
        _count(
            f"variables named {', '.join(sorted(EMPTY_NAMES))}",
            empty_names(modules(root, *CHECKED)),
        ),
        _count("private attributes of a run reached from jobs/", private_reaches(product)),
        _largest("files that name a stage", MAX_STAGE_PLACES, stage_places(product)),
        _largest("files that spell the path of an artifact", 1, artifact_places(product)),
        _largest("files that define a key of the config", 1, key_places(product)),
        Count("product lines without blank lines and docstrings", lines, MAX_PRODUCT_LINES),
    )


def names_at_top(package: Path) -> tuple[str, ...]:
    """Modules and packages directly in a package; names with two underscores are not counted."""
    return tuple(
        sorted(
            path.stem
            for path in package.iterdir()
            if not path.name.startswith("__") and (path.suffix == ".py" or any(path.glob("*.py")))
        )
    )


def layerless(
    names: Collection[str], importlinter: dict[str, list[dict[str, object]]]
) -> list[str]:
    """The names that the contract of layers leaves out."""
    layers = [
        str(contract["layers"])
        for contract in importlinter["contracts"]
        if contract["type"] == "layers"
    ]
    layered = set(re.findall(rf"{LIBRARY}\.(\w+)", " ".join(layers)))
    return [name for name in names if name not in layered]


def import_cycles(packages: Sequence[str]) -> Iterator[str]:
    """Cycles among the modules of importable packages, until no import is left that closes one."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {
        name: sorted(graph.find_modules_directly_imported_by(name))
        for name in sorted(graph.modules)
    }
    while True:
        try:
            TopologicalSorter(imports).prepare()
        except CycleError as error:
            cycle = error.args[1]
            imports[cycle[1]].remove(cycle[0])
            yield " ← ".join(cycle)
        else:
            return


def long_modules(checked: Sequence[Module]) -> Iterator[str]:
    """Modules of too many lines."""
    for module in checked:
        if (lines := module.text.count("\n")) > MAX_MODULE_LINES:
            yield f"{module.name}: {lines}"


def store_classes(storage: Sequence[Module]) -> frozenset[str]:
    """Classes by which one store could be told from another, the paths of a disk among them."""
    classes = {
        node.name
        for module in storage
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    return frozenset(classes - _VALUES | _DISK_PATHS)


def store_checks(product: Sequence[Module], stores: Collection[str]) -> Iterator[str]:
    """Calls of isinstance and class patterns against a store, outside the storage."""
    for module in product:
        for node in ast.walk(module.tree):
            match node:
                case ast.Call(func=ast.Name("isinstance"), args=[_, classes]):
                    names = names_in(classes)
                case ast.MatchClass(cls=cls):
                    names = names_in(cls)
                case _:
                    continue
            if names & set(stores) and not module.name.startswith(f"{LIBRARY}/storage/"):
                yield f"{module.name}:{node.lineno}"


def path_literals(product: Sequence[Module]) -> Iterator[str]:
    """Texts with the path of an artifact, but in the table of artifacts and in docstrings."""
    below = re.compile(rf"(?:^/|(?<![\w/.-]))(?:{'|'.join(FOLDERS)})/(?=[\w*{{]|$)")
    at_root = {artifact.path for artifact in ARTIFACTS if not artifact.folder}
    for module in product:
        if module.name == f"{LIBRARY}/run/artifacts.py":
            continue
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in module.docstrings
                and (below.search(node.value) or node.value in at_root)
            ):
                yield f"{module.name}:{node.lineno}: {node.value[:60]!r}"


def empty_names(checked: Sequence[Module]) -> Iterator[str]:
    """Variables, parameters and attributes of which the name does not say what they hold."""
    for module in checked:
        for node in ast.walk(module.tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                    pass
                case (
                    ast.arg(arg=name) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name))
                ):
                    pass
                case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                    pass
                case _:
                    continue
            if name in EMPTY_NAMES:
                yield f"{module.name}:{node.lineno}: {name}"


def private_reaches(product: Sequence[Module]) -> Iterator[str]:
    """Private attributes of a context, reader or job that jobs/ uses, and any called ``_job``.

    An object is one of these by the annotation of its parameter, or if it is called context.
    """
    for module in product:
        if not module.name.startswith("jobs/"):
            continue
        runs = {"context"} | {
            node.arg
            for node in ast.walk(module.tree)
            if isinstance(node, ast.arg) and node.annotation is not None
            if names_in(node.annotation) & _RUN_CLASSES
        }
        for node in ast.walk(module.tree):
            match node:
                case ast.Attribute(value=value, attr=name) if re.match("_(?!_)", name):
                    is_run = isinstance(value, ast.Name) and value.id in runs | _RUN_CLASSES
                    if is_run or name == "_job":
                        yield f"{module.name}:{node.lineno}: {ast.unparse(node)}"


def product_lines(module: Module) -> int:
    """Lines that are neither blank nor part of a docstring."""
    text = {
        line
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and id(node) in module.docstrings
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(module.text.splitlines(), 1)
    return sum(bool(line.strip()) and number not in text for number, line in lines)


def as_table(counts: Sequence[Count], *, all_places: bool = False) -> str:
    """A row per count, then the first places of those that do not hold, or all places of all."""
    rows = [("count", "number", "bound", "holds")]
    rows += [
        (count.what, f"{count.number:,}", f"{count.bound:,}", "yes" if count.holds else "NO")
        for count in counts
    ]
    width = max(len(row[0]) for row in rows)
    lines = [f"{what:<{width}}  {number:>7}  {bound:>7}  {ok}" for what, number, bound, ok in rows]
    for count in counts:
        shown = len(count.places) if all_places else 0 if count.holds else _SHOWN
        if places := count.places[:shown]:
            lines += ["", f"{count.what}:", *(f"  {place}" for place in places)]
            if len(count.places) > shown:
                lines.append(f"  and {len(count.places) - shown} more")
    return "\n".join(lines)


def main() -> None:
    """Print the table; exit with 1 if a bound does not hold."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.house", description=__doc__)
    arguments.add_argument("--all", action="store_true", help="list all places of all counts")
    options = arguments.parse_args()
    counts = count_all(Path())
    print(as_table(counts, all_places=options.all))
    sys.exit(not all(count.holds for count in counts))


def _count(what: str, places: Iterator[str] | Sequence[str]) -> Count:
    listed = tuple(places)
    return Count(what, len(listed), 0, listed)


def _largest(what: str, bound: int, places: Mapping[str, Sequence[str]]) -> Count:
    """The largest number of files of any name; its places are a line per name, the most first."""
    ordered = sorted(places.items(), key=lambda item: -len(item[1]))
    lines = tuple(f"{name}: {len(files)}: {', '.join(files)}" for name, files in ordered)
    return Count(what, max(map(len, places.values()), default=0), bound, lines)


if __name__ == "__main__":
    main()
