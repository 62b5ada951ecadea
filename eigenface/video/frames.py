"""Films and cameras as upright RGB frames with their true times; what cannot be read is said once, at the end."""

from __future__ import annotations

import functools
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from eigenface.errors import EigenfaceError
from eigenface.limits import MAX_PIXELS
from eigenface.types import Pixels
from eigenface.video.codecs import av

_PICTURES = ("image2", "tty")
"""FFmpeg's readers that make a film of a picture or of a text."""

_PLAY_LISTS = {"concat", "dash", "hls", "imf", "lavfi", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest"}
"""Those that read other files or addresses than the one that they are given."""

_UNREADABLE_PACKETS = 250  # in a row: a camera that sends nothing else, or noise
_SHORT = 0.95  # of the length that the header promises: less was read, so the file was cut
_USUAL_RATE = 25.0
_HIGH = 720  # rows from which a film is taken to be HDTV's
_UNSAID = 2  # H.264's number for colours of no named matrix
_NARROWEST = Fraction(1, 4)  # pixels: a stranger shape is a damaged header


class FilmError(EigenfaceError):
    """A film cannot be read: missing, empty, damaged, or no film at all."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a film: its number from 0, its time in seconds from the film's start, RGB (rows, cols, 3)."""

    number: int
    time: float
    pixels: Pixels


class Film:
    """A film opened for reading; iterate for its frames, turned as its header says and with square pixels.

    Parameters
    ----------
    source : str
        A path; what messages call it.
    max_pixels : int
        Width times height above which nothing is decoded.
    container : PyAV container, optional
        The source as it was opened already, a camera's; without it the path is opened.
    on_sound : callable, optional
        Gets each packet of the first sound track, with frames in the order of the file.

    Attributes
    ----------
    name : str
    width, height : int
        In pixels of the frames handed out.
    rate : float
        Frames a second on average.
    expected : int or None
        Frames that the header promises.
    sound : stream or None
        PyAV's first sound track.
    warnings : list of str
        What could not be read; complete after the last frame.

    Raises
    ------
    FilmError
        With code `not_found`, `empty`, `not_a_film`, `no_pictures`, `too_many_pixels` or `damaged`.
    """

    def __init__(
        self,
        source: str,
        *,
        max_pixels: int = MAX_PIXELS,
        container: Any = None,
        on_sound: Callable[[Any], None] | None = None,
    ) -> None:
        self.name = source
        self.warnings: list[str] = []
        self.on_sound = on_sound
        self._container = container if container is not None else _opened(source)
        try:
            self._prepare(max_pixels)
        except BaseException:
            self._container.close()
            raise

    def _prepare(self, max_pixels: int) -> None:
        streams = self._container.streams
        moving = [one for one in streams.video if one.codec_context is not None and not _is_cover(one)]
        if not moving:
            what = "sound only, no pictures" if streams.audio else "no pictures in it"
            raise FilmError("no_pictures", f"{self.name}: {what}", "Give a film with a picture track.")
        self._stream = moving[0]
        self.sound = streams.audio[0] if streams.audio and streams.audio[0].codec_context is not None else None
        self._stream.thread_type = "AUTO"
        wide, high = self._stream.codec_context.width, self._stream.codec_context.height
        if wide * high > max_pixels:
            raise FilmError(
                "too_many_pixels",
                f"{self.name}: frames of {wide}x{high} pixels; the limit is {max_pixels / 1e6:g} megapixels",
                "Shrink it; on the command line --max-pixels raises the limit.",
            )
        self.rate = float(self._stream.average_rate or self._stream.guessed_rate or _USUAL_RATE)
        self.expected: int | None = self._stream.frames or None
        length = self._container.duration  # in millionths of a second
        if self.expected is None and length:
            self.expected = max(1, round(length / 1e6 * self.rate))
        self.length: float | None = length / 1e6 if length else None
        self._start = (self._container.start_time or 0) / 1e6
        self._shape = _pixel_shape(self._stream)
        self._frames = self._decoded()
        self._first: Frame | None = next(self._frames, None)
        if self._first is None:
            raise FilmError("damaged", f"{self.name}: not one frame of it can be read", "Copy or record it again.")
        self.height, self.width = self._first.pixels.shape[:2]

    @property
    def start(self) -> float:
        """What the file calls the film's first moment, in seconds; times handed out count from it."""
        return self._start

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._frames

    def _decoded(self) -> Iterator[Frame]:
        number, last, reached, damaged, in_a_row = 0, -1.0, 0.0, False, 0
        size: tuple[int, int] | None = None
        packets = self._container.demux([s for s in (self._stream, self.sound) if s is not None])
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):
                damaged = True
                break
            if packet is None:
                break
            if packet.pts is not None:
                reached = max(reached, float((packet.pts + (packet.duration or 0)) * packet.time_base) - self._start)
            if packet.stream is self.sound:
                if self.on_sound is not None and packet.dts is not None and packet.pts is not None:
                    self.on_sound(packet)
                continue
            try:
                pictures = packet.decode()
                in_a_row = 0
            except (av.FFmpegError, OSError):
                damaged, in_a_row = True, in_a_row + 1
                if in_a_row > _UNREADABLE_PACKETS:
                    break
                continue
            for picture in pictures:
                time = picture.time - self._start if picture.time is not None else last + 1 / self.rate
                if time <= last:  # damaged or missing times: frames stay in order
                    time = last + 1 / self.rate
                damaged |= bool(picture.is_corrupt)
                if size is None:  # a film that changes its size is shown at the first
                    size = max(1, round(picture.width * self._shape)), picture.height
                yield Frame(number, max(0.0, time), _upright(picture, size))
                number, last = number + 1, time
        promised = self._stream.frames
        short = promised and number < _SHORT * promised
        cut = self.length is not None and self.length > 1 and reached < _SHORT * self.length
        if damaged or short or cut:
            of = f" of {promised}" if promised and number < promised else ""
            self.warnings.append(f"The film is damaged or cut short: {number}{of} frames could be read.")


def _opened(source: str) -> Any:
    path = Path(source)
    try:
        kind = path.stat()
    except (OSError, ValueError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else f"cannot be opened ({error})"
        raise FilmError("not_found", f"{source}: {why}", "Check the path.") from None
    if stat.S_ISDIR(kind.st_mode):
        raise FilmError("not_found", f"{source}: is a folder", "Give one film.")
    if stat.S_ISREG(kind.st_mode) and not kind.st_size:
        raise FilmError("empty", f"{source}: the file is empty", "Copy or record it again.")
    try:
        options = {"protocol_whitelist": "file", "format_whitelist": _films()}
        container = av.open(f"file:{source}", options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name cannot be opened"
        raise FilmError(
            "not_a_film", f"{source}: not a film that can be read ({why})", "MP4, MOV, MKV, WebM and AVI are, if whole."
        ) from None
    name = container.format.name
    if name in _PICTURES or name.endswith("_pipe"):
        container.close()
        raise FilmError("not_a_film", f"{source}: a picture or a text, not a film", "Pictures go to `predict`.")
    return container


@functools.cache
def _films() -> str:
    """FFmpeg's readers of one file: of a play list it would open whatever that names."""
    return ",".join(sorted(av.formats_available - _PLAY_LISTS))


def usual_colours(rows: int) -> str:
    """The matrix that players take for granted where a film does not name one."""
    return "ITU709" if rows >= _HIGH else "ITU601"


def _upright(picture: Any, size: tuple[int, int]) -> Pixels:
    """The frame in RGB at `size` (width, height before its turn), turned as the film's header asks."""
    known = None if picture.colorspace != _UNSAID else usual_colours(picture.height)
    pixels: Pixels = picture.to_ndarray(format="rgb24", width=size[0], height=size[1], src_colorspace=known)
    turns = round((picture.rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _is_cover(stream: Any) -> bool:
    """Whether a picture track is the cover of a sound file."""
    return bool(stream.disposition & stream.disposition.attached_pic)


def _pixel_shape(stream: Any) -> Fraction:
    """Width over height of one pixel; 1 where the film does not say, or says what cannot be."""
    said = stream.sample_aspect_ratio or Fraction(1)
    return said if _NARROWEST <= said <= 1 / _NARROWEST else Fraction(1)
