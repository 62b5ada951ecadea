"""The API's description in OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eigenface import __version__

_BOX = {
    "type": "object",
    "description": "Pixels of the picture as shown, after its EXIF turn.",
    "properties": {name: {"type": "integer"} for name in ("x", "y", "width", "height")},
    "required": ["x", "y", "width", "height"],
}
_VERDICT: dict[str, Any] = {
    "label": {"type": "string"},
    "probabilities": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
    "needs_review": {"type": "boolean", "description": "A person should look."},
    "reasons": {"type": "array", "items": {"type": "string"}},
}
_FACE = {
    "type": "object",
    "properties": {
        "box": {"$ref": "#/components/schemas/Box"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        **_VERDICT,
        "answers": {
            "type": "object",
            "description": "By task, where several were asked.",
            "additionalProperties": {"type": "object", "properties": _VERDICT},
        },
    },
    "required": ["box", "score"],
}
_ERROR = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
    "required": ["code", "message", "hint"],
}
_ANSWER = {
    "type": "object",
    "properties": {
        "source": {"type": "string"},
        "task": {"type": ["string", "null"]},
        "model": {"type": ["string", "null"]},
        "width": {"type": ["integer", "null"]},
        "height": {"type": ["integer", "null"]},
        "seconds": {"type": "number"},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "faces": {"type": "array", "items": {"$ref": "#/components/schemas/Face"}, "description": "Largest first."},
        "error": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Error"}]},
    },
    "required": ["source", "task", "model", "width", "height", "seconds", "warnings", "faces", "error"],
}
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        **{name: {"type": "string"} for name in ("code", "message", "hint")},
    },
    "required": ["title", "status", "code", "message", "hint"],
}
_REFUSALS = {
    "400": "Empty, damaged, or not a picture.",
    "403": "Sent by a page of another site.",
    "404": "Unknown task.",
    "413": "Too many bytes, pixels or pictures.",
    "415": "A type or format that is not read.",
    "422": "The picture or a value is missing.",
}


def description(names: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI document, with the names of the models that are served."""
    options = [
        {"name": "whole", "in": "query", "schema": {"enum": ["0", "1"]}, "description": "The picture is a face crop."},
        {"name": "min_score", "in": "query", "schema": {"type": "number", "minimum": 0, "maximum": 1}},
    ]
    task = {
        "name": "task",
        "in": "query",
        "schema": {"type": "string", "default": "gender"},
        "description": f"One of {', '.join(names)}; or several, separated by commas.",
    }
    tasks = {"200": _json("What can be asked.", {"type": "object", "properties": {"tasks": {"type": "array"}}})}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "eigenface",
            "version": __version__,
            "summary": "Finds faces in pictures and classifies them.",
        },
        "paths": {
            "/healthz": {"get": {"summary": "Alive?", "responses": {"200": _json("Alive.", {"type": "object"})}}},
            "/api/v1/tasks": {"get": {"summary": "Tasks and models", "responses": tasks}},
            "/api/v1/predict": {"post": _post("Faces and what a task says of them", [task, *options])},
            "/api/v1/detect": {"post": _post("Faces: boxes and scores", options)},
        },
        "components": {
            "schemas": {"Box": _BOX, "Face": _FACE, "Error": _ERROR, "Answer": _ANSWER, "Problem": _PROBLEM}
        },
    }


def _json(text: str, schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": schema}}}


def _post(summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    picture = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {"type": "object", "properties": {"image": {"type": "array", "items": picture}}, "required": ["image"]}
    several = {
        "type": "object",
        "properties": {"pictures": {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}}},
    }
    answer = {"oneOf": [{"$ref": "#/components/schemas/Answer"}, several]}
    problem = {"$ref": "#/components/schemas/Problem"}
    return {
        "summary": summary,
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}, "image/*": {"schema": picture}},
        },
        "responses": {
            "200": _json("One picture's answer; for several pictures, an answer each.", answer),
            **{status: _json(text, problem, "application/problem+json") for status, text in _REFUSALS.items()},
        },
    }
