"""eigenface: finds faces in pictures and classifies them with classical machine learning.

Public names load on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eigenface.api import detect_faces, predict_photo
    from eigenface.embedding import FaceEmbedder
    from eigenface.errors import DataError, EigenfaceError, ModelError, PictureError, RequestError
    from eigenface.gallery import Gallery
    from eigenface.model import FaceClassifier
    from eigenface.search.eigen.search import EigenGridSearchCV
    from eigenface.store import load_model, save_model
    from eigenface.train import train
    from eigenface.types import Answer, Box, Face

__version__ = "0.1.0"

_HOMES = {
    "Answer": "types",
    "Box": "types",
    "DataError": "errors",
    "EigenGridSearchCV": "search.eigen.search",
    "EigenfaceError": "errors",
    "Face": "types",
    "FaceClassifier": "model",
    "FaceEmbedder": "embedding",
    "Gallery": "gallery",
    "ModelError": "errors",
    "PictureError": "errors",
    "RequestError": "errors",
    "detect_faces": "api",
    "load_model": "store",
    "predict_photo": "api",
    "save_model": "store",
    "train": "train",
}

__all__ = [
    "Answer",
    "Box",
    "DataError",
    "EigenGridSearchCV",
    "EigenfaceError",
    "Face",
    "FaceClassifier",
    "FaceEmbedder",
    "Gallery",
    "ModelError",
    "PictureError",
    "RequestError",
    "detect_faces",
    "load_model",
    "predict_photo",
    "save_model",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eigenface' has no attribute {name!r}")
    return getattr(import_module(f"eigenface.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
