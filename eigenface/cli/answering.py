"""What predict and detect do with pictures: answer each, print it, write it, and count refusals."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, TextIO

import click

from eigenface.cli.pictures import Found, Pictures
from eigenface.cli.table import answer_lines
from eigenface.cli.talk import note
from eigenface.errors import PictureError, RequestError
from eigenface.image import SUFFIXES
from eigenface.model import FaceClassifier
from eigenface.recognise import Options, answer_or_refusal
from eigenface.types import Answer

_COLUMNS = [
    "source",
    "face",
    "x",
    "y",
    "width",
    "height",
    "score",
    "task",
    "label",
    "probability",
    "needs_review",
    "reasons",
]
SOME_REFUSED = 1


def answer_pictures(
    photos: Sequence[str],
    models: Sequence[FaceClassifier],
    options: Options,
    *,
    as_json: bool,
    annotate: Path | None = None,
    table: Path | None = None,
) -> int:
    """Answer every picture, as soon as it is known; returns the exit status."""
    pictures, refused = Pictures(photos), 0
    with contextlib.ExitStack() as stack:
        rows, flush = _open_table(stack, table, photos) if table else (None, None)
        for found in pictures:
            answer = _answer(found, models, options)
            refused += answer.error is not None
            if as_json:
                click.echo(json_line(answer.as_dict()))
            else:
                click.echo("\n".join(answer_lines(answer)))
            if rows and flush:
                rows.writerows(_face_rows(answer))
                flush()
            if annotate and not answer.error:
                _write_annotated(found, answer, annotate, options)
    if pictures.skipped:
        note(f"{pictures.skipped} other files skipped.")
    return SOME_REFUSED if refused else 0


def json_line(said: dict[str, Any]) -> str:
    """JSON on one line; a file name whose bytes are no text is escaped, so that the line stays UTF-8."""
    line = json.dumps(said, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(said)
    return line


def _answer(found: Found, models: Sequence[FaceClassifier], options: Options) -> Answer:
    if isinstance(found.picture, PictureError):
        first = models[0] if models else None
        task, model = (first.task, first.name) if first else (None, None)
        return Answer(found.source, task, model, None, None, 0.0, error=found.picture.as_dict())
    options = replace(options, whole=options.whole or found.whole)
    return answer_or_refusal(found.picture, models, options, name=found.source)


def _open_table(stack: contextlib.ExitStack, path: Path, photos: Sequence[str]) -> tuple[Any, Callable[[], None]]:
    if path.suffix.lower() in {*SUFFIXES, ".zip"} or (path.exists() and any(_same(path, photo) for photo in photos)):
        raise RequestError("cannot_write", f"--csv {path}: that is a picture, or pictures", "Name a .csv file.")
    try:
        handle: TextIO = stack.enter_context(path.open("w", newline="", encoding="utf-8", errors="surrogateescape"))
    except OSError as error:
        raise RequestError(
            "cannot_write", f"{path}: cannot be written ({error.strerror})", "Give another path."
        ) from None
    writer = csv.writer(handle)
    writer.writerow(_COLUMNS)
    return writer, handle.flush


def _same(path: Path, photo: str) -> bool:
    return Path(photo).exists() and path.samefile(photo)


def _face_rows(answer: Answer) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for number, face in enumerate(answer.faces, start=1):
        box = face.box.as_dict()
        head = [answer.source, number, *box.values(), round(face.score, 4)]
        for task, said in face.answers.items():
            probability = round(said.probabilities.get(said.label, 0.0), 6)
            rows.append([*head, task, said.label, probability, said.needs_review, " ".join(said.reasons)])
        if not face.answers:
            rows.append([*head, "", "", "", "", ""])
    return rows


def _write_annotated(found: Found, answer: Answer, folder: Path, options: Options) -> None:
    from eigenface.annotate import annotate, png_bytes
    from eigenface.image import load_picture

    assert not isinstance(found.picture, PictureError)
    picture = load_picture(found.picture, name=found.source, max_pixels=options.max_pixels)
    target = folder / safe_name(found.source)
    target = target.with_name(target.name + ".png")
    write_file(target, png_bytes(annotate(picture.pixels, answer)))


def safe_name(source: str) -> Path:
    """A source as a relative path that stays below an output folder."""
    parts = [part for part in PurePath(source).parts if part not in (".", PurePath(source).anchor)]
    return Path(*("_up" if part == ".." else part for part in parts))  # `../a.jpg` and `a.jpg` stay apart


def write_file(path: Path, data: bytes) -> None:
    """Write a result file, its folders made; one line where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise RequestError(
            "cannot_write", f"{path}: cannot be written ({error.strerror})", "Free the disk or give another folder."
        ) from None
