"""What the result page shows of an answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eigenface.annotate import annotate, png_bytes
from eigenface.crops import crop_face
from eigenface.errors import PictureError
from eigenface.facespace import FRAME, load_face_space
from eigenface.image import load_picture
from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.types import Answer, Face, Pixels, Verdict
from eigenface.webapp.adjust import Adjustment
from eigenface.webapp.drawings import crop_uri, data_uri, jpeg_uri, shrunk
from eigenface.webapp.service import FaceService
from eigenface.webapp.uploads import Upload

_MOST_ROWS = 60  # faces shown one by one; the boxes of all are drawn


@dataclass(frozen=True)
class FaceRow:
    """One face of the page: number, pictures as data URIs, and what was said."""

    number: int
    face: Face
    crop: str
    rebuilt: str
    verdicts: dict[str, Verdict]


@dataclass(frozen=True)
class Result:
    """One picture of the page."""

    answer: Answer
    original: str = ""
    annotated: str = ""
    download: str = ""
    json_uri: str = ""
    faces: tuple[FaceRow, ...] = ()

    @property
    def heading(self) -> str:
        """What was found, in words."""
        if self.answer.error:
            return "This picture was refused"
        count = len(self.answer.faces)
        return "No face found" if not count else "1 face" if count == 1 else f"{count} faces"


def judge(
    service: FaceService, upload: Upload, models: Sequence[FaceClassifier], options: Options, adjustment: Adjustment
) -> Result:
    """Answer one upload and prepare all that the page shows of it."""
    try:
        picture = load_picture(upload.data, name=upload.name, max_pixels=options.max_pixels)
    except PictureError:
        return Result(service.answer(upload, models, options))
    pixels = adjustment.apply(picture.pixels)
    adjusted = upload if adjustment.changes_nothing else Upload(upload.name, png_bytes(pixels))
    answer = service.answer(adjusted, models, options)
    drawn = shrunk(annotate(pixels, answer))
    said = json.dumps(answer.as_dict(), ensure_ascii=False, indent=1).encode()
    return Result(
        answer,
        original=jpeg_uri(pixels),
        annotated=jpeg_uri(drawn),
        download=data_uri(png_bytes(drawn), "image/png"),
        json_uri=data_uri(said, "application/json"),
        faces=_rows(pixels, answer, models, options),
    )


def _rows(pixels: Pixels, answer: Answer, models: Sequence[FaceClassifier], options: Options) -> tuple[FaceRow, ...]:
    space = load_face_space()
    rows = []
    for number, face in enumerate(answer.faces[:_MOST_ROWS], start=1):
        square = models[0].crop.within(face.box) if options.whole and models else face.box
        tight = crop_face(pixels, square, FRAME)
        rebuilt = np.repeat(space.reconstruct([tight])[0][:, :, None], 3, axis=2)
        shown = pixels if options.whole or not models else crop_face(pixels, face.box, models[0].crop)
        rows.append(FaceRow(number, face, crop_uri(shown), crop_uri(rebuilt), dict(face.answers)))
    return tuple(rows)


def sorted_probabilities(verdict: Verdict) -> list[tuple[str, float]]:
    """Classes by falling probability."""
    return sorted(verdict.probabilities.items(), key=lambda item: -item[1])


def reasons(face: Face) -> list[str]:
    """Why a person should look, each reason once."""
    said: dict[str, Any] = {reason: None for verdict in face.answers.values() for reason in verdict.reasons}
    return list(said)
