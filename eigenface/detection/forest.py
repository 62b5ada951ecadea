"""Boosted trees that look at the channels of a window: where in a picture all of them agree.

A window is `side` x `side` cells; a tree compares a few of its values with limits and gives what its leaf says. The sum
over the trees is the score. A window whose sum falls below what nearly every face has after that many trees is given up
(a soft cascade): most are after a dozen of some thousand.

References: Bourdev and Brandt, Robust object detection via soft cascade, CVPR 2005, doi:10.1109/CVPR.2005.310; Dollár,
Appel, Belongie and Perona, Fast feature pyramids for object detection, PAMI 2014, doi:10.1109/TPAMI.2014.2300479.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.features.channels import PLANES

Windows = NDArray[np.int32]
"""Rows (x, y, score): a window's first cell and the sum of its leaves."""

UNIT = 512
"""Scores are whole numbers: natural log odds times this."""

GIVEN_UP = np.iinfo(np.int32).min
"""Score of a window that a forest gave up."""

_MIRRORED_PLANES = np.array([0, 1, 2, 7, 6, 5, 4, 3])
_HEAD = 48  # trees that every window is judged by
_CHUNK = 8  # trees that numpy asks at once to begin with
_DENSE = 16  # trees that numpy asks about every window of a grid at once
_MOST = 20_000  # windows of one picture; bounds the work that a strange one can cause


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees of one depth, from the root down.

    Parameters
    ----------
    side : int
        Cells of a window's side.
    features : int32 array (trees, 2 ** depth - 1)
        Which value of the window (8 planes x side x side) a node looks at.
    limits : uint8 array (trees, 2 ** depth - 1)
        A larger value goes right.
    leaves : int16 array (trees, 2 ** depth)
    least : int32 array (trees,)
        A window with less after that tree is given up.

    Raises
    ------
    ValueError
        Where the shapes or the values do not fit each other.
    """

    side: int
    features: NDArray[np.int32]
    limits: NDArray[np.uint8]
    leaves: NDArray[np.int16]
    least: NDArray[np.int32]
    _places: tuple[NDArray[np.int32], ...] = field(init=False, repr=False, compare=False)
    _heads: dict[int, Forest] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        trees, inner = self.features.shape
        expected = {"limits": (trees, inner), "leaves": (trees, inner + 1), "least": (trees,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"Forest: {name} has shape {getattr(self, name).shape}, expected {shape}")
        if not 1 <= self.depth <= 8 or inner != 2**self.depth - 1:
            raise ValueError(f"Forest: {inner} nodes a tree, expected 2 ** depth - 1 with a depth of 1 to 8")
        if trees == 0 or self.features.min() < 0 or self.features.max() >= PLANES * self.side**2:
            raise ValueError(f"Forest: features must lie in a window of {PLANES} x {self.side} x {self.side}")
        plane, place = np.divmod(self.features, self.side**2)
        object.__setattr__(self, "_places", (plane, *np.divmod(place, self.side)))  # frozen, and asked for every level

    @property
    def depth(self) -> int:
        """Comparisons from a root to a leaf."""
        return int(self.features.shape[1]).bit_length()

    def first(self, trees: int) -> Forest:
        """The forest of the first trees alone."""
        if trees >= len(self.features):
            return self
        if trees not in self._heads:
            self._heads[trees] = Forest(
                self.side, self.features[:trees], self.limits[:trees], self.leaves[:trees], self.least[:trees]
            )
        return self._heads[trees]

    def mirrored(self) -> Forest:
        """The forest for what the mirror shows: a window's columns and the orientations change places."""
        plane, down, across = self._places
        features = (_MIRRORED_PLANES[plane] * self.side + down) * self.side + self.side - 1 - across
        return replace(self, features=features.astype(np.int32))

    def offsets(self, high: int, wide: int) -> NDArray[np.int32]:
        """Where the values lie from a window's first cell in planes of `high` x `wide` cells."""
        plane, down, across = self._places
        return (plane * np.int32(high) + down) * np.int32(wide) + across


def scan(
    planes: NDArray[np.uint8], forest: Forest, *, step: int = 2, first: int | None = None, slack: int = 0
) -> Windows:
    """Windows that pass all trees.

    Parameters
    ----------
    planes : uint8 array (8, rows, cols) of cells
    forest : Forest
    step : int
        Every `step`-th window is tried, and those around one that passes the `first` trees (all of them, without).
    slack : int
        Taken off what the first trees ask for: the window beside a face is a little less of one.

    Returns
    -------
    int32 array (n, 3): x, y, score
        By rows, then columns; at most 20,000.
    """
    _, high, wide = planes.shape
    module = compiled("boosted")
    if high < forest.side or wide < forest.side:
        return np.empty((0, 3), np.int32)
    first = len(forest.features) if first is None else min(first, len(forest.features))
    offsets = forest.offsets(high, wide)
    if module is None:
        return _scan_by_numpy(planes, forest, offsets, step, first, slack)
    found = np.empty((_MOST, 3), np.int32)
    trees = len(forest.features)
    arrays = (offsets, forest.limits, forest.leaves, forest.least)
    count = module.scan(planes, high, wide, forest.side, step, first, slack, trees, forest.depth, *arrays, found)
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
    scores = np.full(len(places), GIVEN_UP, np.int32)
    kept = np.arange(len(places))
    for trees in (_HEAD, len(forest.features)):  # most windows never see the many trees after the first
        if len(kept):
            sums = _judged(planes, forest.first(trees), places[kept])
            scores[kept] = sums
            kept = kept[sums > GIVEN_UP]
    return scores


def _judged(planes: NDArray[np.uint8], forest: Forest, places: NDArray[np.int32]) -> NDArray[np.int32]:
    _, high, wide = planes.shape
    offsets = forest.offsets(high, wide)
    scores = np.full(len(places), GIVEN_UP, np.int32)
    module = compiled("boosted")
    if module is None:
        starts = (places[:, 1] * wide + places[:, 0]).astype(np.intp)
        every = range(len(forest.features))
        kept, sums = _passing(planes.reshape(-1), starts, np.zeros(len(starts), np.int32), forest, offsets, every)
        scores[kept] = sums
        return scores
    arrays = (offsets, forest.limits, forest.leaves, forest.least, np.ascontiguousarray(places), scores)
    module.judge(planes, high, wide, forest.side, len(forest.features), forest.depth, *arrays)
    return scores


def around(
    windows: NDArray[np.int32], side: int, wanted: int, planes: NDArray[np.uint8]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """First cells of windows of `wanted` cells with the same middles as those of `side`, and which of them fit."""
    places = windows[:, :2] - (wanted - side) // 2
    inside = (places >= 0) & (places + wanted <= (planes.shape[2], planes.shape[1]))
    fits = np.asarray(inside.all(axis=1))
    return np.ascontiguousarray(places[fits]), fits


def _passing(
    values: NDArray[np.uint8],
    starts: NDArray[np.intp],
    sums: NDArray[np.int32],
    forest: Forest,
    offsets: NDArray[np.int32],
    trees: range,
    slack: int = 0,
) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Which windows (numbers into `starts`) pass some trees more, and their sums.

    Few windows and many trees: all comparisons of a chunk of trees at once, the paths through them afterwards.
    """
    kept = np.arange(len(starts))
    inner, first, chunk = offsets.shape[1], trees.start, _CHUNK
    while first < trees.stop and len(kept):
        part = slice(first, min(first + chunk, trees.stop))
        right = values[starts[kept][:, None, None] + offsets[part]] > forest.limits[part]
        leaves = forest.leaves[part].reshape(-1)[_leaf(right, 0) + np.arange(part.stop - first) * (inner + 1)]
        running = sums[:, None] + np.cumsum(leaves, axis=1, dtype=np.int32)
        passed = (running >= forest.least[part] - slack).all(axis=1)
        kept, sums = kept[passed], running[passed, -1]
        first, chunk = part.stop, 2 * chunk  # the longer a window stays, the likelier it stays to the end
    return kept, sums


def _leaf(right: NDArray[np.bool_], node: int) -> NDArray[np.intp]:
    """Where a path from a node ends, counted from the leftmost leaf below it; `right` has the nodes of trees last."""
    inner = right.shape[-1]
    if 2 * node + 1 >= inner:
        return right[..., node].astype(np.intp)
    leaves = (inner + 1) >> (node + 1).bit_length()  # below one of its two children
    turned = right[..., node]
    return np.where(turned, _leaf(right, 2 * node + 2) + leaves, _leaf(right, 2 * node + 1))


def _scan_by_numpy(
    planes: NDArray[np.uint8], forest: Forest, offsets: NDArray[np.int32], step: int, first: int, slack: int
) -> Windows:
    wide = planes.shape[2]
    down, right = planes.shape[1] - forest.side + 1, wide - forest.side + 1
    values = planes.reshape(-1)
    dense = min(first, _DENSE)
    rows, cols, sums = _passing_grid(planes, forest, step, dense, slack)
    kept, _ = _passing(values, rows * wide + cols, sums, forest, offsets, range(dense, first), slack)
    rows, cols = rows[kept], cols[kept]
    near = np.zeros((down + 2 * step, right + 2 * step), bool)  # with a margin, so that no neighbour needs a check
    for v in range(1 - step, step):
        for u in range(1 - step, step):
            near[rows + v + step, cols + u + step] = True
    y, x = np.nonzero(near[step : step + down, step : step + right])
    every = range(len(forest.features))
    kept, sums = _passing(values, y * wide + x, np.zeros(len(y), np.int32), forest, offsets, every)
    return np.column_stack([x[kept], y[kept], sums]).astype(np.int32)[:_MOST]


def _passing_grid(
    planes: NDArray[np.uint8], forest: Forest, step: int, trees: int, slack: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]:
    """Windows of a grid that pass the first trees: rows, columns and sums. Whole slices: nearly all are still there."""
    plane, below, beside = forest._places
    down, right = planes.shape[1] - forest.side + 1, planes.shape[2] - forest.side + 1

    def subtree(tree: int, node: int) -> Any:
        inner = forest.features.shape[1]
        if node >= inner:
            return forest.leaves[tree, node - inner]
        y, x = below[tree, node], beside[tree, node]
        larger = planes[plane[tree, node], y : y + down : step, x : x + right : step] > forest.limits[tree, node]
        return np.where(larger, subtree(tree, 2 * node + 2), subtree(tree, 2 * node + 1))

    shape = (-(-down // step), -(-right // step))
    sums, passed = np.zeros(shape, np.int32), np.ones(shape, bool)
    for tree in range(trees):
        sums += subtree(tree, 0)
        passed &= sums >= forest.least[tree] - slack
    rows, cols = np.nonzero(passed)
    return rows * step, cols * step, sums[rows, cols]
