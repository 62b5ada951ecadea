"""The API's description in OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eigenface import __version__
from eigenface.limits import SMALLEST_FACE
from eigenface.webapp.films.job import FILES
from eigenface.webapp.schemas import (
    ANSWER,
    BOX,
    COMPARISON,
    ENROLLED,
    ERROR,
    FACE,
    FILM,
    FORGOTTEN,
    PERSON,
    PICTURE,
    PROBLEM,
    SEEN,
)

_REFUSALS = {
    "400": "Empty, damaged, or not a picture.",
    "403": "Sent by a page of another site.",
    "404": "Unknown task, person or film.",
    "413": "Too many bytes, pixels, pictures or seconds.",
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
            **_cameras([task, *options]),
            **_films([task, *options]),
            **(_people(options) if people else {}),
        },
        "components": {"schemas": {"Box": BOX, "Face": FACE, "Error": ERROR, "Answer": ANSWER, "Problem": PROBLEM}},
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
    form = {"type": "object", "properties": {"image": {"type": "array", "items": PICTURE}}, "required": ["image"]}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}, "image/*": {"schema": PICTURE}}}


def _responses(text: str, schema: dict[str, Any], status: str = "200", **more: str) -> dict[str, Any]:
    """A good answer and all refusals; `more`: further ones, by `s` and their status."""
    problem = {"$ref": "#/components/schemas/Problem"}
    whys = _REFUSALS | {key[1:]: why for key, why in more.items()}
    refusals = {status: _json(why, problem, "application/problem+json") for status, why in sorted(whys.items())}
    return {status: _json(text, schema), **refusals}


def _compare(options: list[dict[str, Any]]) -> dict[str, Any]:
    form = {"type": "object", "properties": {"a": PICTURE, "b": PICTURE}, "required": ["a", "b"]}
    return {
        "summary": "Whether two photos show one person",
        "parameters": options,
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": _responses("The main face of each, compared.", COMPARISON),
    }


def _query(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": text}


def _cameras(options: list[dict[str, Any]]) -> dict[str, Any]:
    token = {
        "name": "token",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"},
        "description": "Made by whoever sends: one a camera.",
    }
    alert = _query("alert", "A label; it is told when it has stayed on a face for a second.", {"type": "string"})
    ended = {"type": "object", "properties": {"ended": {"type": "boolean"}}}
    busy = {"s409": "The frame before is not answered yet.", "s503": "Too many cameras are on."}
    return {
        "/api/v1/cameras/{token}": {
            "post": {
                "summary": "The next frame of a camera: faces followed, their labels steadied",
                "parameters": [token, *(option for option in options if option["name"] != "whole"), alert],
                "requestBody": {"required": True, "content": {"image/*": {"schema": PICTURE}}},
                "responses": _responses("Who is followed.", SEEN, **busy),
            },
            "delete": {
                "summary": "Forget a camera's tracks; they are forgotten after 10 seconds without a frame, too",
                "parameters": [token],
                "responses": _responses("Whether there were any.", ended),
            },
        }
    }


def _films(options: list[dict[str, Any]]) -> dict[str, Any]:
    name = _query("name", "What the film is called, where it is the body.", {"type": "string"})
    blur = _query("blur", "Hide the faces in the annotated film.", {"enum": ["0", "1"]})
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
    file = {"name": "file", "in": "path", "required": True, "schema": {"type": "string"}, "description": "In `files`."}
    form = {"type": "object", "properties": {"film": PICTURE}, "required": ["film"]}
    body = {"multipart/form-data": {"schema": form}, "video/*": {"schema": PICTURE}}
    full = {"s501": "PyAV is not installed.", "s503": "Too many films are here.", "s507": "The disk is full."}
    deleted = {"type": "object", "properties": {"deleted": {"type": "string"}}}
    kinds = {kind: {"schema": PICTURE} for kind in (*FILES.values(), "image/jpeg")}
    done = _responses("The file; a part of it where a range is asked for.", PICTURE, s409="Not answered yet.")
    return {
        "/api/v1/films": {
            "post": {
                "summary": "Send a film; it is answered in its turn",
                "parameters": [*(option for option in options if option["name"] != "whole"), name, blur],
                "requestBody": {"required": True, "content": body},
                "responses": _responses("Taken in; its state is at `Location`.", FILM, "202", **full),
            }
        },
        "/api/v1/films/{token}": {
            "get": {"summary": "How far a film is", "parameters": [token], "responses": _responses("Its state.", FILM)},
            "delete": {
                "summary": "Cancel a film and delete all of it",
                "parameters": [token],
                "responses": _responses("Deleted.", deleted),
            },
        },
        "/api/v1/films/{token}/{file}": {
            "get": {
                "summary": "The annotated film, its timeline, its chart, or a face",
                "parameters": [token, file],
                "responses": done | {"200": {"description": done["200"]["description"], "content": kinds}},
            }
        },
    }


def _people(options: list[dict[str, Any]]) -> dict[str, Any]:
    """The routes of a server with a gallery."""
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 200}}
    everybody = {"type": "object", "properties": {"people": {"type": "array", "items": PERSON}}}
    enrolled = _responses("What was seen of each picture.", ENROLLED)
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
                "responses": _responses("How many pictures went.", FORGOTTEN),
            },
        },
    }
