"""What was answered, moment by moment: a row a face and frame, as CSV or as JSON lines, written as it becomes known."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eigenface.errors import RequestError
from eigenface.types import Box
from eigenface.video.tracks import Track

COLUMNS = ("time", "frame", "track", "x", "y", "width", "height", "score", "label", "probability")
"""Columns of the CSV; of several tasks, the second and later ones add two columns each under their names."""

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
"""Files that get JSON lines instead of CSV."""


class Timeline:
    """A timeline in a file: JSON lines where its name ends in one of `JSON_SUFFIXES`, else CSV.

    Parameters
    ----------
    path : Path
    models : sequence of str
        Names of the models asked, in order.
    append : bool
        Go on after what is there.

    Raises
    ------
    RequestError
        With code `cannot_write`.
    """

    def __init__(self, path: Path, models: Sequence[str], *, append: bool = False) -> None:
        self.path = path
        self._as_json = path.suffix.lower() in JSON_SUFFIXES
        self._models = tuple(models)
        try:
            self._handle = path.open("ab" if append else "wb", buffering=0)  # a killed process leaves whole lines
            self._size = path.stat().st_size
        except OSError as error:
            raise self._unwritten(error) from None
        if not self._as_json and not append:
            more = (column for name in self._models[1:] for column in (name, f"{name}_probability"))
            self._write(_csv_line([*COLUMNS, *more]))

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def add(self, frame: int, time: float, tracks: Sequence[Track]) -> None:
        """Add the faces of one frame."""
        make = self._json_line if self._as_json else self._row
        if tracks:
            self._write("".join(make(frame, time, track) for track in tracks))

    def _row(self, frame: int, time: float, track: Track) -> str:
        said = []
        for verdict in track.answers.values():
            said += [verdict.label, round(verdict.probabilities.get(verdict.label, 0.0), 4)]
        box = track.box.as_dict().values()
        return _csv_line([f"{time:.3f}", frame, track.number, *box, round(track.score, 4), *(said or ["", ""])])

    def _json_line(self, frame: int, time: float, track: Track) -> str:
        head = {"time": round(time, 3), "frame": frame, "track": track.number}
        return json.dumps(head | track.face.as_dict(), ensure_ascii=False) + "\n"

    def _write(self, text: str) -> None:
        left = text.encode()
        size = self._size + len(left)
        try:
            while left:
                left = left[self._handle.write(left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._handle.truncate(self._size)  # and so does a full disk
            raise self._unwritten(error) from None
        self._size = size

    def _unwritten(self, error: OSError) -> RequestError:
        return RequestError(
            "cannot_write", f"{self.path}: cannot be written ({error.strerror})", "Free the disk or give another path."
        )


@dataclass(frozen=True, slots=True)
class Row:
    """What a timeline keeps of one face in one frame, and the line that says so."""

    frame: int
    time: float
    track: int
    label: str
    box: Box
    line: str


def is_timeline(path: Path) -> bool:
    """Whether a file is empty or begins as a timeline does, so that it may be written anew."""
    with path.open("rb") as handle:
        head = handle.read(16)
    return not head or head.startswith((b"time,frame,track", b'{"time"'))


def header_size(path: Path) -> int:
    """Bytes before a timeline's first row."""
    if path.suffix.lower() in JSON_SUFFIXES:
        return 0
    with path.open("rb") as handle:
        return len(handle.readline())


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a timeline, up to the first line that is none: the last may be cut short."""
    as_json = path.suffix.lower() in JSON_SUFFIXES
    with path.open(encoding="utf-8", newline="") as handle:
        if not as_json:
            next(handle, None)
        for line in handle:
            row = _parsed(line, as_json=as_json) if line.endswith("\n") else None
            if row is None:
                return
            yield row


def _parsed(line: str, *, as_json: bool) -> Row | None:
    try:
        if as_json:
            said = json.loads(line)
            box = Box(**said["box"])
            return Row(said["frame"], said["time"], said["track"], said.get("label", ""), box, line)
        cells = next(csv.reader([line]))
        return Row(int(cells[1]), float(cells[0]), int(cells[2]), cells[8], Box(*map(float, cells[3:7])), line)
    except (ValueError, KeyError, IndexError, TypeError, StopIteration):
        return None


def _csv_line(values: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
