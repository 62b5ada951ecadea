"""Brightness, contrast, blur and colour of a picture, as the browser's CSS filters have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eigenface.errors import RequestError
from eigenface.types import Pixels
from eigenface.vision import cv2

_MOST_PERCENT, _MOST_BLUR = 300, 20


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
            if not given.isdecimal() or int(given) > most:
                raise RequestError("bad_value", f"{name} is {given!r}", f"It is a whole number from 0 to {most}.")
            values[name] = int(given)
        return cls(**values)

    @property
    def changes_nothing(self) -> bool:
        return self == Adjustment()

    def apply(self, pixels: Pixels) -> Pixels:
        """The adjusted picture, uint8 RGB (rows, cols, 3)."""
        if self.changes_nothing:
            return pixels
        changed = pixels.astype(np.float32) * (self.brightness / 100)
        changed = (changed - 127.5) * (self.contrast / 100) + 127.5
        if self.colour != 100:
            luma = changed @ np.array([0.2126, 0.7152, 0.0722], np.float32)
            changed = luma[..., None] + (changed - luma[..., None]) * (self.colour / 100)
        if self.blur:
            changed = cv2.GaussianBlur(changed, (0, 0), self.blur)
        adjusted: Pixels = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
        return adjusted
