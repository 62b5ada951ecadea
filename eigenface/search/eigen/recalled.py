"""A classifier over row numbers that knows its answers already, so that scikit-learn's own search scores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _ovr_decision_function

from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.fits import Said
from eigenface.search.eigen.jobs import Answer
from eigenface.search.eigen.workshop import Outcome
from eigenface.search.identity import described


@dataclass(frozen=True, eq=False)
class Known:
    """All that a search worked out.

    Parameters
    ----------
    size : int
        Rows in all.
    numbers : mapping of described parameters to the candidate's number
    shapes : mapping of number to `ovr` or `ovo`, the form of decisions
    folds : mapping of training rows' bytes to the fold's number
    answers : mapping of (candidate, fold number) to (Fold, outcome)
        The fold as the candidate learned it: a part of its rows, perhaps.
    """

    size: int
    numbers: Mapping[str, int]
    shapes: Mapping[int, str]
    folds: Mapping[bytes, int]
    answers: Mapping[tuple[int, int], tuple[Fold, Outcome]]


class NotTriedError(ValueError):
    """A candidate that the search had no time for."""


class Recalled(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`fit` takes numbers of rows and looks the candidate's outcome up.

    Parameters
    ----------
    known : Known
    """

    def __init__(self, known: Known | None) -> None:
        self.known = known
        self._parameters: dict[str, Any] = {}

    def __sklearn_clone__(self) -> Recalled:
        return Recalled(self.known)

    def set_params(self, **parameters: Any) -> Recalled:
        """Keep the parameters that the pipeline would get."""
        self._parameters |= parameters
        return self

    def fit(self, X: NDArray[np.intp], y: Any = None) -> Recalled:
        """Find the fold of these rows, and the candidate; all rows are the final fit, which is done elsewhere."""
        known = self.known
        assert known is not None  # only what `of` makes has none, and is fitted
        if len(X) == known.size and X.tobytes() not in known.folds:
            return self
        number = known.numbers[described(self._parameters)]
        found = known.answers.get((number, known.folds[X.tobytes()]))
        if found is None:
            raise NotTriedError("not tried: time was up")
        return self._take(*found, known.shapes.get(number, "ovr"), known.size)

    @classmethod
    def of(cls, fold: Fold, outcome: Outcome, shape: str, size: int) -> Recalled:
        """A candidate of which the outcome is known, fitted."""
        return cls(None)._take(fold, outcome, shape, size)

    def _take(self, fold: Fold, outcome: Outcome, shape: str, size: int) -> Recalled:
        if isinstance(outcome, Exception):
            raise outcome
        self._outcome, self._shape = outcome, shape
        classes = fold.classes if isinstance(outcome, Answer) else outcome.classes
        if classes is not None:
            self.classes_ = classes
        self._positions = np.full(size, -1)
        self._positions[fold.rows] = np.arange(len(fold.rows))
        return self

    def _has(self, method: str) -> bool:
        outcome = getattr(self, "_outcome", None)
        if isinstance(outcome, Said):
            return method in outcome.values
        return method != "predict_proba"

    def _said(self, method: str, rows: NDArray[np.intp]) -> NDArray[Any]:
        assert isinstance(self._outcome, Said)
        value = self._outcome.values[method]
        if isinstance(value, Exception):
            raise value
        return value[rows]

    def predict(self, X: NDArray[np.intp]) -> NDArray[Any]:
        """Labels of rows: the class that wins most pairs, the first of several."""
        rows = self._positions[X]
        if isinstance(self._outcome, Said):
            return self._said("predict", rows)
        pairs, n_classes = self._outcome.decisions[rows], len(self.classes_)
        votes = np.zeros((len(pairs), n_classes), np.intp)
        first, second = np.triu_indices(n_classes, 1)
        for at in range(pairs.shape[1]):
            won = pairs[:, at] > 0
            votes[won, first[at]] += 1
            votes[~won, second[at]] += 1
        labels: NDArray[Any] = self.classes_[votes.argmax(axis=1)]
        return labels

    def score(self, X: NDArray[np.intp], y: Any) -> float:
        """The share of right labels, as scikit-learn's score of a classifier, without its checks of every array."""
        return float(np.mean(self.predict(X) == np.asarray(y)))

    @available_if(lambda self: self._has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: NDArray[np.intp]) -> NDArray[np.float64]:
        """Decisions of rows as the candidate gives them."""
        rows = self._positions[X]
        if isinstance(self._outcome, Said):
            return self._said("decision_function", rows)
        pairs: NDArray[np.float64] = self._outcome.decisions[rows]
        if len(self.classes_) == 2:
            return -pairs.ravel()
        if self._shape == "ovo":
            return pairs
        return np.asarray(_ovr_decision_function(pairs < 0, -pairs, len(self.classes_)))

    @available_if(lambda self: self._has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: NDArray[np.intp]) -> NDArray[np.float64]:
        """Probabilities, where the candidate has them."""
        return self._said("predict_proba", self._positions[X])
