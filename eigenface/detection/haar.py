"""Faces found with the boosted cascades that come with OpenCV: scan coarsely, then look again at each candidate.

1. *Scan.* The picture, shrunk to a bounded number of pixels, is scanned by the frontal cascade alt2 and, smaller still,
   by the profile cascade, as it is and mirrored. Every window that passes counts.
2. *Gather.* Windows are moved into one frame, the square of the frontal default cascade; neighbours become a candidate.
3. *Look again.* A crop around each candidate, always of the same size, is scanned densely by both cascades. How many
   windows pass there is evidence that does not depend on the size of the picture or of the face.
4. *Score.* A logistic turns the counts into the probability that the box is a face; of overlapping boxes one stays.

References: Viola and Jones, Rapid object detection using a boosted cascade of simple features, CVPR 2001,
doi:10.1109/CVPR.2001.990517; Lienhart and Maydt, An extended set of Haar-like features, ICIP 2002,
doi:10.1109/ICIP.2002.1038171.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from eigenface.detection.cascade import Cascade, load_cascade
from eigenface.detection.merge import Boxes, gather, keep_best, overlaps
from eigenface.detection.pyramid import Grey, cut
from eigenface.limits import SMALLEST_FACE
from eigenface.types import Box, Detection, Pixels, check_pixels
from eigenface.vision import CASCADES, cv2

_FRONTAL, _FRONTAL_MIRRORED, _LEFT, _RIGHT = range(4)  # _LEFT: the profile cascade as it is, of faces that look left
_MIRRORED = (_FRONTAL_MIRRORED, _RIGHT)
_FILES = ("haarcascade_frontalface_alt2.xml",) * 2 + ("haarcascade_profileface.xml",) * 2
_FRAMES = ((0.0, 0.005, 1.03), (0.0, 0.005, 1.03), (-0.17, 0.02, 0.91), (0.17, 0.02, 0.91))
"""From a cascade's window to the frontal default cascade's square: shift of the centre (x, y) and side, in sides of the
window. Medians over pictures in which both fire."""

_SCAN_PIXELS = {_FRONTAL: 172_800, _LEFT: 43_200, _RIGHT: 43_200}  # 480x360 and 240x180
_SCAN_FACTOR = 1.2  # from one window size to the next
_FINE_FACTOR, _FINE_PIXELS = 1.1, 70_000  # a smaller picture can afford finer steps
_SCAN_WINDOW = 24  # the smallest window, in pixels of the scanned picture
_MOST_PIXELS = 1_228_800  # what a small `min_face` may ask for
_SMALL_SIDE = 160  # a shorter side below this is enlarged to it
_PAD = 12  # rows and columns of repeated border, in pixels of the scanned picture
_MOST_WORK = 400_000  # tallest times widest scanned picture that one cascade's working memory grows to
_MOST_WINDOWS = 2000  # bounds the work that a strange picture can cause

_LOOK_SIDE, _LOOK_ROOM, _LOOK_FACTOR, _LOOK_RANGE = 48, 1.7, 1.1, (0.7, 1.4)
_FEW_LOOKS = 20  # until then reading the quicker cascade takes longer than it saves
_AGREES = 0.35  # intersection over union with the candidate
_PLACING = 5  # windows
_PROFILE_WEIGHT = 0.2  # the frontal cascade places the box better

_WEIGHTS = (0.82, 1.02, 1.47, 2.19, -0.8)
"""Log odds that a box is a face: of log(1 + windows) for frontal, mirrored frontal and profile, of the log of the box's
share of the picture's shorter side, and a constant. Logistic regression on candidates of photographs with known boxes
and of photographs without a face."""
_SMALL_SHARE = 0.22  # below this share a box gets no less likely
MIN_SCORE = 0.6


class HaarDetector:
    """Frontal and profile faces with OpenCV's stock cascades; one object may be shared by all threads.

    Parameters
    ----------
    min_score : float
        Least probability, 0..1, of a box that is returned.
    """

    name = "haar"

    def __init__(self, *, min_score: float = MIN_SCORE) -> None:
        self.min_score = min_score
        self._looks = 0
        self._local = threading.local()  # a CascadeClassifier keeps its working memory: one set a thread

    def prepare(self) -> None:
        """What `detection.Detector.prepare` says."""
        self._looks = _FEW_LOOKS
        self._quick(_FRONTAL)

    def detect(
        self, pixels: Pixels, *, min_face: int = SMALLEST_FACE, min_score: float | None = None
    ) -> list[Detection]:
        """What `detection.Detector.detect` says.

        The scan is bounded: in a large picture faces below about a fifteenth of its height are not seen, whatever is
        asked.
        """
        check_pixels(pixels)
        least = self.min_score if min_score is None else min_score
        grey: Grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        scored = (self._look(grey, candidate) for candidate in self._candidates(grey))
        return [face for face in keep_best([d for d in scored if d.score >= least]) if face.box.width >= min_face]

    def placed(self, grey: Grey, box: Box) -> Box:
        """A face's square in a grey picture by the frontal cascade's windows around it; itself where too few agree.

        Its many windows, averaged, say where brows and chin are to about a hundredth of the side: three times as
        exactly as detectors that were taught to bear a shift.
        """
        found = self._agreeing(_FRONTAL, *_around(grey, box), box)
        if len(found) < _PLACING:
            return box
        return Box(*(float(value) for value in found.mean(axis=0)))

    def _candidates(self, picture: Grey) -> Boxes:
        """Steps 1 and 2: places worth a second look, boxes (n, 4) in pixels of the picture."""
        rows, cols = picture.shape
        if min(rows, cols) < 2:
            return np.empty((0, 4))
        found = []
        largest = picture
        for kind, most in _SCAN_PIXELS.items():
            scale = _scan_scale(rows, cols, most)
            grey = largest = _resized(largest, max(1, round(cols * scale)), max(1, round(rows * scale)))
            factor = _FINE_FACTOR if grey.size <= _FINE_PIXELS and kind == _FRONTAL else _SCAN_FACTOR
            grey = cv2.copyMakeBorder(grey, _PAD, _PAD, _PAD, _PAD, cv2.BORDER_REPLICATE)
            found.append((self._windows(kind, grey, factor, _SCAN_WINDOW) - [_PAD, _PAD, 0, 0]) / scale)
        windows = np.concatenate(found)
        return gather(windows[:: max(1, math.ceil(len(windows) / _MOST_WINDOWS))]) if len(windows) else windows

    def _look(self, picture: Grey, candidate: Boxes) -> Detection:
        """Steps 3 and 4: the candidate's refined box and its score."""
        box = Box(*(float(value) for value in candidate))
        around = _around(picture, box)
        agreeing = [self._agreeing(kind, *around, box) for kind in range(len(_FILES))]
        profile = max(agreeing[2:], key=len)
        windows = np.concatenate([*agreeing[:2], profile])
        if len(windows):
            weights = np.ones(len(windows))
            weights[len(windows) - len(profile) :] = _PROFILE_WEIGHT
            candidate = np.average(windows, axis=0, weights=weights)
        counts = (len(agreeing[0]), len(agreeing[1]), len(profile))
        share = max(candidate[2] / min(picture.shape), _SMALL_SHARE)
        odds = float(np.dot(_WEIGHTS, [*np.log1p(counts), math.log(share), 1.0]))
        return Detection(Box(*(float(value) for value in candidate)), 1 / (1 + math.exp(-odds)))

    def _agreeing(self, kind: int, corner: tuple[float, float], grey: Grey, scale: float, box: Box) -> Boxes:
        """A cascade's windows around a box that overlap it well, in the picture's pixels."""
        low, high = (int(_LOOK_SIDE * share) for share in _LOOK_RANGE)
        found = self._windows(kind, grey, _LOOK_FACTOR, low, high) * scale + [*corner, 0, 0]
        there = np.array([[box.x, box.y, box.width, box.height]])
        return found[overlaps(found, there)[:, 0] > _AGREES]

    def _windows(self, kind: int, grey: Grey, factor: float, low: int, high: int = 0) -> Boxes:
        """All windows of a cascade that pass, moved into the frontal frame: boxes (n, 4)."""
        picture = cv2.flip(grey, 1) if kind in _MIRRORED else grey
        quick = self._quick(kind) if high else None
        found = None if quick is None else quick.windows(picture, factor, low, high)
        if found is None:
            # Without neighbours asked for, every window that passes is returned.
            found, _ = self._cascade(_FILES[kind], *grey.shape).detectMultiScale2(
                picture, factor, 0, 0, (low, low), (high, high)
            )
        boxes = np.array(found, dtype=np.float64).reshape(-1, 4)
        if kind in _MIRRORED:
            boxes[:, 0] = grey.shape[1] - boxes[:, 0] - boxes[:, 2]
        across, down, side = _FRAMES[kind]
        centres = boxes[:, :2] + boxes[:, 2:] * (0.5 + np.array([across, down]))
        boxes[:, 2:] *= side
        boxes[:, :2] = centres - boxes[:, 2:] / 2
        return boxes

    def _quick(self, kind: int) -> Cascade | None:
        """The cascade that finds the same windows of a second look in less time, once that pays."""
        if kind not in (_FRONTAL, _FRONTAL_MIRRORED):
            return None
        self._looks += 1
        return load_cascade(CASCADES / _FILES[kind]) if self._looks > _FEW_LOOKS else None

    def _cascade(self, name: str, rows: int, cols: int) -> Any:
        """This thread's cascade of that name.

        Its working memory covers the tallest and the widest picture so far at once, and never shrinks: after a tall
        strip and a wide one it would hold a huge square. Then it is loaded anew, which takes some milliseconds.
        """
        kept: dict[str, tuple[Any, int, int]] = self._local.__dict__.setdefault("cascades", {})
        cascade, tallest, widest = kept.get(name, (None, 0, 0))
        tallest, widest = max(tallest, rows), max(widest, cols)
        if cascade is None or tallest * widest > _MOST_WORK:
            cascade, tallest, widest = cv2.CascadeClassifier(str(CASCADES / name)), rows, cols
        kept[name] = cascade, tallest, widest
        return cascade


def _scan_scale(rows: int, cols: int, most: int) -> float:
    """By how much a picture is enlarged or shrunk for a scan of at most `most` pixels."""
    return min(max(1.0, _SMALL_SIDE / min(rows, cols)), math.sqrt(most / (rows * cols)))


def _around(grey: Grey, box: Box) -> tuple[tuple[float, float], Grey, float]:
    """The picture around a box at the size of a second look: its corner, itself, and pixels for one of its own."""
    side, size = box.width * _LOOK_ROOM, round(_LOOK_SIDE * _LOOK_ROOM)
    left, top = (middle - side / 2 for middle in box.centre)
    return (left, top), cut(grey, left, top, side, size), side / size


def _resized(grey: Grey, cols: int, rows: int) -> Grey:
    """A picture at another size, itself where that is its own."""
    if grey.shape == (rows, cols):
        return grey
    shrinking = cols < grey.shape[1]
    resized: Grey = cv2.resize(grey, (cols, rows), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return resized
