"""What the result page shows of an answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from eigenface.annotate import annotate, png_bytes
from eigenface.crops import CropSpec, crop_face
from eigenface.facespace import FRAME, load_face_space
from eigenface.image import Picture
from eigenface.locating import framed
from eigenface.model import FaceClassifier
from eigenface.recognise import Options, find
from eigenface.types import Answer, Box, Detection, Face, Pixels, Verdict
from eigenface.webapp.adjust import Adjustment
from eigenface.webapp.drawings import crop_uri, dashed, data_uri, jpeg_uri, shrunk
from eigenface.webapp.service import FaceService, answer_upload
from eigenface.webapp.uploads import Upload

_MOST_ROWS = 60  # faces shown one by one; the boxes of all are drawn
_MOST_CLASSES = 10  # shown one by one
_SHOWN_SIDE = 1280
_FEW = 4  # pictures that are shown at their full size


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
    """One picture of the page; `candidates` are the boxes below the threshold, where they were asked for."""

    answer: Answer
    candidates: tuple[Detection, ...] = ()
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

    @property
    def unlisted(self) -> int:
        """Faces whose boxes are drawn, but which have no row."""
        return len(self.answer.faces) - len(self.faces)


def judge(
    service: FaceService,
    upload: Upload,
    models: Sequence[FaceClassifier],
    options: Options,
    adjustment: Adjustment,
    side: int = _SHOWN_SIDE,
    *,
    candidates: bool = False,
) -> Result:
    """Answer one upload and prepare all that the page shows of it, its pictures at most `side` pixels either way.

    `candidates`: boxes that the detector looked at and did not take for a face are drawn too.
    """
    with service.places:
        answer, picture = answer_upload(upload, models, options, adjustment)
        if picture is None:
            return Result(answer)
        shown = shrunk(picture.pixels, side)
        scale = shown.shape[1] / picture.width
        doubted = _doubted(picture, answer, options) if candidates else ()
        ground = dashed(shown, [replace(one, box=_scaled_box(one.box, scale)) for one in doubted])
        drawn = annotate(ground, _scaled(answer, scale))
        said = json.dumps(answer.as_dict(), ensure_ascii=False, indent=1).encode()
        return Result(
            answer,
            doubted,
            original=jpeg_uri(shown, side),
            annotated=jpeg_uri(drawn, side),
            download=data_uri(png_bytes(drawn), "image/png"),
            json_uri=data_uri(said, "application/json"),
            faces=_rows(picture.pixels, answer, models, options),
        )


def judge_all(
    service: FaceService,
    uploads: Sequence[Upload],
    models: Sequence[FaceClassifier],
    options: Options,
    adjustment: Adjustment,
    *,
    candidates: bool = False,
) -> list[Result]:
    """Answer every upload. Many pictures are shown smaller, for the page holds them all."""
    side = _SHOWN_SIDE if len(uploads) <= _FEW else _SHOWN_SIDE // 2
    return [judge(service, one, models, options, adjustment, side, candidates=candidates) for one in uploads]


def _doubted(picture: Picture, answer: Answer, options: Options) -> tuple[Detection, ...]:
    """Every candidate of the detector but those that were answered, the surest first."""
    if options.whole:
        return ()
    answered = {face.box for face in answer.faces}
    found, _ = find(picture, replace(options, min_score=0.0))
    return tuple(sorted((one for one in found if one.box not in answered), key=lambda one: -one.score))


def _scaled(answer: Answer, scale: float) -> Answer:
    return replace(answer, faces=tuple(replace(face, box=_scaled_box(face.box, scale)) for face in answer.faces))


def _scaled_box(box: Box, scale: float) -> Box:
    return Box(*(value * scale for value in astuple(box)))


def _rows(pixels: Pixels, answer: Answer, models: Sequence[FaceClassifier], options: Options) -> tuple[FaceRow, ...]:
    space, faces = load_face_space(), answer.faces[:_MOST_ROWS]
    rows = []
    spec = models[0].crop if models else CropSpec()
    for number, face in enumerate(faces, start=1):
        found = Detection(face.box, face.score, face.inner)
        square, shown = framed(pixels, found, spec, whole=options.whole)
        tight = crop_face(pixels, square, FRAME)
        rebuilt = np.repeat(space.reconstruct([tight])[0][:, :, None], 3, axis=2)
        rows.append(FaceRow(number, face, crop_uri(shown), crop_uri(rebuilt), dict(face.answers)))
    return tuple(rows)


def sorted_probabilities(verdict: Verdict) -> list[tuple[str, float]]:
    """Classes by falling probability; of very many, as in a gallery, the last ones together."""
    ordered = sorted(verdict.probabilities.items(), key=lambda item: -item[1])
    if len(ordered) <= _MOST_CLASSES:
        return ordered
    shown, others = ordered[: _MOST_CLASSES - 1], ordered[_MOST_CLASSES - 1 :]
    return [*shown, (f"{len(others)} others", sum(p for _, p in others))]


def reasons(face: Face) -> dict[str, list[str]]:
    """Why a person should look, by model; what a model before has said already is not said again."""
    said: set[str] = set()
    found: dict[str, list[str]] = {}
    for name, verdict in face.answers.items():
        found[name] = [reason for reason in verdict.reasons if reason not in said]
        said.update(verdict.reasons)
    return found
