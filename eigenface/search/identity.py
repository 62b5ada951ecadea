"""What an estimator, a grid and a data set are, in words that stay the same from one run to the next."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from eigenface import __version__
from eigenface.calibrate import Folds
from eigenface.types import Pixels

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def described(thing: Any) -> str:
    """Class and parameters of an unfitted estimator, however deep, or any other value of a grid.

    `repr` will not do: scikit-learn shortens the long ones, and two unlike pipelines may read the same.

    >>> from sklearn.svm import LinearSVC
    >>> described({"svc": [1, "rbf"]})
    "{'svc': [1, 'rbf']}"
    >>> described(LinearSVC(C=2)) == described(LinearSVC(C=3))
    False
    """
    if hasattr(thing, "get_params") and not isinstance(thing, type):
        inner = ", ".join(f"{name}={described(value)}" for name, value in sorted(thing.get_params(deep=False).items()))
        return f"{type(thing).__module__}.{type(thing).__qualname__}({inner})"
    if isinstance(thing, Mapping):
        return "{" + ", ".join(f"{key!r}: {described(value)}" for key, value in thing.items()) + "}"
    if isinstance(thing, list | tuple):
        inner = ", ".join(described(value) for value in thing)
        return f"[{inner}]" if isinstance(thing, list) else f"({inner})"
    if isinstance(thing, np.ndarray):
        return f"array {thing.dtype}{thing.shape} {hashlib.sha256(thing.tobytes()).hexdigest()}"
    return _ADDRESS.sub("", repr(thing))


def data_hash(crops: Sequence[Pixels], labels: NDArray[Any], folds: Folds) -> str:
    """SHA-256 of crops, labels and folds."""
    digest = hashlib.sha256()
    for crop, label in zip(crops, labels, strict=True):
        pixels = np.asarray(crop)
        digest.update(repr((pixels.shape, str(label))).encode())
        digest.update(pixels.tobytes())
    for train, test in folds:
        digest.update(np.asarray(train, np.int64).tobytes() + b"|" + np.asarray(test, np.int64).tobytes())
    return digest.hexdigest()


def plan_of(pipeline: Any, candidates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is known of a search before its data are: pipeline, grid, versions."""
    return {
        "pipeline": described(pipeline),
        "grid": hashlib.sha256(described(list(candidates)).encode()).hexdigest(),
        "versions": {"eigenface": __version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__},
    }


def job_of(
    pipeline: Any,
    candidates: Sequence[Mapping[str, Any]],
    crops: Sequence[Pixels],
    labels: NDArray[Any],
    folds: Folds,
) -> dict[str, Any]:
    """What a journal must agree on before its scores are taken over: pipeline, grid, data, folds, versions."""
    return plan_of(pipeline, candidates) | {"data": data_hash(crops, labels, folds), "folds": len(folds)}
