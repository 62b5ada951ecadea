"""Keeping faces aside to judge by: stratified, and nobody on both sides."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenface.errors import DataError

Index = NDArray[np.intp]

LEARNED_PART = "Training"
"""What FER2013 calls the part to learn from."""


def split_by_group(
    labels: ArrayLike, groups: ArrayLike | None, *, test_share: float = 0.2, random_state: int = 0
) -> tuple[Index, Index]:
    """Indices (training, test): of every class about `test_share` of its persons, or of its faces where unknown.

    Parameters
    ----------
    labels : array (n,)
    groups : array (n,) or None
        Persons or scenes; none is on both sides. One with faces of several classes counts to each of them.
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
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    units = np.arange(len(codes)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    held = np.unique(np.stack([codes, units]), axis=1)  # which classes each unit has, which units each class
    classes_of = {int(unit): held[0, held[1] == unit] for unit in np.unique(held[1][_repeated(held[1])])}
    learned = np.bincount(held[0], minlength=len(names))  # units of each class that are not aside
    rng = np.random.default_rng(random_state)
    aside: set[int] = set()
    for code, label in enumerate(names):
        members = held[1, held[0] == code]
        wanted = max(1, round(len(members) * test_share)) - sum(int(unit) in aside for unit in members)
        for unit in rng.permutation([unit for unit in members if int(unit) not in aside]):
            if wanted <= 0:
                break
            both = classes_of.get(int(unit), np.array([code]))
            if (learned[both] > 1).all():
                aside.add(int(unit))
                learned[both] -= 1
                wanted -= 1
        if len(members) < 2 or not any(int(unit) in aside for unit in members):
            what = "face" if groups is None else "person, scene or set of equal pictures"
            raise DataError(
                "too_few_to_split",
                f"class {label} has {len(members)} {what}: none can be kept aside to judge by",
                "Give more, or train with --test-share 0, which judges nothing.",
            )
    inside = np.isin(units, list(aside))
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


def split_by_makers(parts: ArrayLike | None) -> tuple[Index, dict[str, Index]] | None:
    """Indices of what the makers of the data meant to be learned, and of each part that they meant to judge by.

    None where they said nothing, or there is only one side.

    Parameters
    ----------
    parts : str array (n,) or None
        FER2013's column `Usage`.

    Examples
    --------
    >>> split_by_makers(["Training", "PublicTest", "Training"])
    (array([0, 2]), {'PublicTest': array([1])})
    """
    if parts is None:
        return None
    said = np.asarray(parts)
    others = [str(part) for part in np.unique(said) if part != LEARNED_PART]
    learned = np.flatnonzero(said == LEARNED_PART)
    return (learned, {part: np.flatnonzero(said == part) for part in others}) if len(learned) and others else None


def _repeated(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where values (n,) are that stand there more than once."""
    return np.asarray(np.bincount(values)[values] > 1)
