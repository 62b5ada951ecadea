"""A film as browsers play it: H.264, the sound kept, whole up to the last second whatever stops it.

While it grows it is a fragmented MP4: what is on disk plays. Closed, it is copied into the plain form, index first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.errors import RequestError
from eigenface.types import Pixels
from eigenface.video.codecs import av
from eigenface.video.fragments import keep_whole, make_plain
from eigenface.video.frames import usual_colours

SUFFIXES = (".mp4", ".m4v", ".mov")
"""What an answered film may be called."""

_TICK = Fraction(1, 90_000)  # of a second: any film's own times fit
_KEY_SECONDS = 1.0  # between whole frames: about as much is lost when the process is killed
_ENCODER = {"preset": "veryfast", "crf": "21", "bf": "0"}
"""What x264 is asked: without frames coded out of order, for their delay would move the pictures against the sound."""

_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
_SAID = {"ITU709": 1, "ITU601": 6}  # how H.264 writes it
_KEPT_SOUND = ("aac", "mp3")  # copied as it is; any other becomes AAC, which every browser plays


OURS = "eigenface video"
"""Begins the comment of a film that was made here."""

GROWING = ", growing"
"""Ends the comment of a film that is not finished."""


class FilmWriter:
    """Writes frames and sound to `path`.

    Parameters
    ----------
    path : Path
        With one of `SUFFIXES`.
    size : (int, int)
        Width and height of the frames; an odd one is filled up by repeating the last row or column.
    rate : float
        Frames a second on average; every frame keeps its own time.
    sound : stream, optional
        PyAV's sound track of the film that is read.
    start : float
        The time in seconds that the sound's packets call the film's start.
    comment : str
        Kept in the film; while it grows, `GROWING` stands behind it.
    earlier : (int, float)
        So many frames of what stands in `path` are kept, and the time in seconds of the first that is not.

    Raises
    ------
    RequestError
        With code `cannot_write`.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: float,
        *,
        sound: Any = None,
        start: float = 0.0,
        comment: str = "",
        earlier: tuple[int, float] = (0, 0.0),
    ) -> None:
        self.path = path
        self._size = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self._last = -1
        self._start, self._comment = start, comment
        self._kept, self._from = earlier
        self._closed = False
        self._place = path.with_name(path.name + ".partial") if self._kept else path
        self._groups = 0
        try:
            self._out = av.open(str(self._place), "w", format="mp4", options=_FRAGMENTS)
            self._out.metadata["comment"] = comment + GROWING
            self._pictures = self._picture_track(rate)
            self._sound = _SoundTrack(self._out, sound) if sound is not None else None
            if self._kept:
                self._copy_earlier()
        except (av.FFmpegError, OSError) as error:
            raise self._unwritten(error) from None

    def _copy_earlier(self) -> None:
        """The frames and the sound that an earlier run wrote: the same encoder made them, so they are one stream."""
        self._out.start_encoding()  # the header says how frames are coded, those copied too
        with av.open(str(self.path)) as source:
            left, with_starts = self._kept, av.BitStreamFilterContext("h264_mp4toannexb", source.streams.video[0])
            for packet in source.demux():
                if packet.dts is None or packet.pts is None:
                    continue
                if packet.stream.type == "video":
                    for picture in with_starts.filter(packet) if left else ():  # as the encoder writes them
                        picture.stream = self._pictures
                        self._out.mux(picture)
                    left -= 1
                elif self._sound is not None and float(packet.pts * packet.time_base) < self._from:
                    self._sound.write(packet)
                if left < 0:
                    return

    def _picture_track(self, rate: float) -> Any:
        rounded = Fraction(rate).limit_denominator(1001)
        track = self._out.add_stream("libx264", rate=rounded, options=_ENCODER)
        track.width, track.height = self._size
        track.pix_fmt = "yuv420p"
        self._colours = usual_colours(self._size[1])
        track.codec_context.colorspace = _SAID[self._colours]
        track.codec_context.color_range = 1  # as films have it: 16 to 235
        track.time_base = _TICK
        track.codec_context.time_base = _TICK
        track.codec_context.gop_size = max(1, round(rate * _KEY_SECONDS))
        track.codec_context.thread_count = 0
        return track

    def _unwritten(self, error: Exception) -> RequestError:
        why = getattr(error, "strerror", None) or str(error)
        return RequestError("cannot_write", f"{self.path}: cannot be written ({why})", "Free the disk or give another.")

    def write(self, pixels: Pixels, time: float) -> None:
        """Add a frame (rows, cols, 3), RGB, to be shown at `time` in seconds."""
        wide, high = self._size
        rows, cols = pixels.shape[:2]
        if (rows, cols) != (high, wide):
            pixels = np.pad(pixels, ((0, high - rows), (0, wide - cols), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=self._colours, dst_color_range="MPEG")
        self._last = max(self._last + 1, round(time / _TICK))
        frame.pts, frame.time_base = self._last, _TICK
        try:
            self._mux(self._pictures.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise self._unwritten(error) from None

    def _mux(self, packets: Sequence[Any]) -> None:
        self._out.mux(packets)
        if self._place != self.path:
            self._groups += sum(packet.is_keyframe for packet in packets)
            if self._groups > 1:  # more is on disk than in the file of the earlier run
                self._place.replace(self.path)
                self._place = self.path

    def add_sound(self, packet: Any) -> None:
        """Add a packet of the sound track that was announced."""
        if self._sound is None or float(packet.pts * packet.time_base) - self._start < self._from:
            return
        try:
            self._sound.add(packet, self._start)
        except (av.FFmpegError, OSError) as error:
            raise self._unwritten(error) from None

    def close(self, *, finished: bool = True) -> None:
        """All frames out, then the plain form with its index first; not `finished`, it may be gone on with."""
        if self._closed:
            return
        self._closed = True
        try:
            self._mux(self._pictures.encode(None))
            if self._sound is not None:
                self._sound.finish()
            self._out.close()
            if self._place != self.path:
                self._place.replace(self.path)
            make_plain(self.path, self._comment + ("" if finished else GROWING))
        except (av.FFmpegError, OSError) as error:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._out.close()
            self._leave_whole()
            raise self._unwritten(error) from None

    def _leave_whole(self) -> None:
        """What could not be finished plays to its last whole fragment; an earlier run's film stays as it was."""
        with contextlib.suppress(OSError):
            if self._place != self.path:
                self._place.unlink()
            else:
                keep_whole(self.path)


class _SoundTrack:
    """The sound beside the pictures: copied, or made AAC where browsers could not play it."""

    def __init__(self, out: Any, source: Any) -> None:
        self._out = out
        self._last = -1.0  # time that is written up to
        self._copied = source.codec_context.name in _KEPT_SOUND
        if self._copied:
            self._track = out.add_stream_from_template(source)
        else:
            self._track = out.add_stream("aac", rate=source.codec_context.sample_rate or 44_100)
            layout = "mono" if source.codec_context.channels == 1 else "stereo"
            self._track.codec_context.layout = layout
            self._resampler = av.AudioResampler(
                format="fltp", layout=layout, rate=self._track.codec_context.sample_rate
            )

    def add(self, packet: Any, start: float) -> None:
        """Add a packet of the source, whose first moment is called `start` in seconds."""
        if self._copied:
            behind = round(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - behind, packet.dts - behind
            if packet.dts >= 0:  # a player would begin before, and show the pictures too late
                self.write(packet)
            return
        try:
            sounds = packet.decode()
        except av.FFmpegError:  # a damaged moment of sound is left out
            return
        for sound in sounds:
            if sound.pts is not None:
                sound.pts -= round(start / sound.time_base)
            self._encode(self._resampler.resample(sound))

    def write(self, packet: Any) -> None:
        """Write a packet of this track, if it is later than the last."""
        time = float(packet.dts * packet.time_base)
        if time > self._last:
            self._last = time
            packet.stream = self._track
            self._out.mux(packet)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if not self._copied:
            self._encode([*self._resampler.resample(None), None])

    def _encode(self, sounds: Sequence[Any]) -> None:
        for sound in sounds:
            for packet in self._track.encode(sound):
                self.write(packet)
