"""Principal components of any part of the rows from one matrix of their products."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from eigenface.search.eigen.kernels import Floats

_COLUMNS = 1024
"""Columns multiplied in single precision before their sum is kept in double."""

_BAND = 64
"""Rows that meet a vector at a time, from both sides while they are in the processor's cache."""

_BLOCK = 3e8
"""Bytes up to which each thread takes a copy of the block of its training rows: a third less to read every time."""

_LEAST = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-10}
"""Share of the largest variance below which a component is rounding."""


class Gram:
    """Products of all centred rows, once; a fold's principal components come from a sub-block.

    Moving the origin of a sub-block (double centring) is exact, so that the components are those of the fold's own
    training rows and of nothing else.

    Parameters
    ----------
    rows : float array (n, features)
        Best where n is at most the number of features.

    References
    ----------
    Scholkopf, Smola and Muller, Nonlinear component analysis as a kernel eigenvalue problem, Neural Computation
    10(5), 1998, doi:10.1162/089976698300017467.
    """

    def __init__(self, rows: Floats) -> None:
        self._least = _LEAST[rows.dtype]
        self.matrix: NDArray[np.float64] = np.zeros((len(rows), len(rows)))
        product = np.empty(self.matrix.shape, rows.dtype)
        for start in range(0, rows.shape[1], _COLUMNS):
            part = rows[:, start : start + _COLUMNS]
            part = part - part.mean(axis=0)  # products of centred rows lose fewer digits
            np.matmul(part, part.T, out=product)
            self.matrix += product

    def part(
        self, train: NDArray[np.intp], others: NDArray[np.intp]
    ) -> tuple[Gram, NDArray[np.intp], NDArray[np.intp]]:
        """The block of some rows, where that is much smaller than the whole; and where in it they are."""
        chosen = np.unique(np.concatenate([train, others]))
        if 2 * len(chosen) > len(self.matrix):
            return self, train, others
        part = copy(self)
        part.matrix = self.matrix[np.ix_(chosen, chosen)]
        return part, np.searchsorted(chosen, train), np.searchsorted(chosen, others)

    def coordinates(
        self, train: NDArray[np.intp], others: NDArray[np.intp], count: int, *, whiten: bool
    ) -> tuple[Floats, Floats] | None:
        """Coordinates on the first components of the training rows.

        Parameters
        ----------
        train, others : index arrays
        count : int
            Fewer than training rows.
        whiten : bool
            Divide each axis by its standard deviation, as PCA does.

        Returns
        -------
        pair of float64 arrays (n, count)
            Of `train` and of `others`; None where some component is nothing but rounding.
        """
        values, vectors = self._largest(train, count)
        if values[-1] <= self._least * values[0]:
            return None
        scale = np.sqrt(len(train) - 1) if whiten else np.sqrt(values)
        across = self._spread(train, vectors)
        projected = (across[others] - across[train].mean(axis=0)) / values
        return vectors * scale, projected * scale

    def _spread(self, train: NDArray[np.intp], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Products of all rows with combinations of centred training rows."""
        whole = np.zeros((len(self.matrix), vectors.shape[1]))
        np.add.at(whole, train, vectors - vectors.mean(axis=0))  # a row may be drawn twice
        spread: NDArray[np.float64] = self.matrix @ whole
        return spread

    def _largest(self, train: NDArray[np.intp], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The largest eigenvalues of the centred sub-block, descending, with their vectors in columns."""
        size = len(train)
        if count < size // 4:
            from scipy.sparse.linalg import LinearOperator, eigsh

            few = 8 * size**2 <= _BLOCK
            matrix = self.matrix[np.ix_(train, train)] if few else self.matrix
            places = np.arange(size) if few else train

            def product(vector: NDArray[np.float64]) -> NDArray[np.float64]:
                whole = np.bincount(places, vector.ravel() - vector.mean(), len(matrix)).astype(np.float64, copy=False)
                spread: NDArray[np.float64] = _times(matrix, whole)[places]
                spread -= spread.mean()
                return spread

            start = np.random.default_rng(0).standard_normal(size)  # the same every time
            block = LinearOperator((size, size), matvec=product, dtype=np.float64)
            values, vectors = eigsh(block, count, which="LA", tol=0, v0=start)
        else:
            spread = self._spread(train, np.eye(size))[train]
            values, vectors = np.linalg.eigh(spread - spread.mean(axis=0))
        order = np.argsort(values)[::-1][:count]
        return values[order], vectors[:, order]


def _times(matrix: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """A symmetric matrix times a vector, each number of its upper half read once.

    BLAS has that as `symv`, but scipy holds Python's lock meanwhile, so that other threads wait.
    """
    result = np.zeros(len(vector))
    for start in range(0, len(vector), _BAND):
        end = start + _BAND
        result[start:end] += matrix[start:end, start:] @ vector[start:]
        result[end:] += vector[start:end] @ matrix[start:end, end:]
    return result
