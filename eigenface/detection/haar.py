"""Haar cascades (interim)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from eigenface.types import Box, Detection, Pixels
from eigenface.vision import cv2

_local = threading.local()


def _cascade(name: str) -> Any:
    if not hasattr(_local, name):
        setattr(_local, name, cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / f"haarcascade_{name}.xml")))
    return getattr(_local, name)


class HaarDetector:
    """Interim."""

    name = "haar"

    def detect(self, pixels: Pixels, *, min_face: int = 24, min_score: float | None = None) -> list[Detection]:
        scale = min(1.0, 640 / max(pixels.shape[:2]))
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        if scale < 1:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        boxes = _cascade("frontalface_alt2").detectMultiScale(grey, 1.1, 4, minSize=(24, 24))
        found = [Detection(Box(*(float(v) / scale for v in box)), 0.9) for box in boxes]
        return sorted(found, key=lambda d: -d.box.area)
