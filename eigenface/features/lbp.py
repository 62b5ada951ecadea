"""Local binary patterns: the texture around every pixel as one of 59 words, counted in cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eigenface.features.symmetry import Maps

WORDS = 59
"""58 uniform patterns (at most two changes around the circle) and one word for all others."""

_AROUND = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def _words() -> NDArray[np.uint8]:
    table = np.full(256, WORDS - 1, np.uint8)
    uniform = 0
    for code in range(256):
        bits = [code >> place & 1 for place in range(8)]
        if sum(bits[place] != bits[place - 1] for place in range(8)) <= 2:
            table[code] = uniform
            uniform += 1
    return table


_WORD_OF = _words()


def lbp(pictures: NDArray[np.float32], cell: int = 8, radius: int = 1) -> Maps:
    """Uniform local binary patterns of grey pictures, counted in cells.

    Parameters
    ----------
    pictures : float32 array (n, s, s)
        Grey, 0..1; s less twice the radius is a multiple of `cell`.
    cell : int
        Side of a cell in pixels.
    radius : int
        Distance in pixels of the eight neighbours, along rows, columns and diagonals.

    Returns
    -------
    float32 array (n, cells, cells, 59)
        Square roots of each word's share of its cell, which makes a distance of them Hellinger's.

    Raises
    ------
    ValueError
        Where the inside of a picture is no multiple of the cell.

    References
    ----------
    Ahonen, Hadid and Pietikäinen, Face description with local binary patterns, PAMI 28(12), 2006,
    doi:10.1109/TPAMI.2006.244.

    Examples
    --------
    >>> lbp(np.zeros((2, 34, 34), np.float32), 8).shape
    (2, 4, 4, 59)
    """
    count, side = pictures.shape[:2]
    inside = side - 2 * radius
    if cell < 1 or radius < 1 or inside < cell or inside % cell:
        raise ValueError(f"lbp: expected a side of a multiple of {cell} plus {2 * radius}, got {side}")
    grey = np.rint(pictures * 255).astype(np.uint8)
    middle = grey[:, radius : radius + inside, radius : radius + inside]
    codes = np.zeros(middle.shape, np.uint8)
    for place, (down, across) in enumerate(_AROUND):
        top, left = radius * (1 + down), radius * (1 + across)
        neighbour = grey[:, top : top + inside, left : left + inside]
        codes |= (neighbour >= middle).view(np.uint8) << np.uint8(place)
    cells = inside // cell
    of = np.arange(inside, dtype=np.int32) // cell
    bins = (of[:, None] * cells + of) * WORDS + _WORD_OF[codes]
    bins += np.arange(count, dtype=np.int32)[:, None, None] * (cells * cells * WORDS)
    counts = np.bincount(bins.ravel(), minlength=count * cells * cells * WORDS)
    shares: Maps = np.sqrt(counts.astype(np.float32) / np.float32(cell * cell))
    return shares.reshape(count, cells, cells, WORDS)
