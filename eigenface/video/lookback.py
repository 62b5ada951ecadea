"""A moment of patience: a face is shown from the frame that it came in, and under the label that came to be clear.

Answered frames wait here. When a track appears, or appears again, its box is followed backwards through the last second
of them. When a frame leaves, what was believed of its faces is corrected by what was seen of them since: a face that is
unsure at first is not called one thing and then another, and a label changes at the frame where the world did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eigenface.model import FaceClassifier
from eigenface.types import Verdict
from eigenface.video.belief import Shares, in_hindsight, next_label
from eigenface.video.frames import Frame
from eigenface.video.looks import likeness, looks_of
from eigenface.video.motion import Motion
from eigenface.video.tracks import ALIKE, MEMORY, SURE, Track, same_place, verdict_of

_SECONDS = MEMORY  # that frames wait
_TRACED = 1.0  # of these, back from a track's beginning
_MOST_BYTES = 100_000_000  # of frames that wait, whatever their size


@dataclass(frozen=True, slots=True)
class Answered:
    """A frame and the tracks in it."""

    frame: Frame
    tracks: tuple[Track, ...]


class LookBack:
    """Takes answered frames in and hands them out a moment later, with tracks filled in and labels in hindsight.

    Parameters
    ----------
    models : sequence of FaceClassifier
        Those of the tracker.
    """

    def __init__(self, models: Sequence[FaceClassifier] = ()) -> None:
        self._models = tuple(models)
        self._waiting: deque[Answered] = deque()
        self._present: frozenset[int] = frozenset()
        self._looks: dict[tuple[int, str], list[tuple[float, Shares]]] = {}
        self._labels: dict[tuple[int, str], int] = {}

    def add(self, frame: Frame, tracks: Sequence[Track]) -> Iterator[Answered]:
        """Take in the next frame; the frames that have waited long enough come out."""
        for track in tracks:
            if track.number not in self._present:
                self._trace(frame, track)
            for name, evidence in track.evidence.items():
                self._looks.setdefault((track.number, name), []).append((frame.time, evidence))
        self._present = frozenset(track.number for track in tracks)
        self._waiting.append(Answered(frame, tuple(tracks)))
        most = max(1, _MOST_BYTES // frame.pixels.nbytes)
        while len(self._waiting) > most or frame.time - self._waiting[0].frame.time > _SECONDS:
            yield self._leave()

    def rest(self, last: Sequence[Track] = ()) -> Iterator[Answered]:
        """The frames that still wait, at the film's end; `last` are the tracks of a second look at its last frame."""
        for track in last:
            if self._waiting and track.number not in self._present:
                self._trace(self._waiting[-1].frame, track)
        while self._waiting:
            yield self._leave()

    def _leave(self) -> Answered:
        """The frame that has waited longest, with what is known now."""
        gone = self._waiting.popleft()
        said = Answered(gone.frame, tuple(self._in_hindsight(track, gone.frame.time) for track in gone.tracks))
        kept = {track.number for one in self._waiting for track in one.tracks} | self._present
        self._looks = {key: looks for key, looks in self._looks.items() if key[0] in kept}
        self._labels = {key: label for key, label in self._labels.items() if key[0] in kept}
        return said

    def _in_hindsight(self, track: Track, time: float) -> Track:
        answers: dict[str, Verdict] = {}
        for model in self._models:
            before = track.answers.get(model.name)
            if before is None:
                continue
            key = track.number, model.name
            looks = self._looks.get(key, [])
            while len(looks) > 1 and looks[1][0] <= time:
                looks.pop(0)
            # A frame from before the first look, which a track was followed back to, holds what that look said.
            now = max(time, looks[0][0]) if looks else time
            believed = np.array([before.probabilities[str(name)] for name in model.classes_])
            probabilities = in_hindsight(believed, now, [look for look in looks if look[0] > now])
            self._labels[key] = next_label(self._labels.get(key), probabilities)
            answers[model.name] = verdict_of(model, self._labels[key], probabilities, track.box)
        return replace(track, answers=answers)

    def _trace(self, frame: Frame, track: Track) -> None:
        """Follow a new track backwards, until it is lost, looks like somebody else or was shown already."""
        motion, box, looks = Motion(), track.box, looks_of(frame.pixels, track.box)
        motion.see(frame.pixels)
        for place in range(len(self._waiting) - 1, -1, -1):
            before = self._waiting[place]
            if frame.time - before.frame.time > _TRACED:
                return
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
