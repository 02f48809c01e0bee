"""How a program tells its figures: one JSON object a line on stdout, read back by the bench."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


def tell(**figures: Any) -> None:
    """One line of figures."""
    print(json.dumps(figures), flush=True)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Tell how many seconds the work within took."""
    began = time.perf_counter()
    yield
    tell(phase=name, seconds=round(time.perf_counter() - began, 3))


@dataclass(frozen=True)
class Told:
    """All that a program told."""

    phases: dict[str, float] = field(default_factory=dict)
    """Seconds."""
    fits: dict[int, dict[str, float]] = field(default_factory=dict)
    """Number of clusters to inertia and passes of its fit."""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Of all phases: start-up and checks are in none."""
        return sum(self.phases.values())

    def seconds_of(self, fits: int) -> float:
        """Seconds as if so many numbers of clusters had been fitted, each taking the mean.

        Phases called ``k=…`` are fits; if there are none, all were fitted together.
        """
        of_fits = [seconds for name, seconds in self.phases.items() if name.startswith("k=")]
        if not of_fits:
            return self.seconds
        return self.seconds + sum(of_fits) / len(of_fits) * (fits - len(of_fits))


def read_told(stdout: str) -> Told:
    """Read the lines; those that are no JSON objects are someone else's."""
    told = Told()
    for line in stdout.splitlines():
        try:
            figures = json.loads(line)
        except ValueError:
            continue
        if not isinstance(figures, dict):
            continue
        if "phase" in figures:
            told.phases[figures["phase"]] = figures["seconds"]
        elif "fit" in figures:
            told.fits[figures.pop("fit")] = figures
        else:
            told.facts.update(figures)
    return told
