"""What a map of probabilities says around each of its pixels, for trees that judge it a second time.

A red pixel on lips, in a scarf and in a streak looks alike by itself. What tells is what lies above, below and across.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.vision import cv2

Planes = NDArray[np.float32]
"""Numbers by pixel: (side, side) or (k, side * side)."""

CONTEXT = 48
"""Numbers that `map_context` gives a pixel."""

_BLURS = (1.0, 1.8, 3.0, 5.0, 9.0)  # pixels of 48
_RINGS = ((3, 1.0), (7, 2.5), (12, 2.5))  # how far around a pixel the map is read, and blurred by how much
_DIRECTIONS = 8
_LINES = (np.ones((9, 1)), np.ones((1, 9)), np.eye(7), np.fliplr(np.eye(7)))  # upright, level and both slants
_COMPILED = range(16, 257)  # sides that the compiled part works on


def map_context(odds: Planes, out: Planes | None = None) -> Planes:
    """What a map of log odds (side, side) says at and around every pixel, and as a whole: (CONTEXT, side * side).

    Written to `out` where it is given, a float32 array of that shape.

    References
    ----------
    Tu and Bai, Auto-context and its application to high-level vision tasks, 2010, doi:10.1109/TPAMI.2009.186.

    Examples
    --------
    >>> map_context(np.zeros((24, 24), np.float32)).shape
    (48, 576)
    """
    side, odds = len(odds), np.ascontiguousarray(odds, np.float32)
    found = np.asarray(1 / (1 + np.exp(-odds)), np.float32)
    out = np.empty((CONTEXT, side * side), np.float32) if out is None else out
    module = compiled_for(side)
    if module is None:
        out[:] = _context_by_numpy(odds, found)
    else:
        sigmas = tuple(sigma * (side / 48) for sigma in (*_BLURS, 1.5, 2.5))
        module.context(side, odds, found, _moves(side), *kernels(sigmas), out)
    return out


def _context_by_numpy(odds: Planes, found: Planes) -> Planes:
    side = len(odds)
    unit = side / 48
    blurred = {
        sigma: cv2.GaussianBlur(found, (0, 0), sigma * unit, borderType=cv2.BORDER_REPLICATE)
        for sigma in (*_BLURS, 1.5, 2.5)
    }
    planes = [odds, found, *(blurred[sigma] for sigma in _BLURS), found[:, ::-1], blurred[3.0][:, ::-1]]
    for (_, sigma), moves in zip(_RINGS, _moves(side).reshape(len(_RINGS), _DIRECTIONS, 2), strict=True):
        planes += [_moved(blurred[sigma], down, right) for down, right in moves.tolist()]
    near = np.ones((3, 3), np.uint8)
    lines = [cv2.filter2D(found, -1, line / line.sum(), borderType=cv2.BORDER_REPLICATE) for line in _LINES]
    planes += [cv2.dilate(found, near), cv2.erode(found, near), *lines, np.max(lines, axis=0) - np.min(lines, axis=0)]
    planes += [np.broadcast_to(blurred[1.5].max(axis=axis, keepdims=True), found.shape) for axis in (1, 0)]
    facts = [found.mean(), (found > 0.5).mean(), found.max(), blurred[3.0].max(), (found > 0.8).mean(),
             np.abs(found - found[:, ::-1]).mean()]  # fmt: skip
    return laid_out(planes, facts)


def compiled_for(side: int) -> ModuleType | None:
    """The compiled part for planes of this side, where it is at hand; it gives what numpy and OpenCV give."""
    return compiled("blood") if side in _COMPILED else None


@functools.lru_cache(maxsize=32)  # asked for with every face
def kernels(sigmas: tuple[float, ...]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Those of Gaussian blurs, one after the other, and how many numbers each has, as the compiled part takes them."""
    lengths = [round(8 * sigma + 1) | 1 for sigma in sigmas]  # as `cv2.GaussianBlur` chooses them for float32
    made = [cv2.getGaussianKernel(*each, cv2.CV_32F).ravel() for each in zip(lengths, sigmas, strict=True)]
    return np.concatenate(made), np.array(lengths, np.int32)


@functools.lru_cache(maxsize=8)
def _moves(side: int) -> NDArray[np.int32]:
    """How far a map is moved down and right to be read around a pixel: (rings * directions, 2)."""
    unit = side / 48
    angles = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    moves = [
        (round(reach * np.sin(angle) * unit), round(reach * np.cos(angle) * unit))
        for reach, _ in _RINGS
        for angle in angles
    ]
    return np.array(moves, np.int32)


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
