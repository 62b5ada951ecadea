"""Boxes found against boxes that people drew: what counts as found, as a false alarm, and as neither.

A box counts as found at an intersection over union of .35 or more: annotations differ in how much of a head they take
in. Each annotated box is found once, by the best score. What is not asked for (too small, another label, or marked
`unknown`) is not held against a detector that finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.report.bootstrap import Estimate, wilson
from eigenface.types import Box

IOU, UNKNOWN = 0.35, "unknown"
LEAST = 40.0
"""Shorter side in pixels of the faces that headline figures are about."""

Scored = tuple[Box, float]
"""A box found, and its score, in whatever unit the detector has."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: boxes that people drew, with their labels, and boxes found."""

    boxes: tuple[Box, ...]
    labels: tuple[str, ...]
    found: tuple[Scored, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which faces a figure is about: a shorter side from `least` up to `most` pixels, and one label or any."""

    least: float = LEAST
    most: float = np.inf
    label: str | None = None

    def about(self, box: Box, label: str) -> bool:
        """Whether an annotated box is asked for."""
        return label != UNKNOWN and self.label in (None, label) and self.sized(box)

    def sized(self, box: Box) -> bool:
        """Whether a box that is nobody's is as large as those asked for."""
        return self.least <= min(box.width, box.height) < self.most


@dataclass(frozen=True)
class Tally:
    """What came of a detector on some pictures.

    Parameters
    ----------
    scores : float64 array (n,)
        Of all boxes that count, falling.
    right : bool array (n,)
        Whether each is a face that was asked for.
    asked : int
        Faces asked for.
    best : float64 array (pictures,)
        Highest score of any box in each picture; minus infinity where nothing was found.
    """

    scores: Floats
    right: NDArray[np.bool_]
    asked: int
    best: Floats

    @property
    def pictures(self) -> int:
        return len(self.best)

    def _taken(self, threshold: float) -> NDArray[np.bool_]:
        return self.right[: int(np.searchsorted(-self.scores, -threshold, side="right"))]

    def recall(self, threshold: float) -> Estimate:
        """Share of the faces found by boxes that score at least `threshold`, with Wilson's interval."""
        return wilson(int(self._taken(threshold).sum()), self.asked)

    def precision(self, threshold: float) -> Estimate:
        """Share of such boxes that are faces, with Wilson's interval; undefined where there is none."""
        taken = self._taken(threshold)
        return wilson(int(taken.sum()), len(taken))

    def alarms(self, threshold: float) -> float:
        """False alarms a picture."""
        return float((~self._taken(threshold)).sum() / max(1, self.pictures))

    def answered(self, threshold: float) -> Estimate:
        """Share of the pictures in which anything is found, with Wilson's interval."""
        return wilson(int((self.best >= threshold).sum()), self.pictures)

    @property
    def average_precision(self) -> float:
        """Area under precision, made falling, over recall, 0..1.

        References
        ----------
        Everingham and others, The PASCAL Visual Object Classes challenge, 2010, doi:10.1007/s11263-009-0275-4.
        """
        if not len(self.scores) or not self.asked:
            return 0.0
        good = np.cumsum(self.right)
        precision, recall = good / np.arange(1, len(good) + 1), good / self.asked
        falling = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * falling))

    def curve(self) -> tuple[Floats, Floats]:
        """False alarms a picture and recall, (m,) each, along falling thresholds from where nothing is found."""
        last = np.append(np.diff(self.scores) != 0, True)[: len(self.scores)]  # equal scores are one threshold
        alarms = np.cumsum(~self.right)[last] / max(1, self.pictures)
        found = np.cumsum(self.right)[last] / max(1, self.asked)
        return np.append(0.0, alarms), np.append(0.0, found)


def tally(shots: Sequence[Shot], asked: Asked | None = None) -> Tally:
    """Count what was found in pictures against what is asked for (faces of 40 pixels or more).

    Examples
    --------
    >>> face, wall = Box(10, 10, 50, 50), Box(200, 10, 50, 50)
    >>> counted = tally([Shot((face,), ("face",), ((face, 0.9), (wall, 0.4)))])
    >>> counted.recall(0.5).value, counted.precision(0.5).value, counted.precision(0.1).value
    (1.0, 1.0, 0.5)
    """
    asked = asked or Asked()
    counted: list[tuple[float, bool]] = []
    wanted = 0
    for shot in shots:
        about = [asked.about(box, label) for box, label in zip(shot.boxes, shot.labels, strict=True)]
        wanted += sum(about)
        for (box, score), taken in _matched(shot):
            if taken is not None and about[taken]:
                counted.append((score, True))
            elif taken is None and asked.sized(box):
                counted.append((score, False))
    counted.sort(key=lambda one: -one[0])
    best = [max((score for _, score in shot.found), default=-np.inf) for shot in shots]
    return Tally(
        np.array([score for score, _ in counted], dtype=np.float64),
        np.array([right for _, right in counted], dtype=np.bool_),
        wanted,
        np.array(best, dtype=np.float64),
    )


def _matched(shot: Shot) -> list[tuple[Scored, int | None]]:
    """Boxes found, the best score first, each with the annotated box that it takes."""
    free = list(range(len(shot.boxes)))
    pairs: list[tuple[Scored, int | None]] = []
    for found in sorted(shot.found, key=lambda one: -one[1]):
        best = max(free, key=lambda i: found[0].iou(shot.boxes[i]), default=None)
        if best is not None and found[0].iou(shot.boxes[best]) >= IOU:
            free.remove(best)
            pairs.append((found, best))
        else:
            pairs.append((found, None))
    return pairs
