"""How boxes move from one frame to the next: the median of many small points' optical flow, checked backwards.

References
----------
Kalal, Mikolajczyk and Matas, Forward-backward error: automatic detection of tracking failures, ICPR 2010,
doi:10.1109/ICPR.2010.675; Bouguet, Pyramidal implementation of the Lucas Kanade feature tracker, 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.types import Box, Pixels
from eigenface.vision import cv2

_LONG_SIDE = 320  # of the grey picture that motion is measured in
_GRID = 7  # points each way
_COVER = 0.8  # share of a box's side that the points cover: its corners are background
_WINDOW, _LEVELS = (13, 13), 3
_MOST_ERROR = 1.0  # pixels of the grey picture that a point may miss its start by on the way back
_MOST_GROWTH = 1.08  # of a box in one frame
_LEAST_POINTS = 6
_LEAST_FREE = 0.3  # share of points that no other box covers

_HEAD = 1.3  # side of a head over side of its box, for what it hides


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a box went, and the share of its points (0..1) that agree; `covered`: other boxes hide most of them."""

    box: Box
    agreement: float
    covered: bool = False


class Motion:
    """Follows boxes through frames handed over one by one."""

    def __init__(self) -> None:
        self._before: list[NDArray[np.uint8]] | None = None
        self._now: list[NDArray[np.uint8]] | None = None
        self._scale = 1.0

    def see(self, pixels: Pixels) -> None:
        """The next frame (rows, cols, 3), RGB."""
        rows, cols = pixels.shape[:2]
        scale = min(1.0, _LONG_SIDE / max(rows, cols))
        size = (max(16, round(cols * scale)), max(16, round(rows * scale)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        self._before = self._now if self._now is not None and self._now[0].shape == grey.shape else None
        self._now = [grey]
        self._scale = scale

    def follow(self, boxes: Sequence[Box]) -> list[Moved]:
        """Where each box of the frame before is now."""
        if not boxes:
            return []
        if self._before is None or self._now is None:
            return [Moved(box, 0.0) for box in boxes]
        steps = (np.arange(_GRID) + 0.5) / _GRID * _COVER + (1 - _COVER) / 2
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        corners = np.array([[box.x, box.y, box.width, box.height] for box in boxes]) * self._scale
        points = (corners[:, None, :2] + grid[None] * corners[:, None, 2:]).reshape(-1, 1, 2).astype(np.float32)
        before, now = self._before[0], self._now[0]
        ahead, found, _ = cv2.calcOpticalFlowPyrLK(before, now, points, None, winSize=_WINDOW, maxLevel=_LEVELS)
        back, again, _ = cv2.calcOpticalFlowPyrLK(now, before, ahead, None, winSize=_WINDOW, maxLevel=_LEVELS)
        free = _uncovered(points.reshape(len(boxes), -1, 2), corners)
        error = np.linalg.norm(back - points, axis=-1).reshape(len(boxes), -1)
        good = (found & again).reshape(len(boxes), -1).astype(bool) & (error <= _MOST_ERROR)
        shape = (len(boxes), -1, 2)
        return [
            self._moved(*parts)
            for parts in zip(boxes, points.reshape(shape), ahead.reshape(shape), good, free, strict=True)
        ]

    def _moved(
        self,
        box: Box,
        start: NDArray[np.float32],
        end: NDArray[np.float32],
        good: NDArray[np.bool_],
        free: NDArray[np.bool_],
    ) -> Moved:
        asked = int(free.sum())
        if asked < _LEAST_FREE * free.size:
            return Moved(box, 0.0, covered=True)
        good = good & free
        if good.sum() < _LEAST_POINTS:
            return Moved(box, float(good.sum() / asked))
        start, end = start[good], end[good]
        shift = np.median(end - start, axis=0)
        one, other = np.triu_indices(len(start), 1)
        apart = np.linalg.norm(start[one] - start[other], axis=1)
        growth = float(np.median(np.linalg.norm(end[one] - end[other], axis=1) / apart))
        growth = min(max(growth, 1 / _MOST_GROWTH), _MOST_GROWTH)
        x, y = box.centre + shift / self._scale
        wide, high = box.width * growth, box.height * growth
        near = np.linalg.norm(end - start - shift, axis=1) <= 0.1 * box.width * self._scale + _MOST_ERROR
        return Moved(Box(float(x - wide / 2), float(y - high / 2), wide, high), float(near.sum() / asked))


def _uncovered(points: NDArray[np.float32], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (n, m, 2) of n boxes lie in none of the other boxes (n, 4): those move with whoever is in front."""
    free = np.ones(points.shape[:2], bool)
    for place, (x, y, wide, high) in enumerate(corners):
        middle = (x + wide / 2, y + high / 2)
        inside = (np.abs(points - middle) <= (_HEAD * wide / 2, _HEAD * high / 2)).all(axis=-1)
        inside[place] = False
        free &= ~inside
    return free
