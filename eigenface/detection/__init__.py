"""Finding faces: detectors by name. Every one returns the square of the frontal Haar cascade, largest first."""

from __future__ import annotations

from pathlib import Path
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

    def prepare(self) -> None:
        """Load now what pays for many pictures only, and would otherwise be loaded in the course of them."""
        ...

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
    """The detector called `name`, or the one in a file `*.npz`; one object, safe to use from many threads.

    Raises
    ------
    RequestError
        With code `unknown_detector`.
    ModelError
        Where a file is no detector.
    """
    wanted = DEFAULT if name == "default" else name
    if wanted not in DETECTORS and not wanted.endswith(".npz"):
        raise RequestError(
            "unknown_detector",
            f"there is no detector {name!r}",
            f"There are: default, {', '.join(DETECTORS)}, and files *.npz of train_detector.",
        )
    if wanted not in _made:
        if wanted != "haar":
            from eigenface.detection.boosted import SHIPPED, load_detector

            _made[wanted] = load_detector(SHIPPED if wanted == "boosted" else Path(wanted))
        else:
            from eigenface.detection.haar import HaarDetector

            _made[wanted] = HaarDetector()
    return _made[wanted]
