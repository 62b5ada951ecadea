"""How long something takes: medians of several runs after one that is not counted; peers take turns."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A line of the table: what, milliseconds of ours, those of a peer, and who that is."""

    what: str
    ours: float
    theirs: float | None = None
    peer: str = ""

    def __str__(self) -> str:
        ratio = f"{self.theirs / self.ours:.1f}x" if self.theirs else ""
        against = f"{self.peer}, {self.theirs:.4g}" if self.theirs else self.peer
        return f"| {self.what} | {self.ours:.4g} | {against} | {ratio} |"


def milliseconds(action: Callable[[], object], repeats: int = 9) -> float:
    """Median of several runs."""
    return versus([action], repeats)[0]


def versus(actions: Sequence[Callable[[], object]], repeats: int = 9) -> list[float]:
    """Medians of actions that take turns, so that what else the machine does meets all of them."""
    times: list[list[float]] = [[] for _ in actions]
    for run in range(repeats + 1):
        for action, spent in zip(actions, times, strict=True):
            began = time.perf_counter()
            action()
            if run:
                spent.append(time.perf_counter() - began)
    return [1e3 * statistics.median(spent) for spent in times]


def process(*command: str) -> float:
    """Milliseconds of a whole process."""
    return milliseconds(lambda: subprocess.run(command, check=True, capture_output=True), 5)
