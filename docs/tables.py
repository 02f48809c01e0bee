"""The tables of the pages, made from what the code declares: ``make docs`` writes them.

A page holds a table between ``<!-- keys -->`` and ``<!-- end -->``; the rest is written by hand.
"""

import ast
import inspect
import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from segment_lib.config.sections import SECTIONS
from segment_lib.run.artifact_kinds import Artifact, FolderArtifact, PartedArtifact
from segment_lib.run.artifacts import ARTIFACTS
from segment_lib.schema.values import keys


def keys_table() -> str:
    """The keys of the config, a row each."""
    lines = ["| key | default | values | what |", "|---|---|---|---|"]
    for name, section in SECTIONS.items():
        known, defaults = keys(section), section()
        for key, sentence in sentences(section).items():
            if key in known:
                default = getattr(defaults, key)
                shown = f"`{json.dumps(default)}`" if known[key].accept(default) else "–"
                lines.append(f"| `{name}.{key}` | {shown} | {known[key].words} | {sentence} |")
    return "\n".join(lines)


def sentences(section: type) -> dict[str, str]:
    """The docstring under each field of a dataclass, its own before those that it inherits."""
    texts: dict[str, str] = {}
    for kind in section.__mro__[:-1]:
        [declaration] = ast.parse(inspect.getsource(kind)).body
        assert isinstance(declaration, ast.ClassDef)
        for statements in pairwise(declaration.body):
            match statements:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    texts.setdefault(name, " ".join(text.split()))
    return texts


def artifacts_table() -> str:
    """The files that stages leave in a run folder, a row each."""
    lines = ["| file | stage | holds | what |", "|---|---|---|---|"]
    for artifact in ARTIFACTS:
        holds = f"`{', '.join(artifact.columns)}`" if artifact.columns else ""
        lines.append(f"| `{pattern(artifact)}` | {artifact.stage} | {holds} | {artifact.about} |")
    return "\n".join(lines)


def pattern(artifact: Artifact) -> str:
    """The paths of an artifact as a shell would write them."""
    if isinstance(artifact, PartedArtifact):
        return f"{artifact.path}/{{population,customers}}/part-00000.parquet"
    return f"{artifact.path}/*" if isinstance(artifact, FolderArtifact) else artifact.path


TABLES: Mapping[str, Callable[[], str]] = {"keys": keys_table, "artifacts": artifacts_table}
PAGES = tuple(Path(__file__).parent / name for name in ("config.md", "files.md"))


def with_tables(page: str) -> str:
    """The text of a page, with its tables made anew."""
    return re.sub(
        r"(?s)<!-- (\w+) -->\n.*?<!-- end -->",
        lambda mark: f"<!-- {mark[1]} -->\n{TABLES[mark[1]]()}\n<!-- end -->",
        page,
    )


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
