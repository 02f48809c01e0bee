"""Run the suite in two processes side by side: the jobs, and all the rest.

    python -m tests                # the whole suite
    python -m tests --durations=9  # with options of pytest

Tests of jobs wait for processes of their own for most of their time. What the rest has to say is
kept until the jobs are done.
"""

import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest")
JOBS = ("tests/jobs", "--ignore-glob=tests/jobs/test_r*.py")
REST = ("tests", "--ignore-glob=tests/jobs/test_[!r]*.py")
"""Some jobs are tested with the rest, so that both halves take about as long."""


def main(options: list[str]) -> int:
    """Return the exit code of the first half that fails, else 0."""
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen([*PYTEST, *REST, *options], stdout=output, stderr=output) as rest,
    ):
        jobs = subprocess.run([*PYTEST, *JOBS, *options], check=False)
        code = rest.wait()
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
    return jobs.returncode or code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
