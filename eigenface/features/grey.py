"""Grey pixels: from RGB crops of any size to rows of equal length."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eigenface.features.shrinking import shrunk
from eigenface.types import Pixels, Rows
from eigenface.vision import cv2

Grey = NDArray[np.uint8]
"""A grey picture: (rows, cols), 0..255."""


def grey(crops: Sequence[Pixels]) -> list[Grey]:
    """Luma of every RGB crop (rows, cols, 3): a list of uint8 arrays (rows, cols)."""
    return [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]


def equalise(greys: Sequence[Grey]) -> list[Grey]:
    """Spread every picture's histogram over 0..255, which evens out light."""
    return [cv2.equalizeHist(picture) for picture in greys]


def resize_one(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """One picture at `size` x `size` pixels: area when shrinking, cubic when growing."""
    if picture.shape[0] >= size and picture.shape[1] >= size:
        return shrunk(picture, size, size)
    resized: NDArray[np.uint8] = cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)
    return resized


def resize(greys: Sequence[Grey], size: int) -> Rows:
    """Every picture at `size` x `size` pixels, flattened row by row, as float32 in 0..1: (n, size * size).

    >>> resize([np.full((9, 7), 255, np.uint8)], 4).shape
    (1, 16)
    """
    rows = np.empty((len(greys), size * size), np.float32)
    for row, picture in zip(rows, greys, strict=True):
        row[:] = resize_one(picture, size).reshape(-1)
    rows *= 1 / 255
    return rows


def square_side(features: int) -> int:
    """Side of the square picture that a row of `features` pixels holds; ValueError where there is none.

    >>> square_side(4096)
    64
    """
    side = math.isqrt(features)
    if side < 1 or side * side != features:
        raise ValueError(f"expected rows of square pictures, got {features} features, which is not a square number")
    return side
