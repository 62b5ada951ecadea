"""The values that travel along the line: Box, Detection, Verdict, Face, Answer. Each checks itself when built."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture: (rows, cols, 3), RGB, 0..255."""

Rows = NDArray[np.float32]
"""Features: (faces, features)."""


def check_pixels(pixels: object, what: str = "picture") -> Pixels:
    """Return `pixels` if it is a non-empty uint8 RGB array (rows, cols, 3); raise TypeError or ValueError if not.

    >>> check_pixels(np.zeros((4, 5), np.uint8))
    Traceback (most recent call last):
    ...
    ValueError: picture: expected a non-empty uint8 array (rows, cols, 3), got uint8 (4, 5)
    """
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"{what}: expected a numpy array (rows, cols, 3), got {type(pixels).__name__}")
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"{what}: expected a non-empty uint8 array (rows, cols, 3), got {pixels.dtype} {pixels.shape}")
    return pixels


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the picture as shown: left edge x, top edge y, width, height.

    >>> Box(10, 20, 30, 30).area
    900
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        if not all(math.isfinite(v) for v in values) or self.width <= 0 or self.height <= 0:
            raise ValueError(f"box: expected finite x, y and positive width, height, got {values}")

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def shared(self, other: Box) -> float:
        """Area in square pixels that both boxes cover."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(0.0, wide) * max(0.0, high)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1.

        >>> Box(0, 0, 10, 10).iou(Box(0, 0, 10, 20))
        0.5
        """
        inner = self.shared(other)
        return inner / (self.area + other.area - inner)

    def as_dict(self) -> dict[str, int]:
        """Whole pixels, as JSON has it."""
        return {"x": round(self.x), "y": round(self.y), "width": round(self.width), "height": round(self.height)}


@dataclass(frozen=True, slots=True)
class Detection:
    """A face found: the square of the frontal Haar cascade (brows to chin), and how sure the detector is, 0..1.

    `inner`: the face in a picture that was given as a crop, whose box is all of it.
    """

    box: Box
    score: float
    inner: Box | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"detection: expected a score in 0..1, got {self.score}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one task says of one face: label, probabilities by class (they add up to 1), and why to look again."""

    label: str
    probabilities: Mapping[str, float]
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        total = sum(self.probabilities.values())
        if self.probabilities and not abs(total - 1) < 1e-3:
            raise ValueError(f"verdict: expected probabilities that add up to 1, got {total}")
        if self.label not in self.probabilities and self.label != "unknown":
            raise ValueError(f"verdict: expected a label among {list(self.probabilities)}, got {self.label!r}")

    @property
    def needs_review(self) -> bool:
        return bool(self.reasons)

    def as_dict(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "needs_review": self.needs_review,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture: its box, the detector's score 0..1, and a Verdict by name of every model asked, in order.

    `label`, `probabilities`, `needs_review` and `reasons` are the first task's; `inner` is the Detection's.
    """

    box: Box
    score: float
    answers: Mapping[str, Verdict] = field(default_factory=dict)
    inner: Box | None = None

    @property
    def _first(self) -> Verdict | None:
        return next(iter(self.answers.values()), None)

    @property
    def label(self) -> str | None:
        return self._first.label if self._first else None

    @property
    def probabilities(self) -> Mapping[str, float]:
        return self._first.probabilities if self._first else {}

    @property
    def needs_review(self) -> bool:
        return self._first.needs_review if self._first else False

    @property
    def reasons(self) -> tuple[str, ...]:
        return self._first.reasons if self._first else ()

    def as_dict(self) -> dict[str, Any]:
        """The face as JSON has it; `answers` by name where several models were asked."""
        said: dict[str, Any] = {"box": self.box.as_dict(), "score": round(self.score, 4)}
        if self._first:
            said |= self._first.as_dict()
        if len(self.answers) > 1:
            said["answers"] = {task: verdict.as_dict() for task, verdict in self.answers.items()}
        return said


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything said of one picture. Width and height are in pixels after the EXIF turn; faces come largest first.

    `error` holds `code`, `message`, `hint` where the picture was refused: then width and height are None.
    """

    source: str
    task: str | None
    model: str | None
    width: int | None
    height: int | None
    seconds: float
    faces: tuple[Face, ...] = ()
    warnings: tuple[str, ...] = ()
    error: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The answer as the JSON object of command line and REST."""
        return {
            "source": self.source,
            "task": self.task,
            "model": self.model,
            "width": self.width,
            "height": self.height,
            "seconds": round(self.seconds, 4),
            "warnings": list(self.warnings),
            "faces": [face.as_dict() for face in self.faces],
            "error": dict(self.error) if self.error else None,
        }
