"""Histograms of oriented gradients: where edges run, in cells, normalised in blocks of 2x2 cells."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.features.symmetry import Maps
from eigenface.vision import cv2

_BINS = 9
_BLOCK = 2  # cells each way
_local = threading.local()  # a descriptor keeps scratch memory: one a thread


def hog(pictures: NDArray[np.float32], cell: int = 8) -> Maps:
    """Gradient histograms of grey pictures.

    Parameters
    ----------
    pictures : float32 array (n, s, s)
        Grey, 0..1; s is a multiple of `cell`, at least two cells.
    cell : int
        Side of a cell in pixels.

    Returns
    -------
    float32 array (n, s / cell - 1, s / cell - 1, 36)
        A block's four histograms of nine unsigned orientations, normalised together (L2, clipped at 0.2).

    Raises
    ------
    ValueError
        Where the side is no multiple of the cell, or shorter than two cells.

    References
    ----------
    Dalal and Triggs, Histograms of oriented gradients for human detection, CVPR 2005, doi:10.1109/CVPR.2005.177.

    Examples
    --------
    >>> hog(np.zeros((2, 32, 32), np.float32), 8).shape
    (2, 3, 3, 36)
    """
    count, side = pictures.shape[:2]
    if cell < 1 or side % cell or side < _BLOCK * cell:
        raise ValueError(f"hog: expected a side that is a multiple of {cell}, two cells at least, got {side}")
    descriptor = _descriptor(side, cell)
    blocks = side // cell - 1
    grey = np.rint(pictures * 255).astype(np.uint8)
    maps = np.empty((count, blocks * blocks * _BLOCK * _BLOCK * _BINS), np.float32)
    for row, picture in zip(maps, grey, strict=True):
        row[:] = descriptor.compute(picture).reshape(-1)
    # OpenCV walks down the columns first
    return maps.reshape(count, blocks, blocks, -1).transpose(0, 2, 1, 3)


def _descriptor(side: int, cell: int) -> Any:
    made: dict[tuple[int, int], Any] = _local.__dict__.setdefault("made", {})
    if (side, cell) not in made:
        block = (_BLOCK * cell, _BLOCK * cell)
        made[side, cell] = cv2.HOGDescriptor((side, side), block, (cell, cell), (cell, cell), _BINS)
    return made[side, cell]
