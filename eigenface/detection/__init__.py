"""Finding faces: detectors by name. Every one returns the square of the frontal Haar cascade, largest first."""

from __future__ import annotations

from typing import Protocol

from eigenface.errors import RequestError
from eigenface.limits import SMALLEST_FACE
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

    def detect(
        self, pixels: Pixels, *, min_face: int = SMALLEST_FACE, min_score: float | None = None
    ) -> list[Detection]:
        """Faces of a picture: squares as the frontal Haar cascade gives them, the largest first.

        Parameters
        ----------
        pixels : uint8 array (rows, cols, 3), RGB
        min_face : int
            Side in pixels of the smallest square wanted.
        min_score : float, optional
            Least score, 0..1, instead of the detector's own; 0 gives every candidate.
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
