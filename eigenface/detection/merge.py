"""One face, one box: overlapping and nested boxes are one."""

from __future__ import annotations

from collections.abc import Sequence

from eigenface.types import Detection

_SAME_IOU = 0.3
_SAME_INSIDE = 0.6  # share of the smaller box that lies in the larger


def keep_best(detections: Sequence[Detection]) -> list[Detection]:
    """Of boxes that cover one face keep the one with the best score; the largest face first.

    >>> from eigenface.types import Box
    >>> nested = [Detection(Box(0, 0, 40, 40), 0.5), Detection(Box(5, 5, 25, 25), 0.9)]
    >>> [d.score for d in keep_best(nested)]
    [0.9]
    """
    kept: list[Detection] = []
    for candidate in sorted(detections, key=lambda d: -d.score):
        if not any(_same_face(candidate, other) for other in kept):
            kept.append(candidate)
    return sorted(kept, key=lambda d: -d.box.area)


def _same_face(a: Detection, b: Detection) -> bool:
    inside = a.box.shared(b.box) / min(a.box.area, b.box.area)
    return a.box.iou(b.box) > _SAME_IOU or inside > _SAME_INSIDE
