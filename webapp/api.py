"""REST under /api/v1, beside /healthz and /openapi.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request, send_file

from eigenface import __version__
from eigenface.model import FaceClassifier
from eigenface.webapp.films.job import FILES
from eigenface.webapp.openapi import description
from eigenface.webapp.problems import STATUS_OF, problem
from eigenface.webapp.service import FaceService, check_size, read_options, read_switch
from eigenface.webapp.uploads import read_film, read_uploads

blueprint = Blueprint("api", __name__)

_PART = 8_000_000  # bytes of a film sent at once: fewer than waitress takes without waiting for the browser


def service() -> FaceService:
    """The application's service."""
    found: FaceService = current_app.extensions["eigenface"]
    return found


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify({"status": "ok", "version": __version__})


@blueprint.get("/openapi.json")
def openapi() -> Response:
    return jsonify(description(service().names, people=service().gallery is not None))


@blueprint.get("/api/v1/tasks")
def tasks() -> Response:
    return jsonify({"tasks": service().described()})


@blueprint.post("/api/v1/predict")
def predict() -> Response:
    return _answered(service().models(request.args.get("task")))


@blueprint.post("/api/v1/detect")
def detect() -> Response:
    return _answered([])


@blueprint.post("/api/v1/cameras/<token>")
def see(token: str) -> Response:
    """The next frame of a camera."""
    models, options = service().models(request.args.get("task")), read_options(request.args)
    frame = read_uploads(request)[0]
    check_size(frame)
    return jsonify(service().cameras.see(token, frame, models, options, request.args.get("alert")))


@blueprint.delete("/api/v1/cameras/<token>")
def end(token: str) -> Response:
    return jsonify({"ended": service().cameras.end(token)})


@blueprint.post("/api/v1/films")
def send_film() -> Response:
    models, options = service().models(request.args.get("task")), read_options(request.args)
    film, name = read_film(request)
    state = service().films.submit(film, name, models, options, blur=read_switch(request.args, "blur"))
    answer = jsonify(state)
    answer.status_code, answer.headers["Location"] = 202, f"/api/v1/films/{state['id']}"
    return answer


@blueprint.get("/api/v1/films/<token>")
def film(token: str) -> Response:
    return jsonify(service().films.state(token))


@blueprint.delete("/api/v1/films/<token>")
def delete_film(token: str) -> Response:
    service().films.delete(token)
    return jsonify({"deleted": token})


@blueprint.get("/api/v1/films/<token>/<file>")
def film_file(token: str, file: str) -> Response:
    path = service().films.file(token, file)
    _shorten_range()
    name = f"{service().films.state(token)['source']}.{file}"
    answer = send_file(path, mimetype=FILES.get(file, "image/jpeg"), download_name=name, conditional=True, max_age=0)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _shorten_range() -> None:
    """Let a player ask again for what comes after a part: one that is paused would keep a thread waiting."""
    asked = request.range
    if asked and len(asked.ranges) == 1:
        begin, end = asked.ranges[0]
        if begin >= 0:
            end = min(end or begin + _PART, begin + _PART)
            request.environ["HTTP_RANGE"] = f"bytes={begin}-{end - 1}"


def _answered(models: Sequence[FaceClassifier]) -> Response:
    """One picture gives its answer or a problem; several give all their answers, each with its own error."""
    options = read_options(request.args)
    answers = [service().answer(upload, models, options) for upload in read_uploads(request)]
    if len(answers) > 1:
        return jsonify({"pictures": [answer.as_dict() for answer in answers]})
    error: Any = answers[0].error
    if error:
        return problem(error["code"], error["message"], error["hint"], STATUS_OF.get(error["code"], 400))
    return jsonify(answers[0].as_dict())
