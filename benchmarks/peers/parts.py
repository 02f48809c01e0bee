"""The feature parts of a run, as the peers of the model part read them."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Features:
    """The encoded population of a run."""

    parts: tuple[Path, ...]
    names: tuple[str, ...]
    rows: tuple[int, ...]
    """Of each part."""

    def block(self, part: Path) -> np.ndarray:
        """A part as an array of shape (n_rows, n_features), float32, rows side by side."""
        columns = pl.read_parquet(part, columns=list(self.names)).cast(pl.Float32)
        return np.ascontiguousarray(columns.to_numpy())

    def blocks(self) -> Iterator[np.ndarray]:
        return (self.block(part) for part in self.parts)


def open_features(run: Path) -> Features:
    """What run.json lists of the features of the population."""
    stage = json.loads((run / "run.json").read_text())["stages"]["encode"]
    files = [
        f for f in stage["files"] if f["path"].startswith("features/population/") and f["rows"]
    ]
    files.sort(key=lambda file: file["path"])
    return Features(
        parts=tuple(run / file["path"] for file in files),
        names=tuple(stage["facts"]["features"]),
        rows=tuple(file["rows"] for file in files),
    )


def exact_inertia(Z: np.ndarray, centers: np.ndarray) -> float:
    """Sum of squared distances to the nearest centre, in float64; peers may define it otherwise."""
    centers = np.asarray(centers, dtype=np.float64)
    total = 0.0
    for start in range(0, len(Z), 8192):
        tile = Z[start : start + 8192].astype(np.float64)
        squares = (tile**2).sum(axis=1)[:, None] - 2 * tile @ centers.T + (centers**2).sum(axis=1)
        total += squares.min(axis=1).sum()
    return float(total)


def parser(program: str, about: str | None) -> argparse.ArgumentParser:
    """The command line all peers of the model part share."""
    command = argparse.ArgumentParser(
        prog=f"python -m benchmarks.peers.{program}", description=about
    )
    command.add_argument("run", type=Path, help="a run of ours, done up to encode")
    command.add_argument("--n-components", type=int, required=True, help="as many as ours keeps")
    command.add_argument("--fits", type=_numbers, required=True, metavar="K,K,…")
    return command


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]
