"""A classifier over row numbers that knows its decisions already, so that scikit-learn's own search scores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _ovr_decision_function

from eigenface.search.eigen.candidates import Candidate
from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.jobs import Answer
from eigenface.search.identity import described


@dataclass(frozen=True, eq=False)
class Known:
    """All that a search worked out, and what is needed to fit what it could not.

    Parameters
    ----------
    estimator : estimator, unfitted
    crops, labels
        All of them.
    numbers : mapping of described parameters to the candidate's number
    candidates : mapping of number to Candidate
    folds : mapping of training rows' bytes to (number, Fold)
    answers : mapping of (candidate, fold) to Answer
    """

    estimator: Any
    crops: Any
    labels: Any
    numbers: Mapping[str, int]
    candidates: Mapping[int, Candidate]
    folds: Mapping[bytes, tuple[int, Fold]]
    answers: Mapping[tuple[int, int], Answer]


class Recalled(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`fit` takes numbers of rows and looks its decisions up; a candidate without any is fitted as it is.

    Parameters
    ----------
    known : Known
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        self._parameters: dict[str, Any] = {}
        self._fitted: Any = None
        self._answer: Answer | None = None

    def __sklearn_clone__(self) -> Recalled:
        return Recalled(self.known)

    def set_params(self, **parameters: Any) -> Recalled:
        """Keep the parameters that the pipeline would get."""
        self._parameters |= parameters
        return self

    def fit(self, X: NDArray[np.intp], y: Any = None) -> Recalled:
        """Find the fold of these rows, and the candidate; all rows are the final fit, which is done elsewhere."""
        known = self.known
        if len(X) == len(known.labels) and X.tobytes() not in known.folds:
            return self
        number = known.numbers[described(self._parameters)]
        fold, self._fold = known.folds[X.tobytes()]
        self._answer = known.answers.get((number, fold))
        if self._answer is None:
            whole = clone(known.estimator).set_params(**clone(self._parameters, safe=False))
            self._fitted = whole.fit(_safe_indexing(known.crops, X), y)
            if hasattr(self._fitted, "classes_"):
                self.classes_ = self._fitted.classes_
            return self
        self.classes_ = self._fold.classes
        self._shape = known.candidates[number].shape
        self._positions = np.full(len(known.labels), -1)
        self._positions[self._fold.rows] = np.arange(len(self._fold.rows))
        return self

    def _pairs(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        assert self._answer is not None  # fitted
        pairs: NDArray[np.float64] = self._answer.decisions[self._positions[rows]]
        return pairs

    def predict(self, X: NDArray[np.intp]) -> NDArray[Any]:
        """Labels of rows: the class that wins most pairs, the first of several."""
        if self._fitted is not None:
            return np.asarray(self._fitted.predict(_safe_indexing(self.known.crops, X)))
        pairs, n_classes = self._pairs(X), len(self.classes_)
        votes = np.zeros((len(pairs), n_classes), np.intp)
        first, second = np.triu_indices(n_classes, 1)
        for at in range(pairs.shape[1]):
            won = pairs[:, at] > 0
            votes[won, first[at]] += 1
            votes[~won, second[at]] += 1
        labels: NDArray[Any] = self.classes_[votes.argmax(axis=1)]
        return labels

    @available_if(lambda self: self._fitted is None or hasattr(self._fitted, "decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: NDArray[np.intp]) -> NDArray[np.float64]:
        """Decisions of rows as SVC gives them."""
        if self._fitted is not None:
            return np.asarray(self._fitted.decision_function(_safe_indexing(self.known.crops, X)))
        pairs = self._pairs(X)
        if len(self.classes_) == 2:
            return -pairs.ravel()
        if self._shape == "ovo":
            return pairs
        return np.asarray(_ovr_decision_function(pairs < 0, -pairs, len(self.classes_)))

    @available_if(lambda self: hasattr(self._fitted, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: NDArray[np.intp]) -> NDArray[np.float64]:
        """Probabilities, where the candidate was fitted as it is and has them."""
        return np.asarray(self._fitted.predict_proba(_safe_indexing(self.known.crops, X)))

    def score(self, X: NDArray[np.intp], y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or what the pipeline's own `score` gives."""
        if self._fitted is not None:
            return float(self._fitted.score(_safe_indexing(self.known.crops, X), y))
        return float(super().score(X, y, sample_weight))
