"""How long jobs tell how far they are: a plain callback, so that no job knows who listens; and a bar that listens."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from eigenface.durations import duration

Progress = Callable[[int, int, str], None]
"""Called with (parts done, parts in all, what is being done)."""

_BETWEEN_LINES = 10.0  # seconds between lines where stderr is no terminal


def silent(done: int, total: int, what: str) -> None:
    """Say nothing."""


class Pace:
    """How long the rest of a job will take, from the parts done so far."""

    def __init__(self) -> None:
        self._total, self._last = -1, 0
        self._first = (0, 0.0)
        self._moved = False

    def left(self, done: int, total: int) -> float | None:
        """Seconds until all is done, or None while too little is done to tell; to be asked after every part."""
        now = time.monotonic()
        if total != self._total or done < self._last:  # another job, or its next round
            self._total, self._first, self._moved = total, (done, now), False
        elif not self._moved and done > self._first[0]:
            self._first, self._moved = (done, now), True  # what all parts share was done before the first of them
        self._last = done
        count, since = done - self._first[0], now - self._first[1]
        return since / count * (total - done) if self._moved and count >= 4 else None


class Bar:
    """Progress with time left: a bar on a terminal, now and then a line elsewhere. Call it as a Progress."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._total: int | None = None
        self._said = time.monotonic()
        self._pace = Pace()

    def __enter__(self) -> Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
            from rich.table import Column

            words = Column(ratio=1, no_wrap=True, overflow="ellipsis")  # what gives way where there is no room
            self._bar = Progress(
                BarColumn(16),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}", markup=False, table_column=words),
                console=Console(stderr=True),
                transient=True,
                expand=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, what: str) -> None:
        if self._bar is not None:
            if total != self._total:
                if self._task is not None:
                    self._bar.remove_task(self._task)
                self._task, self._total = self._bar.add_task(what, total=total), total
            self._bar.update(self._task, completed=done, description=what)
            return
        left, now = self._pace.left(done, total), time.monotonic()
        if done < total and now - self._said >= _BETWEEN_LINES:
            self._said = now
            print(f"{done}/{total} {what}" + (f"; {duration(left)} left" if left else ""), file=sys.stderr, flush=True)
