"""The application: service, routes, security, errors."""

from __future__ import annotations

from flask import Flask

from eigenface.limits import MAX_REQUEST_BYTES
from eigenface.webapp import api, compare, pages, people
from eigenface.webapp.problems import handle_errors
from eigenface.webapp.security import protect
from eigenface.webapp.service import FaceService
from eigenface.webapp.uploads import MemoryRequest


class FaceApp(Flask):
    """Flask whose requests keep uploads in memory."""

    request_class = MemoryRequest


def create_app(service: FaceService | None = None) -> Flask:
    """The page and the API as a WSGI application; without a `service`, with the shipped models."""
    app = FaceApp(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.json.sort_keys = False  # type: ignore[attr-defined]  # answers keep the order that the contract shows
    service = service or FaceService()
    app.extensions["eigenface"] = service
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(api.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(compare.blueprint)
    if service.gallery:
        app.register_blueprint(people.blueprint)
    protect(app)
    handle_errors(app)
    return app
