"""ROC and precision-recall: how well the probabilities rank, with thresholds marked where there are two classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from eigenface.report.ranking import Curve
from eigenface.report.scores import Scores
from eigenface.report.style import DASHES, FAINT, INK, MUTED, PALETTE, canvas, grid_lines, legend_below, short, styled

THRESHOLDS = tuple(round(0.1 * i, 1) for i in range(1, 10))
MOST_LINES = 8

Floats = NDArray[np.float64]


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64], most: int = 800) -> NDArray[np.intp]:
    """Places of a curve that are enough to draw it: evenly along its length."""
    if len(x) <= most:
        return np.arange(len(x))
    length = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    places = np.searchsorted(length, np.linspace(0, length[-1], most))
    return np.unique(np.clip(np.append(places, [0, len(x) - 1]), 0, len(x) - 1))


def _mark_thresholds(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], curve: Curve, *, left: bool) -> None:
    """A dot at each tenth, with its number where no other number is near; `left` puts numbers left of the dots."""
    placed: list[tuple[float, float]] = []
    for threshold in sorted(THRESHOLDS, key=lambda t: abs(t - 0.5)):
        i = curve.at(threshold)
        at = (float(x[i]), float(y[i]))
        axes.plot(*at, "o", color=PALETTE[1] if threshold == 0.5 else PALETTE[0], markersize=6, zorder=5, clip_on=False)
        label = (at[0] - 0.035, at[1] - 0.035) if left else (at[0] + 0.035, at[1] - 0.035)
        inside = 0.03 <= label[0] <= 0.97 and label[1] >= 0.1
        if inside and all(abs(label[0] - a) > 0.045 or abs(label[1] - b) > 0.05 for a, b in placed):
            axes.text(*label, f"{threshold:.1f}"[1:], ha="center", va="center", fontsize=9, color=INK)
            placed.append(label)


def _frame(figure: Figure, across: str, up: str) -> Axes:
    axes = figure.subplots()
    axes.set_xlim(-0.015, 1.015)
    axes.set_ylim(-0.015, 1.015)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    grid_lines(axes)
    return axes


def _lines(scores: Scores) -> list[tuple[str, float, float, Curve]]:
    """Name, AUC, average precision and curve of each class that has both positives and negatives, worst AUC first."""
    found = []
    for label in scores.classes[1:] if len(scores.classes) == 2 else scores.classes:
        ranking = scores.ranking(label)
        if ranking.defined:
            auc, average = (float(area[0]) for area in ranking.areas(np.ones((scores.n, 1))))
            found.append((label, auc, average, ranking.curve()))
    return found


@styled
def roc_figure(scores: Scores) -> Figure:
    """The ROC curve with thresholds along it and AUC with interval; each class against the rest where more than two.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    Figure

    References
    ----------
    Fawcett (2006), An introduction to ROC analysis. https://doi.org/10.1016/j.patrec.2005.10.010
    """
    lines = _lines(scores)
    figure = canvas(5.0 if len(scores.classes) == 2 else 5.6)
    axes = _frame(figure, "false alarms: share of the others taken for it", "found: share of the class recognised")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":")
    if len(scores.classes) == 2:
        for label, _, _, curve in lines:
            keep = _thinned(curve.false_alarms, curve.recall)
            axes.plot(curve.false_alarms[keep], curve.recall[keep], color=PALETTE[0], label="ROC")
            _mark_thresholds(axes, curve.false_alarms, curve.recall, curve, left=False)
            axes.set_title(f"{short(label)}: AUC {scores.roc_auc}")
        axes.text(0.985, 0.03, "dots: thresholds .1 to .9, orange .5", ha="right", fontsize=9, color=MUTED)
        return figure
    axes.set_title(f"mean AUC {scores.roc_auc}")
    handles = _draw_lines(
        axes, [(label, auc, curve, curve.false_alarms, curve.recall) for label, auc, _, curve in _chosen(lines, 1)]
    )
    _finish(figure, handles, len(lines))
    return figure


@styled
def precision_recall_figure(scores: Scores) -> Figure:
    """Precision against recall, with average precision and interval; each class against the rest where more than two.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    Figure
    """
    lines = _lines(scores)
    figure = canvas(5.0 if len(scores.classes) == 2 else 5.6)
    axes = _frame(figure, "recall: share of the class recognised", "precision: share of the answers that are right")
    if len(scores.classes) == 2:
        for label, _, _, curve in lines:
            keep = _thinned(curve.recall, curve.precision)
            axes.plot(curve.recall[keep], curve.precision[keep], color=PALETTE[0])
            _mark_thresholds(axes, curve.recall, curve.precision, curve, left=True)
            share = float((scores.truth == 1).mean())
            axes.axhline(share, color=MUTED, linewidth=1, linestyle=":")
            axes.set_title(f"{short(label)}: average precision {scores.average_precision}")
        note = "dots: thresholds .1 to .9, orange .5; dotted: chance"
        axes.text(0.015, 0.03, note, ha="left", fontsize=9, color=MUTED)
        return figure
    axes.set_title(f"mean average precision {scores.average_precision}")
    handles = _draw_lines(
        axes, [(label, average, curve, curve.recall, curve.precision) for label, _, average, curve in _chosen(lines, 2)]
    )
    _finish(figure, handles, len(lines))
    return figure


def _draw_lines(axes: Axes, lines: Sequence[tuple[str, float, Curve, Floats, Floats]]) -> list[Line2D]:
    """A line a class (label, figure, curve, x, y), the first few in colours of their own; those, for the legend."""
    handles = []
    for place, (label, figure, curve, x, y) in enumerate(lines):
        keep = _thinned(x, y)
        if place >= MOST_LINES:
            axes.plot(x[keep], y[keep], linewidth=0.8, zorder=2, color=FAINT)
            continue
        order, colour, dashes = 3 - place / 100, PALETTE[place], DASHES[place]
        drawn = axes.plot(x[keep], y[keep], linewidth=1.8, zorder=order, color=colour, linestyle=dashes)[0]
        half = curve.at(0.5)
        axes.plot(x[half], y[half], "o", color=PALETTE[place], markersize=6, zorder=5)
        drawn.set_label(f"{short(label)}  {figure:.3f}")
        handles.append(drawn)
    return handles


def _chosen(lines: list[tuple[str, float, float, Curve]], by: int) -> list[tuple[str, float, float, Curve]]:
    """All lines, up to eight in the order of the classes, else the eight worst first."""
    if len(lines) <= MOST_LINES:
        return lines
    return sorted(lines, key=lambda line: float(line[by]))  # type: ignore[arg-type]


def _finish(figure: Figure, handles: list[Line2D], lines: int) -> None:
    note = "dots: threshold .5"
    if lines > MOST_LINES:
        note += f"; named: the {MOST_LINES} worst of {lines} classes"
    legend_below(figure, handles=handles, columns=2, title=note)
