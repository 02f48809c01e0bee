"""Places to touch: files that name a stage, an artifact or a key of the config.

A function gives the files by name, so that what is spelled once too often can be found.
"""

import ast
import re
from collections.abc import Iterator, Sequence

from benchmarks.syntax import Module
from segment_lib.config.sections import SECTIONS
from segment_lib.run.artifact_kinds import PartedArtifact
from segment_lib.run.artifacts import ARTIFACTS
from segment_lib.schema.values import keys

_RUN = "segment_lib/run/"
_TABLE = "segment_lib/run/artifacts.py"
_STAGE_DECLARATIONS = {"jobs/stages.py", _TABLE, "segment_lib/run/results.py"}
_KEY_DECLARATIONS = (
    "segment_lib/config/",
    "segment_lib/sources/text_format.py",
    "segment_lib/schema/values.py",
)


def stage_places(product: Sequence[Module]) -> dict[str, list[str]]:
    """By stage, the files that someone who adds or renames one like it has to look at.

    These are the files that import a script of the stage from jobs/, or hold its name as a text
    of its own. Not counted are jobs/stages.py, which declares it, its scripts (those that its
    declarations name, else that of its own name), and run/artifacts.py and run/results.py, which
    declare what it leaves: every stage has these. What reads a stage by an artifact or a result
    (``SEGMENTS.stage``) does not name it. Only jobs/, run/ and modules that import from run/ can
    mean a stage by a text: in other rooms, which know of no run, the same word is something else,
    such as the name of a table.
    """
    scripts: dict[str, set[str]] = {}
    for node in (node for module in product for node in ast.walk(module.tree)):
        match node:
            case ast.Call(func=ast.Name("_stage"), args=[ast.Constant(str(name))]):
                given = {word.arg: word.value for word in node.keywords}.get("script")
                script = ast.literal_eval(given) if given else name
                scripts.setdefault(name, set()).add(f"jobs/{script}.py")
    places = {}
    for stage, own in sorted(scripts.items()):
        imported = {name.removesuffix(".py").replace("/", ".") for name in own}
        places[stage] = [
            module.name
            for module in product
            if module.name not in own | _STAGE_DECLARATIONS
            if _imports(module) & imported or (_knows_runs(module) and stage in _texts(module))
        ]
    return places


def artifact_places(product: Sequence[Module]) -> dict[str, list[str]]:
    """By path of an artifact, the files that spell it: in one text, or in pieces joined by ``/``.

    The folder of a parted artifact is spelled where a text goes on into it (``raw/``); its bare
    name is also that of columns and stages. The table of artifacts is one of the files, so that
    an artifact that it does not spell itself is seen as well.
    """
    spelled = [(module.name, [*_texts(module), *_joined_texts(module)]) for module in product]
    places = {}
    for artifact in ARTIFACTS:
        parted = isinstance(artifact, PartedArtifact)
        ending = "/" if parted else r"(?![\w/-]|\.\w)"
        path = re.compile(rf"(?:^/?|(?<![\w/.-])){re.escape(artifact.path)}{ending}")
        places[artifact.path] = [
            name
            for name, texts in spelled
            if any(map(path.search, texts)) or (name == _TABLE and artifact.path in texts)
        ]
    return places


def key_places(product: Sequence[Module]) -> dict[str, list[str]]:
    """By key of the config, the files that define it: as a field of a class, or as a text.

    Looked at are segment_lib/config, the text format that inputs share, and the values of keys:
    where a key gets its type, values and default, and where one could be singled out by its name.
    What uses a key is not counted, nor what names it in full, as the settings of a stage do.
    """
    names = {f"{section}.{key}" for section, kind in SECTIONS.items() for key in keys(kind)}
    declaring = [module for module in product if module.name.startswith(_KEY_DECLARATIONS)]
    defined = [(module.name, _fields(module) | set(_texts(module))) for module in declaring]
    return {
        name: [module for module, words in defined if name.partition(".")[2] in words]
        for name in sorted(names)
    }


def _imports(module: Module) -> set[str]:
    """Modules that are imported, and names from them, each in full."""
    imported = set()
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                imported |= {alias.name for alias in names}
            case ast.ImportFrom(module=source, names=names, level=level):
                package = module.name.split("/")[:-level] if level else []
                name = ".".join([*package, *filter(None, [source])])
                imported |= {name} | {f"{name}.{alias.name}" for alias in names}
    return imported


def _knows_runs(module: Module) -> bool:
    return module.name.startswith(("jobs/", _RUN)) or any(
        name.startswith(_RUN.replace("/", ".")) for name in _imports(module)
    )


def _texts(module: Module) -> list[str]:
    """Texts that are no docstrings."""
    return [
        node.value
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in module.docstrings
    ]


def _joined_texts(module: Module) -> Iterator[str]:
    """Paths that are joined of several texts, as in ``root / "model" / "arrays.npz"``."""
    for node in ast.walk(module.tree):
        pieces = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            match node.right:
                case ast.Constant(str(piece)):
                    pieces.append(piece)
                case _:
                    break
            node = node.left
        if len(pieces) > 1:
            yield "/".join(reversed(pieces))


def _fields(module: Module) -> set[str]:
    """Annotated names in the bodies of classes."""
    return {
        statement.target.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
