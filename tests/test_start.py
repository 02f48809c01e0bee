"""How a command starts: where nothing may be written, and when it is stopped at once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.faults.test_room import without_privilege


def test_loops_are_compiled_where_no_code_may_be_kept(tmp_path: Path) -> None:
    """As in a container that runs as another user than the one who installed it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "segment_lib", tmp_path / "segment_lib", ignore=ignored)
    (tmp_path / "home").mkdir()
    for folder in (*tmp_path.rglob("*"), tmp_path):
        if folder.is_dir():
            folder.chmod(0o555)
    tried = (
        "import numpy, segment_lib.model.kernel as k; "
        "print(k.__file__, k.nearest(numpy.eye(2, dtype='f4'), numpy.eye(2, dtype='f4'))[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", tried],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path / "home"), "NUMBA_CACHE_DIR": ""},
        preexec_fn=without_privilege,
        capture_output=True,
        text=True,
        check=False,
    )
    for folder in (tmp_path, *tmp_path.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o755)
    assert done.stdout == f"{tmp_path}/segment_lib/model/kernel.py [0 1]\n", done.stderr


def test_ctrl_c_while_libraries_are_loaded_is_told_in_a_line() -> None:
    for raised, start in (("KeyboardInterrupt", "stopped before"), ("ValueError", "Traceback")):
        done = subprocess.run(
            [sys.executable, "-c", f"import jobs; raise {raised}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert done.stderr.startswith(start)
