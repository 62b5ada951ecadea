"""Windows judged by trees without the compiled part.

Numpy and OpenCV are quick with long rows of bytes, and slow where single bytes are picked from all over a picture:

* The grid: the same value of neighbouring windows lies side by side, once a plane is split into every second column
  and row, so a comparison is one call for all windows. Most trees are asked about all of them.
* What is left, and has few trees to go: its values are picked one by one.
* What has many trees to go: the whole windows are copied out and turned over, a row for each of their values, so that a
  comparison is one call again. The neighbours of a window share one copy.

A tree has seven nodes at most: its answers are the bits of a byte, and a table says which leaf a byte means.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.forest import Forest
from eigenface.features.channels import PLANES
from eigenface.vision import cv2

Numbers = NDArray[np.intp]

_STRETCH = 65_536  # windows of a grid at once: all that is written stays in near memory
_ASKED = 16  # trees after which is counted how many windows are left
_FEW = 0.08  # share of windows from which it is quicker to pick values one by one
_SUM = 32_000  # sums of a grid have 16 bits
_PICKED = 40  # trees whose values are picked one by one before whole windows are copied out
_CHUNK, _LONGEST = 8, 128  # trees at once to begin with, and of windows copied out
_COPIED = 1024  # windows copied out at once


def scan_by_numpy(
    planes: NDArray[np.uint8], forest: Forest, owners: NDArray[np.int16], step: int, first: int, slack: int
) -> NDArray[np.int32]:
    """`scanning.scan`: rows (x, y, score)."""
    side, reach = forest.side, step - 1
    rows, cols = _grid(planes, forest, owners, step, first, slack)
    scores: NDArray[np.int32] = np.zeros(owners.shape, np.int32)
    passed = np.zeros(owners.shape, bool)
    whole = _whole(owners, side)
    framed = np.zeros((PLANES, owners.shape[0] + 2 * reach, owners.shape[1] + 2 * reach), np.uint8)
    framed[:, reach : reach + owners.shape[0], reach : reach + owners.shape[1]] = planes
    corners = [(v, u) for v in range(2 * reach + 1) for u in range(2 * reach + 1)]
    for start in range(0, len(rows), _COPIED):
        part = slice(start, start + _COPIED)
        copied = _Copied(framed, rows[part], cols[part], side + 2 * reach, corners)
        y = np.concatenate([rows[part] + v - reach for v, _ in corners])
        x = np.concatenate([cols[part] + u - reach for _, u in corners])
        fits = np.flatnonzero((y >= 0) & (y < whole.shape[0]) & (x >= 0) & (x < whole.shape[1]))
        fits = fits[whole[y[fits], x[fits]] & ~passed[y[fits], x[fits]]]
        kept, sums = copied.judged(forest, fits, np.zeros(len(fits), np.int32), 0)
        scores[y[kept], x[kept]] = sums
        passed[y[kept], x[kept]] = True
    y, x = np.nonzero(passed)
    return np.column_stack([x, y, scores[y, x]]).astype(np.int32)


def judge_by_numpy(
    planes: NDArray[np.uint8], forest: Forest, places: NDArray[np.int32]
) -> tuple[Numbers, NDArray[np.int32]]:
    """Which windows (numbers into `places`) pass all trees, and their sums."""
    x, y = places.T.astype(np.intp)
    trees = len(forest.features)
    picked = min(_PICKED, trees)
    kept, sums = _picked(planes, y, x, np.zeros(len(x), np.int32), forest, range(picked), 0)
    found = []
    for start in range(0, len(kept), _COPIED):
        some = kept[start : start + _COPIED]
        copied = _Copied(planes, y[some], x[some], forest.side, [(0, 0)])
        left, ends = copied.judged(forest, np.arange(len(some)), sums[start : start + _COPIED], picked)
        found.append((some[left], ends))
    if not found:
        return kept, sums
    return np.concatenate([left for left, _ in found]), np.concatenate([ends for _, ends in found])


def _whole(owners: NDArray[np.int16], side: int) -> NDArray[np.bool_]:
    """For each first cell whether a window from there lies within one picture, whose cells are a rectangle."""
    last = owners[side - 1 :, side - 1 :]
    begun = owners[: last.shape[0], : last.shape[1]]
    whole: NDArray[np.bool_] = (begun >= 0) & (begun == last)
    return whole


def _grid(
    planes: NDArray[np.uint8], forest: Forest, owners: NDArray[np.int16], step: int, trees: int, slack: int
) -> tuple[Numbers, Numbers]:
    """Rows and columns of the windows of a grid that pass the first trees."""
    high, wide = (-(-size // step) for size in owners.shape)
    values = _split(planes, step, high, wide)
    whole = _whole(owners, forest.side)[::step, ::step]
    plane, down, across = forest.places
    first = (across % step * PLANES + plane) * step + down % step
    first = (first * high + down // step) * wide + across // step
    count = (len(whole) - 1) * wide + whole.shape[1]
    possible = np.zeros((len(whole), wide), bool)
    possible[:, : whole.shape[1]] = whole
    found = []
    for start in range(0, count, _STRETCH):
        passed = possible.reshape(-1)[start : min(start + _STRETCH, count)].copy()
        seen, sums = _stretch(values[start:], first, forest, passed, trees, slack)
        left = np.flatnonzero(passed)
        y, x = np.divmod(left + start, wide)
        y, x = y * step, x * step
        kept, _ = _picked(planes, y, x, sums[left].astype(np.int32), forest, range(seen, trees), slack)
        found.append((y[kept], x[kept]))
    return np.concatenate([y for y, _ in found]), np.concatenate([x for _, x in found])


def _split(planes: NDArray[np.uint8], step: int, high: int, wide: int) -> NDArray[np.uint8]:
    """Planes (8, rows, cols) as values (step, 8, step, high, wide), flat: every `step`-th column and row together."""
    _, rows, cols = planes.shape
    if (rows, cols) != (high * step, wide * step):
        planes = np.pad(planes, ((0, 0), (0, high * step - rows), (0, wide * step - cols)))
    values = np.empty((step, PLANES, step, high, wide), np.uint8)
    for part, columns in zip(values, cv2.split(planes.reshape(-1, wide, step)), strict=True):
        part[:] = columns.reshape(PLANES, high, step, wide).transpose(0, 2, 1, 3)
    return values.reshape(-1)


def _stretch(
    values: NDArray[np.uint8],
    first: NDArray[np.intp],
    forest: Forest,
    passed: NDArray[np.bool_],
    trees: int,
    slack: int,
) -> tuple[int, NDArray[np.int16]]:
    """Trees asked about all windows of a stretch, until few are left: how many trees, and the sums.

    `first` has where in `values` the value that a node looks at lies for the first window; `passed` is changed.
    """
    inner, count = first.shape[1], len(passed)
    largest = np.cumsum(np.abs(forest.leaves[:trees].astype(np.int32)).max(axis=1))
    trees = int(np.searchsorted(largest, _SUM))
    least = np.clip(forest.least[:trees] - slack, -_SUM - 1, _SUM + 1).astype(np.int16)
    tables = np.zeros((trees, 256), np.int16)
    tables[:, : 1 << inner] = forest.leaves[:trees, _leaves(inner)]
    code, answer = np.empty((2, 1, count), np.uint8)
    sums, leaf = np.zeros(count, np.int16), np.empty((1, count), np.int16)
    enough = np.empty(count, bool)
    limits = forest.limits[:trees].tolist()
    for tree, begins in enumerate(first[:trees].tolist()):
        if tree % _ASKED == 0 and np.count_nonzero(passed) <= _FEW * count:
            return tree, sums
        for node, (begin, limit) in enumerate(zip(begins, limits[tree], strict=True)):
            row = values[None, begin : begin + count]
            cv2.threshold(row, limit, 1 << node, cv2.THRESH_BINARY, dst=answer if node else code)
            if node:
                np.add(code, answer, out=code)
        cv2.LUT(code, tables[tree], dst=leaf)
        sums += leaf[0]
        np.greater_equal(sums, least[tree], out=enough)
        passed &= enough
    return trees, sums


@functools.cache
def _leaves(inner: int) -> NDArray[np.intp]:
    """The leaf, from the left, that the answers of a tree's nodes lead to; bit 0 is the root's, 1 means right."""
    codes = np.arange(1 << inner)
    node = np.zeros(len(codes), np.intp)
    while node[0] < inner:
        node = 2 * node + 1 + (codes >> node & 1)
    return node - inner


def _picked(
    planes: NDArray[np.uint8],
    y: Numbers,
    x: Numbers,
    sums: NDArray[np.int32],
    forest: Forest,
    trees: range,
    slack: int,
) -> tuple[Numbers, NDArray[np.int32]]:
    """Which windows (numbers into `y`) pass these trees as well, and their sums; values are picked one by one."""
    _, high, wide = planes.shape
    values, offsets = planes.reshape(-1), forest.offsets(high, wide)
    starts = y * wide + x
    kept, first, chunk = np.arange(len(starts)), trees.start, _CHUNK
    while first < trees.stop and len(kept):
        part = slice(first, min(first + chunk, trees.stop))
        right = values.take(offsets[part].T[:, :, None] + starts[kept]) > forest.limits[part].T[:, :, None]
        passed, sums = _passing(_codes(right), forest, part, sums, slack)
        kept = kept[passed]
        first, chunk = part.stop, 2 * chunk  # the longer a window stays, the likelier it stays to the end
    return kept, sums


class _Copied:
    """Squares (n) of `side` x `side` cells copied out of planes (8, rows, cols): a row for each of their values.

    A square holds as many windows as there are `corners` (row, column) in it where one begins; windows are numbered
    corner by corner.
    """

    def __init__(
        self, planes: NDArray[np.uint8], y: Numbers, x: Numbers, side: int, corners: Sequence[tuple[int, int]]
    ) -> None:
        self._side = side
        self._shifts = [down * side + across for down, across in corners]
        every = np.lib.stride_tricks.sliding_window_view(planes, (PLANES, side, side))[0]
        self._values = cv2.transpose(every[y, x].reshape(len(y), -1))

    def judged(
        self, forest: Forest, kept: Numbers, sums: NDArray[np.int32], first: int
    ) -> tuple[Numbers, NDArray[np.int32]]:
        """Which of the kept windows pass all trees from `first` on, and their sums."""
        plane, down, across = forest.places
        rows = (plane * self._side + down) * self._side + across
        chunk = _CHUNK
        while first < len(rows) and len(kept):
            part = slice(first, first + chunk)
            wanted, limits = rows[part].T, forest.limits[part].T[:, :, None]
            codes = [_codes(self._values.take(wanted + shift, axis=0) > limits) for shift in self._shifts]
            passed, sums = _passing(np.concatenate(codes, axis=1).take(kept, axis=1), forest, part, sums, 0)
            kept = kept[passed]
            first, chunk = part.stop, min(2 * chunk, _LONGEST)
        return kept, sums


def _codes(right: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bytes (trees, n) of the answers (nodes, trees, n) of nodes."""
    bits = right.view(np.uint8)
    code: NDArray[np.uint8] = bits[-1].copy()
    for bit in bits[-2::-1]:
        code += code
        code += bit
    return code


def _passing(
    codes: NDArray[np.uint8], forest: Forest, part: slice, sums: NDArray[np.int32], slack: int
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Which windows pass some trees with these answers (trees, n), and the sums of those."""
    inner = forest.features.shape[1]
    leaves = forest.leaves[part][:, _leaves(inner)].astype(np.int32).reshape(-1)
    running = leaves.take(codes + (np.arange(len(codes)) << inner)[:, None])
    running[0] += sums
    reach, spare = 1, np.empty_like(running)
    while reach < len(running):  # twice as many trees in every sum: numpy adds rows faster than up a column
        np.add(running[reach:], running[:-reach], out=spare[reach:])
        spare[:reach] = running[:reach]
        running, spare, reach = spare, running, 2 * reach
    passed = np.all(running >= (forest.least[part] - slack)[:, None], axis=0)
    return passed, running[-1, passed]
