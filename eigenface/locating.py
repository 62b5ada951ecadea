"""The main face of a picture, and what a model sees of a picture that is given as a crop."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eigenface.crops import CropSpec, whole_box
from eigenface.detection import get_detector
from eigenface.detection.registration import crop_of
from eigenface.types import Box, Detection, Pixels

_ROOM = 64  # pixels of the shorter side: in a smaller picture there is no room for more than a face
_LEAST_SHARE = 0.2  # side of a face over that of the picture: smaller ones are passers-by
_TIGHT = 0.72  # side of a face over that which it has in a crop: above, the picture is a crop, as cut by some rule


def main_of(found: Sequence[Detection], width: int, height: int) -> Detection:
    """Of faces, the largest first, the most central one among those at least half as large as the largest."""

    def off_centre(detection: Detection) -> float:
        x, y = detection.box.centre
        return (x - width / 2) ** 2 + (y - height / 2) ** 2

    return min((d for d in found if d.box.width * 2 >= found[0].box.width), key=off_centre)


def given_as_crop(pixels: Pixels, detector: str = "default") -> Detection:
    """A picture (rows, cols, 3) that is said to be a crop: its box is all of it, its score 1.

    Many such pictures show shoulders, or a street: `inner` is the main face, where one is found.
    """
    whole = whole_box(pixels)
    if min(pixels.shape[:2]) < _ROOM:
        return Detection(whole, 1.0)
    found = get_detector(detector).detect(pixels)
    inner = main_of(found, pixels.shape[1], pixels.shape[0]).box if found else None
    return Detection(whole, 1.0, inner if inner and _side(inner) >= _LEAST_SHARE * _side(whole) else None)


def framed(pixels: Pixels, found: Detection, spec: CropSpec, *, whole: bool) -> tuple[Box, Pixels]:
    """The square of a face and its crop, as `spec` frames it.

    With `whole` the picture is the crop as it is, and the square follows from it, unless the face in it fills clearly
    less of it than of a crop: then the crop is cut around that face, as it would be in a photo.
    """
    if not whole:
        return found.box, crop_of(pixels, found.box, spec)
    square = spec.within(found.box)
    if found.inner and _side(found.inner) < _TIGHT * _side(square):
        return found.inner, crop_of(pixels, found.inner, spec)
    return square, pixels


def _side(box: Box) -> float:
    return math.sqrt(box.area)
