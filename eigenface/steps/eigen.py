"""Eigenfaces as steps: principal components in a byte or half a byte a number, and codes of a few bits.

A model that is small only after training answers otherwise than it was judged. These steps are small while they
train: what comes after them learns from the rounded numbers, and so calibration and scores are those of the file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenface.compact import round_rows, short_steps
from eigenface.steps.components import Components, streamed_components
from eigenface.streaming import in_file, stretches
from eigenface.types import Rows

_LEAST_VARIANCE = 1e-9
"""Share of the largest component's variance below which a component is rounding, not data."""

_STRETCH = 4096  # rows that are centred at a time: no second copy of all of them


class Eigenfaces(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Project on principal components, whiten wholly or in part, keep the components in 8 bits if asked.

    Parameters
    ----------
    n_components : int
        How many components to keep; fewer where the data have fewer. Whitening one that is nothing but rounding
        would make it louder than all others.
    power : float
        Each axis is divided by its standard deviation to this power: 0 leaves distances as they are,
        1 whitens, 0.5 lies between.
    bits : {4, 8, None}
        Bits a number of the components, or None for float32.
    svd_solver, random_state
        As in `sklearn.decomposition.PCA`; rows that lie in a file are learned from in stretches.

    References
    ----------
    Turk and Pentland, Eigenfaces for recognition, Journal of Cognitive Neuroscience 3(1), 1991,
    doi:10.1162/jocn.1991.3.1.71.
    """

    def __init__(
        self,
        n_components: int = 50,
        *,
        power: float = 1.0,
        bits: int | None = None,
        svd_solver: str = "auto",
        random_state: int | None = 0,
    ) -> None:
        self.n_components = n_components
        self.power = power
        self.bits = bits
        self.svd_solver = svd_solver
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Eigenfaces:
        """Learn mean and components from rows (n, features)."""
        if self.bits not in (4, 8, None):
            raise ValueError(f"bits: expected 4, 8 or None, got {self.bits!r}")
        rows = validate_data(self, X, dtype=[np.float32, np.float64], ensure_min_samples=2)
        kept = min(self.n_components, *rows.shape)
        found = streamed_components(rows, kept, self.random_state) if in_file(X) else self._by_sklearn(rows, kept)
        real = found.variance > _LEAST_VARIANCE * found.variance[0]
        kept = max(1, int(np.count_nonzero(real)))
        self.mean_ = found.mean.astype(np.float32)
        components = found.components[:kept].astype(np.float32)
        self.components_ = round_rows(components, self.bits) if self.bits else components
        variance = found.variance[:kept].astype(np.float32)
        self.explained_variance_ = np.where(variance > np.finfo(np.float32).tiny, variance, np.float32(1))
        self.explained_variance_ratio_ = np.nan_to_num(found.ratio[:kept]).astype(np.float32)
        self.n_components_ = kept
        return self

    def _by_sklearn(self, rows: NDArray[Any], kept: int) -> Components:
        with np.errstate(invalid="ignore"):  # of rows that are all alike, nothing is explained
            pca = PCA(kept, svd_solver=self.svd_solver, random_state=self.random_state).fit(rows)
        return Components(pca.mean_, pca.components_, pca.explained_variance_, pca.explained_variance_ratio_)

    @property
    def _scales(self) -> NDArray[np.float32]:
        deviations: NDArray[np.float64] = np.sqrt(self.explained_variance_.astype(np.float64))
        return np.asarray(deviations**self.power, np.float32)

    def transform(self, X: ArrayLike) -> Rows:
        """Coordinates (n, n_components) of rows (n, features)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        coordinates = np.empty((len(rows), len(self.components_)), np.float32)
        for part in stretches(len(rows), _STRETCH):
            coordinates[part] = (rows[part] - self.mean_) @ self.components_.T / self._scales
        return coordinates

    def inverse_transform(self, X: ArrayLike) -> Rows:
        """Rows (n, features) nearest to coordinates (n, n_components)."""
        check_is_fitted(self)
        rows: Rows = ((np.asarray(X) * self._scales) @ self.components_ + self.mean_).astype(np.float32)
        return rows

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class Rounded(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Round every column to codes of a few bits, so that whatever keeps rows keeps a byte a number or less.

    Parameters
    ----------
    bits : int
        2..8; a column's largest training value gets the largest code.
    """

    def __init__(self, bits: int = 8) -> None:
        self.bits = bits

    def fit(self, X: ArrayLike, y: Any = None) -> Rounded:
        """Learn each column's step from rows (n, features)."""
        if not 2 <= self.bits <= 8:
            raise ValueError(f"bits: expected 2..8, got {self.bits!r}")
        rows = validate_data(self, X, dtype=[np.float32, np.float64])
        self.limit_ = 2 ** (self.bits - 1) - 1
        self.steps_ = short_steps(np.abs(rows).max(axis=0), self.limit_)
        return self

    def transform(self, X: ArrayLike) -> Rows:
        """Rows (n, features), each number a whole multiple of its column's step."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        codes = np.clip(np.rint(rows / self.steps_), -self.limit_, self.limit_)
        rounded: Rows = (codes * self.steps_).astype(np.float32)
        return rounded

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
