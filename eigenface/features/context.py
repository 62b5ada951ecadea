"""What a map of probabilities says around each of its pixels, for trees that judge it a second time.

A red pixel on lips, in a scarf and in a streak looks alike by itself. What tells is what lies above, below and across.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eigenface.vision import cv2

Planes = NDArray[np.float32]
"""Numbers by pixel: (side, side) or (k, side * side)."""

CONTEXT = 48
"""Numbers that `map_context` gives a pixel."""

_BLURS = (1.0, 1.8, 3.0, 5.0, 9.0)  # pixels of 48
_RINGS = ((3, 1.0), (7, 2.5), (12, 2.5))  # how far around a pixel the map is read, and blurred by how much
_DIRECTIONS = 8
_LINES = (np.ones((9, 1)), np.ones((1, 9)), np.eye(7), np.fliplr(np.eye(7)))  # upright, level and both slants


def map_context(odds: Planes) -> Planes:
    """What a map of log odds (side, side) says at and around every pixel, and as a whole: (CONTEXT, side * side).

    References
    ----------
    Tu and Bai, Auto-context and its application to high-level vision tasks, 2010, doi:10.1109/TPAMI.2009.186.

    Examples
    --------
    >>> map_context(np.zeros((24, 24), np.float32)).shape
    (48, 576)
    """
    side = len(odds)
    unit = side / 48
    found = 1 / (1 + np.exp(-odds))
    blurred = {
        sigma: cv2.GaussianBlur(found, (0, 0), sigma * unit, borderType=cv2.BORDER_REPLICATE)
        for sigma in (*_BLURS, 1.5, 2.5)
    }
    planes = [odds, found, *(blurred[sigma] for sigma in _BLURS), found[:, ::-1], blurred[3.0][:, ::-1]]
    for reach, sigma in _RINGS:
        for angle in np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS:
            planes.append(
                _moved(blurred[sigma], round(reach * np.sin(angle) * unit), round(reach * np.cos(angle) * unit))
            )
    near = np.ones((3, 3), np.uint8)
    lines = [cv2.filter2D(found, -1, line / line.sum(), borderType=cv2.BORDER_REPLICATE) for line in _LINES]
    planes += [cv2.dilate(found, near), cv2.erode(found, near), *lines, np.max(lines, axis=0) - np.min(lines, axis=0)]
    planes += [np.broadcast_to(blurred[1.5].max(axis=axis, keepdims=True), found.shape) for axis in (1, 0)]
    facts = [found.mean(), (found > 0.5).mean(), found.max(), blurred[3.0].max(), (found > 0.8).mean(),
             np.abs(found - found[:, ::-1]).mean()]  # fmt: skip
    return laid_out(planes, facts)


def laid_out(planes: Sequence[Planes], facts: Sequence[float]) -> Planes:
    """Numbers by pixel (side, side) each, then facts that are the same for all pixels: (k, side * side)."""
    side = len(planes[0])
    rows = np.empty((len(planes) + len(facts), side, side), np.float32)
    for row, plane in zip(rows, planes, strict=False):
        row[:] = plane
    rows[len(planes) :] = np.array(facts, np.float32)[:, None, None]
    return rows.reshape(len(rows), side * side)


def _moved(plane: Planes, down: int, right: int) -> Planes:
    """The plane moved by so many pixels, its edges repeated."""
    side, most = len(plane), max(abs(down), abs(right))
    wide = cv2.copyMakeBorder(plane, most, most, most, most, cv2.BORDER_REPLICATE)
    return np.asarray(wide[most - down : most - down + side, most - right : most - right + side])
