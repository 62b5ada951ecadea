"""A camera, a stream or a film as an endless supply of frames, which waits for what disappears to return.

Of a camera only the newest frame counts: while one is answered the others pass, so that answers never lag behind.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from eigenface.errors import EigenfaceError
from eigenface.limits import MAX_PIXELS
from eigenface.video.codecs import av
from eigenface.video.frames import Film, FilmError, Frame

_NETWORK = ("rtsp://", "rtmp://", "http://", "https://", "udp://", "rtp://", "tcp://", "srt://")
_PROTOCOLS = "rtsp,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto,rtmp,rtmps,srt,hls"
"""What a stream may use: no file of this machine, whatever a play list names."""

_TIMEOUT = 10.0  # seconds without a word from a network camera
_PAUSE = (0.5, 5.0)  # seconds between attempts to open it again: the first and the longest


class Camera:
    """Frames of a source, across its absences; times are in seconds since it was first opened.

    Parameters
    ----------
    source : str
        The number of a camera, a device such as `/dev/video0`, an address (`rtsp://`, `http://` ...), or a film. A film
        is read from its beginning to its end; it returns when the file changes.
    patience : float
        Seconds to wait for a source that is gone; 0: not at all.
    on_change : callable
        Called with `lost` or `back`.
    """

    def __init__(
        self,
        source: str,
        *,
        patience: float,
        on_change: Callable[[str], None],
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._source, self._patience, self._on_change = source, patience, on_change
        self._max_pixels = max_pixels
        self._kind = "file" if is_file(source) else "live"
        self._signature: object = None

    def __iter__(self) -> Iterator[Frame]:
        film: Film | None = self._open()  # one that was never there is the user's mistake
        began, offset, number = time.monotonic(), 0.0, 0
        while film is not None:
            with film:
                frames = iter(film) if self._kind == "file" else _newest(film)
                for frame in frames:
                    at = offset + frame.time if self._kind == "file" else time.monotonic() - began
                    yield Frame(number, at, frame.pixels)
                    number += 1
            offset = at + 1 / film.rate
            film = self._again()

    def _open(self) -> Film:
        if self._kind == "file":
            self._signature = _signature(self._source)
            return Film(self._source, max_pixels=self._max_pixels)
        return Film(self._source, container=_connected(self._source), max_pixels=self._max_pixels)

    def _again(self) -> Film | None:
        """The source opened again, once it is there; None when patience is over."""
        if not self._patience:
            return None
        self._on_change("lost")
        gone, pause = time.monotonic(), _PAUSE[0]
        while time.monotonic() - gone < self._patience:
            if self._kind == "live" or _signature(self._source) not in (None, self._signature):
                try:
                    film = self._open()
                except EigenfaceError:
                    pass  # not yet
                else:
                    self._on_change("back")
                    return film
            time.sleep(min(pause, self._patience))
            pause = min(2 * pause, _PAUSE[1])
        return None


def is_file(source: str) -> bool:
    """Whether a source is a film's path, not a camera or an address."""
    return not source.isdecimal() and not source.startswith(("/dev/", *_NETWORK))


def _signature(source: str) -> object:
    """What changes when a file is another one; None while there is none."""
    try:
        found = Path(source).stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else None


def _connected(source: str) -> Any:
    """A camera or stream, opened."""
    try:
        if source.startswith(_NETWORK):
            return av.open(source, timeout=_TIMEOUT, options={"protocol_whitelist": _PROTOCOLS})
        if sys.platform == "darwin":
            return av.open(source, format="avfoundation", options={"framerate": "30"})
        device = f"/dev/video{source}" if source.isdecimal() else source
        return av.open(device, format="v4l2", timeout=_TIMEOUT)
    except (av.FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise FilmError(
            "no_camera",
            f"{source}: no camera or stream answers there ({why})",
            "Give a camera's number, a device, an address or a film.",
        ) from None


def _newest(film: Film) -> Iterator[Frame]:
    """Frames as they are wanted, each the newest there is: a thread reads all and keeps one."""
    slot: list[Frame | None] = []
    ready, stop = threading.Condition(), threading.Event()

    def read() -> None:
        try:
            for frame in film:
                with ready:
                    slot[:] = [frame]
                    ready.notify()
                if stop.is_set():
                    return
        finally:
            with ready:
                slot.append(None)
                ready.notify()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while True:
            with ready:
                ready.wait_for(lambda: bool(slot))
                frame = slot.pop(0)
            if frame is None:
                return
            yield frame
    finally:
        stop.set()
        reader.join(_TIMEOUT)
