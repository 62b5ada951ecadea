"""Channels of a grey picture for boosted detectors: luminance, gradient and gradient by orientation, in cells.

1. *Gradient.* The central difference along six directions; the largest is the gradient's strength, and a direction has
   a share in it that falls to nothing 30 degrees away.
2. *Cells.* Sums over 2 x 2 pixels.
3. *Local contrast.* Each cell is divided by the mean gradient around it (11 x 11 cells), so that a face in the shade
   looks like one in the light; luminance is what a cell has more than its surroundings.
4. *Smoothing* by (1 2 1) both ways.

All in integers and single precision in a fixed order, so that the compiled part and numpy give the same bytes.

References: Dollár, Tu, Perona and Belongie, Integral channel features, BMVC 2009, doi:10.5244/C.23.91; Dollár, Appel,
Belongie and Perona, Fast feature pyramids for object detection, PAMI 2014, doi:10.1109/TPAMI.2014.2300479.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.vision import cv2

Parts = NDArray[np.int32]
"""Rows (row, column, rows, columns) in cells."""

CELL = 2
"""Side of a cell in pixels."""

PLANES = 8
"""Luminance, strength, six orientations."""

_SLANTED, _HALF = 55, 32  # cosine and sine of 30 degrees, times 64
_AROUND = 11  # cells each way
_ROOM = 2904.0  # gradient added around a cell (6 grey levels a pixel): in flat places noise stays small
_GAIN, _CONTRAST = 7744.0, 24.0
_BAND = 64  # rows of cells that numpy works on at once: what they take stays in the nearest memory


def channels(grey: NDArray[np.uint8], parts: Parts | None = None) -> NDArray[np.uint8]:
    """Channels of a grey picture, or of several side by side.

    Parameters
    ----------
    grey : uint8 array (rows, cols), both at least 2
        An odd last row or column belongs to no cell.
    parts : int32 array (n, 4), optional
        Row, column, rows and columns, in cells, of pictures that do not touch: around each lies a border of a cell or
        more that repeats its edge. Contrast and smoothing keep within each; what lies between is of no use.

    Returns
    -------
    uint8 array (8, rows // 2, cols // 2)

    Examples
    --------
    >>> channels(np.full((64, 48), 90, np.uint8)).shape
    (8, 32, 24)
    """
    rows, cols = grey.shape
    whole = np.array([[0, 0, rows // CELL, cols // CELL]], np.int32)
    module = compiled("boosted")
    if module is None:
        return _channels_by_numpy(grey, whole if parts is None else parts)
    planes = np.empty((PLANES, rows // CELL, cols // CELL), np.uint8)
    arrays = (np.ascontiguousarray(grey), whole if parts is None else np.ascontiguousarray(parts, np.int32))
    module.channels(*arrays, rows, cols, _ROOM, _GAIN, _CONTRAST, planes)
    return planes


def channels_of_levels(
    pictures: Sequence[NDArray[np.uint8]], levels: NDArray[np.int32], pad: int, shape: tuple[int, int]
) -> NDArray[np.uint8] | None:
    """Channels of smaller and smaller pictures side by side, each drawn from a larger one while they are made.

    Parameters
    ----------
    pictures : sequence of uint8 arrays (rows, cols)
    levels : int32 array (n, 5)
        The number of the picture from which a level is drawn, the level's rows and columns, and the row and the column,
        in cells, where it begins.
    pad : int
        Pixels of repeated border on every side, an even number.
    shape : int, int
        Rows and columns of all in cells.

    Returns
    -------
    uint8 array (8, rows, cols), or None
        None where nothing quicker is at hand than `cv2.resize`, which draws the same pixels, and `channels`. What lies
        between levels is of no use.
    """
    module = compiled("boosted")
    if module is None or not module.DRAWS:
        return None
    planes = np.empty((PLANES, *shape), np.uint8)
    above = np.array([picture.shape for picture in pictures], np.int32)[levels[:, 0]]
    parts = np.ascontiguousarray(np.column_stack([levels[:, 0], above, levels[:, 1:]]), np.int32)
    given = tuple(np.ascontiguousarray(picture) for picture in pictures)
    module.levels(given, parts, pad, *shape, _ROOM, _GAIN, _CONTRAST, planes)
    return planes


def _channels_by_numpy(grey: NDArray[np.uint8], parts: Parts) -> NDArray[np.uint8]:
    high, wide = grey.shape[0] // CELL, grey.shape[1] // CELL
    framed = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REPLICATE)[:, : CELL * wide + 2]
    cells = np.empty((PLANES, high, wide), np.int16)
    # A new array takes several times as long as what is written to it: the same few serve all bands.
    band = min(_BAND, high)
    pixels = np.empty((CELL * band + 2, CELL * wide + 2), np.int16)
    room = np.empty((7, CELL * band, CELL * wide), np.int16)
    for start in range(0, high, band):
        rows = CELL * min(band, high - start)
        pixels[: rows + 2] = framed[CELL * start : CELL * start + rows + 2]
        _sum_cells(pixels[: rows + 2], room[:, :rows], cells[:, start : start + band])
    return _smoothed(_in_contrast(cells, parts), parts)


def _sum_cells(framed: NDArray[np.int16], room: NDArray[np.int16], cells: NDArray[np.int16]) -> None:
    """Sums over the cells (8, rows, cols) of a band of pixels with one more all around.

    A direction 90 degrees or more from the gradient has no share, so that of 30 and 150 degrees, and of 60 and 120, one
    is nothing: which, the signs say, and the rest follows from how steep the picture is across and down.
    """
    across, down, flat, steep, strength, falling, other = room
    np.subtract(framed[1:-1, 2:], framed[1:-1, :-2], out=across)
    np.subtract(framed[2:, 1:-1], framed[:-2, 1:-1], out=down)
    np.bitwise_xor(across, down, out=falling)
    falling >>= 15  # all bits where one sign is minus, otherwise none
    np.abs(across, out=across)
    np.abs(down, out=down)
    for slanted, more, less in ((flat, across, down), (steep, down, across)):
        np.multiply(more, _SLANTED, out=slanted)
        np.multiply(less, _HALF, out=other)
        slanted += other
        slanted >>= 6
    np.maximum(across, down, out=strength)
    np.maximum(strength, flat, out=strength)
    np.maximum(strength, steep, out=strength)
    _add_cells(framed[1:-1, 1:-1], other, cells[0])
    _add_cells(strength, other, cells[1])
    strength *= 7
    for part, rising, mirrored in ((across, 2, 2), (flat, 3, 7), (steep, 4, 6), (down, 5, 5)):
        part <<= 3
        np.maximum(part, strength, out=part)  # and not with 0: numpy is ten times as fast with an array
        part -= strength
        _add_cells(part, other, cells[rising])
        if mirrored != rising:
            part &= falling
            _add_cells(part, other, cells[mirrored])
            cells[rising] -= cells[mirrored]


def _add_cells(plane: NDArray[np.int16], room: NDArray[np.int16], cells: NDArray[np.int16]) -> None:
    """Sums over 2 x 2 pixels, which are no less than 0 and small: two columns stand in one number of 32 bits."""
    pairs = room[: len(cells)]
    np.add(plane[::CELL], plane[1::CELL], out=pairs)
    both, one = pairs.view(np.int32), room[len(cells) :].view(np.int32)
    np.right_shift(both, 16, out=one)
    both &= 0xFFFF
    np.add(both, one, out=cells, casting="unsafe")


def _in_contrast(cells: NDArray[np.int16], parts: Parts) -> NDArray[np.uint8]:
    """Step 3."""
    light, strength = np.zeros((2, *cells.shape[1:]), np.float32)
    for y, x, rows, cols in parts.tolist():
        part = slice(y, y + rows), slice(x, x + cols)
        light[part], strength[part] = _around(cells[0][part]), _around(cells[1][part])
    codes = np.empty(cells.shape, np.uint8)
    room = np.empty((2, min(_BAND, cells.shape[1]), cells.shape[2]), np.float32)
    most = np.full(room[0].shape, 255, np.float32)  # numpy is slower with a number
    for start in range(0, cells.shape[1], _BAND):
        band = slice(start, start + _BAND)
        around = strength[band]
        around += np.float32(_ROOM)
        scaled, gain = room[:, : len(around)]
        np.multiply(cells[0, band], np.float32(121), out=scaled)
        scaled -= light[band]
        scaled *= np.divide(np.float32(_CONTRAST), around, out=gain)
        np.trunc(scaled, out=scaled)
        scaled += 128
        np.clip(scaled, 0, 255, out=codes[0, band], casting="unsafe")
        np.divide(np.float32(_GAIN), around, out=gain)
        for cell, code in zip(cells[1:, band], codes[1:, band], strict=True):
            np.multiply(cell, gain, out=scaled)
            np.minimum(scaled, most[: len(scaled)], out=scaled)
            code[:] = scaled
    return codes


def _around(cells: NDArray[np.int16]) -> Any:
    """Sums over the cells around each; whole numbers below 2 ** 24, so in single precision they are exact."""
    return cv2.boxFilter(cells, cv2.CV_32F, (_AROUND, _AROUND), normalize=False, borderType=cv2.BORDER_REPLICATE)


def _smoothed(codes: NDArray[np.uint8], parts: Parts) -> NDArray[np.uint8]:
    """Step 4. All parts at once, after the cells around each have become copies of those at its edge."""
    _, high, wide = codes.shape
    for y, x, rows, cols in parts.tolist():
        left, right = max(x - 1, 0), min(x + cols, wide - 1)
        codes[:, y : y + rows, left] = codes[:, y : y + rows, x]
        codes[:, y : y + rows, right] = codes[:, y : y + rows, x + cols - 1]
        codes[:, max(y - 1, 0), left : right + 1] = codes[:, y, left : right + 1]
        codes[:, min(y + rows, high - 1), left : right + 1] = codes[:, y + rows - 1, left : right + 1]
    planes = np.empty_like(codes)
    for code, plane in zip(codes, planes, strict=True):
        cv2.GaussianBlur(code, (3, 3), 0, dst=plane, borderType=cv2.BORDER_REPLICATE)
    return planes
