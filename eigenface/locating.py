"""Pictures given as crops that are none: the face in them is looked for and cut out."""

from __future__ import annotations

from collections.abc import Sequence

from eigenface.crops import CropSpec, crop_face
from eigenface.detection import get_detector
from eigenface.types import Box, Detection, Pixels

_SHARE = (0.3, 0.8)
"""Side of a face over the picture's shorter side: below, it is no main face; above, the picture is a crop already."""


def main_of(found: Sequence[Detection], width: int, height: int) -> Detection:
    """Of faces, the largest first, the most central one among those at least half as large as the largest."""

    def off_centre(detection: Detection) -> float:
        x, y = detection.box.centre
        return (x - width / 2) ** 2 + (y - height / 2) ** 2

    return min((d for d in found if d.box.width * 2 >= found[0].box.width), key=off_centre)


def face_within(crop: Pixels) -> Box | None:
    """The square of the main face in a picture (rows, cols, 3) that is wider than a crop of it; None in a crop."""
    rows, cols = crop.shape[:2]
    found = get_detector().detect(crop)
    if not found:
        return None
    box = main_of(found, cols, rows).box
    return box if _SHARE[0] <= box.width / min(rows, cols) <= _SHARE[1] else None


def framed_anew(crops: Sequence[Pixels], spec: CropSpec) -> list[Pixels]:
    """Each picture cut out around the main face in it; what is a crop already, or shows no face, stays as it is."""
    found = [face_within(crop) for crop in crops]
    return [crop if box is None else crop_face(crop, box, spec) for crop, box in zip(crops, found, strict=True)]
