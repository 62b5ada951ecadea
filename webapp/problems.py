"""Errors as problem documents (RFC 9457) for programs and as pages for people, with one code, message and hint."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Flask, Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException

from eigenface.errors import EigenfaceError

STATUS_OF = {
    "too_many_pixels": 413,
    "too_many_bytes": 413,
    "too_many_pictures": 413,
    "unsupported_format": 415,
    "unsupported_type": 415,
    "unknown_task": 404,
    "unknown_person": 404,
    "no_gallery": 404,
    "missing_field": 422,
    "bad_value": 422,
    "bad_name": 422,
    "no_face": 422,
    "gallery_busy": 503,
    "too_many_cameras": 503,
    "camera_busy": 409,
    "no_video": 501,
    "no_film": 404,
    "not_done": 409,
    "film_too_long": 413,
    "too_many_films": 503,
    "film_failed": 422,
    "cannot_write": 507,
    "cross_site": 403,
}
"""Status of each error code; 400 for all others."""

_OF_STATUS = {
    404: ("not_found", "There is nothing at this address", "The API is described at /openapi.json."),
    405: ("wrong_method", "This address does not take that method", "The API is described at /openapi.json."),
    413: ("too_many_bytes", "The request is too large", "Send fewer or smaller pictures."),
}


def problem(code: str, message: str, hint: str, status: int) -> Response:
    """A problem document."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{message}. {hint}" if hint else message,
        "code": code,
        "message": message,
        "hint": hint,
    }
    return Response(json.dumps(document, ensure_ascii=False), status, mimetype="application/problem+json")


def wants_json() -> bool:
    """Whether a program asks: it gets problem documents, people get pages."""
    return request.path.startswith(("/api/", "/healthz", "/openapi.json"))


def told(code: str, message: str, hint: str, status: int) -> Response:
    """An error in the form that the one who asks can read."""
    if wants_json():
        return problem(code, message, hint, status)
    page = render_template("error.html", status=status, message=message, hint=hint)
    return Response(page, status, mimetype="text/html")


def handle_errors(app: Flask) -> None:
    """Answer users' mistakes with 4xx, and a bug with 500 and a line in the log."""

    @app.errorhandler(EigenfaceError)
    def mistake(error: EigenfaceError) -> Response:
        return told(error.code, error.message, error.hint, STATUS_OF.get(error.code, 400))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        code, message, hint = _OF_STATUS.get(status, ("bad_request", error.name, ""))
        if status in (404, 405) and not wants_json():
            hint = "Check the address."
        answer = told(code, message, hint, status)
        for name, value in error.get_headers():
            if name == "Allow":
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        current_app.logger.error("a request failed", exc_info=error)
        return told("internal", "The server made a mistake", "It was written to the log. Please report it.", 500)
