"""Boosted trees that ask the same question everywhere on a level: a few comparisons and one look-up a tree.

Such trees run without a loop over rows, so a whole face of pixels is judged in a few milliseconds by numpy alone, and
in a fraction of one by the compiled part, to the same bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled

_DEEPEST = 8  # levels: a leaf's number fits a byte


@dataclass(frozen=True)
class BoostedTrees:
    """A sum of trees over columns of numbers.

    Parameters
    ----------
    columns : int array (trees, levels)
        Which column each level asks about.
    thresholds : float32 array (trees, levels)
        What it is compared with: larger goes right.
    leaves : float32 array (trees, 2 ** levels)
        What a tree adds; the first level's answer is the highest bit of a leaf's number.
    base : float
        What is said without any tree.

    References
    ----------
    Trees of this form: Prokhorenkova et al., CatBoost: unbiased boosting with categorical features, 2018,
    arXiv:1706.09516; boosting: Friedman, 2001, doi:10.1214/aos/1013203451.

    Examples
    --------
    >>> trees = BoostedTrees(np.array([[1]]), np.float32([[0.5]]), np.float32([[-1, 2]]), 0.25)
    >>> trees(np.array([[9, 9], [0, 1]], np.float32)).tolist()
    [-0.75, 2.25]
    """

    columns: NDArray[np.intp]
    thresholds: NDArray[np.float32]
    leaves: NDArray[np.float32]
    base: float

    def __post_init__(self) -> None:
        trees, levels = self.columns.shape
        if not 1 <= levels <= _DEEPEST or self.thresholds.shape != (trees, levels) or (self.columns < 0).any():
            raise ValueError(f"trees: expected (t, 1..{_DEEPEST}) columns and thresholds, got {self.columns.shape}")
        if self.leaves.shape != (trees, 2**levels):
            raise ValueError(f"trees: expected leaves {(trees, 2**levels)}, got {self.leaves.shape}")

    def __call__(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sums (n,) for numbers laid out column by column (columns, n)."""
        said = np.full(planes.shape[1], self.base, np.float32)
        module = compiled("pixels")
        if module is None:
            return self._added_by_numpy(planes, said)
        parts = (self.columns.astype(np.int32), *(np.ascontiguousarray(a) for a in (self.thresholds, self.leaves)))
        module.trees(np.ascontiguousarray(planes), *parts, *self.columns.shape, said)
        return said

    def _added_by_numpy(self, planes: NDArray[np.float32], said: NDArray[np.float32]) -> NDArray[np.float32]:
        for columns, thresholds, leaves in zip(self.columns, self.thresholds, self.leaves, strict=True):
            leaf = np.zeros(planes.shape[1], np.uint8)
            for column, threshold in zip(columns, thresholds, strict=True):
                leaf <<= 1
                leaf |= (planes[column] > threshold).view(np.uint8)
            said += leaves.take(leaf)
        return said

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        return {
            "columns": self.columns.astype(np.int16),
            "thresholds": self.thresholds,
            "leaves": self.leaves,
            "base": np.array([self.base], np.float32),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> BoostedTrees:
        """The trees of `arrays()`."""
        return cls(
            np.asarray(arrays["columns"]).astype(np.intp),
            np.asarray(arrays["thresholds"], np.float32),
            np.asarray(arrays["leaves"], np.float32),
            float(np.asarray(arrays["base"]).ravel()[0]),
        )
