"""Make up two extracts to try the job on, or copy the default config.

    segments demo
    segments demo --rows 100000 -o try
    segments demo --config

Writes to demo/ (or -o) two extracts of made-up people with 85 attributes, their feature summary and
data dictionary, and azdias.toml, a config with the usual keys; then says what to run. --config
writes the config alone, to be pointed at files of your own. The generator of people is part of the
repository; where the wheel alone is installed there is --config.

Exit codes: 0 done, 2 usage, the file is there, or no generator.
"""

import argparse
from importlib import import_module, resources
from pathlib import Path
from typing import NoReturn

from segment_lib.errors import ConfigError
from segment_lib.run.progress import start_logging
from segment_lib.storage.files import write_file

from .command import run_and_exit, say
from .parsers import parser_of

CONFIG = "azdias.toml"
_CUSTOMERS = 0.22
"""Customers per person of the population, as in the extracts that were published."""


def main(argv: list[str] | None = None) -> NoReturn:
    """Make what is asked for, and exit with the code of the outcome."""
    options = parser_of("demo").parse_args(argv)
    start_logging("text")
    run_and_exit(lambda: demo(options), elsewhere="-o")


def demo(options: argparse.Namespace) -> int:
    """Write the config, and extracts beside it unless the config alone is asked for."""
    folder: Path = options.out
    if (folder / CONFIG).exists():
        raise ConfigError(f"{folder / CONFIG}: is there already. Write into another folder (-o).")
    if not options.config:
        made = ["--out", str(folder / "data" / "azdias"), "--rows", str(options.rows)]
        made += ["--customers", str(max(1, round(_CUSTOMERS * options.rows)))]
        # Loaded here, as it ends the process where the generator is not installed.
        if code := import_module(".make_extracts", __package__).main(made):
            return int(code)
    text = resources.files("segment_lib.config").joinpath(CONFIG).read_text("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder, CONFIG, text.replace('"../data/', '"data/').encode())
    say(f"written: {folder / CONFIG}")
    say(f"next:    segments run {folder / CONFIG}")
    return 0


if __name__ == "__main__":
    main()
