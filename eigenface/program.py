"""A folded pipeline: a list of named operations with their arrays, run by numpy and OpenCV, without scikit-learn.

`fold` writes programs, `bundle` stores them, this module checks and runs them. Every operation stands in `OPERATIONS`
under its name; whatever is not there is refused, so that a saved model can name operations and never bring code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.errors import ModelError
from eigenface.linear import Affine, affine_of
from eigenface.operations import OPERATIONS, prepare
from eigenface.types import Pixels

_TRAIN_AGAIN = "The file is damaged or was made by something else. Train the model again."

DRAWN_CROP: Pixels = np.tile(np.arange(0, 240, 5, dtype=np.uint8)[:, None, None], (1, 48, 3))
"""What a model is tried on when it is loaded: a crop that shades from dark to light."""

BATCH = 256
"""Faces that run through a program at once: bounds its memory."""


@dataclass(frozen=True)
class Operation:
    """One step of a program: its name, its settings (JSON values) and its arrays by role.

    `branches` belongs to the operation `union` alone: programs whose rows are put side by side.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    branches: tuple[tuple[Operation, ...], ...] = ()


Run = Callable[[Any], Any]


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

    def __call__(self, crops: Sequence[Pixels]) -> NDArray[np.float64]:
        """Probabilities (n, classes) of `crops`, each row adding up to 1."""
        parts = [self._run(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
        return np.concatenate(parts).astype(np.float64)


def _compile(operations: Sequence[Operation]) -> Run:
    runs: list[Run] = []
    waiting: Affine | None = None
    for operation in operations:
        try:
            with np.errstate(all="ignore"):  # what is no number is noticed by `check`
                linear = affine_of(operation.name, operation.settings, operation.arrays)
            if linear is not None:
                waiting = waiting.then(linear) if waiting else linear
                continue
            if waiting:
                runs.append(waiting)
                waiting = None
            if operation.name == "union":
                runs.append(_union(operation.branches))
            elif operation.name in OPERATIONS:
                runs.append(prepare(operation.name, operation.settings, operation.arrays))
            else:
                raise ModelError(
                    "unknown_operation",
                    f"the model asks for an operation {operation.name!r} that this version does not have",
                    f"It has {', '.join(sorted(OPERATIONS))}. Upgrade eigenface, or train the model again.",
                )
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, MemoryError) as error:
            raise ModelError(
                "bad_operation",
                f"the model's operation {operation.name!r} does not hold what it needs ({error})",
                _TRAIN_AGAIN,
            ) from error
    if waiting:
        runs.append(waiting)

    def run(value: Any) -> Any:
        for step in runs:
            value = step(value)
        return value

    return run


def _union(branches: Sequence[Sequence[Operation]]) -> Run:
    """Branches side by side; those that begin with the same operation share its result."""
    heads: dict[str, Run] = {}
    tails: list[tuple[str, Run]] = []
    for branch in branches:
        key = repr((branch[0].name, sorted(branch[0].settings.items())))
        if branch[0].arrays or branch[0].branches:
            key = f"alone {len(heads)}"
        heads.setdefault(key, _compile(branch[:1]))
        tails.append((key, _compile(branch[1:])))

    def run(crops: Any) -> NDArray[np.float32]:
        shared = {key: head(crops) for key, head in heads.items()}
        return np.concatenate([tail(shared[key]) for key, tail in tails], axis=1)

    return run
