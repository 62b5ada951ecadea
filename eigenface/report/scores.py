"""What `metrics.score` returns: headline figures with intervals, and all that figures and tables are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.report.bootstrap import Estimate
from eigenface.report.calibration import Coverage, Reliability
from eigenface.report.ranking import Ranking
from eigenface.report.subgroups import Subgroup

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

HEADLINE = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "kappa": "Cohen's kappa",
    "macro_f1": "Macro F1",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "calibration_error": "Calibration error",
    "calibration_excess": "Calibration excess",
}
"""The headline figures in reading order, with their names for people."""
SMALLER_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "calibration_excess"})


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against the rest: precision, recall and F1 in 0..1 (NaN where undefined) and its pictures."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Scores:
    """How good a model is on labelled pictures; made by `metrics.score`.

    Parameters
    ----------
    classes : tuple of str (k,)
    truth : intp array (n,)
        The true class of each picture, a place in `classes`.
    probabilities : float64 array (n, k)
    accuracy, balanced_accuracy, kappa, macro_f1, roc_auc, average_precision : Estimate
        The larger the better. ROC AUC and average precision are of the second class where there are two, else the mean
        over the classes against the rest.
    log_loss, brier, calibration_error, calibration_excess : Estimate
        The smaller the better. The excess is what a perfectly calibrated model would not show on as many pictures.
    unit : str
        What was resampled: `groups` (persons) or `pictures`.
    n_units, n_boot : int
        How many of them there are, and how often they were drawn.
    baseline : Scores, optional
        The same figures for what a simple rule answers.
    gains : dict
        By headline name what the model has on the baseline, on the same resamples.
    subgroups : tuple of Subgroup
    """

    classes: tuple[str, ...]
    truth: Indices = field(repr=False, compare=False)
    probabilities: Floats = field(repr=False, compare=False)
    accuracy: Estimate
    balanced_accuracy: Estimate
    kappa: Estimate
    macro_f1: Estimate
    roc_auc: Estimate
    average_precision: Estimate
    log_loss: Estimate
    brier: Estimate
    calibration_error: Estimate
    calibration_excess: Estimate
    unit: str = "pictures"
    n_units: int = 0
    n_boot: int = 0
    baseline: Scores | None = field(default=None, repr=False)
    gains: Mapping[str, Estimate] = field(default_factory=dict, repr=False)
    subgroups: tuple[Subgroup, ...] = field(default=(), repr=False)

    @property
    def n(self) -> int:
        """Pictures scored."""
        return len(self.truth)

    @cached_property
    def predicted(self) -> Indices:
        """The most probable class of each picture, the first of equals."""
        best: Indices = np.argmax(self.probabilities, axis=1)
        return best

    @cached_property
    def confidence(self) -> Floats:
        """The probability of that class, (n,), 0..1."""
        best: Floats = self.probabilities.max(axis=1)
        return best

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Which answers are right, (n,)."""
        return np.asarray(self.predicted == self.truth)

    @cached_property
    def confusion(self) -> Indices:
        """Pictures by true class (rows) and predicted class (columns), (k, k)."""
        k = len(self.classes)
        return np.bincount(self.truth * k + self.predicted, minlength=k * k).reshape(k, k)

    @cached_property
    def per_class(self) -> tuple[ClassScores, ...]:
        """Precision, recall, F1 and support of every class; NaN where nothing was true or predicted."""
        hits, true, said = np.diag(self.confusion), self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        with np.errstate(invalid="ignore"):
            columns = zip(hits / said, hits / true, 2 * hits / (true + said), true, strict=True)
        return tuple(
            ClassScores(label, float(p), float(r), float(f), int(s))
            for label, (p, r, f, s) in zip(self.classes, columns, strict=True)
        )

    @cached_property
    def coverage(self) -> Coverage:
        """Accuracy when only the surest share is answered."""
        return Coverage.of(self.confidence, self.right)

    @cached_property
    def reliability(self) -> Reliability:
        """Stated confidence against true share of right answers."""
        return Reliability.of(self.confidence, self.right)

    def ranking(self, label: str) -> Ranking:
        """The pictures by falling probability of `label`."""
        place = self.classes.index(label)
        return Ranking.of(self.probabilities[:, place], self.truth == place)

    def headline(self) -> dict[str, Estimate]:
        """The headline figures by name, in reading order."""
        return {name: getattr(self, name) for name in HEADLINE}

    def as_dict(self) -> dict[str, Any]:
        """Everything but the single pictures, ready for JSON; undefined figures are null."""
        found: dict[str, Any] = {"n": self.n, "classes": list(self.classes)}
        found["resampled"] = {"unit": self.unit, "units": self.n_units, "resamples": self.n_boot, "level": 0.95}
        found |= {name: estimate.as_dict() for name, estimate in self.headline().items()}
        found["per_class"] = {
            row.label: {"precision": _null(row.precision), "recall": _null(row.recall), "f1": _null(row.f1)}
            | {"support": row.support}
            for row in self.per_class
        }
        found["confusion"] = {
            "counts": self.confusion.tolist(),
            "true_totals": self.confusion.sum(axis=1).tolist(),
            "predicted_totals": self.confusion.sum(axis=0).tolist(),
            "total": self.n,
        }
        found["coverage"], found["reliability"] = self.coverage.as_dict(), self.reliability.as_dict()
        if self.baseline is not None:
            found["baseline"] = {name: estimate.as_dict() for name, estimate in self.baseline.headline().items()}
            found["gains"] = {name: estimate.as_dict() for name, estimate in self.gains.items()}
        if self.subgroups:
            found["subgroups"] = [row.as_dict() for row in self.subgroups]
        return found


def _null(value: float) -> float | None:
    return value if np.isfinite(value) else None
