"""REST under /api/v1, beside /healthz and /openapi.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from eigenface import __version__
from eigenface.model import FaceClassifier
from eigenface.webapp.openapi import description
from eigenface.webapp.problems import STATUS_OF, problem
from eigenface.webapp.service import FaceService, read_options
from eigenface.webapp.uploads import read_uploads

blueprint = Blueprint("api", __name__)


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
