"""The channels of all levels of a pyramid side by side on one sheet, so that a scan is one call and not two dozen.

Without the compiled part most of the time would go into calls for small levels.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.pyramid import LEAST_SIDE, PAD, SMALLER, Grey, Size, draw, halves, sizes
from eigenface.features.channels import CELL, PLANES, channels, channels_of_levels

_RING = 2
"""Cells of repeated border more around each level, so that no channel looks at a neighbour. An even number, as are the
sizes on a sheet: a scan that tries every second window tries the same of a level wherever it lies."""

_WIDTHS = 12  # of a sheet that are tried


@dataclass(frozen=True, slots=True)
class Sheet:
    """Levels of a picture in cells.

    Parameters
    ----------
    planes : uint8 array (8, rows, cols)
    owners : int16 array (rows, cols)
        The number of the level that a cell belongs to, -1 for none.
    first : int32 array (levels, 2)
        Each level's first cell: x, y.
    scales : float array (levels, 2)
        Columns and rows of each level for one of the picture.
    """

    planes: NDArray[np.uint8]
    owners: NDArray[np.int16]
    first: NDArray[np.int32]
    scales: NDArray[np.float64]


def sheet(grey: Grey, scale: float) -> Sheet:
    """The levels at which a detector looks for faces, from the picture `scale` times as large on."""
    wanted, inner, owners = _laid_out(grey.shape, scale)
    planes = _planes(grey, wanted, inner, owners.shape) if wanted else np.zeros((PLANES, 0, 0), np.uint8)
    scales = np.array([(size.cols / grey.shape[1], size.rows / grey.shape[0]) for size in wanted]).reshape(-1, 2)
    return Sheet(planes, owners, inner[:, 1::-1], scales)


@functools.lru_cache(maxsize=4)  # frames of a film are alike; what is kept takes some megabytes
def _laid_out(shape: tuple[int, int], scale: float) -> tuple[list[Size], NDArray[np.int32], NDArray[np.int16]]:
    """The levels of a picture (rows, cols), where each lies on its sheet (row, column, rows and columns in cells), and
    which one each cell of the sheet belongs to."""
    wanted = sizes(shape, scale, smaller=SMALLER, least=LEAST_SIDE)
    shapes = tuple((size.rows // CELL + PAD + 2 * _RING, size.cols // CELL + PAD + 2 * _RING) for size in wanted)
    whole, corners = _packed(shapes)
    owners = np.full(whole, -1, np.int16)
    inner = np.zeros((len(wanted), 4), np.int32)
    for number, ((rows, cols), (y, x)) in enumerate(zip(shapes, corners, strict=True)):
        y, x, rows, cols = inner[number] = y + _RING, x + _RING, rows - 2 * _RING, cols - 2 * _RING
        owners[y : y + rows, x : x + cols] = number
    owners.flags.writeable = inner.flags.writeable = False  # they are everybody's
    return wanted, inner, owners


def _planes(grey: Grey, wanted: Sequence[Size], inner: NDArray[np.int32], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Channels (8, rows, cols) of levels that lie at `inner` (n, 4): row, column, rows and columns in cells."""
    pictures, which = halves(grey, wanted)
    levels = np.array([(number, *size[1:]) for number, size in zip(which, wanted, strict=True)], np.int32)
    planes = channels_of_levels(pictures, np.hstack([levels, inner[:, :2]]), PAD, shape)
    if planes is not None:
        return planes
    pixels = np.empty((CELL * shape[0], CELL * shape[1]), np.uint8)  # what lies between levels is never looked at
    onto = []
    for y, x, rows, cols in inner.tolist():
        down, across = (slice(CELL * (at - _RING), CELL * (at + size + _RING)) for at, size in ((y, rows), (x, cols)))
        onto.append(pixels[down, across])
    draw(pictures, which, wanted, onto, PAD + CELL * _RING)
    return channels(pixels, inner)


@functools.lru_cache(maxsize=64)
def _packed(shapes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], Sequence[tuple[int, int]]]:
    """Rows and columns of a sheet on which all these have room, and the row and column of each one's corner."""
    if not shapes:
        return (0, 0), ()
    shapes = [(-(-rows // 2) * 2, -(-cols // 2) * 2) for rows, cols in shapes]
    widest = max(cols for _, cols in shapes)
    widths = range(widest, 2 * widest, max(2, widest // (_WIDTHS * 2) * 2))
    tried = [(_shelved(shapes, wide), wide) for wide in widths]
    (high, corners), wide = min(tried, key=lambda one: one[0][0] * one[1])
    return (high, wide), corners


def _shelved(shapes: Sequence[tuple[int, int]], wide: int) -> tuple[int, Sequence[tuple[int, int]]]:
    """How high a sheet of a width becomes, and the corners: a shape lies where it leaves least free of the height, on a
    new shelf when it fits nowhere, and what is free beside and below it is for others."""
    high, corners = 0, []
    free: list[tuple[int, int, int, int]] = []  # row, column, rows, columns
    for rows, cols in shapes:
        fitting = [one for one in free if one[2] >= rows and one[3] >= cols]
        if fitting:
            place = min(fitting, key=lambda one: (one[2], one[3]))
            free.remove(place)
        else:
            place = high, 0, rows, wide
            high += rows
        y, x, down, across = place
        corners.append((y, x))
        free += [(y, x + cols, down, across - cols), (y + rows, x, down - rows, cols)]
    return high, corners
