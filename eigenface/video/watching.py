"""Watching a camera: what happens becomes events, a line of JSON each; alerts are pictured and handed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from eigenface.annotate import annotate
from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.types import Answer, Pixels
from eigenface.video.alarm import Alarm, Alert
from eigenface.video.camera import Camera
from eigenface.video.tracks import Track, Tracker

Event = dict[str, Any]


@dataclass(frozen=True)
class Watch:
    """What is watched for.

    Parameters
    ----------
    labels : tuple of str
        Labels that give an alert.
    stay : float
        Seconds that a label must stay on a face.
    dead_time : float
        Seconds between two alerts of one label.
    save : Path, optional
        Folder for the picture of every alert that is told.
    patience : float
        Seconds to wait for a source that is gone.
    """

    labels: tuple[str, ...] = ()
    stay: float = 1.0
    dead_time: float = 30.0
    save: Path | None = None
    patience: float = float("inf")


def watch(
    source: str,
    wanted: Watch,
    models: Sequence[FaceClassifier],
    options: Options | None = None,
    *,
    on_event: Callable[[Event], None],
) -> None:
    """Follow the faces of a camera until it is over, and tell `on_event` what happens.

    Events are `started`, `appeared`, `changed`, `left`, `alert`, `lost`, `back` and `stopped`. Each has `time` (ISO
    8601, UTC) and `seconds` since the start; those of a face `track`, `label`, `probability` and `box`; an alert `told`
    and `picture`.

    Raises
    ------
    FilmError
        Where there is no such source to begin with.
    RequestError
        With code `unknown_label`, or `cannot_write`.
    """
    known = [str(name) for model in models for name in model.classes_]
    for label in wanted.labels:
        if label not in known:
            raise RequestError("unknown_label", f"--alert {label}: no such label", f"There are {', '.join(known)}.")
    diary = _Diary(on_event)
    camera = Camera(
        source,
        patience=wanted.patience,
        on_change=lambda what: diary.note(what, source=source),
        max_pixels=(options or Options()).max_pixels,
    )
    tracker = Tracker(models, options)
    alarm = Alarm(wanted.labels, stay=wanted.stay, dead_time=wanted.dead_time)
    started = False
    try:
        for frame in camera:
            diary.seconds = frame.time
            if not started:
                diary.note("started", source=source)
                started = True
            tracks = tracker.update(frame.pixels, frame.time)
            diary.see(tracks)
            for alert in alarm.see(tracks, frame.time):
                diary.alert(alert, _saved(wanted.save, frame.pixels, tracks, alert) if alert.told else None)
    finally:
        if started:
            diary.note("stopped", source=source)


class _Diary:
    """Turns tracks into events."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self.seconds = 0.0
        self._present: dict[int, Track] = {}

    def note(self, what: str, **more: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._on_event({"time": now, "seconds": round(self.seconds, 3), "event": what, **more})

    def see(self, tracks: Sequence[Track]) -> None:
        now = {track.number: track for track in tracks}
        for number, track in now.items():
            before = self._present.get(number)
            if before is None:
                self.note("appeared", **_of(track))
            elif _labels(before) != _labels(track):
                self.note("changed", **_of(track), was=before.face.label)
        for number, track in self._present.items():
            if number not in now:
                self.note("left", **_of(track))
        self._present = now

    def alert(self, alert: Alert, picture: Path | None) -> None:
        said = _of(alert.track) | {"label": alert.label, "told": alert.told}
        self.note("alert", **said, picture=str(picture) if picture else None)


def _labels(track: Track) -> list[str]:
    return [verdict.label for verdict in track.answers.values()]


def _of(track: Track) -> Event:
    face = track.face
    said: Event = {"track": track.number, "box": track.box.as_dict(), "label": face.label}
    if face.label is not None:
        said["probability"] = round(face.probabilities.get(face.label, 0.0), 4)
    return said


def _saved(folder: Path | None, pixels: Pixels, tracks: Sequence[Track], alert: Alert) -> Path | None:
    """The annotated frame of an alert as a file."""
    if folder is None:
        return None
    rows, cols = pixels.shape[:2]
    drawn = annotate(pixels, Answer("frame", None, None, cols, rows, 0.0, tuple(track.face for track in tracks)))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    path = folder / f"{stamp}_track{alert.track.number}_{alert.label}.jpg"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn).save(path, quality=92)
    except OSError as error:
        raise RequestError(
            "cannot_write", f"{path}: cannot be written ({error.strerror})", "Free the disk or give another folder."
        ) from None
    return path
