"""Two-class machines on a kernel matrix for growing C: the compiled solver, or scikit-learn's libsvm without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.search.eigen.exchange import MOST, Exchange
from eigenface.search.eigen.kernels import Floats, Kernel
from eigenface.search.eigen.scratch import scratch

_MOST_STEPS = 10_000_000
"""As libsvm: more than this is no convergence."""


class Machine(NamedTuple):
    """A fitted two-class machine; positive decisions are of the class labelled 1.

    Parameters
    ----------
    weights : float64 array (n,)
        Label times alpha of every training row.
    bias : float
    """

    weights: NDArray[np.float64]
    bias: float


def solve_path(
    kernel: Floats,
    labels: NDArray[np.int8],
    path: Sequence[float],
    weights: tuple[float, float],
    tolerance: float,
    *,
    positive: bool,
) -> Iterator[Machine]:
    """A machine for every C of a path.

    Once all alphas lie below C, the constraint binds no more: every larger C has the same machine.

    Parameters
    ----------
    kernel : float array (n, n)
    labels : int8 array (n,)
        1 or -1.
    path : sequence of float
        Values of C, ascending.
    weights : pair of float
        What C is multiplied by for the labels 1 and -1.
    tolerance : float
        As SVC's `tol`.
    positive : bool
        Whether the kernel is, so that there is one optimum: each C may start from the machine before. Of several local
        optima libsvm's own is taken.

    Raises
    ------
    ArithmeticError
        Where the solver does not converge.
    """
    smo = compiled("smo") if positive else None
    exchange = Exchange(kernel, labels) if positive and smo is None and len(labels) <= MOST else None
    room = scratch.take("part", (len(labels) // 2, len(labels) // 2), np.float32) if smo else None
    alphas = np.zeros(len(labels))
    errors = labels.astype(np.float64)
    machine, before = None, 0.0
    for c in path:
        bounds = (c * weights[0], c * weights[1])
        if machine is not None and positive and _inside(machine.weights, labels, before, weights):
            yield machine
            continue
        if smo is None:
            moved = exchange.moved(*machine, c / before, bounds, tolerance) if exchange and machine else None
            if moved is None:  # to look at fewer rows pays where most are 0 in the end
                most = machine is not None and 2 * np.count_nonzero(machine.weights) > len(labels)
                moved = _libsvm(kernel, labels, bounds, tolerance, shrinking=not most)
            machine = Machine(*moved)
        else:
            if machine is not None:
                alphas, errors = _stretched(alphas, errors, labels, c / before)
            steps, bias = smo.solve(kernel, labels, *bounds, tolerance, _MOST_STEPS, alphas, errors, room)
            if steps < 0 or not np.isfinite(bias):
                raise ArithmeticError("the solver did not converge")
            machine = Machine(alphas.copy(), bias)
        before = c
        yield machine


def _inside(alphas: NDArray[np.float64], labels: NDArray[np.int8], c: float, weights: tuple[float, float]) -> bool:
    """Whether all alphas lie below their bounds."""
    bounds = np.where(labels > 0, c * weights[0], c * weights[1])
    return bool((np.abs(alphas) < bounds * (1 - 1e-9)).all())


def _stretched(
    alphas: NDArray[np.float64], errors: NDArray[np.float64], labels: NDArray[np.int8], room: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best multiple of a solution as the start for a C that is `room` times as large."""
    gained, spent = float(np.abs(alphas).sum()), float(alphas @ (labels - errors))
    factor = min(max(gained / spent, 1.0), room) if spent > 0 else 1.0
    return alphas * factor, labels - factor * (labels - errors)


def _libsvm(
    kernel: Floats, labels: NDArray[np.int8], bounds: tuple[float, float], tolerance: float, **options: Any
) -> Machine:
    from sklearn import config_context
    from sklearn.svm import SVC

    options = {"kernel": "precomputed", "cache_size": 400} | options
    weights = {-1: bounds[0], 1: bounds[1]}  # signs turned, as libsvm's first class is the lesser
    with config_context(assume_finite=True):
        svc = SVC(class_weight=weights, tol=tolerance, **options).fit(kernel, -labels)
    alphas = np.zeros(len(labels))
    alphas[svc.support_] = -svc.dual_coef_[0]
    return Machine(alphas, -float(svc.intercept_[0]))


def solve_rows(
    kernel: Kernel, rows: Floats, labels: NDArray[np.int8], c: float, weights: tuple[float, float], tolerance: float
) -> Machine:
    """A machine by libsvm on coordinates (n, k): slower, for matrices that would not fit into memory."""
    options = {"gamma": kernel.gamma, "coef0": kernel.coef0, "degree": kernel.degree, "kernel": kernel.kind}
    return _libsvm(rows, labels, (c * weights[0], c * weights[1]), tolerance, **options)
