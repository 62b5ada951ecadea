"""The API's description in OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eigenface import __version__
from eigenface.limits import SMALLEST_FACE

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
_PORTRAIT: dict[str, Any] = {
    "type": "object",
    "description": "The main face of a picture; a refused one has null for width, height and box.",
    "properties": {
        "source": {"type": "string"},
        "width": {"type": ["integer", "null"]},
        "height": {"type": ["integer", "null"]},
        "box": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Box"}]},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "error": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Error"}]},
    },
    "required": ["source", "width", "height", "box", "warnings", "error"],
}
_COMPARISON = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "same": {"type": "boolean"},
        "probability": {"type": "number", "minimum": 0, "maximum": 1, "description": "That it is one person."},
        "similarity": {"type": "number", "minimum": -1, "maximum": 1},
        "faces": {"type": "array", "items": _PORTRAIT, "minItems": 2, "maxItems": 2},
    },
    "required": ["model", "same", "probability", "similarity", "faces"],
}
_ENROLLED = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "added": {"type": "integer", "description": "Faces that were not there already."},
        "pictures": {"type": "array", "items": _PORTRAIT},
    },
    "required": ["name", "added", "pictures"],
}
_PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "pictures": {"type": "integer"},
        "added": {"type": "string", "format": "date-time"},
    },
    "required": ["name", "pictures", "added"],
}
_FORGOTTEN = {"type": "object", "properties": {"name": {"type": "string"}, "pictures": {"type": "integer"}}}
_PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}
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
    "404": "Unknown task or person.",
    "413": "Too many bytes, pixels or pictures.",
    "415": "A type or format that is not read.",
    "422": "The picture or a value is missing.",
}


def description(names: Sequence[str], *, people: bool = False) -> dict[str, Any]:
    """The OpenAPI document, with the names of the models that are served; `people`: and those of a gallery."""
    options = [
        {"name": "whole", "in": "query", "schema": {"enum": ["0", "1"]}, "description": "The picture is a face crop."},
        {
            "name": "min_score",
            "in": "query",
            "schema": {"type": "number", "minimum": 0, "maximum": 1},
            "description": "Least detection score; the detector's own without it, 0 for every candidate.",
        },
        {
            "name": "min_face",
            "in": "query",
            "schema": {"type": "integer", "minimum": 8, "maximum": 10000, "default": SMALLEST_FACE},
            "description": "Side in pixels of the smallest face.",
        },
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
            "/api/v1/compare": {"post": _compare(options)},
            **(_people(options) if people else {}),
        },
        "components": {
            "schemas": {"Box": _BOX, "Face": _FACE, "Error": _ERROR, "Answer": _ANSWER, "Problem": _PROBLEM}
        },
    }


def _json(text: str, schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": schema}}}


def _post(summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    several = {
        "type": "object",
        "properties": {"pictures": {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}}},
    }
    answer = {"oneOf": [{"$ref": "#/components/schemas/Answer"}, several]}
    return {
        "summary": summary,
        "parameters": parameters,
        "requestBody": _pictures(),
        "responses": _responses("One picture's answer; for several pictures, an answer each.", answer),
    }


def _pictures() -> dict[str, Any]:
    form = {"type": "object", "properties": {"image": {"type": "array", "items": _PICTURE}}, "required": ["image"]}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}, "image/*": {"schema": _PICTURE}}}


def _responses(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    problem = {"$ref": "#/components/schemas/Problem"}
    refusals = {status: _json(why, problem, "application/problem+json") for status, why in _REFUSALS.items()}
    return {"200": _json(text, schema), **refusals}


def _compare(options: list[dict[str, Any]]) -> dict[str, Any]:
    form = {"type": "object", "properties": {"a": _PICTURE, "b": _PICTURE}, "required": ["a", "b"]}
    return {
        "summary": "Whether two photos show one person",
        "parameters": options,
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": _responses("The main face of each, compared.", _COMPARISON),
    }


def _people(options: list[dict[str, Any]]) -> dict[str, Any]:
    """The routes of a server with a gallery."""
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 200}}
    everybody = {"type": "object", "properties": {"people": {"type": "array", "items": _PERSON}}}
    enrolled = _responses("What was seen of each picture.", _ENROLLED)
    return {
        "/api/v1/people": {"get": {"summary": "People enrolled", "responses": {"200": _json("By name.", everybody)}}},
        "/api/v1/people/{name}": {
            "post": {
                "summary": "Enrol a person, or add pictures of one",
                "parameters": [name, *options],
                "requestBody": _pictures(),
                "responses": enrolled,
            },
            "delete": {
                "summary": "Forget a person",
                "parameters": [name],
                "responses": _responses("How many pictures went.", _FORGOTTEN),
            },
        },
    }
