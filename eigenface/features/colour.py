"""Colour bands: how light, red-green, yellow-blue and saturated each part of a face is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.features.grey import resize_one
from eigenface.features.symmetry import Maps
from eigenface.types import Pixels
from eigenface.vision import cv2

_RANGES = ((0.0, 100.0), (-20.0, 40.0), (-25.0, 45.0), (0.0, 1.0))  # L, a, b of skin and what is near it; saturation


def resize_colour(crops: Sequence[Pixels], size: int) -> NDArray[np.float32]:
    """RGB crops of any size as float32 (n, size * size * 3) in 0..1: area when shrinking, cubic when growing."""
    rows = np.empty((len(crops), size * size * 3), np.float32)
    for row, crop in zip(rows, crops, strict=True):
        row[:] = resize_one(crop, size).reshape(-1)
    rows *= 1 / 255
    return rows


def colour(pictures: NDArray[np.float32], grid: int = 4, bins: int = 8) -> Maps:
    """Soft histograms of L, a, b and saturation in a grid of cells.

    Parameters
    ----------
    pictures : float32 array (n, s, s, 3)
        RGB, 0..1; s is a multiple of `grid`.
    grid : int
        Cells each way.
    bins : int
        Values a band; a pixel between two shares itself out.

    Returns
    -------
    float32 array (n, grid, grid, 4 * bins)
        Square roots of each value's share of its cell.

    Raises
    ------
    ValueError
        Where the side is no multiple of the grid.
    """
    count, side = pictures.shape[:2]
    if grid < 1 or bins < 2 or side % grid:
        raise ValueError(f"colour: expected a side that is a multiple of {grid}, got {side}")
    pictures = np.ascontiguousarray(pictures)
    lab = cv2.cvtColor(pictures.reshape(count * side, side, 3), cv2.COLOR_RGB2Lab).reshape(count, side, side, 3)
    module = compiled("pixels")
    if module is None:
        return _bands_by_numpy(pictures, lab, grid, bins)
    maps = np.empty((count, grid, grid, len(_RANGES) * bins), np.float32)
    low, high = (np.array(bounds, np.float32) for bounds in zip(*_RANGES, strict=True))
    module.bands(pictures, lab, side, grid, bins, low, np.float32(bins - 1) / (high - low), maps)
    return maps


def _bands_by_numpy(pictures: NDArray[np.float32], lab: NDArray[np.float32], grid: int, bins: int) -> Maps:
    red, green, blue = (pictures[..., i] for i in range(3))
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    saturation = np.asarray((highest - lowest) / np.maximum(highest, np.float32(1e-3)), np.float32)
    bands: list[NDArray[np.float32]] = [lab[..., 0], lab[..., 1], lab[..., 2], saturation]
    shares = [_shares(band, bins, *bounds, grid) for band, bounds in zip(bands, _RANGES, strict=True)]
    maps: Maps = np.sqrt(np.concatenate(shares, axis=-1))
    return maps


def _shares(band: NDArray[np.float32], bins: int, low: float, high: float, grid: int) -> NDArray[np.float32]:
    count, side = band.shape[:2]
    place = np.clip((band - low) * ((bins - 1) / (high - low)), 0, bins - 1 - 1e-4)
    lower = place.astype(np.int32)
    rest = (place - lower).astype(np.float64).ravel()
    of = np.arange(side, dtype=np.int32) // (side // grid)
    lower += (of[:, None] * grid + of) * bins
    lower += np.arange(count, dtype=np.int32)[:, None, None] * (grid * grid * bins)
    flat, total = lower.ravel(), count * grid * grid * bins
    sums = np.bincount(flat, 1 - rest, minlength=total + 1) + np.bincount(flat + 1, rest, minlength=total + 1)
    shares: NDArray[np.float32] = (sums[:total] / (side // grid) ** 2).astype(np.float32)
    return shares.reshape(count, grid, grid, bins)
