"""The line: bytes -> RGB picture -> detections -> crops -> programs -> calibrated probabilities -> answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eigenface.crops import crop_face
from eigenface.detection import get_detector
from eigenface.errors import PictureError
from eigenface.facespace import FRAME, load_face_space
from eigenface.image import Picture, PictureSource, load_picture
from eigenface.limits import MAX_FACES, MAX_PIXELS, SMALLEST_FACE
from eigenface.locating import framed, given_as_crop
from eigenface.program import Described
from eigenface.threads import side_by_side
from eigenface.types import Answer, Detection, Face, Verdict

if TYPE_CHECKING:
    from eigenface.model import FaceClassifier


@dataclass(frozen=True, slots=True)
class Options:
    """How pictures are read and searched.

    Parameters
    ----------
    whole : bool
        The picture is a face crop already: its box is the whole picture, its score 1. Where it shows much more than a
        crop does, models look at the main face in it.
    detector : str
        A name that `eigenface.detection.get_detector` knows.
    min_face : int
        Side in pixels of the smallest face looked for.
    min_score : float, optional
        Least detection score, 0..1; the detector's own without it.
    max_pixels : int
        Largest picture that is decoded.
    """

    whole: bool = False
    detector: str = "default"
    min_face: int = SMALLEST_FACE
    min_score: float | None = None
    max_pixels: int = MAX_PIXELS


def recognise(
    source: PictureSource,
    models: Sequence[FaceClassifier],
    options: Options | None = None,
    *,
    name: str | None = None,
) -> Answer:
    """Find the faces of one picture and ask every model about each; no model, and only the boxes are answered.

    Raises
    ------
    PictureError
        Where the picture cannot be read.
    """
    began = time.perf_counter()
    options = options or Options()
    picture = load_picture(source, name=name, max_pixels=options.max_pixels)
    detections, warnings = find(picture, options)
    verdicts = ask(picture, detections, models, options)
    faces = tuple(
        Face(
            found.box,
            found.score,
            {model.name: said[i] for model, said in zip(models, verdicts, strict=True)},
            found.inner,
        )
        for i, found in enumerate(detections)
    )
    return Answer(
        source=picture.source,
        task=models[0].task if models else None,
        model=models[0].name if models else None,
        width=picture.width,
        height=picture.height,
        seconds=time.perf_counter() - began,
        faces=faces,
        warnings=(*picture.warnings, *warnings),
    )


def answer_or_refusal(
    source: PictureSource,
    models: Sequence[FaceClassifier],
    options: Options | None = None,
    *,
    name: str,
) -> Answer:
    """As `recognise`, but a picture that is refused becomes an Answer with its error, so that a batch goes on."""
    began = time.perf_counter()
    try:
        return recognise(source, models, options, name=name)
    except PictureError as error:
        task, model = (models[0].task, models[0].name) if models else (None, None)
        return Answer(name, task, model, None, None, time.perf_counter() - began, error=error.as_dict())


def find(picture: Picture, options: Options) -> tuple[list[Detection], list[str]]:
    """Detections of a picture, and what a user should know of the search."""
    if options.whole:
        return [given_as_crop(picture.pixels, options.detector)], []
    detector = get_detector(options.detector)
    found = detector.detect(picture.pixels, min_face=options.min_face, min_score=options.min_score)
    if len(found) > MAX_FACES:
        return found[:MAX_FACES], [f"{len(found)} faces found; the {MAX_FACES} largest are answered."]
    return found, []


def ask(
    picture: Picture, detections: Sequence[Detection], models: Sequence[FaceClassifier], options: Options
) -> list[list[Verdict]]:
    """What each model says of every detection; models that frame faces alike share crops and descriptions."""
    if not detections:
        return [[] for _ in models]
    framings = {
        spec: [framed(picture.pixels, found, spec, whole=options.whole) for found in detections]
        for spec in {model.crop: None for model in models}
    }
    squares = list({square: None for framing in framings.values() for square, _ in framing})
    space = load_face_space()
    distances = dict(
        zip(squares, space.distance([crop_face(picture.pixels, one, FRAME) for one in squares]).tolist(), strict=True)
    )
    described: dict[tuple[int, ...], Described] = {}

    def asked(model: FaceClassifier) -> list[Verdict]:
        crops = [crop for _, crop in framings[model.crop]]
        known = described.setdefault(tuple(map(id, crops)), Described())  # a picture given as a crop is one to all
        probabilities = model.predict_proba(crops, shared=known)
        return [
            Verdict(
                label=str(model.classes_[row.argmax()]),
                probabilities={str(name): float(p) for name, p in zip(model.classes_, row, strict=True)},
                reasons=model.review.reasons(row, square, distances[square], space.limit),
            )
            for row, (square, _) in zip(probabilities, framings[model.crop], strict=True)
        ]

    return side_by_side(asked, models)
