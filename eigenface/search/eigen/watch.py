"""Who watches a search: a callback, a bar, or a figure in a notebook that is drawn again in place."""

from __future__ import annotations

import base64
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from eigenface.progress import Bar, Pace, Progress
from eigenface.search.eigen.board import Board

if TYPE_CHECKING:
    from eigenface.report.live import LiveSearch, Round

NAMES = ("bar", "notebook")
"""What `progress` may be called instead of being a callable."""

_SHARE = 0.03
"""Of the time may go into drawing, at most."""

_BURST = 3.0
"""Pictures that may follow each other at once, so that of parts that end together the last is seen."""

_PEN = threading.Lock()
"""Matplotlib's settings are one for all threads, and searches may run in several."""


class Watch:
    """Somebody who is told, and does not look at boards.

    Parameters
    ----------
    progress : callable
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def begin(self, board: Board) -> None:
        """A comparison begins; its board fills from now on."""

    def prepare(self, done: int, total: int, where: str, what: str) -> None:
        """Something is worked out that several fits share."""
        self.progress(done, total, where + what)

    def found(self, number: int, score: float, *, refit: bool) -> None:
        """The search is done: the best candidate, its score, and whether it is fitted on all rows now."""


class NotebookFigure(Watch):
    """A figure that is drawn again in place, at most about once a second and for 3 % of the time.

    It is drawn in the thread that runs the cell, between two parts of the search. Whatever goes wrong with it is said
    in one line, and the search goes on without.

    Parameters
    ----------
    metric : str
        What the scores are.
    budget : float, optional
        Seconds that the search may take.
    """

    def __init__(self, metric: str, budget: float | None) -> None:
        super().__init__(self._told)
        self._metric, self._budget = metric, budget
        self._id = uuid.uuid4().hex
        self._pace = Pace()
        self._boards: list[Board] = []
        self._done, self._total = 0, 0
        self._left: float | None = None
        self._best: tuple[int, float] | None = None
        self._state = "searching"
        self._began = self._asked = time.monotonic()
        self._cost, self._room = 0.0, 1.0
        self._running = True
        self._shown = self._broken = self._last = False

    def begin(self, board: Board) -> None:
        self._boards.append(board)

    def prepare(self, done: int, total: int, where: str, what: str) -> None:
        self._hear(done, total, what)

    def _told(self, done: int, total: int, what: str) -> None:
        self._hear(done, total, "searching")

    def _hear(self, done: int, total: int, state: str) -> None:
        self._state = state
        self._left = self._pace.left(done, total)
        self._done, self._total = done, total
        now = time.monotonic()
        self._room = min(_BURST, self._room + (now - self._asked) / max(1.0, self._cost / _SHARE))
        self._asked = now
        if self._room >= 1:
            self._room -= 1
            self._draw()

    def found(self, number: int, score: float, *, refit: bool) -> None:
        self._best, self._running = (number, score), False
        self._state = "fitting the best on all rows" if refit else "done"
        if refit:
            self._draw()

    def close(self, *, failed: bool) -> None:
        """Draw what stays in the notebook; of a search that never began, nothing."""
        if not self._shown:
            return
        self._state = "stopped" if failed else "done" if self._done >= self._total else "time was up"
        self._last, self._running = True, False
        self._draw()

    def _draw(self) -> None:
        if self._broken:
            return
        began, first = time.thread_time(), not self._shown
        try:
            with _PEN:
                self._show(self._view())
        except Exception as error:  # a picture is not worth a search
            self._broken = True
            said = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"progress='notebook': no figure ({said:.200}); the search goes on", file=sys.stderr, flush=True)
        self._cost = 0.0 if first else time.thread_time() - began  # the first also loads what draws

    def _view(self) -> LiveSearch:
        from eigenface.report.live import LiveSearch

        best = self._best
        if best is None and self._boards and (number := self._boards[-1].best()) is not None:
            best = number, self._boards[-1].mean(number)
        elapsed = time.monotonic() - self._began
        return LiveSearch(
            self._rounds(best[0] if best else None),
            self._done,
            self._total,
            elapsed,
            left=self._left if self._budget is None else max(0.0, self._budget - elapsed),
            score=best[1] if best else None,
            best=self._boards[-1].said(best[0]) if best else "",
            state=self._state,
            running=self._running,
            metric=self._metric,
            budget=self._budget,
        )

    def _rounds(self, best: int | None) -> list[Round]:
        """What the boards say; the best is ringed where it was last compared on all folds."""
        from eigenface.report.live import Round

        made = [
            Round(board.faces, board.seconds - self._began, board.means(), board.complete()) for board in self._boards
        ]
        row = None if best is None else self._boards[-1].numbers.index(best)
        for at in reversed(range(len(made))):
            if row is not None and made[at].complete[row]:
                made[at] = replace(made[at], best=row)
                break
        return made

    def _show(self, view: LiveSearch) -> None:
        from IPython.display import display

        from eigenface.report.live import live_figure
        from eigenface.report.style import png

        figure, words = live_figure(view), view.words()
        wide, high = (round(100 * inches) for inches in figure.get_size_inches())
        picture = png(figure, dpi=180 if self._last else 100)  # what stays is sharp on fine screens, too
        display(
            {"image/png": base64.b64encode(picture).decode(), "text/plain": words},
            metadata={"image/png": {"width": wide, "height": high, "alt": words}},
            raw=True,
            display_id=self._id,
            update=self._shown,
        )
        self._shown = True


def in_notebook() -> bool:
    """Whether this code runs in the kernel of a notebook; loads nothing to find out."""
    shell = sys.modules.get("IPython")
    found = shell.get_ipython() if shell is not None and hasattr(shell, "get_ipython") else None
    return getattr(found, "kernel", None) is not None


@contextmanager
def watching(progress: Progress | str, *, metric: str = "score", budget: float | None = None) -> Iterator[Watch]:
    """The watch that `progress` asks for, while a search runs.

    Parameters
    ----------
    progress : callable, `bar` or `notebook`
        The figure of `notebook` is a bar where there is no notebook.
    metric : str
    budget : float, optional
    """
    if callable(progress):
        yield Watch(progress)
        return
    if progress == "notebook" and in_notebook():
        figure = NotebookFigure(metric, budget)
        failed = True
        try:
            yield figure
            failed = False
        finally:
            figure.close(failed=failed)
        return
    if progress == "notebook":
        print("progress='notebook': this is no notebook, so a bar tells instead", file=sys.stderr, flush=True)
    with Bar() as bar:
        yield Watch(bar)
