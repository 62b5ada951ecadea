"""Cameras: a tracker a session, so that boxes and labels stay steady from frame to frame. Nothing is stored."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from eigenface.errors import RequestError
from eigenface.image import load_picture
from eigenface.limits import MAX_CAMERAS, MAX_FRAME_PIXELS
from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.video.alarm import Alarm
from eigenface.video.tracks import Tracker
from eigenface.webapp.uploads import Upload

KEPT = 10.0
"""Seconds after its last frame that a camera's tracks are kept."""

STAY = 1.0
"""Seconds that a label must stay on a face for an alert."""

_DEAD_TIME = 5.0  # seconds between two alerts of one label that are told
_WAIT = 0.5  # seconds that a frame waits for the one before
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass
class _Session:
    """One camera: who is followed, and what the models and options were that its tracks were judged by."""

    seen: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: tuple[Any, ...] = ()
    tracker: Tracker | None = None
    label: str | None = None
    alarm: Alarm | None = None


class Cameras:
    """Trackers of the cameras that are on, by tokens that their pages made; a bounded number, each let go in silence.

    Parameters
    ----------
    places : semaphore
        Entered while a frame is held decoded.
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, places: threading.Semaphore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._places, self._clock = places, clock
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def see(
        self, token: str, frame: Upload, models: Sequence[FaceClassifier], options: Options, label: str | None = None
    ) -> dict[str, Any]:
        """What is followed in the next frame of a camera, as JSON has it; `label`: what gives an alert when it stays.

        Raises
        ------
        PictureError
            Where the frame is no picture that is read, or too large.
        RequestError
            With code `bad_value`, `too_many_cameras` or `camera_busy`.
        """
        began = time.perf_counter()
        known = [str(name) for model in models for name in model.classes_]
        if label is not None and label not in known:
            raise RequestError("bad_value", f"alert is {label[:40]!r}", f"It is one of {', '.join(known)}.")
        with self._turn(token) as session, self._places:
            picture = load_picture(frame.data, name=frame.name, max_pixels=MAX_FRAME_PIXELS)
            asked = (*models, options)
            if session.tracker is None or session.asked != asked:
                session.tracker, session.asked = Tracker(models, replace(options, whole=False)), asked
            if session.alarm is None or session.label != label:
                session.alarm = Alarm([label] if label else [], stay=STAY, dead_time=_DEAD_TIME)
                session.label = label
            now = session.seen = self._clock()
            tracks = session.tracker.update(picture.pixels, now)
            alerts = session.alarm.see(tracks, now)
        return {
            "task": models[0].task if models else None,
            "model": models[0].name if models else None,
            "width": picture.width,
            "height": picture.height,
            "seconds": round(time.perf_counter() - began, 4),
            "tracks": [{"track": track.number} | track.face.as_dict() for track in tracks],
            "alerts": [{"track": one.track.number, "label": one.label, "told": one.told} for one in alerts],
        }

    def end(self, token: str) -> bool:
        """Forget a camera; whether there was one."""
        with self._lock:
            return self._sessions.pop(token, None) is not None

    @contextmanager
    def _turn(self, token: str) -> Iterator[_Session]:
        """A camera's session, for one frame at a time."""
        if not _TOKEN.fullmatch(token):
            raise RequestError("bad_value", f"a camera called {token[:70]!r}", "Take 16 to 64 of A-Z a-z 0-9 _ -.")
        session = self._session(token)
        if not session.lock.acquire(timeout=_WAIT):
            raise RequestError("camera_busy", "the frame before is not answered yet", "Send one frame at a time.")
        try:
            yield session
        finally:
            session.lock.release()

    def _session(self, token: str) -> _Session:
        now = self._clock()
        with self._lock:
            for name in [name for name, one in self._sessions.items() if now - one.seen > KEPT]:
                del self._sessions[name]
            if token not in self._sessions and len(self._sessions) >= MAX_CAMERAS:
                raise RequestError(
                    "too_many_cameras", f"{MAX_CAMERAS} cameras are on already", "Try again when one is off."
                )
            return self._sessions.setdefault(token, _Session(now))
