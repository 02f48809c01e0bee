"""Progress on the console: log lines, and a bar with rate and ETA."""

import json
import logging
import re
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal, Self

from tqdm import tqdm

from segment_lib.schema.wording import printable

LOG = logging.getLogger("segment_lib")
_EVERY = 5.0


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
    LOG.handlers = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def log(message: str, **facts: object) -> None:
    """Log one line; `facts` are keys of their own in JSON lines."""
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
        self._began = self._told = time.monotonic()
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        if self._console.shown and self._console.bar:
            self._bar = tqdm(
                total=self._total,
                desc=f"{self._stage:8}",
                unit=f" {self._unit}",
                unit_scale=True,
                leave=False,
                dynamic_ncols=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, amount: int) -> None:
        """Advance the bar by `amount`."""
        self._done += amount
        if self._bar is not None:
            self._bar.update(amount)
        now = time.monotonic()
        if self._bar is None and self._console.shown and now - self._told >= _EVERY:
            self._told = now
            rate = self._done / (now - self._began)
            left = round(max(self._total - self._done, 0) / rate) if rate else None
            log(
                f"{self._stage:8} {self._done:,} of {self._total:,} {self._unit}"
                + (f", {rate:,.3g} a second, about {left} s left" if rate >= 0.1 else ""),
                stage=self._stage,
                done=self._done,
                total=self._total,
                unit=self._unit,
                seconds_left=left,
            )
