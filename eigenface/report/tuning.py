"""Figures about training: the learning curve and the grid search's heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from eigenface.errors import DataError
from eigenface.report.style import FAINT, HEAT, INK, MUTED, PALETTE, canvas, grid_lines, legend_below, short, styled

MOST_COLUMNS = 12


@dataclass(frozen=True)
class LearningCurve:
    """Scores against the amount of training data, as `sklearn.model_selection.learning_curve` gives them.

    Parameters
    ----------
    sizes : array (s,)
        Training pictures, rising.
    train, test : float arrays (s, folds)
        Scores on the training part and on what was kept aside.
    metric : str
        What the scores are.

    Raises
    ------
    DataError
        The shapes do not fit together.
    """

    sizes: NDArray[Any]
    train: NDArray[np.floating[Any]]
    test: NDArray[np.floating[Any]]
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        s = len(self.sizes)
        if not s or self.train.ndim != 2 or self.test.ndim != 2 or len(self.train) != s or len(self.test) != s:
            got = f"{s} sizes, train {self.train.shape}, test {self.test.shape}"
            raise DataError("length_mismatch", f"Learning curve: {got}", "Give scores (sizes, folds) for both.")

    def as_dict(self) -> dict[str, Any]:
        """Means and standard deviations for JSON."""
        found: dict[str, Any] = {"metric": self.metric, "sizes": [float(size) for size in self.sizes]}
        for name, values in (("train", self.train), ("test", self.test)):
            found[name] = {"mean": values.mean(axis=1).tolist(), "sd": values.std(axis=1).tolist()}
        return found


@styled
def learning_figure(curve: LearningCurve) -> Figure:
    """Mean score on training and kept-aside data against the training size, with bands of one standard deviation.

    Parameters
    ----------
    curve : LearningCurve

    Returns
    -------
    Figure
    """
    figure = canvas(3.9)
    axes = figure.subplots()
    parts = (("training pictures", curve.train, PALETTE[1], "--s"), ("kept aside", curve.test, PALETTE[0], "-o"))
    for name, values, colour, look in parts:
        mean, spread = values.mean(axis=1), values.std(axis=1)
        axes.fill_between(curve.sizes, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)
        axes.plot(curve.sizes, mean, look, color=colour, markersize=5, label=f"{name}, last {mean[-1]:.3f}")
    axes.set_xlabel("training pictures")
    axes.set_ylabel(short(curve.metric))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.margins(x=0.05, y=0.1)
    grid_lines(axes)
    legend_below(figure, axes)
    return figure


@dataclass(frozen=True)
class GridTable:
    """Best scores of a grid search by two of its parameters, or one.

    Parameters
    ----------
    down, across : str
        Names of the parameters; `down` is empty where only one was varied.
    rows, columns : list of str
        Their values.
    best : float array (rows, columns)
        The best mean test score over all other parameters; NaN where nothing was tried or all failed.
    """

    down: str
    across: str
    rows: list[str]
    columns: list[str]
    best: NDArray[np.float64]


def grid_table(results: Mapping[str, Any], *, parameters: Sequence[str] | None = None) -> GridTable:
    """The best mean test score by two parameters, those that matter most where they are not named.

    Parameters
    ----------
    results : mapping
        `cv_results_` of a search.
    parameters : sequence of str, optional
        One or two names, without `param_`.

    Returns
    -------
    GridTable

    Raises
    ------
    DataError
        Nothing to show, or an unknown parameter.

    Examples
    --------
    >>> found = {"param_C": [1, 10, 1, 10], "param_g": [1, 1, 2, 2], "mean_test_score": [0.5, 0.7, 0.6, 0.9]}
    >>> grid_table(found).best.tolist()
    [[0.5, 0.6], [0.7, 0.9]]
    """
    names = [name.removeprefix("param_") for name in results if name.startswith("param_")]
    scores = np.asarray(results.get("mean_test_score", ()), dtype=np.float64)
    if not names or not len(scores):
        raise DataError(
            "no_rows", "Grid search: no parameters or no mean_test_score", "Give the cv_results_ of a search."
        )
    codes = {name: _coded(results[f"param_{name}"]) for name in names}
    if parameters is None:
        varied = [name for name in names if len(codes[name][0]) > 1] or names[:1]
        chosen = sorted(varied, key=lambda name: -_effect(*codes[name], scores))[:2]
        chosen = sorted(chosen, key=lambda name: len(codes[name][0]))
    else:
        chosen = [name for name in parameters if name in codes]
        if len(chosen) != len(parameters) or not 1 <= len(chosen) <= 2:
            message = f"Grid search: parameters {', '.join(parameters)}, known are {', '.join(names)}"
            raise DataError("unknown_parameter", message, "Name one or two of them.")
    across, down = chosen[-1], chosen[0] if len(chosen) == 2 else ""
    columns, column = codes[across]
    rows, row = codes[down] if down else ([""], np.zeros(len(scores), dtype=np.intp))
    best = np.full((len(rows), len(columns)), -np.inf)
    usable = np.isfinite(scores) & (row >= 0) & (column >= 0)
    np.maximum.at(best, (row[usable], column[usable]), scores[usable])
    best[~np.isfinite(best)] = np.nan
    return GridTable(down, across, rows, columns, best)


def _coded(values: Any) -> tuple[list[str], NDArray[np.intp]]:
    """Different values, numbers in rising order, and each candidate's place, -1 where it has none."""
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.zeros(len(values), dtype=bool)
    raw = [None if gone else value for value, gone in zip(np.ma.getdata(values).tolist(), masked, strict=True)]
    keys = [_named(value) for value in raw]
    seen: dict[str, Any] = {key: value for key, value, gone in zip(keys, raw, masked, strict=True) if not gone}
    order = list(seen)
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in seen.values()):
        order = sorted(order, key=lambda key: float(seen[key]))
    place = {key: i for i, key in enumerate(order)}
    return order, np.array([-1 if gone else place[key] for key, gone in zip(keys, masked, strict=True)], dtype=np.intp)


def _named(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _effect(names: list[str], codes: NDArray[np.intp], scores: NDArray[np.float64]) -> float:
    """How far the best score moves with a parameter."""
    best = [scores[(codes == i) & np.isfinite(scores)] for i in range(len(names))]
    tops = [float(some.max()) for some in best if len(some)]
    return max(tops) - min(tops) if tops else 0.0


@styled
def grid_figure(results: Mapping[str, Any], *, parameters: Sequence[str] | None = None) -> Figure:
    """Heat map of a grid search: the best mean score by two parameters, the best of all framed.

    Parameters
    ----------
    results : mapping
        `cv_results_` of a search.
    parameters : sequence of str, optional
        One or two names; without, the two that move the score most.

    Returns
    -------
    Figure
    """
    table = grid_table(results, parameters=parameters)
    best, rows, columns = table.best, table.rows, table.columns
    if best.shape[1] > MOST_COLUMNS and best.shape[0] <= MOST_COLUMNS:
        best, rows, columns = best.T, columns, rows
        table = GridTable(table.across, table.down, rows, columns, best)
    known = best[np.isfinite(best)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    figure = canvas(1.5 + (0.34 if len(rows) <= MOST_COLUMNS else 0.2) * len(rows))
    axes = figure.subplots()
    axes.set_facecolor(FAINT)  # shows where nothing was tried
    axes.imshow(
        np.ma.masked_invalid(best), cmap=HEAT, vmin=low - 0.02 * (high - low), vmax=max(high, low + 1e-9), aspect="auto"
    )
    size = 9.0 if len(columns) <= 8 else 7.5
    upright = len(columns) > 1 and max(len(name) for name in columns) * len(columns) > 48
    axes.set_xticks(np.arange(len(columns)), [short(name, 14) for name in columns], rotation=90 if upright else 0)
    axes.set_yticks(np.arange(len(rows)), [short(name) for name in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(columns) <= MOST_COLUMNS:
        for i, j in np.ndindex(*best.shape):
            value = best[i, j]
            strong = np.isfinite(value) and value - low > 0.55 * (high - low)
            text = f"{value:.3f}" if np.isfinite(value) else "–"
            axes.text(j, i, text, ha="center", va="center", fontsize=size, color="white" if strong else INK)
    if len(known):
        i, j = np.unravel_index(np.nanargmax(best), best.shape)
        axes.add_patch(_frame(float(j), float(i)))
    axes.set_xlabel(short(table.across, 40))
    missing = "; grey: not tried" if len(known) < best.size else ""
    axes.set_title(short(table.down, 28), fontweight="normal")
    axes.set_title(f"best {high:.3f}, framed{missing}", fontweight="normal", fontsize=9, color=MUTED, loc="right")
    return figure


def _frame(x: float, y: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=PALETTE[1], linewidth=2.5, clip_on=False, zorder=5)
