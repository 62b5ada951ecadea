"""Fisher vectors of local colour: how means and spreads of colour in small places differ from those of faces at large.

Colours are taken relative to the middle of the face, so that skin and light count less than what changes on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.features.fisher import FisherCoder, places
from eigenface.features.grey import resize_one
from eigenface.features.sift import CELLS, positions
from eigenface.types import Pixels, Rows
from eigenface.vision import cv2

VOCABULARY = Path(__file__).parent.parent / "models" / "colourwords.npz"
"""The shipped vocabulary, under the name `colour`."""

_PLANES = 4
_LARGEST = 1024  # pixels that the compiled part works on

LOGS = np.log(np.arange(256, dtype=np.float32) / 255 + np.float32(0.03))
"""Logarithms of colours by their bytes; black has one too."""


def colour_planes(crop: Pixels, size: int) -> NDArray[np.float32]:
    """Red over green, blue over green, green (logarithms less those of the face's middle) and saturation.

    Returns a float32 array (4, size, size) of an RGB crop (rows, cols, 3).
    """
    small = resize_one(crop, size)
    picture, logs = small.astype(np.float32) / 255, LOGS[small]
    red, green, blue = (picture[..., i] for i in range(3))
    highest = np.maximum(np.maximum(red, green), blue)  # several times as fast as a maximum along an axis of three
    lowest = np.minimum(np.minimum(red, green), blue)
    saturation = (highest - lowest) / np.maximum(highest, np.float32(0.02))
    planes = np.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1], logs[..., 1], saturation])
    middle = slice(size // 5, size - size // 5)
    planes -= np.median(planes[:, middle, middle].reshape(4, -1), axis=1)[:, None, None]
    return planes.astype(np.float32)


def local_colour(crop: Pixels, size: int, cell: int, stride: int) -> NDArray[np.float32]:
    """Mean and deviation of each colour plane in four by four cells, at every `stride` pixels: (p, 128).

    The grid is that of `dense_sift`. A mirrored face gives the same numbers in another order of cells.

    References
    ----------
    Clinchant, Csurka, Perronnin and Renders, XRCE's participation to ImagEval, 2007.
    """
    begins, module = positions(size, cell, stride), compiled("pixels")
    if module is None or size > _LARGEST:
        return _local_by_numpy(colour_planes(crop, size), begins, cell)
    described = np.empty((len(begins) ** 2, 2 * _PLANES * CELLS**2), np.float32)
    module.swatches(resize_one(crop, size), LOGS, size, cell, begins.astype(np.int32), described)
    return described


def _local_by_numpy(planes: NDArray[np.float32], begins: NDArray[np.intp], cell: int) -> NDArray[np.float32]:
    at = (begins[:, None] + np.arange(CELLS) * cell).ravel()
    maps = []
    for plane in planes:
        mean = cv2.blur(plane, (cell, cell))
        spread = np.sqrt(np.maximum(cv2.blur(plane * plane, (cell, cell)) - mean * mean, 0))
        maps += [mean[np.ix_(at, at)], spread[np.ix_(at, at)]]
    count = len(begins)
    laid = np.stack(maps).reshape(len(maps), count, CELLS, count, CELLS)
    return np.ascontiguousarray(laid.transpose(1, 3, 2, 4, 0)).reshape(count * count, -1)


class ColourCoder(FisherCoder):
    """Turns RGB crops into Fisher vectors of local colour by one vocabulary."""

    def code(self, crops: Sequence[Pixels], *, mirror: bool = True) -> Rows:
        """Vectors (n, 2 * k * (p + 2)) of crops of any size; with `mirror`, of the face and its mirror image."""
        words = self.vocabulary
        where = places(words.size, words.cell, words.stride)
        if mirror:
            where = np.concatenate([where, where * np.array([-1, 1], np.float32)])
        vectors = np.empty((len(crops), 2 * words.means.size), np.float32)
        for vector, crop in zip(vectors, crops, strict=True):
            found = local_colour(crop, words.size, words.cell, words.stride)
            if mirror:
                turned = found.reshape(-1, CELLS, CELLS, found.shape[1] // CELLS**2)[:, :, ::-1]
                found = np.concatenate([found, turned.reshape(found.shape)])
            self.encode(found, where, vector)
        return vectors
