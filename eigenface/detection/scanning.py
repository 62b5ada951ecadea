"""Where in a picture all trees of a forest agree: by the compiled part, or by numpy, the same to the bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.by_numpy import judge_by_numpy, scan_by_numpy
from eigenface.detection.forest import Forest
from eigenface.engine import compiled

Windows = NDArray[np.int32]
"""Rows (x, y, score): a window's first cell and the sum of its leaves."""

GIVEN_UP = np.iinfo(np.int32).min
"""Score of a window that a forest gave up."""

_MOST = 50_000  # windows of one picture; bounds the work that a strange one can cause


def scan(
    planes: NDArray[np.uint8],
    forest: Forest,
    *,
    owners: NDArray[np.int16] | None = None,
    step: int = 2,
    first: int | None = None,
    slack: int = 0,
) -> Windows:
    """Windows that pass all trees.

    Parameters
    ----------
    planes : uint8 array (8, rows, cols) of cells
    forest : Forest
    owners : int16 array (rows, cols), optional
        To which of several pictures side by side a cell belongs, below 0 to none: only windows within one count.
    step : int
        Every `step`-th window is tried, and those around one that passes the `first` trees (all of them, without).
    slack : int
        Taken off what the first trees ask for: the window beside a face is a little less of one.

    Returns
    -------
    int32 array (n, 3): x, y, score
        By rows, then columns; at most 50,000.
    """
    _, high, wide = planes.shape
    module = compiled("boosted")
    if high < forest.side or wide < forest.side:
        return np.empty((0, 3), np.int32)
    first = len(forest.features) if first is None else min(first, len(forest.features))
    owners = np.zeros((high, wide), np.int16) if owners is None else owners
    if module is None:
        return scan_by_numpy(planes, forest, owners, step, first, slack)[:_MOST]
    found = np.empty((_MOST, 3), np.int32)
    trees = len(forest.features)
    arrays = (forest.features, forest.limits, forest.leaves, forest.least, owners, found)
    count = module.scan(planes, high, wide, forest.side, step, first, slack, trees, forest.depth, *arrays)
    return found[:count].copy()


def judge(planes: NDArray[np.uint8], forest: Forest, places: NDArray[np.int32]) -> NDArray[np.int32]:
    """The score of single windows.

    Parameters
    ----------
    planes : uint8 array (8, rows, cols) of cells
    forest : Forest
    places : int32 array (n, 2): x, y of windows within the planes

    Returns
    -------
    int32 array (n,)
        `GIVEN_UP` for a window that does not pass all trees.
    """
    _, high, wide = planes.shape
    module = compiled("boosted")
    scores = np.full(len(places), GIVEN_UP, np.int32)
    if not len(places):
        return scores
    if module is None:
        kept, sums = judge_by_numpy(planes, forest, places)
        scores[kept] = sums
        return scores
    arrays = (forest.features, forest.limits, forest.leaves, forest.least)
    places = np.ascontiguousarray(places)
    module.judge(planes, high, wide, forest.side, len(forest.features), forest.depth, *arrays, places, scores)
    return scores


def around(
    windows: NDArray[np.int32], side: int, wanted: int, owners: NDArray[np.int16]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """First cells of windows of `wanted` cells with the same middles as those of `side`, and which of them lie within
    the same picture of those that `owners` (rows, cols) tells apart."""
    places = windows[:, :2] - (wanted - side) // 2
    inside = (places >= 0) & (places + wanted <= (owners.shape[1], owners.shape[0]))
    fits = np.asarray(inside.all(axis=1))
    x, y = places[fits].T
    one = owners[windows[fits, 1], windows[fits, 0]]
    fits[fits] = (owners[y, x] == one) & (owners[y + wanted - 1, x + wanted - 1] == one)
    return np.ascontiguousarray(places[fits]), fits
