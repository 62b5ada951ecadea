"""What scores accept: classes, labels, groups and probabilities, each checked and named when wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenface.errors import DataError

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def check_probabilities(given: ArrayLike, n: int, k: int, what: str = "Probabilities") -> Floats:
    """Return the probabilities as float64 (n, k); raise DataError if they are none."""
    array = np.asarray(given, dtype=np.float64)
    hint = "Give one row a picture and one column a class, each 0..1, every row summing to 1."
    if array.shape != (n, k):
        raise DataError("bad_probabilities", f"{what}: expected shape {(n, k)}, got {array.shape}", hint)
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise DataError("bad_probabilities", f"{what}: {len(bad)} of {n} rows are not finite, first row {bad[0]}", hint)
    bad = np.flatnonzero((array < -1e-6).any(axis=1) | (np.abs(array.sum(axis=1) - 1) > 1e-3))
    if len(bad):
        row = ", ".join(f"{p:.3g}" for p in array[bad[0]][:6])
        raise DataError("bad_probabilities", f"{what}: row {bad[0]} is no distribution ({row})", hint)
    return np.asarray(np.clip(array, 0, 1))


def check_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names (k,); raise DataError for fewer than two or for equal ones."""
    names = tuple(str(name) for name in classes)
    if len(names) < 2 or len(set(names)) < len(names):
        raise DataError("bad_classes", f"Classes: got {list(names)[:6]}", "Give at least two names, all different.")
    return names


def check_labels(labels: ArrayLike, classes: tuple[str, ...]) -> Indices:
    """Return each label's place in `classes` (n,); raise DataError for none or an unknown one."""
    given = np.asarray(labels)
    if given.ndim != 1 or not len(given):
        raise DataError(
            "no_rows", f"True labels: expected (n,) with n >= 1, got {given.shape}", "Give a label a picture."
        )
    place = {name: i for i, name in enumerate(classes)}
    unknown = sorted({str(label) for label in given} - set(place))
    if unknown:
        raise DataError(
            "unknown_label",
            f"True labels: {', '.join(unknown[:5])} not among the classes {', '.join(classes[:8])}",
            "Map or leave out labels that the model does not know.",
        )
    return np.array([place[str(label)] for label in given], dtype=np.intp)


def check_groups(groups: ArrayLike | None, n: int) -> tuple[Indices, str]:
    """Return each row's unit (n,), 0..u-1, and what a unit is; raise DataError if there are not `n` of them."""
    if groups is None:
        return np.arange(n, dtype=np.intp), "pictures"
    given = np.asarray(groups)
    if given.shape != (n,):
        raise DataError("length_mismatch", f"Groups: expected ({n},), got {given.shape}", "Give one group a picture.")
    return np.unique(given.astype(str), return_inverse=True)[1].astype(np.intp), "groups"
