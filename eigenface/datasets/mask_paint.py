"""Masks of other cloth: those that people wear dyed and printed, and masks painted on bare faces.

Photographs of masks show medical ones and plain black cloth; people wear flowers, flags and leopards as well. Every
such picture is synthetic, and models learn from copies of training faces only: nobody is judged by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eigenface.types import Pixels, check_pixels
from eigenface.vision import cv2

Rng = np.random.Generator
Map = NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_OUTLINE = np.array(
    [
        (0.06, 0.08),
        (0.3, 0.03),
        (0.5, -0.04),
        (0.7, 0.03),
        (0.94, 0.08),
        (0.9, 0.37),
        (0.7, 0.5),
        (0.3, 0.5),
        (0.1, 0.37),
    ]
)
"""A mask in a crop that is framed for masks: across from the left, down from its upper edge, in sides of the crop."""


def dye_mask(crop: Pixels, rng: Rng) -> Pixels:
    """Cloth of another colour or print where a worn mask is; its folds, straps and edges stay.

    Parameters
    ----------
    crop : uint8 array (rows, cols, 3), RGB
        A face that wears a mask, framed as the task frames it.
    rng : numpy.random.Generator

    Returns
    -------
    uint8 array (rows, cols, 3), RGB

    Examples
    --------
    >>> dye_mask(np.full((60, 50, 3), 200, np.uint8), np.random.default_rng(0)).shape
    (60, 50, 3)
    """
    return _clothed(crop, rng, blur=0.0, brightest=90)


def paint_mask(crop: Pixels, rng: Rng) -> Pixels:
    """A mask of some cloth painted on a bare face, shaded as the face is; (rows, cols, 3), uint8 RGB as given.

    Examples
    --------
    >>> paint_mask(np.full((60, 50, 3), 200, np.uint8), np.random.default_rng(0)).shape
    (60, 50, 3)
    """
    return _clothed(crop, rng, blur=0.05, brightest=85)


def _clothed(crop: Pixels, rng: Rng, *, blur: float, brightest: float) -> Pixels:
    """The crop with cloth in the outline of a mask, as bright as what was there, `blur` sides of detail left out."""
    face = check_pixels(crop).astype(np.float32) / 255
    rows, cols = face.shape[:2]
    share = _outline(rows, cols, rng)
    light = face @ _LUMA
    if blur:
        light = cv2.GaussianBlur(light, (0, 0), max(rows, cols) * blur)
    shade = np.clip(light / (float(np.percentile(light[share > 0.5], brightest)) + 0.05), 0, 1.3)
    dyed = shade[..., None] * cloth(max(rows, cols), rng)[:rows, :cols]
    mixed = face * (1 - share[..., None]) + dyed * share[..., None]
    return np.rint(np.clip(mixed, 0, 1) * 255).astype(np.uint8)


def _outline(rows: int, cols: int, rng: Rng) -> Map:
    """How much of every pixel is mask, 0..1."""
    corners = _OUTLINE + np.array([0, rng.uniform(0.44, 0.54)]) + rng.normal(0, 0.015, _OUTLINE.shape)
    share = np.zeros((rows, cols), np.float32)
    cv2.fillPoly(share, [np.rint(corners * (cols, rows) * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    soft: Map = cv2.GaussianBlur(share, (0, 0), max(rows, cols) * 0.012 + 0.3)
    return soft


def cloth(side: int, rng: Rng) -> Map:
    """A square of cloth (side, side, 3), 0..1: plain, striped, dotted, or printed in many colours.

    >>> cloth(8, np.random.default_rng(0)).shape
    (8, 8, 3)
    """
    one, other = rng.uniform(0.05, 1, (2, 3))
    down, across = np.mgrid[0:side, 0:side] / side
    kind = rng.choice(["plain", "striped", "dotted", "flowing", "patched"])
    if kind in ("flowing", "patched"):
        grid = int(rng.integers(4, 16))
        how = cv2.INTER_CUBIC if kind == "flowing" else cv2.INTER_NEAREST
        print_ = cv2.resize(rng.random((grid, grid, 3)).astype(np.float32), (side, side), interpolation=how)
        if rng.random() < 0.5:
            print_ = other + (one - other) * print_
        return np.asarray(np.clip(print_, 0, 1), np.float32)
    inside = np.zeros((side, side), bool)
    if kind == "striped":
        turn = rng.uniform(0, np.pi)
        inside = np.sin((across * np.cos(turn) + down * np.sin(turn)) * rng.uniform(20, 90) + rng.uniform(0, 6)) > 0
    elif kind == "dotted":
        dots = rng.uniform(15, 60)
        inside = np.sin(across * dots) * np.sin(down * dots) > rng.uniform(-0.2, 0.6)
    return np.asarray(np.where(inside[..., None], one, other), np.float32)
