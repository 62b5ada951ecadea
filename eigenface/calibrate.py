"""Probabilities that can be trusted: a sigmoid, or softmax with offsets, fitted on decisions out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from eigenface.augment import Copies, copies_of
from eigenface.errors import DataError
from eigenface.steps.stateless import split_pipeline
from eigenface.streaming import MEMORY, describe, join, take

Folds = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
CopiedRows = tuple[Any, NDArray[np.intp], NDArray[np.str_]]


def folds_by_group(y: ArrayLike, groups: ArrayLike | None, n_splits: int = 5, random_state: int = 0) -> Folds:
    """Index pairs (train, test), stratified by label and, where groups are known, no group on both sides.

    Fewer folds where a class has fewer faces (or groups) than `n_splits`, at least two.
    """
    labels = np.asarray(y)
    if groups is None:
        least = int(np.unique(labels, return_counts=True)[1].min())
        splitter: Any = StratifiedKFold(max(2, min(n_splits, least)), shuffle=True, random_state=random_state)
        return list(splitter.split(np.zeros(len(labels)), labels))
    group_names = np.asarray(groups)
    least = min(len(np.unique(group_names[labels == label])) for label in np.unique(labels))
    splitter = StratifiedGroupKFold(max(2, min(n_splits, least)), shuffle=True, random_state=random_state)
    return list(splitter.split(np.zeros(len(labels)), labels, group_names))


def decisions_of(estimator: Any, X: Any) -> NDArray[np.float64]:
    """Decision values (n, 1) for two classes or (n, classes): log odds where there are only probabilities."""
    if hasattr(estimator, "decision_function"):
        decisions = np.asarray(estimator.decision_function(X), np.float64)
        return decisions.reshape(len(decisions), -1)
    probabilities = np.clip(estimator.predict_proba(X), 1e-6, 1)
    logits: NDArray[np.float64] = np.log(probabilities)
    return logits[:, 1:] - logits[:, :1] if logits.shape[1] == 2 else logits


class Calibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose decisions become probabilities by a map learned on faces it was not trained on.

    Two classes: Platt's sigmoid. More: softmax of one slope times the decisions plus an offset a class.

    Parameters
    ----------
    estimator : classifier
        Anything with `decision_function` or `predict_proba`.
    n_splits : int
        Folds for the decisions out of fold.

    References
    ----------
    Platt, Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers, 1999.
    """

    def __init__(self, estimator: Any, n_splits: int = 5) -> None:
        self.estimator = estimator
        self.n_splits = n_splits

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> Calibrated:
        """Fit on all of X; calibrate on decisions of clones that did not see the faces they judge."""
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels)
        check_classification_targets(labels)
        faces = self._checked(X, reset=True)
        if len(faces) != len(labels):
            raise ValueError(f"expected a label a face, got {len(faces)} faces and {len(labels)} labels")
        decisions = out_of_fold(self.estimator, faces, labels, folds_by_group(labels, groups, self.n_splits))
        return self.adopt(clone(self.estimator).fit(faces, labels), decisions, labels)

    def _checked(self, X: Any, *, reset: bool = False) -> Any:
        """Lists of crops as they are, anything else as validated rows."""
        if isinstance(X, list) and X and np.ndim(X[0]) == 3:
            return X
        return validate_data(self, X, reset=reset)

    def adopt(self, fitted: Any, decisions: NDArray[np.float64], y: ArrayLike) -> Calibrated:
        """Take a fitted classifier and the decisions (n, 1) or (n, classes) out of fold that go with `y`."""
        self.estimator_ = fitted
        self.classes_ = np.asarray(fitted.classes_)
        if hasattr(fitted, "n_features_in_"):
            self.n_features_in_ = fitted.n_features_in_
        labels = np.asarray(y)
        if len(self.classes_) == 2:
            self.slope_, offset = _platt(decisions[:, 0], labels == self.classes_[1])
            self.offsets_ = np.array([offset])
        else:
            self.slope_, self.offsets_ = _temperature(decisions, np.searchsorted(self.classes_, labels))
        return self

    def expecting(self, often: Mapping[str, float]) -> Calibrated:
        """Count on classes being so many times as frequent, where used, as they were among the faces learned from."""
        shift = np.log([often.get(str(label), 1.0) for label in self.classes_])
        self.offsets_ = self.offsets_ + (shift[1:] - shift[:1] if len(self.classes_) == 2 else shift)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Calibrated logits: (n,) for two classes, (n, classes) for more."""
        check_is_fitted(self)
        return self._logits(decisions_of(self.estimator_, self._checked(X)))

    def _logits(self, decisions: NDArray[np.float64]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = self.slope_ * decisions + self.offsets_
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, classes) in the order of `classes_`, each row adding up to 1."""
        check_is_fitted(self)
        return self.probabilities_of(decisions_of(self.estimator_, self._checked(X)))

    def probabilities_of(self, decisions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities (n, classes) that decisions (n, 1) or (n, classes) of the inner classifier stand for."""
        logits = self._logits(decisions)
        if logits.ndim == 1:
            second = 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
            return np.stack([1 - second, second], axis=1)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return result

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each face: (n,)."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])


def _platt(decisions: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the sigmoid that makes the labels most likely.

    As Platt has it, a label counts as (n + 1) / (n + 2) of itself: where decisions tell the classes apart without an
    error, odds still grow with the number of faces seen and not without bound.
    """
    positives, negatives = np.count_nonzero(truth), np.count_nonzero(~truth)
    share = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    spread = float(np.abs(decisions).max()) or 1.0
    both = np.tile(decisions / spread, 2)[:, None]
    line = LogisticRegression(C=1e6, max_iter=1000)
    line.fit(both, np.repeat([1, 0], len(share)), sample_weight=np.concatenate([share, 1 - share]))
    return max(float(line.coef_[0, 0]) / spread, 1e-6), float(line.intercept_[0])


def _temperature(decisions: NDArray[np.float64], codes: NDArray[np.intp]) -> tuple[float, NDArray[np.float64]]:
    """Slope and offsets that make softmax(slope * decisions + offsets) most likely, labels in a little doubt."""
    from scipy.optimize import minimize

    n, k = decisions.shape
    doubt = 2 / (n + 4)  # Agresti and Coull's; the slope is all faces' together, however few each of many classes has
    truth = (np.eye(k) * (1 - doubt - doubt / (k - 1)) + doubt / (k - 1))[codes]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, offsets = np.exp(values[0]), values[1:]
        logits = slope * decisions + offsets
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        gap = np.exp(logs) - truth
        gradient = np.concatenate([[slope * (gap * decisions).sum()], gap.sum(axis=0)]) / n
        ridge = 1e-4 * offsets
        return float(-(logs * truth).sum() / n + 0.5e-4 * (offsets**2).sum()), gradient + np.concatenate([[0], ridge])

    best = minimize(loss, np.zeros(k + 1), jac=True, method="L-BFGS-B").x
    return float(np.exp(best[0])), best[1:]


def out_of_fold(
    estimator: Any, X: Any, y: NDArray[Any], folds: Folds, copies: CopiedRows | None = None
) -> NDArray[np.float64]:
    """Decisions (n, 1) or (n, classes) for every face, each by a clone that was fitted without the face's fold.

    `copies` are more rows to learn from, of which face (m,) each is a copy, and their labels (m,): those of the fold's
    faces are left out.

    Raises
    ------
    DataError
        With code `too_few_faces`, where a class is missing outside a fold.
    """
    indexable = X if hasattr(X, "shape") else list(X)
    classes = np.unique(y)
    decisions: NDArray[np.float64] | None = None
    for train, test in folds:
        missing = np.setdiff1d(classes, y[train])
        if len(missing) and len(classes) > 1:
            raise DataError(
                "too_few_faces",
                f"all that there is of the class {missing[0]} lies in one part of the data",
                "Every class needs faces of two people at least, so that none is judged by a model that knows it.",
            )
        fitted = _fit(clone(estimator), _take(indexable, train), y[train], _copies_in(copies, train))
        said = decisions_of(fitted, _take(indexable, test))
        if decisions is None:
            decisions = np.zeros((len(y), said.shape[1]))
        decisions[test] = said
    assert decisions is not None
    return decisions


def _copies_in(copies: CopiedRows | None, faces: NDArray[np.intp]) -> tuple[Any, NDArray[Any]] | None:
    """Rows and labels of the copies of `faces`."""
    if copies is None:
        return None
    rows, origin, labels = copies
    chosen = np.flatnonzero(np.isin(origin, faces))
    return _take(rows, chosen), labels[chosen]


def _fit(estimator: Any, X: Any, y: NDArray[Any], more: tuple[Any, NDArray[Any]] | None) -> Any:
    """Fit on X and on what is added to it."""
    if more is None or not len(more[1]):
        return estimator.fit(X, y)
    rows = join(X, more[0]) if hasattr(X, "shape") else [*X, *more[0]]
    return estimator.fit(rows, np.concatenate([y, more[1]]))


def _take(X: Any, index: NDArray[np.intp]) -> Any:
    return take(X, index) if hasattr(X, "shape") else [X[i] for i in index]


def calibrate_pipeline(
    pipeline: Pipeline,
    X: Any,
    y: NDArray[Any],
    folds: Folds,
    copies: Sequence[Copies] = (),
    often: Mapping[str, float] | None = None,
    memory: int = MEMORY,
) -> CalibratedPipeline:
    """Fit a whole pipeline, components inside the folds, and give its last step calibrated odds.

    Steps that learn nothing run once for all folds.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted; its first step takes crops, its last is a classifier.
    X : list of uint8 RGB arrays
    y : array (n,)
    folds : index pairs (train, test)
        Every face in one test part, as `folds_by_group` makes them.
    copies : sequence of Copies
        Changed copies of the faces to learn from; no fold is judged by copies of its own faces.
    often : mapping, optional
        Classes that are so many times as frequent, where the model is used, as they are in `y`.
    memory : int
        Bytes; what the steps that learn nothing say of X lies in a temporary file where it would take a quarter.

    Returns
    -------
    CalibratedPipeline
        The pipeline fitted on all of X, its last step `Calibrated`, and probabilities (n, classes) out of fold.
    """
    head, tail = split_pipeline(clone(pipeline))
    rows = describe(head, X, memory) if head else X
    made, origin, labels = copies_of(X, y, copies)
    more = (head.transform(made) if head else made, origin, labels) if made else None
    decisions = out_of_fold(tail, rows, y, folds, more)
    fitted = _fit(tail, rows, y, _copies_in(more, np.arange(len(y))))
    name, last = fitted.steps[-1]
    calibrated = Calibrated(clone(last), len(folds)).adopt(last, decisions, y).expecting(often or {})
    steps = [*(head.steps if head else []), *fitted.steps[:-1], (name, calibrated)]
    return CalibratedPipeline(Pipeline(steps), calibrated.probabilities_of(decisions))


@dataclass(frozen=True)
class CalibratedPipeline:
    """A fitted pipeline that ends in `Calibrated`, and its calibrated probabilities (n, classes) out of fold."""

    pipeline: Pipeline
    out_of_fold: NDArray[np.float64]
