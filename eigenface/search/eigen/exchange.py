"""From a machine to that of a larger C without the compiled solver: rows change between free and held until all fit.

Which rows are free, between their bounds, makes the machine the solution of a linear system. Rows that it puts beyond
a bound are held there, held rows that would rather leave are freed, and so on: a few exchanges where C grew a little.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import spotrf, spotrs

from eigenface.search.eigen.kernels import Floats
from eigenface.search.eigen.scratch import scratch

MOST = 12_000
"""Rows up to which there is room for the kernel in single precision beside that in double."""

_TILE = 64
_NEAR = 0.3  # of the margin: held rows farther off are not looked at until the end
_EXCHANGES = 12
_PATIENCE = 3  # exchanges in a row that may leave as many rows wrong as before
_CHECKS = 4
_GROWTH = 4.0  # of C: beyond, too many rows change
_WORTH = 900.0  # the cube of free rows that costs what libsvm takes for a row that is not 0, of all rows


class _Part(NamedTuple):
    """Rows that may change, and the kernel of these in single precision."""

    rows: NDArray[np.intp]
    kernel: NDArray[np.float32]


class _Fit(NamedTuple):
    """Weights of a part's rows, the bias, and whether each row is held at its upper or its lower bound."""

    weights: NDArray[np.float64]
    bias: float
    upper: NDArray[np.bool_]
    lower: NDArray[np.bool_]


class Exchange:
    """A machine on a kernel matrix, moved from one C to the next.

    Linear systems are solved in single precision for what is left of the errors; these are kept in double, so that the
    machine is as exact as libsvm's.

    Parameters
    ----------
    kernel : float64 array (n, n)
        Positive semidefinite.
    labels : int8 array (n,)
        1 or -1.

    References
    ----------
    Kunisch and Rendl, An infeasible active set method for quadratic problems with simple bounds, SIAM Journal on
    Optimization 14(1), 2003, doi:10.1137/S1052623400376135.
    """

    def __init__(self, kernel: Floats, labels: NDArray[np.int8]) -> None:
        self._kernel, self._labels, self._diagonal = kernel, labels.astype(np.float64), kernel.diagonal().copy()
        self._part: _Part | None = None
        self._factor: tuple[NDArray[np.intp], NDArray[np.float32]] | None = None
        self._last: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def moved(
        self, weights: NDArray[np.float64], bias: float, growth: float, bounds: tuple[float, float], tolerance: float
    ) -> tuple[NDArray[np.float64], float] | None:
        """Signed weights (n,) and bias for new bounds; None where libsvm is the shorter way.

        Parameters
        ----------
        weights, bias
            Of the machine before.
        growth : float
            What its bounds have been multiplied by since.
        bounds : pair of float
            Of rows labelled 1 and of the others.
        tolerance : float
            What a pair of rows may violate optimality by.
        """
        high = np.where(self._labels > 0, bounds[0], 0.0)
        low = np.where(self._labels > 0, 0.0, -bounds[1])
        least = 1 - 1e-9
        upper, lower = weights * growth >= high * least, weights * growth <= low * least
        if growth > _GROWTH or not self._worth(int((~(upper | lower)).sum()), weights):
            return None
        known = self._last is not None and self._last[0] is weights
        errors = self._last[1] if known and self._last else self._labels - self._kernel @ weights
        for _ in range(_CHECKS):
            part = self._part_of(weights, errors - bias)
            rows = part.rows
            start = _Fit(weights[rows], bias, upper[rows], lower[rows])
            fit = self._exchanged(part, start, errors[rows], high[rows], low[rows], tolerance)
            if fit is None:
                return None
            weights = np.zeros_like(weights)
            weights[rows] = np.clip(fit.weights, low[rows], high[rows])
            bias, upper[rows], lower[rows] = fit.bias, fit.upper, fit.lower
            errors = self._labels - self._kernel @ weights
            self._last = (weights, errors)
            rises, falls = weights < high, weights > low
            top, bottom = errors[rises].max(), errors[falls].min()
            if top - bottom < tolerance:
                free = rises & falls
                return weights, float(errors[free].mean() if free.any() else (top + bottom) / 2)
        return None

    def _worth(self, free: int, weights: NDArray[np.float64]) -> bool:
        """Whether systems of so many free rows are solved sooner than libsvm finds its way."""
        return bool(free > 0 and free**3 < _WORTH * len(self._labels) * np.count_nonzero(weights))

    def _part_of(self, weights: NDArray[np.float64], errors: NDArray[np.float64]) -> _Part:
        """The rows that may change, or those of the machine before where these are among them."""
        wanted = (weights != 0) | (self._labels * errors > -_NEAR)
        if self._part is not None:
            kept = np.zeros(len(wanted), bool)
            kept[self._part.rows] = True
            if (kept | ~wanted).all():
                return self._part
            wanted |= kept
        rows = np.flatnonzero(wanted)
        self._part = _Part(rows, _block("exchanged", self._kernel, rows))
        self._factor = None
        return self._part

    def _exchanged(
        self,
        part: _Part,
        start: _Fit,
        errors: NDArray[np.float64],
        high: NDArray[np.float64],
        low: NDArray[np.float64],
        tolerance: float,
    ) -> _Fit | None:
        """Where no row of a part is wrong any more; None where that takes too long."""
        here, upper, lower = start.weights, start.upper, start.lower
        slack = tolerance / 20 / self._diagonal[part.rows]
        fewest, patience = len(here) + 1, _PATIENCE
        for _ in range(_EXCHANGES):
            step = np.where(upper, high, np.where(lower, low, here)) - here
            if step.any():
                here = here + step
                errors = errors - part.kernel @ step.astype(np.float32)
            free = np.flatnonzero(~(upper | lower))
            if not self._worth(len(free), here):
                return None
            factor = self._factored(part, free)
            if factor is None:
                return None
            right = np.stack([errors[free], np.ones(len(free))], axis=1).astype(np.float32)
            solved = spotrs(factor, right)[0].astype(np.float64)
            bias = float((solved[:, 0].sum() + here.sum()) / solved[:, 1].sum())
            step = np.zeros(len(here))
            step[free] = solved[:, 0] - bias * solved[:, 1]
            here = here + step
            errors = errors - part.kernel @ step.astype(np.float32)
            loose = ~(upper | lower)
            above, below = loose & (here > high + slack), loose & (here < low - slack)
            falls, rises = upper & (errors - bias < -tolerance / 2), lower & (errors - bias > tolerance / 2)
            wrong = int((above | below | falls | rises).sum())
            if wrong == 0:
                return _Fit(here, bias, upper, lower)
            patience = _PATIENCE if wrong < fewest else patience - 1
            fewest = min(fewest, wrong)
            if patience < 0:
                return None
            upper, lower = (upper | above) & ~falls, (lower | below) & ~rises
        return None

    def _factored(self, part: _Part, free: NDArray[np.intp]) -> NDArray[np.float32] | None:
        """Cholesky's factor of the kernel of free rows; None where it is singular."""
        if self._factor is None or not np.array_equal(self._factor[0], free):
            inner = _block("free", part.kernel, free)
            inner.flat[:: len(free) + 1] *= 1 + 1e-6
            factor, failed = spotrf(inner.T, clean=0, overwrite_a=1)
            if failed:
                return None
            self._factor = (free, factor)
        return self._factor[1]


def _block(keep: str, matrix: Floats, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Rows and columns of a matrix in single precision, in the thread's scratch."""
    block = scratch.take(keep, (len(rows), len(rows)), np.float32)
    for start in range(0, len(rows), _TILE):
        some = rows[start : start + _TILE]
        block[start : start + _TILE] = matrix[some].take(rows, 1)
    return block
