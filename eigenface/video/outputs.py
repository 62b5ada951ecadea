"""The files that come of a film: annotated film, timeline, portraits; whole up to the last frame whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from eigenface.annotate import annotate
from eigenface.blur import hide_faces
from eigenface.model import FaceClassifier
from eigenface.types import Answer, Pixels
from eigenface.video.film import FilmWriter
from eigenface.video.frames import Film
from eigenface.video.lookback import Answered
from eigenface.video.portraits import Portraits
from eigenface.video.resume import Earlier
from eigenface.video.spans import Spans
from eigenface.video.timeline import Timeline
from eigenface.video.tracks import Track


@dataclass(frozen=True)
class Wanted:
    """What is to be made of a film.

    Parameters
    ----------
    out : Path
        The annotated film, MP4.
    timelines : tuple of Path
        Each CSV, or JSON lines where it is called so.
    faces : Path, optional
        Folder for the best picture of every track.
    every : int
        Only every so-manieth frame is answered and written.
    blur : bool
        Hide what is in the boxes.
    resume : bool
        Go on where an earlier run was stopped.
    """

    out: Path
    timelines: tuple[Path, ...] = ()
    faces: Path | None = None
    every: int = 1
    blur: bool = False
    resume: bool = False


class Outputs:
    """Writes answered frames everywhere.

    Parameters
    ----------
    film : Film
        Its sound goes into the annotated film as it is read.
    wanted : Wanted
    models : sequence of FaceClassifier
    job : str
        The film's comment.
    earlier : Earlier
        What an earlier run wrote.
    spans : Spans
        Gathers what is written.
    """

    def __init__(
        self,
        film: Film,
        wanted: Wanted,
        models: Sequence[FaceClassifier],
        job: str,
        earlier: Earlier,
        spans: Spans,
    ) -> None:
        self.frames, self.seconds = 0, earlier.time
        self._wanted, self._spans = wanted, spans
        self._film = FilmWriter(
            wanted.out,
            (film.width, film.height),
            film.rate / wanted.every,
            sound=film.sound,
            start=film.start,
            comment=job,
            earlier=(earlier.frames, earlier.time),
        )
        film.on_sound = self._film.add_sound
        again, names = earlier.frames > 0, [model.name for model in models]
        self._timelines = [Timeline(path, names, append=again) for path in wanted.timelines]
        self._portraits = Portraits(wanted.faces, replace=not again) if wanted.faces else None

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for timeline in self._timelines:
                timeline.close()
            if self._portraits:
                self._portraits.close()
        finally:
            self._film.close(finished=error is None)

    def add(self, answered: Answered) -> None:
        """Write one answered frame."""
        frame, tracks = answered.frame, answered.tracks
        self._film.write(self._drawn(frame.pixels, tracks), frame.time)
        for timeline in self._timelines:
            timeline.add(frame.number, frame.time, tracks)
        if self._portraits:
            self._portraits.see(frame.pixels, tracks)
        for track in tracks:
            self._spans.see(track.number, track.face.label or "", frame.time)
        self.frames, self.seconds = self.frames + 1, frame.time

    def _drawn(self, pixels: Pixels, tracks: Sequence[Track]) -> Pixels:
        if not tracks:
            return pixels
        if self._wanted.blur:
            pixels = hide_faces(pixels, [track.box for track in tracks])
        rows, cols = pixels.shape[:2]
        return annotate(pixels, Answer("frame", None, None, cols, rows, 0.0, tuple(track.face for track in tracks)))
