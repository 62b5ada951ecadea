"""Brightness, contrast, blur and colour of a picture, as the browser's CSS filters have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eigenface.errors import RequestError
from eigenface.types import Pixels
from eigenface.vision import cv2

_MOST_PERCENT, _MOST_BLUR = 300, 20
_LUMA = (0.213, 0.715, 0.072)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Percentages of brightness, contrast and colour (100 leaves the picture as it is), and a blur in pixels."""

    brightness: int = 100
    contrast: int = 100
    colour: int = 100
    blur: int = 0

    @classmethod
    def read(cls, form: Mapping[str, str]) -> Adjustment:
        """Out of a form; RequestError with code `bad_value` where a value is none."""
        values = {}
        for name in ("brightness", "contrast", "colour", "blur"):
            most = _MOST_BLUR if name == "blur" else _MOST_PERCENT
            given = form.get(name) or ("0" if name == "blur" else "100")
            if not (given.isascii() and given.isdecimal() and len(given) <= 3 and int(given) <= most):
                raise RequestError("bad_value", f"{name} is {given[:20]!r}", f"It is a whole number from 0 to {most}.")
            values[name] = int(given)
        return cls(**values)

    @property
    def changes_nothing(self) -> bool:
        return self == Adjustment()

    def apply(self, pixels: Pixels) -> Pixels:
        """The adjusted picture, uint8 RGB (rows, cols, 3).

        Eight bits after every filter, as in browsers; a large picture takes a second copy of itself and no more.
        """
        changed = pixels
        if (self.brightness, self.contrast) != (100, 100):
            levels = np.clip(np.arange(256) * (self.brightness / 100), 0, 255)
            levels = np.clip((levels - 127.5) * (self.contrast / 100) + 127.5, 0, 255)
            changed = cv2.LUT(changed, np.rint(levels).astype(np.uint8))
        if self.colour != 100:
            share = self.colour / 100
            changed = cv2.transform(changed, (1 - share) * np.tile(_LUMA, (3, 1)) + share * np.eye(3))
        if self.blur:
            # Three box filters come close to a Gaussian and cost the same at every width.
            side = max(1, int(self.blur * 3 * (2 * np.pi) ** 0.5 / 4 + 0.5)) | 1
            for _ in range(3):
                changed = cv2.blur(changed, (side, side))
        adjusted: Pixels = changed
        return adjusted
