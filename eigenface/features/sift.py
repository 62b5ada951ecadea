"""Dense SIFT: gradients around every few pixels of a face, counted by orientation in four by four cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.vision import cv2

ORIENTATIONS = 8
CELLS = 4
NUMBERS = CELLS * CELLS * ORIENTATIONS
"""Numbers a descriptor: 128."""

_BLUR = 0.7  # deviation in pixels, before gradients are taken
_LARGEST = 0.2  # share of a descriptor's length that one number may have: light from one side counts less
_ANGLES = np.arange(ORIENTATIONS) * (2 * np.pi / ORIENTATIONS)
_ACROSS, _DOWN = np.cos(_ANGLES).astype(np.float32), np.sin(_ANGLES).astype(np.float32)
_MIRRORED = (ORIENTATIONS // 2 - np.arange(ORIENTATIONS)) % ORIENTATIONS  # where an orientation goes in the mirror


def positions(size: int, cell: int, stride: int) -> NDArray[np.intp]:
    """Where descriptors begin, in pixels along one side: the centres of their first cells."""
    return np.arange(cell // 2, size - (CELLS - 1) * cell - cell // 2, stride)


def dense_sift(pictures: NDArray[np.float32], cell: int, stride: int, *, mirror: bool = False) -> NDArray[np.float32]:
    """Descriptors at every `stride` pixels.

    Parameters
    ----------
    pictures : float32 array (n, s, s)
        Grey, 0..1.
    cell : int
        Distance in pixels of the cells' centres, and half the width of the triangle that weighs pixels into a cell.
    stride : int
        Distance in pixels of neighbouring descriptors.
    mirror : bool
        Also those of the mirror image, after those of the picture.

    Returns
    -------
    float32 array (n, p, 128), or (n, 2 * p, 128) with `mirror`
        Row by row over the face; each a square root of a descriptor whose length was 1.

    References
    ----------
    Lowe, Distinctive image features from scale-invariant keypoints, 2004, doi:10.1023/B:VISI.0000029664.99615.94;
    square roots: Arandjelovic and Zisserman, 2012, doi:10.1109/CVPR.2012.6248018.
    """
    size = pictures.shape[1]
    begins = positions(size, cell, stride)
    found = np.empty((len(pictures), (2 if mirror else 1) * len(begins) ** 2, NUMBERS), np.float32)
    module = compiled("fisher")
    if module is None:
        return _sift_by_numpy(pictures, begins, cell, mirror, found)
    for row, picture in zip(found, pictures, strict=True):
        module.sift(smoothed(picture), size, cell, stride, len(begins), mirror, row)
    return found


def smoothed(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A grey picture (s, s) as gradients are taken of it."""
    smooth: NDArray[np.float32] = cv2.GaussianBlur(picture, (0, 0), _BLUR)
    return smooth


def _sift_by_numpy(
    pictures: NDArray[np.float32], begins: NDArray[np.intp], cell: int, mirror: bool, found: NDArray[np.float32]
) -> NDArray[np.float32]:
    for row, maps in zip(found, _cell_maps(pictures, cell), strict=True):
        row[: len(begins) ** 2] = _gathered(maps, begins, cell)
        if mirror:
            row[len(begins) ** 2 :] = _gathered(maps[:, ::-1][:, :, _MIRRORED], begins, cell)
    found /= _lengths(found) + np.float32(1e-3)  # what is nearly flat stays short
    np.minimum(found, np.float32(_LARGEST), out=found)
    found /= _lengths(found) + np.float32(1e-6)
    return np.sqrt(found, out=found)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.sqrt(np.einsum("...i,...i->...", rows, rows))[..., None]
    return lengths


def _cell_maps(pictures: NDArray[np.float32], cell: int) -> Iterator[NDArray[np.float32]]:
    """Of each picture (s, s, 8): what a cell centred at every pixel would count, by orientation."""
    triangle = (1 - np.abs(np.arange(1 - cell, cell)) / cell).astype(np.float32)
    for picture in pictures:
        smooth = smoothed(picture)
        dx, dy = np.zeros_like(smooth), np.zeros_like(smooth)
        dx[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
        dy[1:-1] = smooth[2:] - smooth[:-2]
        along = dx[..., None] * _ACROSS
        along += dy[..., None] * _DOWN
        np.maximum(along, 0, out=along)
        along *= along
        along *= along
        strength = np.sqrt(dx * dx + dy * dy) + np.float32(1e-8)
        along /= (strength * strength * strength)[..., None]  # strength times the fourth power of the cosine
        halves = (np.ascontiguousarray(along[..., :4]), np.ascontiguousarray(along[..., 4:]))  # OpenCV takes four
        yield np.concatenate([cv2.sepFilter2D(half, -1, triangle, triangle) for half in halves], axis=-1)


def _gathered(maps: NDArray[np.float32], begins: NDArray[np.intp], cell: int) -> NDArray[np.float32]:
    """Descriptors (p, 128) that begin where rows and columns `begins` cross."""
    places = begins[:, None] + np.arange(CELLS) * cell
    gathered: NDArray[np.float32] = maps[places[:, None, :, None], places[None, :, None, :]]
    return gathered.reshape(-1, NUMBERS)
