"""Keeping faces aside to judge by: stratified, and nobody on both sides."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenface.errors import DataError

Index = NDArray[np.intp]


def split_by_group(
    labels: ArrayLike, groups: ArrayLike | None, *, test_share: float = 0.2, random_state: int = 0
) -> tuple[Index, Index]:
    """Indices (training, test): of every class about `test_share` of its persons, or of its faces where unknown.

    Parameters
    ----------
    labels : array (n,)
    groups : array (n,) or None
        Persons; nobody is on both sides. A person counts to the class that most of her faces have.
    test_share : float
        0..0.5.
    random_state : int

    Raises
    ------
    DataError
        Where a class would be missing on one side.

    Examples
    --------
    >>> train, test = split_by_group(["a"] * 10 + ["b"] * 10, None)
    >>> len(train), len(test)
    (16, 4)
    """
    if not 0 < test_share <= 0.5:
        raise DataError("bad_share", f"a test share of {test_share}", "Give a share between 0 and 0.5.")
    truth = np.asarray(labels)
    units = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    rng = np.random.default_rng(random_state)
    aside: list[Any] = []
    class_of = _main_class(units, truth)
    for label in np.unique(truth):
        members = np.flatnonzero(class_of == label)
        if len(members) < 2:
            what = "face" if groups is None else "person or set of equal pictures"
            raise DataError(
                "too_few_to_split",
                f"class {label} has {len(members)} {what}: none can be kept aside to judge by",
                "Give more, or train with --test-share 0, which judges nothing.",
            )
        aside.extend(rng.permutation(members)[: max(1, round(len(members) * test_share))])
    inside = np.isin(units, aside)
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def split_by_name(names: Sequence[str], test_share: float) -> tuple[Index, Index]:
    """Indices (training, test) by a hash of each name (a person's, or a picture's where nobody is named).

    A name is always on the same side, whatever else is in the data: figures of two models, of today and of next year,
    are of the same people.

    Examples
    --------
    >>> train, test = split_by_name([f"person {i}" for i in range(1000)], 0.25)
    >>> 200 < len(test) < 300
    True
    """
    sides = np.array([zlib.crc32(name.encode()) / 2**32 < test_share for name in names], dtype=bool)
    return np.flatnonzero(~sides), np.flatnonzero(sides)


def _main_class(units: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """The class (units,) that most faces of each unit have."""
    names, codes = np.unique(truth, return_inverse=True)
    counts = np.zeros((int(units.max()) + 1, len(names)), np.int64)
    np.add.at(counts, (units, codes), 1)
    return np.asarray(names[counts.argmax(axis=1)])
