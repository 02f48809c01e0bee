"""Counts of how the code is built, each against its bound: ``make house``.

What is counted is read from the syntax of the files and from the graph of their imports, so that
neither a comment nor a name in a sentence counts.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

from segment_lib.run.artifacts import ARTIFACTS, FOLDERS

LIBRARY = "segment_lib"
PRODUCT = ("jobs", LIBRARY)
PACKAGES = (*PRODUCT, "extracts")
CHECKED = (*PACKAGES, "benchmarks", "tests")

MAX_NAMES = 20
MAX_MODULE_LINES = 420
MAX_PRODUCT_LINES = 17_036
EMPTY_NAMES = frozenset({"told", "found", "of"})
"""Names of variables that do not say what they hold."""
_DISK_PATHS = {"Path", "PosixPath"}
_VALUES = {"StoredFile"}
"""Classes of the storage that are no stores."""
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


@dataclass(frozen=True)
class Module:
    """A Python file below the root."""

    name: str
    """Its path below the root."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """Identities of the constants that are docstrings."""
        return frozenset(
            id(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )


def modules(root: Path, *packages: str) -> tuple[Module, ...]:
    """The modules of these packages, in the order of their paths."""
    files = [file for package in packages for file in sorted((root / package).rglob("*.py"))]
    return tuple(Module(file.relative_to(root).as_posix(), file.read_text()) for file in files)


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
                    names = _names_in(classes)
                case ast.MatchClass(cls=cls):
                    names = _names_in(cls)
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


def as_table(counts: Sequence[Count]) -> str:
    """A row per count, then the places of those that do not hold."""
    rows = [("count", "number", "bound", "holds")]
    rows += [
        (count.what, f"{count.number:,}", f"{count.bound:,}", "yes" if count.holds else "NO")
        for count in counts
    ]
    width = max(len(row[0]) for row in rows)
    lines = [f"{what:<{width}}  {number:>7}  {bound:>7}  {ok}" for what, number, bound, ok in rows]
    for count in counts:
        if not count.holds and count.places:
            lines += ["", f"{count.what}:", *(f"  {place}" for place in count.places[:_SHOWN])]
            if len(count.places) > _SHOWN:
                lines.append(f"  and {len(count.places) - _SHOWN} more")
    return "\n".join(lines)


def main() -> None:
    """Print the table; exit with 1 if a bound does not hold."""
    counts = count_all(Path())
    print(as_table(counts))
    sys.exit(not all(count.holds for count in counts))


def _count(what: str, places: Iterator[str] | Sequence[str]) -> Count:
    listed = tuple(places)
    return Count(what, len(listed), 0, listed)


def _names_in(classes: ast.expr) -> set[str]:
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(classes)
        if isinstance(node, ast.Name | ast.Attribute)
    }


if __name__ == "__main__":
    main()
