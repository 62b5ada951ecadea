"""Finding faces: detectors by name. Every one returns the square of the frontal Haar cascade, largest first."""

from __future__ import annotations

from typing import Protocol

from eigenface.errors import RequestError
from eigenface.types import Detection, Pixels

DETECTORS = ("boosted", "haar")
"""Names that `get_detector` knows, `default` beside them."""


DEFAULT = "boosted"
"""What `default` stands for: the one that measures best for its time."""


class Detector(Protocol):
    """What every detector does."""

    name: str
    min_score: float
    """Least score, 0..1, of a box that is answered when nobody asks for another."""

    def detect(self, pixels: Pixels, *, min_face: int = 24, min_score: float | None = None) -> list[Detection]:
        """Faces in an RGB picture (rows, cols, 3), uint8; the largest first.

        `min_face` is the side in pixels of the smallest square wanted, `min_score` (0..1) the least score;
        without it the detector's own.
        """
        ...


_made: dict[str, Detector] = {}


def get_detector(name: str = "default") -> Detector:
    """The detector called `name`; one object, safe to use from many threads.

    Raises
    ------
    RequestError
        With code `unknown_detector`.
    """
    wanted = DEFAULT if name == "default" else name
    if wanted not in DETECTORS:
        raise RequestError(
            "unknown_detector", f"there is no detector {name!r}", f"There are: default, {', '.join(DETECTORS)}."
        )
    if wanted not in _made:
        if wanted == "boosted":
            from eigenface.detection.boosted import load_detector

            _made[wanted] = load_detector()
        else:
            from eigenface.detection.haar import HaarDetector

            _made[wanted] = HaarDetector()
    return _made[wanted]
