"""A picture at falling sizes, so that a window of one size finds faces of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenface.features.shrinking import shrunk
from eigenface.vision import cv2

Grey = NDArray[np.uint8]

SQUARE = 80 / 3
"""Pixels of the detection's square in a window: 5 of 6 in a window of 16 cells, 4 of 6 in one of 20."""

PAD = 12
"""Pixels of repeated border around every level, so that a face at the picture's border has its window."""

SMALLER = 2 ** (-1 / 5)
"""From one level of the pyramid to the next."""

LEAST_SIDE = 16
"""Pixels of the last level's shorter side."""


class Size(NamedTuple):
    """Rows and columns of a level that is about `scale` times as large as the picture."""

    scale: float
    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Level:
    """One size of a picture, with its border repeated all around.

    Parameters
    ----------
    grey : uint8 array (rows, cols)
    across, down : float
        Columns and rows of this level for one of the picture.
    """

    grey: Grey
    across: float
    down: float


def sizes(shape: tuple[int, int], scale: float, *, smaller: float, least: int) -> list[Size]:
    """The sizes of a picture (rows, cols), `scale` times as large, and each next one `smaller` than the one before.

    Parameters
    ----------
    shape : int, int
    scale : float
        Above 1 the picture is enlarged.
    smaller : float
        Of one level to the next, below 1.
    least : int
        The last level's shorter side has at least so many pixels.
    """
    rows, cols = shape
    found = []
    while min(rows, cols) * scale >= least:
        found.append(Size(scale, max(2, round(rows * scale)), max(2, round(cols * scale))))
        scale *= smaller
    return found


def halves(grey: Grey, wanted: Sequence[Size]) -> tuple[list[Grey], list[int]]:
    """A picture and its halves, and the number among them of the one that each size is drawn from.

    By halves first: averaging all the way from the original for each level costs more than the whole scan.
    """
    pictures, which = [grey], []
    for size in wanted:
        base = pictures[-1]
        while base.shape[1] >= 2 * grey.shape[1] * size.scale and min(base.shape) >= 4:
            base = cv2.resize(base, (base.shape[1] // 2, base.shape[0] // 2), interpolation=cv2.INTER_AREA)
            pictures.append(base)
        which.append(len(pictures) - 1)
    return pictures, which


def draw(
    pictures: Sequence[Grey], which: Sequence[int], wanted: Sequence[Size], onto: Sequence[Grey], pad: int
) -> None:
    """A picture at falling sizes, each drawn from one of its `halves` onto an array, with `pad` pixels of repeated
    border on every side.

    The last row and the last column of the border are left out where an array has no room for them.
    """
    for size, array, number in zip(wanted, onto, which, strict=True):
        inner = array[pad : pad + size.rows, pad : pad + size.cols]
        cv2.resize(pictures[number], (size.cols, size.rows), dst=inner, interpolation=cv2.INTER_LINEAR)
        below, right = (all_ - one - pad for all_, one in zip(array.shape, (size.rows, size.cols), strict=True))
        cv2.copyMakeBorder(inner, pad, below, pad, right, cv2.BORDER_REPLICATE | cv2.BORDER_ISOLATED, dst=array)


def levels(grey: Grey, scale: float, *, smaller: float, least: int, pad: int) -> list[Level]:
    """The picture `scale` times as large, and each next level `smaller` than the one before.

    Parameters
    ----------
    grey : uint8 array (rows, cols)
    scale, smaller, least
        As `sizes` takes them.
    pad : int
        Pixels of repeated border on every side.
    """
    rows, cols = grey.shape
    wanted = sizes((rows, cols), scale, smaller=smaller, least=least)
    onto = [np.empty((size.rows + 2 * pad, size.cols + 2 * pad), np.uint8) for size in wanted]
    draw(*halves(grey, wanted), wanted, onto, pad)
    return [Level(one, size.cols / cols, size.rows / rows) for one, size in zip(onto, wanted, strict=True)]


def bounded_scale(grey: Grey, wanted: float, most: int) -> float:
    """About the wanted scale, or the largest at which the picture has at most `most` pixels.

    Scales are whole steps of `SMALLER`: whatever size is asked for, a face is looked for at the same levels.
    """
    steps = round(math.log(wanted) / math.log(SMALLER))
    least = math.ceil(math.log(math.sqrt(most / max(grey.size, 1))) / math.log(SMALLER))
    return float(SMALLER ** max(steps, least))


def cut(grey: Grey, x: float, y: float, side: float, size: int) -> Grey:
    """The square at (x, y) of a grey picture at `size` x `size` pixels; beyond the picture its border is repeated."""
    scale = size / side
    left = top = 0
    across = down = 1.0
    if scale < 0.5:  # shrunk by averaging first: bilinear steps would skip pixels
        room = math.ceil(2 / scale)
        rows, cols = grey.shape
        left, top = (min(max(math.floor(at) - room, 0), most - 1) for at, most in ((x, cols), (y, rows)))
        right, bottom = (max(math.ceil(at + side) + room, from_ + 1) for at, from_ in ((x, left), (y, top)))
        grey = grey[top:bottom, left:right]
        rows, cols = grey.shape
        smaller = max(1, round(cols * 2 * scale)), max(1, round(rows * 2 * scale))
        across, down = smaller[0] / cols, smaller[1] / rows
        grey = shrunk(grey, *smaller)
    # A pixel's middle lies half a pixel from its corner, at every size.
    shift = [(0.5 / by + at - to) * scale - 0.5 for by, at, to in ((across, left, x), (down, top, y))]
    matrix = np.array([[scale / across, 0.0, shift[0]], [0.0, scale / down, shift[1]]])
    square: Grey = cv2.warpAffine(grey, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return square
