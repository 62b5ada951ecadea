"""The figures that say how good a model is: true labels and probabilities in, `Scores` with 95 % intervals out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenface.report.bootstrap import Estimate, percentile_interval, resamples, wilson
from eigenface.report.calibration import BINS, calibration_floor, confidence_bins
from eigenface.report.inputs import check_classes, check_groups, check_labels, check_probabilities
from eigenface.report.ranking import Ranking
from eigenface.report.scores import HEADLINE, ClassScores, Scores
from eigenface.report.subgroups import subgroup_rows

__all__ = ["ClassScores", "Scores", "majority_probabilities", "score"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def score(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    *,
    groups: ArrayLike | None = None,
    baseline: ArrayLike | Literal["majority"] | None = None,
    by: Mapping[str, ArrayLike] | None = None,
    n_boot: int = 1000,
    random_state: int = 0,
) -> Scores:
    """Score probabilities against true labels, every headline figure with a 95 % bootstrap interval.

    Classes that no picture has are left out of the means over classes. Where all resamples agree (all right, one single
    picture) accuracy has Wilson's interval over the units, the other figures none.

    Parameters
    ----------
    y_true : array (n,) of str
        True labels, each one of `classes`; at least one.
    probabilities : float array (n, k)
        0..1, rows summing to 1 within 0.001, columns in the order of `classes`. The answer is the largest, the first of
        equals.
    classes : sequence of str (k,)
        At least two different names.
    groups : array (n,), optional
        Who is in each picture; resampled whole. Without, pictures are resampled.
    baseline : float array (n, k) or "majority", optional
        What a simple rule answers on the same pictures; "majority" answers each class with its share of `y_true`, so
        always the most common.
    by : mapping of str to array (n,), optional
        Parts of the data to score apart, such as {"age": ages}.
    n_boot : int
        Resamples, 0 for none.
    random_state : int
        Seed.

    Returns
    -------
    Scores

    Raises
    ------
    DataError
        No rows, lengths that differ, an unknown label, or probabilities that are none.

    References
    ----------
    Kappa: Cohen (1960), https://doi.org/10.1177/001316446002000104
    Balanced accuracy: Brodersen et al. (2010), https://doi.org/10.1109/ICPR.2010.764
    Brier score: Brier (1950), https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> scores = score(["f", "f", "m", "m"], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]], ["f", "m"])
    >>> scores.accuracy.value, scores.confusion.tolist()
    (0.75, [[1, 1], [0, 2]])
    """
    names = check_classes(classes)
    truth = check_labels(y_true, names)
    given = check_probabilities(probabilities, len(truth), len(names))
    units, unit = check_groups(groups, len(truth))
    figures, draws = _measure(truth, given, units, n_boot, random_state)
    estimates = _estimates(figures, draws, units)
    beside: Scores | None = None
    gains: dict[str, Estimate] = {}
    if baseline is not None:
        if isinstance(baseline, str):
            simple = majority_probabilities(np.asarray(names)[truth], names, len(truth))
        else:
            simple = check_probabilities(baseline, len(truth), len(names), "Baseline")
        base_figures, base_draws = _measure(truth, simple, units, n_boot, random_state)
        base_estimates = _estimates(base_figures, base_draws, units)
        beside = _bundle(names, truth, simple, base_estimates, units, n_boot, unit)
        gains = {
            name: percentile_interval(figures[name] - base_figures[name], draws[name] - base_draws[name], centred=True)
            for name in HEADLINE
        }
    rows = subgroup_rows(truth, np.argmax(given, axis=1), names, by or {})
    found = _bundle(names, truth, given, estimates, units, n_boot, unit)
    return replace(found, baseline=beside, gains=gains, subgroups=rows)


def majority_probabilities(labels: ArrayLike, classes: Sequence[str], n: int) -> Floats:
    """What the simplest rule answers: every class with its share of `labels`, whatever the picture.

    Parameters
    ----------
    labels : array of str
        Labels that the rule was learned from (the training set's).
    classes : sequence of str (k,)
    n : int
        Pictures to answer.

    Returns
    -------
    float64 array (n, k)

    Examples
    --------
    >>> majority_probabilities(["a", "a", "a", "b"], ["a", "b"], 1).tolist()
    [[0.75, 0.25]]
    """
    counts = np.bincount(check_labels(labels, check_classes(classes)), minlength=len(classes))
    return np.tile(counts / counts.sum(), (n, 1))


def _bundle(
    names: tuple[str, ...],
    truth: Indices,
    given: Floats,
    estimates: dict[str, Estimate],
    units: Indices,
    n_boot: int,
    unit: str,
) -> Scores:
    fields: dict[str, Any] = {**estimates, "unit": unit, "n_units": _size(units), "n_boot": n_boot}
    return Scores(classes=names, truth=truth, probabilities=given, **fields)


def _size(units: Indices) -> int:
    return int(units.max()) + 1


class _Sums:
    """Sums of weights (n, b) by a code (n,) in 0..k-1: (k, b). By sorted runs: BLAS products stall on busy cores."""

    def __init__(self, codes: Indices, k: int) -> None:
        self.order, self.k = np.argsort(codes, kind="stable"), k
        self.present, self.starts = np.unique(codes[self.order], return_index=True)

    def __call__(self, weights: Floats, factor: Floats | None = None) -> Floats:
        ordered = weights[self.order]
        if factor is not None:
            ordered *= factor[self.order, None]
        sums = np.zeros((self.k, weights.shape[1]))
        sums[self.present] = np.add.reduceat(ordered, self.starts, axis=0)
        return sums


def _measure(
    truth: Indices, given: Floats, units: Indices, n_boot: int, random_state: int
) -> tuple[dict[str, float], dict[str, Floats]]:
    """The headline figures on the data, and on every resample."""
    n, k = given.shape
    predicted, confidence = np.argmax(given, axis=1), given.max(axis=1)
    right = predicted == truth
    onehot = truth[:, None] == np.arange(k)
    loss = -np.log(np.clip(given[np.arange(n), truth], np.finfo(np.float64).eps, 1))
    squares = ((given - onehot) ** 2).sum(axis=1) / (2 if k == 2 else 1)
    by_truth, by_answer, by_bin = _Sums(truth, k), _Sums(predicted, k), _Sums(confidence_bins(confidence), BINS)
    by_hit = _Sums(np.where(right, truth, k), k + 1)
    rankings = [Ranking.of(given[:, c], onehot[:, c]) for c in ([1] if k == 2 else range(k))]
    rankings = [ranking for ranking in rankings if ranking.defined]
    floor = calibration_floor(confidence)

    def figures(weights: Floats) -> dict[str, Floats]:
        hits, true, said = by_hit(weights)[:k], by_truth(weights), by_answer(weights)
        total = true.sum(axis=0)
        accuracy, chance = hits.sum(axis=0) / total, (true * said).sum(axis=0) / total**2
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {
                "accuracy": accuracy,
                "balanced_accuracy": np.where(true > 0, hits / true, 0).sum(axis=0) / (true > 0).sum(axis=0),
                "kappa": (accuracy - chance) / np.where(chance < 1 - 1e-12, 1 - chance, np.nan),
                "macro_f1": np.where(true + said > 0, 2 * hits / (true + said), 0).sum(axis=0)
                / (true + said > 0).sum(axis=0),
            }
            areas = np.array([ranking.areas(weights) for ranking in rankings]).reshape(-1, 2, weights.shape[1])
            defined = np.isfinite(areas)
            found["roc_auc"], found["average_precision"] = np.where(defined, areas, 0).sum(axis=0) / defined.sum(axis=0)
        found["log_loss"] = np.einsum("i,ib->b", loss, weights) / total
        found["brier"] = np.einsum("i,ib->b", squares, weights) / total
        found["calibration_error"] = np.abs(by_bin(weights, confidence - right)).sum(axis=0) / total
        found["calibration_excess"] = found["calibration_error"] - floor
        return found

    value = {name: float(column[0]) for name, column in figures(np.ones((n, 1))).items()}
    chunks = [figures(weights) for weights in resamples(units, n_boot, random_state)] if n_boot else []
    return value, {name: np.concatenate([chunk[name] for chunk in chunks] or [np.empty(0)]) for name in value}


def _estimates(figures: dict[str, float], draws: dict[str, Floats], units: Indices) -> dict[str, Estimate]:
    """Figures with their intervals."""
    found = {
        name: percentile_interval(value, draws[name], centred=name.startswith("calibration"))
        for name, value in figures.items()
    }
    if found["accuracy"].low is None and len(draws["accuracy"]):
        found["accuracy"] = wilson(figures["accuracy"] * _size(units), _size(units))
    error = found["calibration_error"]
    if error.low is not None and error.low < 0:
        found["calibration_error"] = Estimate(error.value, 0.0, error.high)
    return found
