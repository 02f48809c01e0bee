"""Python files as syntax trees, for the counts of the house."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


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


def names_in(expression: ast.expr) -> set[str]:
    """Names and attributes in an expression."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(expression)
        if isinstance(node, ast.Name | ast.Attribute)
    }
