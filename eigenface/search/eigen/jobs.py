"""The unit of work: one path of candidates that differ in C alone, on one fold."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

from eigenface.engine import compiled
from eigenface.search.eigen.candidates import Path
from eigenface.search.eigen.coordinates import Fold, Place
from eigenface.search.eigen.exchange import MOST
from eigenface.search.eigen.kernels import Floats, Kernel
from eigenface.search.eigen.scratch import scratch
from eigenface.search.eigen.solver import Machine, solve_path, solve_rows

ROOM = 3e9
"""Bytes that kernel matrices may take together."""

_TILE = 1024
"""Judged rows at a time."""


class Answer(NamedTuple):
    """A model's decisions for the rows that a fold judges.

    Parameters
    ----------
    decisions : float64 array (m, pairs)
        Pairs of classes in scikit-learn's order, positive for the first of a pair.
    seconds : float
        For coordinates, kernel and solution.
    """

    decisions: NDArray[np.float64]
    seconds: float


class Job(NamedTuple):
    """A path on a fold.

    Parameters
    ----------
    path : Path
    cs : list of float
        Ascending.
    class_weight : dict, "balanced" or None
    fold : int
        Its number among those that are worked on.
    """

    path: Path
    cs: list[float]
    class_weight: Any
    fold: int


def bytes_of(fold: Fold) -> float:
    """Room that a fold's largest kernel matrix takes while it is solved."""
    size = int(np.sort(np.bincount(fold.codes))[-2:].sum())
    return float(size) ** 2 * (5 if compiled("smo") else 14 if size <= MOST else 8)


def run(job: Job, fold: Fold, place: Place) -> dict[float, Answer]:
    """Decisions for every C of a path: one machine for each pair of classes, as SVC has them.

    Raises
    ------
    ValueError
        Where the fold has one class only, or its weights are no weights.
    ArithmeticError
        Where the solver does not converge.
    """
    if len(fold.classes) < 2:
        raise ValueError("one class only")
    kernel, factor = _resolved(job.path, place.train)
    learned, judged = place.train, place.rows
    if kernel.kind == "rbf":  # distances stay, and small numbers keep their digits
        middle = learned.mean(axis=0)
        learned, judged = learned - middle, judged - middle
    if kernel.positive and compiled("smo"):
        learned, judged = learned.astype(np.float32), judged.astype(np.float32)
    weights = compute_class_weight(job.class_weight, classes=fold.classes, y=fold.classes[fold.codes])
    pairs = list(combinations(range(len(fold.classes)), 2))
    decisions = np.empty((len(job.cs), len(judged), len(pairs)))
    seconds = np.full(len(job.cs), place.seconds)
    for at, (first, second) in enumerate(pairs):
        chosen = np.flatnonzero((fold.codes == first) | (fold.codes == second))
        signs = np.where(fold.codes[chosen] == first, 1, -1).astype(np.int8)
        rows = np.ascontiguousarray(learned[chosen])
        bounds = (float(weights[first]), float(weights[second]))
        cs = [c * factor for c in job.cs]
        began = time.perf_counter()
        if compiled("smo") or bytes_of(fold) <= ROOM:
            inner = kernel.matrix(rows, rows, "inner")
            seconds += time.perf_counter() - began
            machines: list[Machine] = []
            for machine in solve_path(inner, signs, cs, bounds, job.path.tolerance, positive=kernel.positive):
                machines.append(machine)
                seconds[len(machines) - 1] += time.perf_counter() - began
                began = time.perf_counter()
        else:
            machines = [solve_rows(kernel, rows, signs, c, bounds, job.path.tolerance) for c in cs]
            seconds += (time.perf_counter() - began) / len(cs)
        decisions[:, :, at] = _decided(kernel, machines, judged, rows)
    return {c: Answer(values, float(spent)) for c, values, spent in zip(job.cs, decisions, seconds, strict=True)}


def _decided(kernel: Kernel, machines: list[Machine], judged: Floats, rows: Floats) -> NDArray[np.float64]:
    """Decisions (machines, m) of all machines of a path at once."""
    used = np.flatnonzero(np.any([machine.weights for machine in machines], axis=0))
    weights = np.stack([machine.weights[used] for machine in machines], axis=1)
    biases = np.array([machine.bias for machine in machines])
    rows = np.ascontiguousarray(rows[used])
    found = np.empty((len(judged), len(machines)))
    for start in range(0, len(judged), _TILE):
        values = kernel.matrix(judged[start : start + _TILE], rows, "outer")
        double = scratch.take("double", values.shape, np.float64)
        np.copyto(double, values)
        found[start : start + _TILE] = double @ weights + biases
    return found.T


def _resolved(path: Path, rows: Floats) -> tuple[Kernel, float]:
    """The kernel with its gamma in numbers, and what C is multiplied by."""
    if path.homogeneous:  # (gamma a.b)^d: any gamma will do, so one that keeps single precision at ease
        size = float(np.einsum("ij,ij->", rows, rows, dtype=np.float64)) / len(rows) or 1.0
        return replace(path.kernel, gamma=1 / size), size**path.kernel.degree
    gamma = path.gamma
    if gamma == "auto":
        gamma = 1 / rows.shape[1]
    elif gamma == "scale":
        variance = float(rows.var(dtype=np.float64))
        gamma = 1 / (rows.shape[1] * variance) if variance else 1.0
    return replace(path.kernel, gamma=float(gamma)), 1.0


def written(answers: Mapping[float, Answer]) -> list[Any]:
    """Answers as JSON values: C, seconds, shape and decisions in base64."""
    return [
        [c, each.seconds, list(each.decisions.shape), b64encode(each.decisions.tobytes()).decode()]
        for c, each in answers.items()
    ]


def read(values: list[Any]) -> dict[float, Answer]:
    """Answers from what `written` made of them."""
    return {c: Answer(np.frombuffer(b64decode(packed)).reshape(shape), seconds) for c, seconds, shape, packed in values}
