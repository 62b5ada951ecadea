"""A second of patience: a face is shown from the frame that it came in, not from the one that made sure of it.

Answered frames wait here a moment. When a track appears, or appears again, its box is followed backwards through them;
and while it is new, what is said of it now is said of it from its beginning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from eigenface.video.frames import Frame
from eigenface.video.looks import likeness, looks_of
from eigenface.video.motion import Motion
from eigenface.video.tracks import ALIKE, SURE, Track, same_place

_SECONDS = 1.0
_NEW = 0.4  # seconds in which a track's first answers are replaced by better ones
_MOST_BYTES = 100_000_000  # of frames that wait, whatever their size


@dataclass(frozen=True, slots=True)
class Answered:
    """A frame and the tracks in it."""

    frame: Frame
    tracks: tuple[Track, ...]


class LookBack:
    """Takes answered frames in and hands them out a moment later, with tracks filled in."""

    def __init__(self) -> None:
        self._waiting: deque[Answered] = deque()
        self._born: dict[int, float] = {}

    def add(self, frame: Frame, tracks: Sequence[Track]) -> Iterator[Answered]:
        """Take in the next frame; the frames that have waited long enough come out."""
        self._born = {track.number: self._born.get(track.number, frame.time) for track in tracks}
        for track in tracks:
            if self._born[track.number] == frame.time:
                self._trace(frame, track)
            if frame.time - self._born[track.number] <= _NEW:
                self._say_from_the_beginning(track)
        self._waiting.append(Answered(frame, tuple(tracks)))
        most = max(1, _MOST_BYTES // frame.pixels.nbytes)
        while len(self._waiting) > most or frame.time - self._waiting[0].frame.time > _SECONDS:
            yield self._waiting.popleft()

    def rest(self, last: Sequence[Track] = ()) -> Iterator[Answered]:
        """The frames that still wait, at the film's end; `last` are the tracks of a second look at its last frame."""
        for track in last:
            if self._waiting and track.number not in self._born:
                self._trace(self._waiting[-1].frame, track)
        while self._waiting:
            yield self._waiting.popleft()

    def _say_from_the_beginning(self, track: Track) -> None:
        """Give a new track's frames the answers that more looks have led to."""
        for place, before in enumerate(self._waiting):
            said = (replace(t, answers=track.answers) if t.number == track.number else t for t in before.tracks)
            self._waiting[place] = replace(before, tracks=tuple(said))

    def _trace(self, frame: Frame, track: Track) -> None:
        """Follow a new track backwards, until it is lost, looks like somebody else or was shown already."""
        motion, box, looks = Motion(), track.box, looks_of(frame.pixels, track.box)
        motion.see(frame.pixels)
        for place in range(len(self._waiting) - 1, -1, -1):
            before = self._waiting[place]
            motion.see(before.frame.pixels)
            (moved,) = motion.follow([box])
            rows, cols = before.frame.pixels.shape[:2]
            x, y = moved.box.centre
            if moved.agreement < SURE or not (0 <= x < cols and 0 <= y < rows):
                return
            if any(same_place(moved.box, other.box) or other.number == track.number for other in before.tracks):
                return
            if likeness(looks, looks_of(before.frame.pixels, moved.box)) < ALIKE:
                return
            box = moved.box
            self._waiting[place] = replace(before, tracks=(*before.tracks, replace(track, box=box)))
