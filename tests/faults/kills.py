"""Kills at seeded random points of a job on a real cluster, and what comes of the run."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT, hashes
from tests.faults.cluster import TlsCluster

VICTIMS = {"job": 5, "worker-0": 2, "worker-1": 2, "scheduler": 3}
"""How often each is killed, relative to the others."""
_AHEAD = 3
"""Stages among which the next kill is drawn, so that a run is met in all of them."""
PATIENCE = 150.0
"""Seconds in which a job has to end, whatever is killed under it."""


@dataclass(frozen=True)
class KillPoint:
    """`after` seconds into the stage, `victim` is killed."""

    victim: str
    stage: str
    after: float


@dataclass
class Outcome:
    """What was done to runs, and what became of them."""

    kills: list[KillPoint] = field(default_factory=list)
    completed: int = 0
    differing: list[str] = field(default_factory=list)
    parts_taken: int = 0
    """Finished parts that a run taken up again did not make anew."""
    passes_taken: int = 0
    wrong: list[str] = field(default_factory=list)
    """Ends that ought not to be: another exit code, a traceback, no end at all."""

    def summary(self) -> str:
        counts = Counter(point.victim.partition("-")[0] for point in self.kills)
        by_victim = ", ".join(f"{n} {victim}" for victim, n in sorted(counts.items()))
        return (
            f"faults injected: {len(self.kills)} ({by_victim}), runs completed: {self.completed}, "
            f"bytes differing: {len(self.differing)}, unexpected ends: {len(self.wrong)}; "
            f"taken up: {self.parts_taken} parts, {self.passes_taken} passes"
        )


class Harness:
    """One job, run again and again on a cluster under fire."""

    def __init__(self, config: Path, reference: Path, folder: Path, seed: int) -> None:
        self._config, self._folder, self._name = config, folder, reference.name
        self._wanted = hashes(reference)
        stages = json.loads((reference / "run.json").read_bytes())["stages"]
        # No stage is to draw all fire, the one that draws figures least of all.
        self._seconds = {name: min(stage["seconds"], 3) + 0.3 for name, stage in stages.items()}
        self._draw = random.Random(seed)
        (folder / "cluster").mkdir(mode=0o700)
        self._cluster = TlsCluster(folder / "cluster")
        self.outcome = Outcome()

    def run(self, n_kills: int, most_in_a_run: int = 6) -> Outcome:
        """Runs from start to end until there were `n_kills` kills."""
        self._cluster.start()
        try:
            while len(self.outcome.kills) < n_kills and not self.outcome.wrong:
                # The report names the run by its folder.
                root = self._folder / f"{self.outcome.completed}" / self._name
                self._complete(root, min(len(self.outcome.kills) + most_in_a_run, n_kills))
        finally:
            self._cluster.stop()
        return self.outcome

    def _complete(self, root: Path, kills: int) -> None:
        """A run to its end, through kills until there were so many in all."""
        code = None
        while code != 0 and not self.outcome.wrong:
            before = len(self.outcome.kills)
            began = time.monotonic()
            code, log_text = self._start(root, kills)
            fired = self.outcome.kills[before:]
            at = ", ".join(f"{p.victim} in {p.stage} at {p.after:.1f} s" for p in fired)
            print(
                f"{at or 'left alone'}: {code} after {time.monotonic() - began:.1f} s", flush=True
            )
            self._note(code, log_text, fired)
            self._cluster.repair()
        if code == 0:
            self.outcome.completed += 1
            actual = {p: sha for p, sha in hashes(root).items() if not p.startswith(".work")}
            self.outcome.differing += [
                f"{root / path}"
                for path in {*actual, *self._wanted}
                if actual.get(path) != self._wanted.get(path)
            ]

    def _next_point(self, root: Path) -> KillPoint | None:
        """A point in what comes next, drawn by how long it takes; None if that is little."""
        path = root / "run.json"
        done = json.loads(path.read_bytes())["stages"] if path.exists() else {}
        left = {name: seconds for name, seconds in self._seconds.items() if name not in done}
        if set(left) <= {"report"} and [p.stage for p in self.outcome.kills[-1:]] == ["report"]:
            return None
        left = dict(list(left.items())[:_AHEAD]) or {"report": 0.3}
        (stage,) = self._draw.choices(list(left), weights=list(left.values()))
        (victim,) = self._draw.choices(list(VICTIMS), weights=list(VICTIMS.values()))
        return KillPoint(victim, stage, self._draw.random() * left[stage])

    def _has_begun(self, stage: str, root: Path, log_file: Path) -> bool:
        """True once the stage before has been told; of the first, once its folder is there."""
        before = list(self._seconds).index(stage) - 1
        if before < 0:
            return bool(list(root.glob(f".work/{stage}-*")))
        # Lines that tell the end of a stage, or that it is skipped, and no other.
        name = f'"stage": "{list(self._seconds)[before]}"'
        ends = ('"event": "stage"', '"event": "skipped"')
        lines = log_file.read_text().splitlines()
        return any(name in line and any(end in line for end in ends) for line in lines)

    def _start(self, root: Path, kills: int) -> tuple[int | None, str]:
        """The job, under fire until it ends; its exit code and what it said."""
        command = [
            sys.executable, "-m", "jobs.run", str(self._config), "--run-dir", str(root),
            "--scheduler-file", str(self._cluster.scheduler_file), "--log-format", "json",
        ]  # fmt: skip
        log_file = self._folder / "job.log"
        with log_file.open("w") as log:
            job = subprocess.Popen(
                command, cwd=ROOT, env=self._cluster.environment, stderr=log,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while job.poll() is None and len(self.outcome.kills) < kills:
            point = self._next_point(root)
            if point is None:
                break
            while job.poll() is None and not self._has_begun(point.stage, root, log_file):
                time.sleep(0.01)
            time.sleep(point.after)
            if job.poll() is not None:
                break
            self.outcome.kills.append(point)
            if point.victim == "job":
                job.send_signal(signal.SIGKILL)
                break
            self._cluster.kill(point.victim)
            if point.victim == "scheduler":
                break
            self._cluster.repair()
        try:
            code: int | None = job.wait(max(until - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            job.kill()
            job.wait()
            code = None
        return code, log_file.read_text()

    def _note(self, code: int | None, log_text: str, fired: list[KillPoint]) -> None:
        lines = [json.loads(line) for line in log_text.splitlines() if line.startswith("{")]
        self.outcome.parts_taken += sum(line.get("parts_done_before", 0) for line in lines)
        self.outcome.passes_taken += sum(line.get("passes_done_before", 0) for line in lines)
        victims = {point.victim for point in fired}
        expected = {0} | ({-signal.SIGKILL} if "job" in victims else set())
        expected |= {5} if victims - {"job"} else set()
        if code not in expected or "Traceback" in log_text:
            self.outcome.wrong.append(f"{fired}: ended with {code}: {log_text[-3000:]}")
