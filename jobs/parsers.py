"""The command lines of all commands, without the libraries that the commands load.

So help and completion come at once. A command's description is the first text of its module.
"""

import argparse
import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from .command import command_line, count, path_argument


@dataclass(frozen=True)
class Command:
    """A command: what it is for in a few words, and how its options are added to a parser."""

    purpose: str
    add_options: Callable[[argparse.ArgumentParser], None]


def parser_of(name: str) -> argparse.ArgumentParser:
    """Build the command line of a command."""
    arguments = command_line(f"segments {name}", description_of(name))
    COMMANDS[name].add_options(arguments)
    return arguments


def description_of(name: str) -> str:
    """Read the docstring of the module of a command, without importing it."""
    spec = find_spec(f".{name}", __package__)
    source = Path(str(spec and spec.origin)).read_text("utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


class StageName:
    """The type of an option that names a stage; the stages are loaded when one is named."""

    def __init__(self, command: str) -> None:
        self.command = command

    def names(self) -> list[str]:
        """Names of the stages, in their order."""
        return [stage.name for stage in import_module(f".{self.command}", __package__).STAGES]

    def __call__(self, text: str) -> str:
        if text not in self.names():
            raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(self.names())}")
        return text


def add_run(arguments: argparse.ArgumentParser) -> None:
    """Add the options of the whole job."""
    add_job(arguments, "TOML file that names the extracts, or the population extract itself")
    stage, add = StageName("run"), arguments.add_argument
    add("customers", nargs="?", default="", help="the customer extract, where there is no config")
    add_customers_where(arguments)
    add("--from", dest="first", type=stage, metavar="STAGE", help="run it even if nothing changed")
    add("--until", dest="last", type=stage, metavar="STAGE", help="stop after this stage")


def add_customers_where(arguments: argparse.ArgumentParser) -> None:
    """Add the option that stands in place of a customer extract."""
    arguments.add_argument(
        "--customers-where",
        default="",
        metavar='"COLUMN = VALUE"',
        help="in place of a customer extract: the rows of the population that are customers",
    )


def add_job(
    arguments: argparse.ArgumentParser,
    config: str = "TOML file that names the extracts, such as config/azdias.toml",
) -> None:
    """Add the options that the whole job, each stage and a refresh have."""
    add = arguments.add_argument
    add("config", help=config)
    add(
        "--run-dir", type=path_argument, help="where the run is kept (default: runs/NAME OF CONFIG)"
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the config, as in --set model.n_clusters=8; may be repeated",
    )
    add(
        "--check-content",
        action="store_true",
        help="compare extracts by their bytes, where their times of change cannot be trusted",
    )
    add(
        "--dry-run",
        action="store_true",
        help="say what each stage would do and take, and do nothing",
    )
    where = arguments.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="run on this Dask cluster, as in tls://HOST:8786"
    )
    where.add_argument("--scheduler-file", type=Path, help="run on the Dask cluster it names")
    add(
        "--insecure-cluster",
        action="store_true",
        help="use a cluster without TLS beyond this machine, in a closed network",
    )
    add("--threads", type=count, help="threads on this machine (default: one per processor)")
    add("--memory", metavar="SIZE", help="what the job may use in all, such as 4GiB")
    add("--log-format", choices=("text", "json"), default="text", help="of lines on stderr")
    add("--no-progress", action="store_true", help="lines when a stage is done, no more")


def _add_refresh(arguments: argparse.ArgumentParser) -> None:
    add_job(arguments)
    add = arguments.add_argument
    add(
        "--base",
        type=path_argument,
        required=True,
        metavar="RUN",
        help="the run folder to start from",
    )
    add("--plan", type=path_argument, help="a plan to use in place of the base's; refits the model")
    stage = StageName("refresh")
    add("--until", type=stage, metavar="STAGE", help="stop after this stage")
    add("--fail-on", choices=("drift",), help="leave with code 7 if something has drifted")


def _add_export(arguments: argparse.ArgumentParser) -> None:
    add = arguments.add_argument
    add("run", type=path_argument, help="folder of a finished run, such as runs/azdias")
    whom = arguments.add_mutually_exclusive_group()
    whom.add_argument(
        "--depth", type=_share, help="share of the population to mail, above 0 and up to 1"
    )
    whom.add_argument("--everyone", action="store_true", help="list the whole population")
    whom.add_argument("--customers", action="store_true", help="list the customers")
    add("--columns", metavar="A,B,…", help="columns of the list, in this order (default: all)")
    add("--format", choices=("csv", "xlsx", "parquet"), help="of the file beside the Parquet file")
    add("--excel", action="store_true", help="CSV with semicolons and decimal commas, for Excel")
    add("--control", type=_share, metavar="SHARE", help="people to leave unmailed, to compare with")
    add("--test-cells", type=count, metavar="N", help="cells to divide the others into")
    add("--seed", type=int, help="of the draw of cells (default: that of the run)")
    add("--base-rate", type=_share, metavar="RATE", help="share of the control that will respond")
    add(
        "--suppress",
        type=path_argument,
        metavar="FILE",
        help="ids (or rows) to leave out: CSV, a line each, Parquet or Excel",
    )
    add(
        "--without-set-aside",
        action="store_true",
        help="leave out people without a segment, whom only the gaps in their data rank",
    )
    add(
        "--allow-unmatched",
        action="store_true",
        help="write the list even if no id to leave out is one of the population",
    )
    add(
        "--out", type=path_argument, metavar="DIR", help="where the list goes (default: RUN/export)"
    )
    add("--onnx", type=path_argument, metavar="FILE", help="write the fitted model as ONNX")
    add("--threads", type=count, help="threads on this machine (default: one per processor)")
    add("--memory", metavar="SIZE", help="what the job may use in all")
    add("--log-format", choices=("text", "json"), default="text", help="of lines on stderr")
    add("--no-progress", action="store_true", help="lines when something is done, no more")


def _add_response(arguments: argparse.ArgumentParser) -> None:
    add = arguments.add_argument
    add("run", type=path_argument, help="folder of the run whose list was mailed")
    add("results", type=path_argument, help="who answered: CSV of any form, Parquet or Excel")
    add("--list", choices=("targets", "everyone", "customers"), default="targets", help="of which")
    add("--responded", metavar="COLUMN", help="column of yes and no (default: by its name)")
    add("--amount", metavar="COLUMN", help="column of amounts (default: by its name)")
    add("--excel", action="store_true", help="CSV with semicolons and decimal commas, for Excel")
    add("--out", type=path_argument, metavar="DIR", help="where the list is (default: RUN/export)")
    add("--log-format", choices=("text", "json"), default="text", help="of lines on stderr")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError("a share above 0 and up to 1, such as 0.2")
    return share


def _add_verify(arguments: argparse.ArgumentParser) -> None:
    arguments.add_argument("run", type=path_argument, help="folder of a run, such as runs/azdias")
    arguments.add_argument("--log-format", choices=("text", "json"), default="text")


def _add_history(arguments: argparse.ArgumentParser) -> None:
    arguments.add_argument("runs", type=path_argument, help="the folder in which run folders are")


def _add_clean(arguments: argparse.ArgumentParser) -> None:
    add = arguments.add_argument
    add("run", type=path_argument, help="folder of a run, such as runs/azdias")
    add("--remove", action="store_true", help="remove the scratch")
    add("--remove-unlisted", action="store_true", help="remove the files that no stage lists")
    add("--lift-lock", action="store_true", help="remove the lock of a job that is gone")
    add("--log-format", choices=("text", "json"), default="text")


def _add_draft(arguments: argparse.ArgumentParser) -> None:
    add = arguments.add_argument
    add(
        "population",
        help="the population extract: CSV, Parquet or Excel, a file, folder or glob; a Delta "
        "table; or the address of a database, postgresql://…",
    )
    add("customers", nargs="?", default="", help="the customer extract, with the same columns")
    add_customers_where(arguments)
    for extract in ("population", "customers"):
        add(f"--{extract}-query", default="", metavar="SQL", help=f"for {extract} in a database")
    add("-o", "--out", type=Path, default=Path("my"), metavar="FOLDER", help="default: my")
    add("--dictionary", type=Path, metavar="FILE", help="data dictionary in Markdown, with labels")
    add("--sheet", default="", metavar="NAME", help="of Excel workbooks (default: the first)")
    add("--labels", type=Path, metavar="FILE", help="table of labels: column,code,label")
    add("--force", action="store_true", help="replace the files of an earlier draft")
    add("--seed", type=int, default=0, help="of the sample")
    add("--threads", type=count, help="threads on this machine (default: one per processor)")


def _add_demo(arguments: argparse.ArgumentParser) -> None:
    add = arguments.add_argument
    add("-o", "--out", type=Path, default=Path("demo"), metavar="FOLDER", help="default: demo")
    add("--config", action="store_true", help="copy the default config, and make no extracts")
    add("--rows", type=count, default=20_000, help="people of the population (default: 20000)")


COMMANDS: Mapping[str, Command] = {
    "draft": Command("config and feature summary from two files", _add_draft),
    "run": Command("the whole job, from two extracts to the report", add_run),
    "refresh": Command("a later delivery against an earlier run", _add_refresh),
    "export": Command("the list of people to mail, or the model", _add_export),
    "response": Command("what a mailed list brought, from who answered", _add_response),
    "verify": Command("whether every file of a run is as it was written", _add_verify),
    "history": Command("a line for each run of a folder", _add_history),
    "clean": Command("what killed jobs and others left in a run folder", _add_clean),
    "demo": Command("made-up extracts to try it on, or the default config", _add_demo),
}
"""The commands by name, in the order of their use."""
