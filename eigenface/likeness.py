"""Likeness: the main face of a photo, two such faces compared, and the face in a picture that is most like one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.embedding import Comparison, FaceEmbedder
from eigenface.errors import PictureError
from eigenface.image import Picture, PictureSource, load_picture
from eigenface.locating import framed, main_of
from eigenface.recognise import Options, find
from eigenface.types import Box, Pixels, Rows


@dataclass(frozen=True, slots=True)
class Portrait:
    """The main face of a photo: the photo, the face's box in it, its crop, and how many faces were found."""

    picture: Picture
    box: Box
    crop: Pixels
    faces: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know: how the photo was read, and that one face of several was taken."""
        if self.faces == 1:
            return self.picture.warnings
        where = f"at {round(self.box.x)},{round(self.box.y)}"
        return (*self.picture.warnings, f"{self.faces} faces; the main one was taken, {where}.")


@dataclass(frozen=True, slots=True)
class Likeness:
    """The face of a picture that is most like another: its box, the cosine, and the probability of one person."""

    box: Box
    similarity: float
    probability: float


def main_portrait(
    source: PictureSource, model: FaceEmbedder, options: Options | None = None, *, name: str | None = None
) -> Portrait:
    """The main face of a photo: of those at least half as large as the largest, the most central one.

    Raises
    ------
    PictureError
        Where the photo cannot be read, or with code `no_face`.
    """
    options = options or Options()
    picture = load_picture(source, name=name, max_pixels=options.max_pixels)
    found, _ = find(picture, options)
    if not found:
        raise PictureError(
            "no_face",
            f"{picture.source}: no face was found",
            "Give a photo of a face from the front, or a crop as whole.",
        )
    main = main_of(found, picture.width, picture.height)
    crop = framed(picture.pixels, main, model.crop, whole=options.whole)[1]
    return Portrait(picture, main.box, crop, len(found))


def compare_rows(rows: Rows, boxes: tuple[Box, Box], model: FaceEmbedder) -> Comparison:
    """Whether two faces are of one person: the model's rows (2, d), and the boxes that they were in."""
    similarity = float(model.similarity(rows[0], rows[1])[0, 0])
    probability = float(model.probability(similarity))
    return Comparison(probability >= 0.5, probability, similarity, boxes)


def most_like(
    row: NDArray[np.float32],
    source: PictureSource,
    model: FaceEmbedder,
    options: Options | None = None,
    *,
    name: str | None = None,
) -> Likeness | None:
    """The face of a picture most like the face whose row (d,) is given; None where no face is found.

    Raises
    ------
    PictureError
        Where the picture cannot be read.
    """
    options = options or Options()
    picture = load_picture(source, name=name, max_pixels=options.max_pixels)
    found, _ = find(picture, options)
    if not found:
        return None
    crops = [framed(picture.pixels, one, model.crop, whole=options.whole)[1] for one in found]
    cosines = model.similarity(row, model.embed(crops))[0]
    best = int(cosines.argmax())
    return Likeness(found[best].box, float(cosines[best]), float(model.probability(cosines[best])))
