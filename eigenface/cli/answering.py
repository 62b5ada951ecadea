"""What predict and detect do with pictures: answer each, print it, write it, and count refusals."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import click

from eigenface.bundle import atomic_file
from eigenface.cli.pictures import Found, Pictures
from eigenface.cli.table import answer_lines
from eigenface.cli.talk import note
from eigenface.errors import PictureError, RequestError
from eigenface.image import SUFFIXES
from eigenface.model import FaceClassifier
from eigenface.recognise import Options, answer_or_refusal
from eigenface.threads import ahead
from eigenface.types import Answer

_FOUND = ("source", "x", "y", "width", "height", "score")
_JUDGED = ("source", "face", *_FOUND[1:], "task", "label", "probability", "needs_review", "reasons")
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
    rows: list[list[Any]] = []
    if table:
        _check_table(table, photos)

    def answered(found: Found) -> Answer:
        answer = _answer(found, models, options)
        if annotate and not answer.error:
            _write_annotated(found, answer, annotate, options)
        return answer

    try:
        for answer in ahead(answered, pictures):
            refused += answer.error is not None
            if as_json:
                click.echo(json_line(answer.as_dict()))
            else:
                click.echo("\n".join(answer_lines(answer)))
            if table:
                rows += _judged_rows(answer) if models else _found_rows(answer)
    finally:  # whoever stops an hour of work keeps the rows of that hour
        if table:
            _write_table(table, _JUDGED if models else _FOUND, rows)
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


def _check_table(path: Path, photos: Sequence[str]) -> None:
    """Refuse a table that could not be written, before an hour of work and not after it."""
    if path.suffix.lower() in {*SUFFIXES, ".zip"} or (path.exists() and any(_same(path, photo) for photo in photos)):
        raise RequestError("cannot_write", f"--csv {path}: that is a picture, or pictures", "Name a .csv file.")
    why = "a folder" if path.is_dir() else "no such folder" if not path.parent.is_dir() else ""
    if why or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise RequestError(
            "cannot_write", f"{path}: cannot be written ({why or 'no permission'})", "Give another path."
        )


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A CSV that is there whole or not at all."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *rows])
    data = text.getvalue().encode("utf-8", "surrogateescape")
    if path.is_symlink() or (path.exists() and not path.is_file()):  # a pipe, or /dev/stdout: never replaced
        path.write_bytes(data)
        return
    with atomic_file(path) as handle:
        handle.write(data)


def _same(path: Path, photo: str) -> bool:
    return Path(photo).exists() and path.samefile(photo)


def _found_rows(answer: Answer) -> list[list[Any]]:
    return [[answer.source, *face.box.as_dict().values(), round(face.score, 4)] for face in answer.faces]


def _judged_rows(answer: Answer) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for number, face in enumerate(answer.faces, start=1):
        box = face.box.as_dict()
        head = [answer.source, number, *box.values(), round(face.score, 4)]
        for task, said in face.answers.items():
            probability = round(said.probabilities.get(said.label, 0.0), 6)
            rows.append([*head, task, said.label, probability, said.needs_review, " ".join(said.reasons)])
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
