"""Commands called within this process, where a test has many of them to call."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tests.conftest import Completed

Command = Callable[..., Completed]


def in_process(
    main: Callable[[list[str]], NoReturn], run: Path, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return the command on a run, or on another `folder`; it takes the options that follow."""

    def call(*options: object, folder: Path = run) -> Completed:
        command = [str(folder), *map(str, options)]
        with pytest.raises(SystemExit) as left:
            main(command)
        output = capsys.readouterr()
        return Completed(command, int(str(left.value.code)), output.out, output.err)

    return call
