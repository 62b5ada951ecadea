"""Two photos compared, on the page and over REST."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask import Blueprint, Response, current_app, jsonify, render_template, request
from numpy.typing import NDArray

from eigenface.embedding import Comparison
from eigenface.errors import PictureError, RequestError
from eigenface.likeness import compare_rows, main_portrait
from eigenface.recognise import Options
from eigenface.types import Box
from eigenface.webapp.drawings import boxed, crop_uri, jpeg_uri
from eigenface.webapp.problems import STATUS_OF, problem
from eigenface.webapp.service import FaceService, check_size, read_options
from eigenface.webapp.uploads import Upload, read_field

blueprint = Blueprint("compare", __name__)

_SHOWN_SIDE = 640
_TOLD = (0.01, 0.001)  # false accept rates that the page explains


@dataclass(frozen=True, slots=True)
class Seen:
    """One upload after it was looked at: its main face, and pictures of it for the page; or why there is none.

    The upload itself is not kept: twenty of them decoded would be gigabytes.
    """

    source: str
    width: int | None = None
    height: int | None = None
    box: Box | None = None
    row: NDArray[np.float32] | None = None
    warnings: tuple[str, ...] = ()
    picture_uri: str = ""
    crop_uri: str = ""
    error: PictureError | None = None

    def as_dict(self) -> dict[str, Any]:
        """The main face as JSON has it."""
        return {
            "source": self.source,
            "width": self.width,
            "height": self.height,
            "box": self.box.as_dict() if self.box else None,
            "warnings": list(self.warnings),
            "error": self.error.as_dict() if self.error else None,
        }


def service() -> FaceService:
    """The application's service."""
    found: FaceService = current_app.extensions["eigenface"]
    return found


@blueprint.app_context_processor
def navigation() -> dict[str, bool]:
    """What every page needs to know for its links and its words on what is stored."""
    return {"compares": service().compares, "keeps_people": service().gallery is not None}


@blueprint.get("/compare")
def compare_form() -> str:
    return _compare_page()


@blueprint.post("/compare")
def compare_photos() -> str | tuple[str, int]:
    options = read_options(request.form)
    try:
        uploads = _pair()
    except RequestError as error:
        if error.code != "missing_field":
            raise
        return _compare_page(missing=True, whole=options.whole), 422
    seen = [look(upload, options, draw=True) for upload in uploads]
    return _compare_page(seen=seen, said=_compared(seen), whole=options.whole)


@blueprint.post("/api/v1/compare")
def compare() -> Response:
    model, options = service().embedder, read_options(request.args)
    seen = [look(upload, options) for upload in _pair()]
    said = _compared(seen)
    if said is None:
        return refused(seen)
    words = {key: value for key, value in said.as_dict().items() if key != "boxes"}  # these stand beside each source
    return jsonify({"model": model.name, **words, "faces": [one.as_dict() for one in seen]})


def look(upload: Upload, options: Options, *, draw: bool = False) -> Seen:
    """The main face of an upload, with pictures of it for the page where they are drawn."""
    model = service().embedder
    with service().places:
        try:
            check_size(upload)
            face = main_portrait(upload.data, model, options, name=upload.name)
        except PictureError as error:
            return Seen(upload.name, error=error)
        row, picture = model.embed([face.crop])[0], face.picture
        uris = ("", "")
        if draw:
            uris = (jpeg_uri(boxed(picture.pixels, face.box, _SHOWN_SIDE), _SHOWN_SIDE), crop_uri(face.crop))
        return Seen(upload.name, picture.width, picture.height, face.box, row, face.warnings, *uris)


def refused(seen: Sequence[Seen]) -> Response:
    """The first refusal as a problem."""
    error = next(one.error for one in seen if one.error)
    return problem(error.code, error.message, error.hint, STATUS_OF.get(error.code, 400))


def _pair() -> list[Upload]:
    return [read_field(request, field)[0] for field in ("a", "b")]


def _compared(seen: Sequence[Seen]) -> Comparison | None:
    a, b = seen
    if a.row is None or b.row is None or a.box is None or b.box is None:
        return None
    return compare_rows(np.stack([a.row, b.row]), (a.box, b.box), service().embedder)


def _compare_page(**more: object) -> str:
    model = service().embedder
    measured = model.odds.rates
    rates = [(rate, model.threshold_for(rate)) for rate in _TOLD if measured and measured[-1] <= rate <= measured[0]]
    return render_template("compare.html", model=model, rates=rates, **more)
