"""The figure of a search that is still running: what each candidate reached when, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from eigenface.durations import duration
from eigenface.report.style import FAINT, MUTED, PALETTE, WIDTH, fitted, grid_lines, short, styled

_ALL, _BEST = PALETTE[0], PALETTE[1]
_FEWER = (PALETTE[2], PALETTE[3], PALETTE[5], PALETTE[6])
"""Of comparisons on fewer faces than all, the first first."""

_LEFT, _RIGHT = 0.78, 0.16  # margins in inches


@dataclass(frozen=True)
class Round:
    """Candidates compared on the same faces.

    Parameters
    ----------
    faces : int
        That they learn from, or 0 for all there are.
    seconds : float array (n,)
        When a candidate's last fold was done, since the search began.
    means : float array (n,)
        Mean score over the folds that are done; NaN where there is none.
    complete : bool array (n,)
        Whether all folds are done.
    best : int or None
        The candidate to be ringed.
    """

    faces: int
    seconds: NDArray[np.float64]
    means: NDArray[np.float64]
    complete: NDArray[np.bool_]
    best: int | None = None


@dataclass(frozen=True)
class LiveSearch:
    """How far a search is.

    Parameters
    ----------
    rounds : sequence of Round
    done, total : int
        Fits of the comparison that runs.
    elapsed : float
        Seconds since the search began.
    left : float or None
        Seconds until this comparison is done, or time is up, where that can be told.
    score : float or None
        Of the best candidate so far.
    best : str
        Its parameters in words.
    state : str
        What is being done, or how it ended.
    running : bool
        Whether there is more to find.
    metric : str
        What the scores are.
    budget : float or None
        Seconds after which nothing new is begun.
    """

    rounds: Sequence[Round]
    done: int
    total: int
    elapsed: float
    left: float | None = None
    score: float | None = None
    best: str = ""
    state: str = "searching"
    running: bool = True
    metric: str = "score"
    budget: float | None = None

    def words(self) -> str:
        """All of it in a sentence, for those who do not see the figure."""
        what = [] if self.score is None else [f"best{' so far' * self.running} {self.score:.4f}"]
        what[-1:] = [f"{each} with {self.best}" if self.best else each for each in what[-1:]]
        return "; ".join([*what, self.standing(), self.time()])

    def standing(self) -> str:
        """How much is done."""
        said = f"{self.state}: {self.done:,} of {self.total:,} fits"
        said += f" on {_faces(self.rounds[-1].faces)}" if self.by_rounds else ""
        failed = sum(int((each.complete & ~np.isfinite(each.means)).sum()) for each in self.rounds[-1:])
        if not failed or self.score is None:
            return said
        return f"{said}, {failed:,} {'candidate' if failed == 1 else 'candidates'} could not be fitted"

    def time(self) -> str:
        """How long it will take, where that can be told, or how long it took."""
        if not self.running:
            return duration(self.elapsed)
        if not self.left:
            return f"{duration(self.elapsed)} so far"
        if self.budget is not None:
            return f"at most {duration(self.left)} left"
        part = " of this round" if self.by_rounds and self.rounds[-1].faces else ""
        return f"about {duration(self.left)} left{part}"

    @property
    def by_rounds(self) -> bool:
        """Whether candidates are compared on fewer faces first."""
        return bool(self.rounds and self.rounds[0].faces)


@styled
def live_figure(search: LiveSearch) -> Figure:
    """Every candidate's mean score against the time it was known, the best so far, and how much is done.

    Parameters
    ----------
    search : LiveSearch

    Returns
    -------
    Figure
    """
    below = 1.0 if search.by_rounds else 0.8  # two rows of a legend or one
    height = below + 3.1
    figure = Figure(figsize=(WIDTH, height))  # fixed margins: making room takes longer than drawing
    left, right = _LEFT / WIDTH, 1 - _RIGHT / WIDTH
    axes = figure.add_axes((left, below / height, right - left, 1.95 / height))
    _head(figure, search, left, right, height)
    share = search.done / search.total if search.total else 0.0
    for wide, colour in ((1.0, FAINT), (share, _ALL)):
        where = (left, 1 - 1.0 / height)
        figure.add_artist(Rectangle(where, wide * (right - left), 0.07 / height, color=colour, linewidth=0))
    unit, name = _unit(max(search.elapsed, search.budget or 0.0))
    low, high = _limits(search.rounds)
    for number, each in enumerate(search.rounds):
        colour = _FEWER[number % len(_FEWER)] if each.faces else _ALL
        _dots(axes, each, colour, unit, low, f"on {_faces(each.faces)}" if search.by_rounds else "on all folds")
        last = number == len(search.rounds) - 1
        _line(axes, each, unit, search.elapsed if last else 0.0, "best so far" if last else None)
    if any((np.isfinite(each.means) & ~each.complete).any() for each in search.rounds):
        axes.scatter([], [], s=16, color="none", edgecolors=MUTED, linewidths=0.9, label="on some folds")
    if search.budget is not None:
        axes.axvline(search.budget / unit, color=MUTED, linewidth=1.2, linestyle=(0, (2, 2)), label="time allowed")
    axes.set_xlim(0, max(search.elapsed, search.budget or 0.0, 1e-3) / unit * 1.03)
    axes.set_ylim(low, high)
    axes.set_xlabel(name)
    axes.set_ylabel(f"mean {short(search.metric, 22)}")
    axes.locator_params(axis="y", nbins=6)
    grid_lines(axes, "y")
    if search.rounds:
        figure.legend(loc="lower center", ncols=4, handlelength=1.6, columnspacing=1.4, handletextpad=0.5)
    return figure


def _head(figure: Figure, search: LiveSearch, left: float, right: float, height: float) -> None:
    """The best so far and its parameters, what is done, and the time."""
    if search.score is None:
        first = "nothing to compare so far" if search.running else "no candidate has a score"
    else:
        first = f"best {'so far ' * search.running}{search.score:.4f}"
    room = (right - left) * WIDTH
    figure.text(left, 1 - 0.16 / height, first, size=12, weight="bold", va="top")
    figure.text(right, 1 - 0.18 / height, search.time(), size=9, color=MUTED, va="top", ha="right")
    figure.text(left, 1 - 0.44 / height, fitted(search.best, room, 10), size=10, va="top")
    figure.text(left, 1 - 0.70 / height, fitted(search.standing(), room, 9), size=9, color=MUTED, va="top")


def _faces(count: int) -> str:
    return f"{count:,} faces" if count else "all faces"


def _dots(axes: Axes, each: Round, colour: str, unit: float, low: float, label: str) -> None:
    """Candidates: filled where all folds are done, hollow where some are, at the lower edge where they lie below it."""
    known = np.isfinite(each.means)
    for part, face in ((known & each.complete, colour), (known & ~each.complete, "none")):
        for shown, marker in ((part & (each.means >= low), "o"), (part & (each.means < low), "v")):
            axes.scatter(
                each.seconds[shown] / unit,
                np.maximum(each.means[shown], low),
                s=16,
                marker=marker,
                color=face,
                edgecolors=colour,
                linewidths=0.9,
                clip_on=marker == "o",
                label=label if face == colour and marker == "o" else None,
                zorder=3,
            )


def _line(axes: Axes, each: Round, unit: float, until: float, label: str | None) -> None:
    """The best so far of those that are done on all folds, and a ring around the best."""
    full = np.flatnonzero(np.isfinite(each.means) & each.complete)
    if len(full):
        full = full[np.argsort(each.seconds[full], kind="stable")]
        tops = np.maximum.accumulate(each.means[full])
        at = np.array([*each.seconds[full], max(until, each.seconds[full[-1]])])
        axes.step(at / unit, [*tops, tops[-1]], where="post", color=_BEST, linewidth=1.6, label=label, zorder=2)
    if each.best is not None:
        x, y = each.seconds[each.best] / unit, each.means[each.best]
        axes.scatter(x, y, s=90, facecolors="none", edgecolors=_BEST, linewidths=2, zorder=4)


def _limits(rounds: Sequence[Round]) -> tuple[float, float]:
    """The range of scores to show: all of them, unless a few poor ones would press the others together."""
    means = np.concatenate([each.means for each in rounds]) if rounds else np.empty(0)
    means = means[np.isfinite(means)]
    if not len(means):
        return 0.0, 1.0
    high, low = float(means.max()), float(means.min())
    low = max(low, high - 3 * (high - float(np.median(means))) - 0.02) if len(means) > 8 else low
    room = max(0.06 * (high - low), 0.002)
    return low - room, high + 2 * room


def _unit(seconds: float) -> tuple[float, str]:
    """Seconds in a unit of the axis, and its name."""
    for size, name in ((3600.0, "hours"), (60.0, "minutes")):
        if seconds > 3 * size:
            return size, f"{name} since the search began"
    return 1.0, "seconds since the search began"
