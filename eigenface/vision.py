"""The one place that imports OpenCV, and explains what is wrong with it when it cannot be used."""

from __future__ import annotations

from pathlib import Path

from eigenface.errors import MissingExtraError

try:
    import cv2
except ImportError as error:  # no wheel, or one that lacks a system library such as libGL
    raise MissingExtraError(
        "no_opencv",
        f"OpenCV cannot be imported ({error})",
        "Install it with: pip install 'opencv-python-headless>=4.10,<5'",
    ) from error

if not hasattr(cv2, "CascadeClassifier"):
    raise MissingExtraError(
        "opencv_without_cascades",
        f"OpenCV {cv2.__version__} has no CascadeClassifier",
        "Install a 4.x version: pip install 'opencv-python-headless>=4.10,<5'",
    )

CASCADES = Path(cv2.__file__).parent / "data"
"""Where OpenCV's wheel keeps its cascade files."""

__all__ = ["CASCADES", "cv2"]
