"""Kernel ridge regression on class labels: every training face has a say, its rows kept in codes of a few bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenface.compact import round_columns

_BLOCK = 2048  # rows of the kernel matrix that are worked on at once


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares on class labels in the space of an RBF kernel, no training face left out.

    A support vector machine keeps the faces near its border; here all are kept, in so few bits a number that the file
    is smaller all the same. What is answered about is not rounded, and the coefficients are found for the rounded rows.

    Parameters
    ----------
    gamma : float
        Width of the kernel exp(-gamma * d**2 / (2 * v)), v being the rows' total variance; 1 fits most data.
    alpha : float
        Ridge: larger is smoother.
    bits : {4, 8, None}
        Bits a number of the rows that are kept, or None for float32.
    class_weight : {"balanced", None}
        `balanced` gives every class the same say, however many faces it has.
    faces : int, optional
        Most faces that this learns from, drawn at random: memory grows with the square of their number.

    References
    ----------
    Rifkin, Yeo and Poggio, Regularized least-squares classification, 2003.
    """

    faces: int | None = None  # what was saved before there was such a parameter

    def __init__(
        self,
        gamma: float = 1.0,
        alpha: float = 0.1,
        *,
        bits: int | None = 4,
        class_weight: str | None = "balanced",
        faces: int | None = None,
    ) -> None:
        self.gamma = gamma
        self.alpha = alpha
        self.bits = bits
        self.class_weight = class_weight
        self.faces = faces

    def fit(self, X: ArrayLike, y: ArrayLike) -> KernelRidgeClassifier:
        """Fit on rows (n, d) and labels (n,); memory is 2 * n * n bytes of at most `faces` rows."""
        if self.bits not in (4, 8, None):
            raise ValueError(f"bits: expected 4, 8 or None, got {self.bits!r}")
        if not self.alpha > 0 or not self.gamma > 0:
            raise ValueError(f"expected alpha and gamma above 0, got {self.alpha!r}, {self.gamma!r}")
        rows, labels = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(labels)
        if self.faces is not None and len(rows) > self.faces:
            chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[: self.faces])
            rows, labels = rows[chosen], labels[chosen]
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("expected two classes or more, got 1 class")
        weight = compute_sample_weight(self.class_weight, labels)
        self.vectors_ = round_columns(rows, self.bits) if self.bits else rows
        total = float(self.vectors_.var(axis=0).sum())
        self.gamma_ = float(self.gamma / (2 * total)) if total > 0 else 1.0
        targets = np.eye(len(self.classes_))[codes] if len(self.classes_) > 2 else codes[:, None] * 2.0 - 1
        self.intercept_ = (weight @ targets / weight.sum()).astype(np.float32)
        lower = _lower_kernel(self.vectors_, self.gamma_)
        ridge = (self.alpha / weight).astype(np.float32)
        for strip, here in zip(lower, _blocks(len(ridge)), strict=True):
            strip[np.arange(len(strip)), np.arange(here.start, here.stop)] += ridge[here]
        solved = _solve(lower, (targets - self.intercept_).astype(np.float32))
        self.coefficients_ = solved.astype(np.float16).astype(np.float32)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """Decisions (n,) for two classes, above 0 for the second; (n, classes) for more, the largest wins."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float32, reset=False)
        parts = [
            _kernel(rows[start : start + _BLOCK], self.vectors_, self.gamma_) @ self.coefficients_ + self.intercept_
            for start in range(0, len(rows), _BLOCK)
        ]
        decisions: NDArray[np.float32] = np.concatenate(parts)
        return decisions[:, 0] if len(self.classes_) == 2 else decisions

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class (n,) of each row."""
        decisions = self.decision_function(X)
        codes = (decisions > 0).astype(int) if decisions.ndim == 1 else decisions.argmax(axis=1)
        return np.asarray(self.classes_[codes])


def _kernel(rows: NDArray[np.float32], vectors: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
    kernel: NDArray[np.float32] = rows @ vectors.T
    kernel *= -2
    kernel += np.einsum("ij,ij->i", vectors, vectors)
    kernel += np.einsum("ij,ij->i", rows, rows)[:, None]
    np.maximum(kernel, 0, out=kernel)
    kernel *= np.float32(-gamma)
    return np.exp(kernel, out=kernel)


def _lower_kernel(rows: NDArray[np.float32], gamma: float) -> list[NDArray[np.float32]]:
    """The kernel of all pairs of rows, its lower half only: of each block of rows, the columns up to its own end."""
    return [_kernel(rows[here], rows[: here.stop], gamma) for here in _blocks(len(rows))]


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]


def _solve(lower: list[NDArray[np.float32]], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """The solution of `matrix @ x = right` for a positive definite matrix, given as its lower half, which is used up.

    Cholesky by blocks: one call of LAPACK on a matrix of 28,000 rows crashed with one of OpenBLAS' kernels.
    """
    blocks = _blocks(len(right))
    solved = right.copy()
    for place, here in enumerate(blocks):
        corner = cholesky(lower[place][:, here], lower=True)
        lower[place][:, here] = corner
        solved[here] = solve_triangular(corner, solved[here], lower=True)
        for row, below in enumerate(blocks[place + 1 :], place + 1):  # what is left of the matrix, in small pieces
            rows = lower[row]
            rows[:, here] = solve_triangular(corner, rows[:, here].T, lower=True).T
            solved[below] -= rows[:, here] @ solved[here]
            for other, left in enumerate(blocks[place + 1 : row + 1], place + 1):
                rows[:, left] -= rows[:, here] @ lower[other][:, here].T
    for place, here in reversed(list(enumerate(blocks))):
        left_over = solved[here]
        for row, below in enumerate(blocks[place + 1 :], place + 1):
            left_over = left_over - lower[row][:, here].T @ solved[below]
        solved[here] = solve_triangular(lower[place][:, here], left_over, lower=True, trans=1)
    return solved
