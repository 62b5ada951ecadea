"""From a picture and a box to the crop that a model sees: the only place that knows how margins follow from a box."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from eigenface.types import Box, Pixels, check_pixels


@dataclass(frozen=True, slots=True)
class CropSpec:
    """How a task frames a face: a square around the detection's square.

    Parameters
    ----------
    scale : float
        Side of the crop over side of the box, 0.5..4; above 1 it takes in hair and chin.
    shift : float
        How far the crop's centre lies below the box's, in sides of the box, -1..1.
    upright : bool
        A face that is tilted is levelled first (`eigenface.detection.registration`).
    """

    scale: float = 1.0
    shift: float = 0.0
    upright: bool = False

    def __post_init__(self) -> None:
        if not 0.5 <= self.scale <= 4 or not -1 <= self.shift <= 1:
            raise ValueError(f"crop: expected scale in 0.5..4 and shift in -1..1, got {self.scale}, {self.shift}")

    def around(self, box: Box) -> Box:
        """The square that the crop covers, which may reach beyond the picture."""
        side = self.scale * math.sqrt(box.area)
        x, y = box.centre
        return Box(x - side / 2, y + self.shift * math.sqrt(box.area) - side / 2, side, side)

    def within(self, whole: Box) -> Box:
        """The detection that would have given `whole` as its crop: the inverse of `around`, for ready-made crops.

        >>> CropSpec(2.0).within(Box(0, 0, 100, 100))
        Box(x=25.0, y=25.0, width=50.0, height=50.0)
        """
        wide, high = whole.width / self.scale, whole.height / self.scale
        x, y = whole.centre
        return Box(x - wide / 2, y - self.shift * high - high / 2, wide, high)

    def as_dict(self) -> dict[str, Any]:
        return {"scale": self.scale, "shift": self.shift} | ({"upright": True} if self.upright else {})


def crop_face(pixels: Pixels, box: Box, spec: CropSpec | None = None) -> Pixels:
    """Cut the crop that `spec` asks for around `box`, at the picture's own resolution.

    Where the crop reaches beyond the picture, the picture's edge is repeated.

    Parameters
    ----------
    pixels : uint8 array (rows, cols, 3), RGB.
    box : Box
        The detection's square, in pixels; may reach beyond the picture.
    spec : CropSpec, optional
        The framing; without one, the box itself.

    Returns
    -------
    uint8 array (side, side, 3), RGB; at least one pixel.

    Examples
    --------
    >>> crop_face(np.zeros((40, 40, 3), np.uint8), Box(10, 10, 20, 20), CropSpec(1.5)).shape
    (30, 30, 3)
    """
    check_pixels(pixels)
    rows, cols = pixels.shape[:2]
    target = spec.around(box) if spec else box
    wide, high = max(1, round(target.width)), max(1, round(target.height))
    left, top = math.floor(target.x + 0.5), math.floor(target.y + 0.5)
    if left >= 0 and top >= 0 and left + wide <= cols and top + high <= rows:
        return np.ascontiguousarray(pixels[top : top + high, left : left + wide])
    across = np.clip(np.arange(left, left + wide), 0, cols - 1)
    down = np.clip(np.arange(top, top + high), 0, rows - 1)
    return np.ascontiguousarray(pixels[down[:, None], across[None, :]])


def whole_box(pixels: Pixels) -> Box:
    """The box of a picture that is a crop already: all of it."""
    return Box(0, 0, pixels.shape[1], pixels.shape[0])
