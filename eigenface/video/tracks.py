"""Faces followed through frames: found now and then, moved by optical flow in between, each under one number.

1. *Move.* Every track's box goes where its points went; where too few agree, the track is unsure.
2. *Find.* The detector looks at the whole frame when it is due, and sooner where a track is new or unsure.
3. *Join.* Faces found are given to tracks by overlap and looks, weak ones too: a weak box continues a track, only a
   sure one begins one, and it is shown once the odds of two looks, multiplied, leave little doubt. A track that was
   lost a moment ago is taken up again by its looks.
4. *Ask.* Models look at each track a few times a second; a Belief a track and model keeps the label steady.

References
----------
Zhang and others, ByteTrack: multi-object tracking by associating every detection box, ECCV 2022,
doi:10.1007/978-3-031-20047-2_1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eigenface.crops import CropSpec
from eigenface.detection import Detector, get_detector
from eigenface.image import Picture
from eigenface.model import FaceClassifier
from eigenface.recognise import Options, ask
from eigenface.types import Box, Detection, Face, Pixels, Verdict
from eigenface.video.belief import Belief, Shares
from eigenface.video.looks import Looks, likeness, looks_of
from eigenface.video.motion import Motion

CONTINUES = 0.25
"""Detection score that may continue a track; one begins with the score that the detector asks of a face."""

SEARCH, CHECK = 0.12, 0.4
"""Seconds between looks, while somebody is new, unsure or lost, or nobody is followed; and while all is well."""

SWEEP = 1.0
"""Seconds between looks for faces of every size; those in between leave out what is smaller than all who are known."""

ASK = 0.2
"""Seconds between questions to the models about a track."""

PATIENCE = 1.2
"""Seconds that a track is shown on optical flow alone, without being found again."""

MEMORY = 3.0
"""Seconds after which a lost track is forgotten."""

SURE = 0.5
"""Share of a box's points that agree on where it went; below, the track is unsure."""

ALIKE = 0.6
"""Likeness at which a lost track is taken up again."""

_GONE = 0.2  # below, whatever was there is not there any more
_OVERLAP, _WEAK_OVERLAP = 0.3, 0.5  # of a box found with a track's, sure to be a face or not
_SIZES = 2.0  # times as large, or as small, as a box becomes between two looks at most
_SMALLER = 0.6  # of the smallest box known, that its face may have become
_INSIDE = 0.6  # of the smaller of two boxes lies in the other: one face
_SHOWN = 2.5  # log odds of two looks together from which a track is shown: twelve to one
_FOLLOW = 0.5  # how far a box goes towards where it was found: all the way would make it jump
_INERTIA = 0.3  # seconds that pace is averaged over
_HEAD = CropSpec(1.3)
_APART = 0.1  # overlap up to which two people are seen apart


@dataclass(frozen=True, slots=True)
class Track:
    """A face at one moment: its number (from 1), box, detection score 0..1, and what each model believes of it.

    `evidence`: of the models that were asked at this very moment, what that counts for (see `Belief.evidence`).
    """

    number: int
    box: Box
    score: float
    answers: Mapping[str, Verdict] = field(default_factory=dict)
    evidence: Mapping[str, Shares] = field(default_factory=dict)

    @property
    def face(self) -> Face:
        """The track as the face of a picture."""
        return Face(self.box, self.score, self.answers)


@dataclass
class _Followed:
    """What the tracker knows of one track."""

    number: int
    box: Box
    score: float
    looks: Looks
    began: float
    found: float  # time it was last found
    sightings: tuple[float, ...] = ()  # log odds of the two surest looks
    pace: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))  # pixels a second
    agreement: float = 1.0
    shown: bool = False
    lost: bool = False
    asked: float = -np.inf
    beliefs: list[Belief] = field(default_factory=list)


class Tracker:
    """Follows the faces of a film or camera.

    Parameters
    ----------
    models : sequence of FaceClassifier
        Asked about every track; none, and faces are only followed.
    options : Options, optional
        Detector, smallest face, and the score that begins a track.
    detector : Detector, optional
        In place of the one that `options` names.

    Examples
    --------
    >>> from eigenface.datasets.drawn import draw_photo
    >>> tracker, (pixels, boxes) = Tracker([]), draw_photo(1, (240, 320))
    >>> for moment in range(5):
    ...     tracks = tracker.update(pixels, moment / 10)
    >>> [track.number for track in tracks]
    [1]
    """

    def __init__(
        self,
        models: Sequence[FaceClassifier],
        options: Options | None = None,
        *,
        detector: Detector | None = None,
    ) -> None:
        self._models = tuple(models)
        self._options = options or Options()
        self._detector = detector or get_detector(self._options.detector)
        asked = self._options.min_score
        self._begins = self._detector.min_score if asked is None else asked
        self._shows = max(2 * _log_odds(self._begins), _SHOWN if asked is None else -np.inf)
        self._motion = Motion()
        self._tracks: list[_Followed] = []
        self._numbers = 0
        self._looked = self._swept = self._time = -np.inf

    def update(self, pixels: Pixels, time: float) -> list[Track]:
        """The next frame (rows, cols, 3), RGB, at `time` in seconds, later than the last; the tracks in it."""
        self._move(pixels, time)
        if self._is_due(time):
            self._looked = time
            self._join(pixels, time)
        self._let_go(pixels, time)
        shown = [track for track in self._tracks if track.shown and not track.lost]
        self._ask(pixels, time, shown)
        return [
            Track(track.number, track.box, track.score, self._answers(track), self._evidence(track, time))
            for track in shown
        ]

    def _move(self, pixels: Pixels, time: float) -> None:
        self._motion.see(pixels)
        since, self._time = time - self._time, time
        seen = [track for track in self._tracks if not track.lost]
        for track, moved in zip(seen, self._motion.follow([track.box for track in seen]), strict=True):
            track.agreement = moved.agreement
            if moved.covered:  # it goes on as it went
                x, y = track.pace * since
                track.box = Box(track.box.x + x, track.box.y + y, track.box.width, track.box.height)
                track.agreement = _GONE
            elif moved.agreement >= _GONE and since > 0:
                pace = (np.array(moved.box.centre) - track.box.centre) / since
                track.pace = track.pace + min(1.0, since / _INERTIA) * (pace - track.pace)
                track.box = moved.box

    def _is_due(self, time: float) -> bool:
        since = time - self._looked
        seen = [track for track in self._tracks if not track.lost]
        if any(track.agreement < _GONE for track in seen):
            return True
        hurried = len(seen) < len(self._tracks) or not seen
        hurried |= any(not track.shown or track.agreement < SURE for track in seen)
        return since >= (SEARCH if hurried else CHECK) - 1e-6

    def _least_face(self, time: float) -> int:
        """Side of the smallest face worth a look: small ones cost most, so new ones are looked for now and then."""
        least = self._options.min_face
        if not self._tracks or time - self._swept >= SWEEP - 1e-6:
            self._swept = time
            return least
        return max(least, round(_SMALLER * min(track.box.width for track in self._tracks)))

    def _join(self, pixels: Pixels, time: float) -> None:
        found = self._detector.detect(pixels, min_face=self._least_face(time), min_score=min(CONTINUES, self._begins))
        looks = [looks_of(pixels, one.box) for one in found]
        pairs = []
        for track in self._tracks:
            for place, one in enumerate(found):
                fit = self._fit(track, one, looks[place], time)
                if fit > 0:
                    pairs.append((fit, track, place))
        taken_tracks: set[int] = set()
        taken: set[int] = set()
        for _, track, place in sorted(pairs, key=lambda pair: -pair[0]):
            if track.number in taken_tracks or place in taken:
                continue
            taken_tracks.add(track.number)
            taken.add(place)
            self._continue(track, found[place], looks[place], time)
        for place, one in enumerate(found):
            if place not in taken and one.score >= self._begins:
                if self._is_taken(one.box):
                    continue
                self._numbers += 1
                track = _Followed(self._numbers, one.box, one.score, looks[place], time, time)
                track.sightings = (_log_odds(one.score),)
                track.beliefs = [Belief(len(model.classes_)) for model in self._models]
                self._tracks.append(track)
                taken_tracks.add(track.number)
        for track in self._tracks:
            if track.number not in taken_tracks and not track.lost:
                others = (t for t in self._tracks if t.number in taken_tracks)
                if any(track.box.iou(other.box) > _APART for other in others):
                    track.lost = True

    def _is_taken(self, box: Box) -> bool:
        """Whether a face found is one that is followed, or beside one behind which somebody was lost: not a new one."""
        seen = [track for track in self._tracks if not track.lost]
        if any(same_place(track.box, box) for track in seen):
            return True
        beside = [track for track in seen if _beside(track.box, box)]
        return any(
            track.lost and track.shown and _beside(track.box, other.box) for track in self._tracks for other in beside
        )

    def _fit(self, track: _Followed, one: Detection, looks: Looks, time: float) -> float:
        """How well a face found continues a track; 0 where it cannot."""
        alike = likeness(track.looks, looks)
        ratio = one.box.width / track.box.width
        sure = one.score >= self._begins
        if not 1 / _SIZES < ratio < _SIZES:
            return 0.0
        if not track.lost and track.agreement >= _GONE:
            overlap = track.box.iou(one.box)
            if overlap > (_OVERLAP if sure else _WEAK_OVERLAP):
                return overlap + alike
            return alike / 2 if sure and alike > ALIKE and same_place(track.box, one.box) else 0.0
        if not sure or alike < ALIKE:
            return 0.0
        away = time - track.found
        expected = track.box.centre + track.pace * away
        apart = float(np.linalg.norm(expected - one.box.centre)) / track.box.width
        return alike / (1 + apart) if apart <= 1.0 + 2.0 * away else 0.0

    def _continue(self, track: _Followed, one: Detection, looks: Looks, time: float) -> None:
        if time - track.began >= SEARCH - 1e-6:  # another look, not the same one again
            track.sightings = tuple(sorted((*track.sightings, _log_odds(one.score)))[-2:])
        track.shown |= len(track.sightings) == 2 and sum(track.sightings) >= self._shows - 1e-6
        near = not track.lost and track.box.iou(one.box) > 0.5
        track.box = _between(track.box, one.box, _FOLLOW) if near else one.box
        track.score, track.found, track.lost, track.agreement = one.score, time, False, 1.0
        if not any(other is not track and other.box.iou(track.box) > _APART for other in self._tracks):
            track.looks = track.looks.towards(looks)  # nobody else is in the picture of this one

    def _let_go(self, pixels: Pixels, time: float) -> None:
        rows, cols = pixels.shape[:2]
        for track in self._tracks:
            x, y = track.box.centre
            outside = not (0 <= x < cols and 0 <= y < rows)
            if outside or track.agreement < _GONE or time - track.found > PATIENCE:
                track.lost = True
        self._tracks = [
            track for track in self._tracks if time - track.found <= MEMORY and (track.shown or not track.lost)
        ]

    def _ask(self, pixels: Pixels, time: float, shown: Sequence[_Followed]) -> None:
        due = [track for track in shown if time - track.asked >= ASK - 1e-6]
        if not due or not self._models:
            return
        detections = [Detection(track.box, track.score) for track in due]
        verdicts = ask(Picture(pixels, "frame"), detections, self._models, self._options)
        for place, model in enumerate(self._models):
            for track, verdict in zip(due, verdicts[place], strict=True):
                row = np.array([verdict.probabilities[str(name)] for name in model.classes_])
                track.beliefs[place].see(row, time)
        for track in due:
            track.asked = time

    def _answers(self, track: _Followed) -> dict[str, Verdict]:
        believed = zip(self._models, track.beliefs, strict=True)
        return {m.name: verdict_of(m, b.label, b.probabilities, track.box) for m, b in believed if b.looks}

    def _evidence(self, track: _Followed, time: float) -> dict[str, Shares]:
        asked = track.asked == time
        return {m.name: b.evidence for m, b in zip(self._models, track.beliefs, strict=True) if asked}


def verdict_of(model: FaceClassifier, label: int, probabilities: Shares, box: Box) -> Verdict:
    """What a model says of a track: the number of its label, and what is believed (k,)."""
    names = [str(name) for name in model.classes_]
    said = dict(zip(names, map(float, probabilities), strict=True))
    return Verdict(names[label], said, model.review.reasons(probabilities, box, None, 0.0))


def same_place(one: Box, other: Box) -> bool:
    """Whether two boxes are about one face: they overlap, or one lies mostly in the other."""
    return one.iou(other) > _OVERLAP or one.shared(other) > _INSIDE * min(one.area, other.area)


def _beside(one: Box, other: Box) -> bool:
    """Whether one head may hide a part of the other."""
    return _HEAD.around(one).shared(_HEAD.around(other)) > 0


def _log_odds(score: float) -> float:
    certain = min(max(score, 0.01), 0.99)
    return float(np.log(certain / (1 - certain)))


def _between(one: Box, other: Box, share: float) -> Box:
    a, b = (np.array([box.x, box.y, box.width, box.height]) for box in (one, other))
    return Box(*(float(value) for value in a + share * (b - a)))
