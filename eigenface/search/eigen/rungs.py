"""Successive halving: candidates are compared on small parts of the faces first, and only the better go on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eigenface.search.eigen.coordinates import Fold

FACTOR = 3
"""How many candidates there are for one that goes on, and how many times as many faces it then gets."""

_LEAST = 300  # faces that the first comparison is made on: fewer tell more about chance than about candidates


def part_of(fold: Fold, share: float) -> Fold:
    """A fold that learns from a share of its rows, drawn so that classes keep theirs; a larger part holds the smaller.

    It is judged on as many as before, for what is to be learned from the comparison lies there.
    """
    size = max(2, round(share * len(fold.train)))
    drawn = np.random.default_rng(0).permutation(len(fold.train))
    at = np.empty(len(fold.train))
    for code in range(len(fold.classes)):
        members = drawn[fold.codes[drawn] == code]
        at[members] = (np.arange(len(members)) + 0.5) / len(members)
    chosen = np.sort(np.argsort(at, kind="stable")[:size])
    present, codes = np.unique(fold.codes[chosen], return_inverse=True)
    return Fold(f"{fold.name} of {size}", fold.train[chosen], fold.rows, fold.classes[present], codes)


def shares(folds: Sequence[Fold], units: int, factor: int, components: int) -> list[float]:
    """Parts of the faces to compare candidates on before all are used, rising; none where there are too few.

    Parameters
    ----------
    folds : sequence of Fold
    units : int
        How many are compared.
    factor : int
    components : int
        The most that some candidate wants: twice as many faces tell what they are.
    """
    faces = min(len(fold.train) for fold in folds)
    least = max(_LEAST, 2 * components)
    room = math.floor(math.log(faces / least, factor)) if faces >= least else 0
    count = min(room, math.ceil(math.log(max(units, 1), factor)))
    return [factor**-power for power in range(count, 0, -1)]


def most_components(parameters: Iterable[Mapping[str, Any]]) -> int:
    """The largest number of components that some candidate asks for."""
    asked = [value for each in parameters for name, value in each.items() if name.endswith("n_components")]
    return max((int(value) for value in asked if isinstance(value, int | np.integer)), default=0)
