"""A face and its mirror image as one: features of both averaged, so that left and right need not be learned apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eigenface.types import Rows

Maps = NDArray[np.float32]
"""Features laid out as they lie on the face: (n, cell rows, cell columns, values a cell)."""


def symmetric(describe: Callable[[NDArray[np.float32]], Maps], pictures: NDArray[np.float32]) -> Rows:
    """Rows of the mean of what `describe` says of pictures (n, s, s[, 3]) and of their mirror images.

    The right half of that mean repeats the left, so only the left half is kept.
    """
    straight = describe(pictures)
    mirrored = describe(np.ascontiguousarray(pictures[:, :, ::-1]))
    half = (straight.shape[2] + 1) // 2
    mean = (straight[:, :, :half] + mirrored[:, :, :half]) * np.float32(0.5)
    return mean.reshape(len(pictures), -1)


def turned(describe: Callable[[NDArray[np.float32]], Maps], pictures: NDArray[np.float32]) -> Rows:
    """As `symmetric`, for features of which a mirror image has the same at the mirrored place: described once."""
    maps = describe(pictures)
    half = (maps.shape[2] + 1) // 2
    mean = (maps[:, :, :half] + maps[:, :, ::-1][:, :, :half]) * np.float32(0.5)
    return mean.reshape(len(pictures), -1)


def plain(describe: Callable[[NDArray[np.float32]], Maps], pictures: NDArray[np.float32]) -> Rows:
    """Rows of what `describe` says of pictures (n, s, s[, 3])."""
    return describe(pictures).reshape(len(pictures), -1)
