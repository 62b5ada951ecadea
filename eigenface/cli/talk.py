"""What is said beside results: notes and progress, on stderr, plain where nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

import click

_BETWEEN_LINES = 10.0  # seconds between lines of progress where stderr is no terminal


def note(text: str) -> None:
    """One line on stderr."""
    click.echo(text, err=True)


class Bar:
    """Progress with time left: a bar on a terminal, now and then a line elsewhere. Call it as a Progress."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._total: int | None = None
        self._said = self._began = time.monotonic()

    def __enter__(self) -> Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
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
        now = time.monotonic()
        if done < total and now - self._said >= _BETWEEN_LINES:
            self._said = now
            note(f"{done}/{total} {what}")
