"""People enrolled, listed and forgotten, on the page and over REST, where the server was started with a gallery."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flask import Blueprint, Response, current_app, jsonify, render_template, request

from eigenface.errors import RequestError
from eigenface.gallery import Gallery
from eigenface.recognise import Options
from eigenface.register import LONGEST_NAME, checked_name
from eigenface.webapp.compare import Seen, look, refused
from eigenface.webapp.service import FaceService, read_options
from eigenface.webapp.uploads import Upload, read_field, read_uploads

blueprint = Blueprint("people", __name__)


def gallery() -> Gallery:
    """The server's gallery; these routes are there only where it has one."""
    service: FaceService = current_app.extensions["eigenface"]
    assert service.gallery is not None
    return service.gallery


@blueprint.get("/people")
def people_page() -> str:
    return _page()


@blueprint.post("/people")
def enroll_form() -> str | tuple[str, int]:
    name, options = request.form.get("name", ""), read_options(request.form)
    try:
        name = checked_name(name)
        seen, added = _enrolled(name, read_field(request, "image"), options, draw=True)
    except RequestError as error:
        if error.code not in ("missing_field", "bad_name"):
            raise
        return _page(mistake=error, name=name), 422
    return _page(seen=seen, added=added, name=name)


@blueprint.post("/people/forget")
def forget_form() -> str:
    name = request.form.get("name", "")
    pictures = gallery().forget(name)
    return _page(forgotten=name, pictures=pictures)


@blueprint.get("/api/v1/people")
def people() -> Response:
    return jsonify({"people": [person.as_dict() for person in gallery().people()]})


@blueprint.post("/api/v1/people/<path:name>")
def enroll(name: str) -> Response:
    name, options = checked_name(name), read_options(request.args)
    seen, added = _enrolled(name, read_uploads(request), options)
    if len(seen) == 1 and seen[0].error:
        return refused(seen)
    return jsonify({"name": name, "added": added, "pictures": [one.as_dict() for one in seen]})


@blueprint.delete("/api/v1/people/<path:name>")
def forget(name: str) -> Response:
    pictures = gallery().forget(name)
    return jsonify({"name": checked_name(name), "pictures": pictures})


def _enrolled(name: str, uploads: Sequence[Upload], options: Options, *, draw: bool = False) -> tuple[list[Seen], int]:
    """What was seen of the uploads, and how many faces were added."""
    seen = [look(upload, options, draw=draw) for upload in uploads]
    rows = [one.row for one in seen if one.row is not None]
    return seen, gallery().enroll_rows(name, np.stack(rows)) if rows else 0


def _page(**more: object) -> str:
    kept = gallery()
    return render_template(
        "gallery.html",
        people=kept.people(),
        model=kept.model,
        file=kept.path.name,
        false_accepts=kept.false_accepts,
        longest_name=LONGEST_NAME,
        **more,
    )
