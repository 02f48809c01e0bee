"""What a command takes is counted over all its processes, gone or not."""

import subprocess
import sys

import psutil

from benchmarks.measure import measure

_HOLD = "b = bytearray({mib} << 20); import time; time.sleep({seconds})"
_BURN = "import time\nwhile time.process_time() < {seconds}: pass"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def with_child(code: str, then: str = "p.wait()") -> list[str]:
    return python(
        f"import subprocess, sys\np = subprocess.Popen([sys.executable, '-c', {code!r}])\n{then}"
    )


def test_memory_of_a_child_is_counted() -> None:
    held = measure(with_child(_HOLD.format(mib=200, seconds=0.5)))
    assert 200 < held.peak_mib < 300
    assert held.processes == 2


def test_memory_of_parent_and_child_is_added() -> None:
    child = _HOLD.format(mib=100, seconds=0.5)
    held = measure(with_child(child, then="b = bytearray(150 << 20); p.wait()"))
    assert 250 < held.peak_mib < 350


def test_a_peak_between_two_looks_is_seen() -> None:
    code = "b = bytearray(300 << 20); del b; import time; time.sleep(0.3)"
    assert measure(python(code), every=0.2).peak_mib > 300


def test_memory_of_who_measures_is_not_counted() -> None:
    ballast = bytearray(400 << 20)
    assert measure(python("pass")).peak_mib < 100
    assert len(ballast) == 400 << 20


def test_cpu_time_of_a_child_is_counted_once() -> None:
    burnt = measure(with_child(_BURN.format(seconds=0.6)))
    assert 0.6 <= burnt.cpu_seconds < 1.1


def test_cpu_time_of_a_child_nobody_waits_for_is_counted() -> None:
    burnt = measure(with_child(_BURN.format(seconds=0.6), then="import os; os._exit(0)"))
    assert 0.5 <= burnt.cpu_seconds < 1.1


def test_cpu_time_of_others_is_told() -> None:
    other = subprocess.Popen(python(_BURN.format(seconds=0.8)))
    measured = measure(python("import time; time.sleep(0.8)"))
    other.wait()
    assert measured.others_cpu_seconds > 0.2
    assert measured.cpu_seconds < 0.4


def test_wall_time_output_and_exit_code_are_told() -> None:
    code = "import sys, time; time.sleep(0.3); print('said'); sys.exit('why')"
    measured = measure(python(code))
    assert 0.3 <= measured.seconds < 1.5
    assert (measured.exit_code, measured.stdout, measured.stderr) == (1, "said\n", "why\n")


def test_a_command_out_of_time_is_ended_with_its_children() -> None:
    late = measure(with_child(_HOLD.format(mib=1, seconds=60)), timeout=0.5)
    assert late.exit_code == -9
    assert late.seconds < 10
    assert not [p for p in psutil.process_iter(["cmdline"]) if "time.sleep(60)" in str(p.info)]
