"""Progress on the console: log lines, and a bar with rate, ETA and a clock."""

import json
import logging
import re
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal, Self

from tqdm import tqdm

from segment_lib.schema.wording import printable

LOG = logging.getLogger("segment_lib")
_EVERY, _TICK = 5.0, 1.0
"""Seconds between lines, and between two looks of the clock."""


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.levelno < logging.CRITICAL:
            return printable(record.getMessage())
        # A traceback, which quotes nothing, is the one message of several lines.
        return "\n".join(map(printable, record.getMessage().splitlines()))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": "log",
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        line = json.dumps(entry, ensure_ascii=False)
        return re.sub(
            ".", lambda at: at[0] if at[0].isprintable() else json.dumps(at[0])[1:-1], line
        )


def start_logging(log_format: Literal["text", "json"]) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    if log_format == "text":
        # For people the result is what the command prints on standard output.
        handler.addFilter(lambda record: getattr(record, "facts", {}).get("event") != "result")
    LOG.handlers = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def log(message: str, **facts: object) -> None:
    """Log one line; `facts` are keys of their own in JSON lines (docs/log.md)."""
    LOG.info(message, extra={"facts": facts})


@dataclass(frozen=True)
class Console:
    """Kind of progress display: a bar on a terminal, occasional lines elsewhere, or none."""

    shown: bool = True
    bar: bool = False

    @classmethod
    def fitting(cls, log_format: str, *, shown: bool) -> Self:
        """Choose a bar if standard error is a terminal."""
        return cls(shown=shown, bar=log_format == "text" and sys.stderr.isatty())

    def progress(self, stage: str, total: int, unit: str) -> "Progress":
        return Progress(self, stage, total, unit)


class Progress:
    """Progress of a stage. `total` and amounts added are in `unit`, as rows or bytes."""

    def __init__(self, console: Console, stage: str, total: int, unit: str) -> None:
        self._console, self._stage, self._total, self._unit = console, stage, total, unit
        self._done = 0
        self._began = self._logged = time.monotonic()
        self._bar: tqdm[Any] | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        if self._console.shown and self._console.bar:
            self._bar = tqdm(
                total=self._total,
                desc=f"{self._stage:8}",
                bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
                leave=False,
                dynamic_ncols=True,
            )
            threading.Thread(target=self._tick, args=(self._bar,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.close()

    def _tick(self, bar: "tqdm[Any]") -> None:
        """Let the clock of the bar go on while nothing is added."""
        while not self._ended.wait(_TICK):
            bar.refresh()

    def add(self, amount: int, note: str = "") -> None:
        """Advance the bar by `amount`.

        Parameters
        ----------
        note : words to show in place of rate and time left, where these say nothing
        """
        self._done += amount
        now = time.monotonic()
        rate = self._done / max(now - self._began, 1e-3)
        left = round(max(self._total - self._done, 0) / rate) if rate and not note else None
        words = note or (f"{in_unit(rate, self._unit)}/s, about {left} s left" if rate else "")
        if self._bar is not None:
            self._bar.set_postfix_str(words, refresh=False)
            self._bar.update(amount)
        elif self._console.shown and now - self._logged >= _EVERY:
            self._logged = now
            done, total = (in_unit(n, self._unit, digits=4) for n in (self._done, self._total))
            log(
                f"{self._stage:8} {done} of {total}{words and f', {words}'}",
                event="progress",
                stage=self._stage,
                done=self._done,
                total=self._total,
                unit=self._unit,
                seconds=round(now - self._began, 1),
                seconds_left=left,
                **({"note": note} if note else {}),
            )


def in_unit(amount: float, unit: str, digits: int = 3) -> str:
    """Write an amount with its unit, rounded to some digits, for people.

    >>> in_unit(29_637_111, "bytes"), in_unit(215_312.4, "rows"), in_unit(0.1234, "parts")
    ('29.6 MB', '215,000 rows', '0.123 parts')
    """
    if unit == "bytes":
        amount, unit = amount / 1e6, "MB"
    # Rounded first: "g" alone would write large numbers with an exponent.
    rounded = float(f"{amount:.{digits}g}")
    return f"{rounded:,.0f} {unit}" if rounded == int(rounded) else f"{rounded:,} {unit}"
