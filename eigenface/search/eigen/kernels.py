"""Kernel matrices of support vector machines, filled tile by tile from coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.search.eigen.scratch import scratch

Floats = NDArray[np.floating[Any]]
"""Rows or matrices in single or double precision."""

_TILE = 128
"""Rows at a time, so that the passes of a map stay in the processor's cache."""


@dataclass(frozen=True)
class Kernel:
    """One kernel function with its parameters, names as in scikit-learn's SVC.

    Parameters
    ----------
    kind : {"rbf", "poly", "sigmoid", "linear"}
    gamma : float
        The factor of distances or products; `linear` has none.
    coef0 : float
        What `poly` and `sigmoid` add.
    degree : int
        The power of `poly`.
    """

    kind: str
    gamma: float = 1.0
    coef0: float = 0.0
    degree: int = 3

    @property
    def positive(self) -> bool:
        """Whether every matrix is positive semidefinite, so that a machine has one optimum, wherever it starts."""
        return self.kind != "sigmoid" and self.gamma >= 0 and self.coef0 >= 0

    def matrix(self, rows: Floats, columns: Floats, keep: str) -> Floats:
        """Kernel values (n, m) of coordinates (n, k) against (m, k), in their precision.

        They stand in the thread's scratch under the name `keep`, until the next that are kept there.
        """
        out: Floats = scratch.take(keep, (len(rows), len(columns)), rows.dtype)
        columns_t = np.ascontiguousarray(columns.T)
        squares = np.einsum("ij,ij->i", columns, columns)
        for start in range(0, len(rows), _TILE):
            tile, part = out[start : start + _TILE], rows[start : start + _TILE]
            np.matmul(part, columns_t, out=tile)
            if self.kind == "rbf":
                tile *= -2
                tile += squares
                tile += np.einsum("ij,ij->i", part, part)[:, None]
                np.maximum(tile, 0, out=tile)
            self._map(tile)
        return out

    def _map(self, tile: NDArray[np.float32]) -> None:
        """Products, or squared distances for `rbf`, become kernel values in place."""
        if self.kind == "linear":
            return
        tile *= -self.gamma if self.kind == "rbf" else self.gamma
        if self.kind == "rbf":
            np.exp(tile, out=tile)
            return
        tile += self.coef0
        if self.kind == "sigmoid":
            np.tanh(tile, out=tile)
            return
        base = tile.copy()
        if self.degree == 0:
            tile.fill(1)
        for _ in range(self.degree - 1):
            tile *= base
