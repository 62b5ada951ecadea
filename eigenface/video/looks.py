"""What a person looks like, in a few numbers: the colours of head and shoulders, so that a face lost is known again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.crops import CropSpec, crop_face
from eigenface.types import Box, Pixels
from eigenface.vision import cv2

_FRAME = CropSpec(1.7, 0.25)  # hair, face and collar
_SIDE = 8
_LEARNS = 0.2  # how fast looks follow a person who turns
_SPREAD = 17.5  # mean difference in colour, of 255, of people hardly alike


@dataclass(frozen=True, slots=True)
class Looks:
    """Mean colours of 8x8 cells around a face: float32 (8, 8, 3), CIE Lab."""

    colours: NDArray[np.float32]

    def towards(self, other: Looks) -> Looks:
        """These looks, a little more like the other."""
        return Looks(self.colours + np.float32(_LEARNS) * (other.colours - self.colours))


def looks_of(pixels: Pixels, box: Box) -> Looks:
    """The looks of the face in `box` of a frame (rows, cols, 3), RGB."""
    crop = cv2.resize(crop_face(pixels, box, _FRAME), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    colours: NDArray[np.float32] = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    return Looks(colours)


def likeness(one: Looks, other: Looks) -> float:
    """How alike two people look, 0..1."""
    difference = float(np.abs(one.colours - other.colours).mean())
    return float(np.exp(-((difference / _SPREAD) ** 2)))
