"""A folded pipeline: a list of named operations with their arrays, run by numpy and OpenCV, without scikit-learn.

`fold` writes programs, `bundle` stores them, this module checks and runs them. Every operation stands in `OPERATIONS`
under its name; whatever is not there is refused, so that a saved model can name operations and never bring code.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.compact import Encoded
from eigenface.errors import ModelError
from eigenface.linear import LINEAR, Affine, affine_of, projection_of
from eigenface.operations import OPERATIONS, prepare
from eigenface.threads import side_by_side
from eigenface.types import Pixels

_TRAIN_AGAIN = "The file is damaged or was made by something else. Train the model again."

DRAWN_CROP: Pixels = np.tile(np.arange(0, 240, 5, dtype=np.uint8)[:, None, None], (1, 48, 3))
"""What a model is tried on when it is loaded: a crop that shades from dark to light."""

BATCH = 128
"""Faces that run through a program at once, at most: bounds its memory."""


@dataclass(frozen=True)
class Operation:
    """One step of a program: its name, its settings (JSON values) and its arrays by role, some as codes of a byte.

    `branches` belongs to the operation `union` alone: programs whose rows are put side by side.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any] | Encoded] = field(default_factory=dict)
    branches: tuple[tuple[Operation, ...], ...] = ()


Run = Callable[[Any], Any]


class Described:
    """What is known of one list of crops, by what was done to them; what several threads want, one finds out."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._locks: dict[str, threading.Lock] = {}

    def of(self, what: str, find: Callable[[], Any]) -> Any:
        """What `find()` gives, asked for once."""
        with self._locks.setdefault(what, threading.Lock()):
            if what not in self._known:
                self._known[what] = find()
            return self._known[what]


class Program:
    """Runs operations in order, linear neighbours fused into one product.

    Parameters
    ----------
    operations : sequence of Operation
        The first takes a list of uint8 RGB crops (rows, cols, 3), the last gives probabilities (n, classes).

    Raises
    ------
    ModelError
        With code `unknown_operation` or `bad_operation`, where an operation is not ours or its arrays do not fit.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = tuple(operations)
        self._run = _compile(self.operations)

    def check(self, classes: int) -> None:
        """Answer one drawn crop: what does not fit together is noticed when a model is loaded, not at the first face.

        Raises
        ------
        ModelError
            With code `bad_operation`.
        """
        try:
            with np.errstate(all="ignore"):
                answer = self([DRAWN_CROP])
            fits = answer.shape == (1, classes) and abs(float(answer.sum()) - 1) < 1e-3
        except Exception as error:  # arrays that do not fit fail in whatever numpy or OpenCV makes of them
            raise ModelError("bad_operation", f"the model's program fails ({error})", _TRAIN_AGAIN) from error
        if not fits:
            what = f"the model's program gives {np.round(answer, 3).tolist()} for {classes} classes"
            raise ModelError("bad_operation", what, _TRAIN_AGAIN)

    def __call__(self, crops: Sequence[Pixels], shared: Described | None = None) -> NDArray[np.float64]:
        """Probabilities (n, classes) of `crops`, each row adding up to 1.

        `shared` keeps descriptions of these very crops from one program to the next, so that tasks that frame faces
        alike describe them once.
        """
        if len(crops) <= BATCH:
            return np.asarray(self._run(crops, Described() if shared is None else shared), np.float64)
        size = math.ceil(len(crops) / math.ceil(len(crops) / BATCH))  # parts of one length: no core waits for another
        parts = [crops[start : start + size] for start in range(0, len(crops), size)]
        return np.concatenate(side_by_side(lambda part: self._run(part, Described()), parts)).astype(np.float64)


def _compile(operations: Sequence[Operation]) -> Callable[[Any, Described], Any]:
    """One function of a list of operations; a union that comes first uses what is known of the crops."""
    steps = list(operations)
    first = _union(steps.pop(0).branches) if steps and steps[0].name == "union" else None
    runs = _runs(steps)

    def run(value: Any, known: Described) -> Any:
        value = first(value, known) if first else value
        for step in runs:
            value = step(value)
        return value

    return run


def _runs(operations: Sequence[Operation]) -> list[Run]:
    """Functions to call in order, linear neighbours fused into one."""
    runs: list[Run] = []
    waiting: Affine | None = None
    for i, operation in enumerate(operations):
        with _told(operation), np.errstate(all="ignore"):  # what is no number is noticed by `check`
            after = operations[i + 1].name if i + 1 < len(operations) else ""
            if operation.name == "pca" and waiting is None and after not in LINEAR:
                exact = after == "round"  # what is rounded may jump by a step where a last digit moves
                runs.append(projection_of(operation.settings, operation.arrays, exact=exact))
                continue
            linear = affine_of(operation.name, operation.settings, operation.arrays)
            if linear is not None:
                waiting = waiting.then(linear) if waiting else linear
                continue
            if waiting:
                runs.append(waiting)
                waiting = None
            runs.append(_prepared(operation))
    if waiting:
        runs.append(waiting)
    return runs


def _prepared(operation: Operation) -> Run:
    if operation.name == "union":
        union = _union(operation.branches)
        return lambda value: union(value, Described())
    if operation.name in OPERATIONS:
        return prepare(operation.name, operation.settings, operation.arrays)
    raise ModelError(
        "unknown_operation",
        f"the model asks for an operation {operation.name!r} that this version does not have",
        f"It has {', '.join(sorted(OPERATIONS))}. Upgrade eigenface, or train the model again.",
    )


@contextlib.contextmanager
def _told(operation: Operation) -> Iterator[None]:
    """What goes wrong with an operation becomes one line."""
    try:
        yield
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, MemoryError) as error:
        raise ModelError(
            "bad_operation",
            f"the model's operation {operation.name!r} does not hold what it needs ({error})",
            _TRAIN_AGAIN,
        ) from error


def _union(branches: Sequence[Sequence[Operation]]) -> Callable[[Any, Described], NDArray[np.float32]]:
    """Branches side by side; what begins alike is done once."""
    chains = [_chain(branch) for branch in branches]
    if not all(chains):
        raise ModelError("bad_operation", "the model holds a union with an empty branch", _TRAIN_AGAIN)

    def run(crops: Any, known: Described) -> NDArray[np.float32]:
        rows = []
        for chain in chains:
            value = crops
            for key, step in chain:
                value = known.of(key, functools.partial(step, value))
            rows.append(value)
        return np.concatenate(rows, axis=1)

    return run


def _chain(branch: Sequence[Operation]) -> list[tuple[str, Run]]:
    """The steps of a branch, each with a name for all that was done up to it."""
    digest = hashlib.sha256()
    chain = []
    for operation in branch:
        if operation.branches:
            raise ModelError("bad_operation", "the model holds a union in a union", _TRAIN_AGAIN)
        digest.update(repr((operation.name, sorted(operation.settings.items()))).encode())
        for role, array in sorted(operation.arrays.items()):
            array = np.ascontiguousarray(array)
            digest.update(repr((role, array.dtype.str, array.shape)).encode() + array.tobytes())
        (run,) = _runs([operation])
        chain.append((digest.hexdigest(), run))
    return chain
