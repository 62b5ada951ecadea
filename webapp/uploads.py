"""Pictures out of requests, in memory from the first byte to the last."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO

from flask import Request

from eigenface.errors import RequestError
from eigenface.limits import MAX_FILM_BYTES, MAX_REQUEST_PICTURES

FIELD, FILM_FIELD = "image", "film"
FILM_PATHS = ("/films", "/api/v1/films")
"""Where films may be sent, which are larger than pictures."""

_FORM_BYTES = 100_000  # around a film in a form
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture as it came: its file name without folders, and its bytes."""

    name: str
    data: bytes


class MemoryRequest(Request):
    """A request whose uploads never pass through a temporary file."""

    max_form_memory_size = 100_000
    max_form_parts = 200

    @property  # type: ignore[misc]  # read only, as Flask 3.0 has it
    def max_content_length(self) -> int | None:  # type: ignore[override]
        """Bytes that a request may have."""
        if self.path in FILM_PATHS:
            return MAX_FILM_BYTES + _FORM_BYTES
        limit: int | None = super().max_content_length
        return limit

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return io.BytesIO()


def read_uploads(request: Request) -> list[Upload]:
    """The pictures of a request: files of the field `image`, or the body itself.

    Raises
    ------
    RequestError
        With code `missing_field`, `unsupported_type` or `too_many_pictures`.
    """
    kind = request.mimetype
    if kind == "multipart/form-data":
        return read_field(request, FIELD)
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise RequestError(
            "unsupported_type",
            f"a body of type {kind}",
            f"Send a picture as the body, or multipart/form-data with the field {FIELD!r}.",
        )
    data = request.get_data(cache=False)
    if not data:
        raise RequestError("missing_field", "the request holds no picture", f"Send one as the body or as {FIELD!r}.")
    return [Upload("picture", data)]


def read_film(request: Request) -> tuple[IO[bytes], str]:
    """The film of a request and its name: the file of the field `film`, or the body itself, called `name` in the query.

    Raises
    ------
    RequestError
        With code `missing_field`, `unsupported_type` or `too_many_bytes`.
    """
    kind = request.mimetype
    if (request.content_length or 0) > MAX_FILM_BYTES + _FORM_BYTES:
        raise too_large("the film", request.content_length or 0)
    if kind == "multipart/form-data":
        file = request.files.get(FILM_FIELD)
        if file is None or not (file.filename or file.stream.seek(0, 2)):
            raise RequestError("missing_field", f"the form has no film in its field {FILM_FIELD!r}", "Put it there.")
        file.stream.seek(0)
        return file.stream, _base_name(file.filename, "film")
    if kind and not kind.startswith("video/") and kind != "application/octet-stream":
        raise RequestError(
            "unsupported_type",
            f"a body of type {kind}",
            f"Send a film as the body, or multipart/form-data with the field {FILM_FIELD!r}.",
        )
    return request.stream, _base_name(request.args.get("name"), "film")


def too_large(name: str, size: int) -> RequestError:
    """What is said of a film of so many bytes."""
    return RequestError(
        "too_many_bytes",
        f"{name}: {size / 1e6:.0f} MB or more; the limit is {MAX_FILM_BYTES / 1e6:.0f} MB",
        "Cut it or shrink it, or use `eigenface video`.",
    )


def read_field(request: Request, field: str) -> list[Upload]:
    """The pictures of one field of a form.

    Raises
    ------
    RequestError
        With code `missing_field` or `too_many_pictures`.
    """
    files = [file for file in request.files.getlist(field) if file.filename or file.stream.seek(0, 2)]
    if not files:
        raise RequestError("missing_field", f"the form has no file in its field {field!r}", "Put the picture there.")
    if len(files) > MAX_REQUEST_PICTURES:
        raise RequestError(
            "too_many_pictures",
            f"{len(files)} pictures in one request; the limit is {MAX_REQUEST_PICTURES}",
            "Send them in several requests.",
        )
    uploads = []
    for file in files:
        file.stream.seek(0)
        uploads.append(Upload(_base_name(file.filename), file.stream.read()))
    return uploads


def _base_name(name: str | None, unnamed: str = "picture") -> str:
    base = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in base if sign.isprintable()).strip()[:_LONGEST_NAME] or unnamed
