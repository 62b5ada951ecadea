"""Shapes of what the API takes and answers, as JSON Schema."""

from __future__ import annotations

from typing import Any

BOX = {
    "type": "object",
    "description": "Pixels of the picture as shown, after its EXIF turn.",
    "properties": {name: {"type": "integer"} for name in ("x", "y", "width", "height")},
    "required": ["x", "y", "width", "height"],
}
VERDICT: dict[str, Any] = {
    "label": {"type": "string"},
    "probabilities": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
    "needs_review": {"type": "boolean", "description": "A person should look."},
    "reasons": {"type": "array", "items": {"type": "string"}},
}
FACE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "box": {"$ref": "#/components/schemas/Box"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        **VERDICT,
        "answers": {
            "type": "object",
            "description": "By task, where several were asked.",
            "additionalProperties": {"type": "object", "properties": VERDICT},
        },
    },
    "required": ["box", "score"],
}
PORTRAIT: dict[str, Any] = {
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
COMPARISON = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "same": {"type": "boolean"},
        "probability": {"type": "number", "minimum": 0, "maximum": 1, "description": "That it is one person."},
        "similarity": {"type": "number", "minimum": -1, "maximum": 1},
        "faces": {"type": "array", "items": PORTRAIT, "minItems": 2, "maxItems": 2},
    },
    "required": ["model", "same", "probability", "similarity", "faces"],
}
ENROLLED = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "added": {"type": "integer", "description": "Faces that were not there already."},
        "pictures": {"type": "array", "items": PORTRAIT},
    },
    "required": ["name", "added", "pictures"],
}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "pictures": {"type": "integer"},
        "added": {"type": "string", "format": "date-time"},
    },
    "required": ["name", "pictures", "added"],
}
FORGOTTEN = {"type": "object", "properties": {"name": {"type": "string"}, "pictures": {"type": "integer"}}}
TRACK: dict[str, Any] = {
    "type": "object",
    "description": "A face as it is followed; label and probabilities are steadied over its frames.",
    "properties": {"track": {"type": "integer", "description": "Its number, from 1."}, **FACE["properties"]},
    "required": ["track", "box", "score"],
}
SEEN = {
    "type": "object",
    "properties": {
        "task": {"type": ["string", "null"]},
        "model": {"type": ["string", "null"]},
        "width": {"type": "integer"},
        "height": {"type": "integer"},
        "seconds": {"type": "number"},
        "tracks": {"type": "array", "items": TRACK},
        "alerts": {
            "type": "array",
            "description": "Faces on which the label asked for has just stayed for a second.",
            "items": {
                "type": "object",
                "properties": {
                    "track": {"type": "integer"},
                    "label": {"type": "string"},
                    "told": {"type": "boolean", "description": "Not so soon after another that nobody need be told."},
                },
            },
        },
    },
    "required": ["task", "model", "width", "height", "seconds", "tracks", "alerts"],
}
FILM = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "source": {"type": "string"},
        "task": {"type": "string"},
        "model": {"type": "string"},
        "status": {"enum": ["waiting", "working", "done", "failed"]},
        "before": {"type": "integer", "description": "Films that are answered before this one."},
        "done": {"type": "integer", "description": "Frames."},
        "expected": {"type": "integer", "description": "Frames in all, as far as is known."},
        "seconds_left": {"type": ["number", "null"]},
        "kept_seconds": {"type": ["integer", "null"], "description": "Until it is deleted, if nobody asks for it."},
        "answer": {
            "anyOf": [
                {"type": "null"},
                {
                    "type": "object",
                    "properties": {
                        "frames": {"type": "integer"},
                        "tracks": {"type": "integer", "description": "Faces followed."},
                        "seconds": {"type": "number"},
                        "warnings": {"type": "array", "items": {"type": "string"}},
                        "portraits": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "The best picture of every face: names in `files`.",
                        },
                    },
                },
            ]
        },
        "files": {"type": "object", "description": "Addresses by name.", "additionalProperties": {"type": "string"}},
        "error": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Error"}]},
    },
    "required": ["id", "source", "status", "before", "done", "expected", "answer", "files", "error"],
}
PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}
ERROR = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
    "required": ["code", "message", "hint"],
}
ANSWER = {
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
PROBLEM = {
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
