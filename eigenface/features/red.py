"""Red pixels: the share of a face that is strongly red, the oldest baseline for blood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eigenface.types import Pixels, Rows
from eigenface.vision import cv2

_LARGEST_SIDE = 128  # pixels; a share needs no more


def red_share(crops: Sequence[Pixels], hue: int = 8, saturation: int = 120, value: int = 50) -> Rows:
    """Share of each crop's pixels, 0..1, that are red: near hue 0, saturated and not dark.

    Parameters
    ----------
    crops : sequence of uint8 arrays (rows, cols, 3), RGB.
    hue : int
        Greatest distance from pure red, in OpenCV's half degrees, 0..90.
    saturation, value : int
        Least saturation and brightness, 0..255.

    Returns
    -------
    float32 array (n, 1).

    Examples
    --------
    >>> red_share([np.full((5, 5, 3), (200, 10, 10), np.uint8), np.full((5, 5, 3), 128, np.uint8)]).ravel().tolist()
    [1.0, 0.0]
    """
    shares = np.empty((len(crops), 1), np.float32)
    for share, crop in zip(shares, crops, strict=True):
        largest = max(crop.shape[:2])
        if largest > _LARGEST_SIDE:
            smaller = [max(1, round(side * _LARGEST_SIDE / largest)) for side in crop.shape[1::-1]]
            crop = cv2.resize(crop, smaller, interpolation=cv2.INTER_AREA)
        h, s, v = cv2.split(cv2.cvtColor(crop, cv2.COLOR_RGB2HSV))
        share[0] = (((h <= hue) | (h >= 180 - hue)) & (s >= saturation) & (v >= value)).mean()
    return shares
