"""One face, one box: windows gathered into candidates, overlapping and nested boxes made one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.types import Detection

Boxes = NDArray[np.float64]
"""Boxes (n, 4): x, y, width, height in pixels."""

_SAME_WINDOW = 0.4
_SAME_IOU = 0.3
_SAME_INSIDE = 0.6  # share of the smaller box that lies in the larger
_MOST_CANDIDATES = 80  # bounds the work that a strange picture can cause


def overlaps(one: Boxes, many: Boxes) -> Boxes:
    """Intersection over union of boxes (n, 4) with boxes (m, 4): (n, m)."""
    both, down = (_shared_sides(one[:, axis::2], many[:, axis::2]) for axis in (0, 1))
    both *= down
    shared: Boxes = np.add.outer(one[:, 2] * one[:, 3], many[:, 2] * many[:, 3])
    shared -= both
    return np.divide(both, shared, out=shared)


def overlapping(boxes: Boxes, *shares: float) -> NDArray[np.uint8]:
    """How many of `shares`, which rise, the overlap of each of these boxes with each other exceeds: (n, n)."""
    module = compiled("boosted")
    if module is None:
        shared = overlaps(boxes, boxes)
        counts = np.zeros(shared.shape, np.uint8)
        for share in shares:
            counts += shared > share
        return counts
    counts = np.empty((len(boxes), len(boxes)), np.uint8)
    module.overlapping(np.ascontiguousarray(boxes), np.array(shares), counts)
    return counts


def _shared_sides(one: Boxes, many: Boxes) -> Boxes:
    """How much of two lines (start, length) lies in both, of (n, 2) with (m, 2): (n, m). Few new arrays: those cost."""
    shared: Boxes = np.minimum.outer(one.sum(axis=1), many.sum(axis=1))
    shared -= np.maximum.outer(one[:, 0], many[:, 0])
    return np.maximum(shared, 0, out=shared)


def gather(windows: Boxes) -> Boxes:
    """Candidates (m, 4) of windows (n, 4): the window with most neighbours and the mean of those, again and again."""
    near = overlapping(windows, _SAME_WINDOW) > 0
    left = np.ones(len(windows), bool)
    found: list[Boxes] = []
    while left.any() and len(found) < _MOST_CANDIDATES:
        crowd = np.where(left, (near & left).sum(axis=1), -1)
        members = near[int(crowd.argmax())] & left
        left &= ~members
        found.append(windows[members].mean(axis=0))
    return np.array(found).reshape(-1, 4)


def keep_best(detections: Iterable[Detection]) -> list[Detection]:
    """Of boxes that cover one face keep one; the largest face first.

    The one with the largest odds times width: a small box inside a plausible face is an ear or an eye more often than
    a face, so it has to be surer by as much as it is smaller.

    >>> from eigenface.types import Box
    >>> nested = [Detection(Box(0, 0, 40, 40), 0.5), Detection(Box(5, 5, 25, 25), 0.9)]
    >>> [d.score for d in keep_best(nested)]
    [0.9]
    """
    kept: list[Detection] = []
    for candidate in sorted(detections, key=_claim, reverse=True):
        if not any(_same_face(candidate, other) for other in kept):
            kept.append(candidate)
    return sorted(kept, key=lambda d: -d.box.area)


def _claim(detection: Detection) -> float:
    odds = detection.score / max(1 - detection.score, 1e-9)
    return odds * detection.box.width


def _same_face(a: Detection, b: Detection) -> bool:
    inside = a.box.shared(b.box) / min(a.box.area, b.box.area)
    return a.box.iou(b.box) > _SAME_IOU or inside > _SAME_INSIDE
