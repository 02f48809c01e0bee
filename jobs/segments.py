"""The one command that the wheel installs: it hands over to the module of the command named."""

import argparse
import os
import sys
from importlib import import_module

from segment_lib import __version__

from .parsers import COMMANDS, parser_of

_FIRST = """\
Which segments of a population do your customers come from?

With two tables of the same columns, everybody and your customers:

  segments draft everybody.csv customers.csv   # what each column is; writes my/my.toml
  segments run my/my.toml                      # the whole job; names the page to open
  segments export runs/my --depth 0.2          # the best fifth of the population, as a list
  segments response runs/my results.csv        # what it brought, from who answered

Without tables at hand:

  segments demo                                # made-up ones; writes demo/azdias.toml

All commands: segments --help. One of them: segments run --help."""
_COMPLETION = """\
completion by Tab, in bash and zsh:
  eval "$(register-python-argcomplete segments)"

docs/ of the repository says more: draft.md, config.md, targets.md, refresh.md."""


def main(argv: list[str] | None = None) -> None:
    """Run the command that is named first, or say what to do first."""
    given = sys.argv[1:] if argv is None else argv
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser())
    if not given:
        print(_FIRST)
    elif given[0] in COMMANDS:
        # Help and slips in options come before the libraries are loaded.
        parser_of(given[0]).parse_args(given[1:])
        import_module(f".{given[0]}", __package__).main(given[1:])
    else:
        parser().parse_args(given)


def parser() -> argparse.ArgumentParser:
    """Build the command line of all commands."""
    arguments = argparse.ArgumentParser(
        prog="segments",
        description=_FIRST.partition("\n\nAll")[0],
        epilog=_COMPLETION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_argument("--version", action="version", version=f"segments {__version__}")
    commands = arguments.add_subparsers(metavar="COMMAND", title="commands")
    for name, command in COMMANDS.items():
        command.add_options(commands.add_parser(name, help=command.purpose))
    return arguments
