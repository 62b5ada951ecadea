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

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.vision import cv2

CELL = 2
"""Side of a cell in pixels."""

PLANES = 8
"""Luminance, strength, six orientations."""

_COSINES, _SINES = (64, 55, 32, 0, -32, -55), (0, 32, 55, 64, 55, 32)  # of 0, 30 .. 150 degrees, times 64
_AROUND = 11  # cells each way
_ROOM = 2904.0  # gradient added around a cell (6 grey levels a pixel): in flat places noise stays small
_GAIN, _CONTRAST = 7744.0, 24.0


def channels(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Channels of a grey picture.

    Parameters
    ----------
    grey : uint8 array (rows, cols), both at least 2
        An odd last row or column belongs to no cell.

    Returns
    -------
    uint8 array (8, rows // 2, cols // 2)

    Examples
    --------
    >>> channels(np.full((64, 48), 90, np.uint8)).shape
    (8, 32, 24)
    """
    rows, cols = grey.shape
    module = compiled("boosted")
    if module is None:
        return _channels_by_numpy(grey)
    planes = np.empty((PLANES, rows // CELL, cols // CELL), np.uint8)
    module.channels(np.ascontiguousarray(grey), rows, cols, _ROOM, _GAIN, _CONTRAST, planes)
    return planes


def _channels_by_numpy(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    high, wide = grey.shape[0] // CELL, grey.shape[1] // CELL
    framed = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REPLICATE).astype(np.int16)
    across = (framed[1:-1, 2:] - framed[1:-1, :-2])[: CELL * high, : CELL * wide]
    down = (framed[2:, 1:-1] - framed[:-2, 1:-1])[: CELL * high, : CELL * wide]
    along = [np.abs(c * across + s * down) >> 6 for c, s in zip(_COSINES, _SINES, strict=True)]
    strength = np.maximum.reduce(along)
    seven = 7 * strength
    shares = [np.maximum(8 * part - seven, 0) for part in along]
    cells = [_in_cells(plane) for plane in (grey[: CELL * high, : CELL * wide].astype(np.int16), strength, *shares)]
    around = _around(cells[1]) + np.float32(_ROOM)
    light = (121 * cells[0] - _around(cells[0])) * (np.float32(_CONTRAST) / around)
    gain = np.float32(_GAIN) / around
    values = [np.clip(128 + light.astype(np.int32), 0, 255)]
    values += [np.minimum((cell * gain).astype(np.int32), 255) for cell in cells[1:]]
    return np.stack([_smoothed(value.astype(np.uint8)) for value in values])


def _in_cells(plane: NDArray[np.int16]) -> NDArray[np.float32]:
    pairs = plane[:, ::2] + plane[:, 1::2]
    return (pairs[::2] + pairs[1::2]).astype(np.float32)


def _around(cells: NDArray[np.float32]) -> Any:
    """Sums over the cells around each; whole numbers below 2 ** 24, so in single precision they are exact."""
    return cv2.boxFilter(cells, cv2.CV_32F, (_AROUND, _AROUND), normalize=False, borderType=cv2.BORDER_REPLICATE)


def _smoothed(plane: NDArray[np.uint8]) -> Any:
    return cv2.GaussianBlur(plane, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
