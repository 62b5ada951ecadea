"""A part of the benchmark: what must not matter to the shipped model of masks, such as colour, sharpness and shape.

In public sets of masks size and sharpness tell the classes nearly as well as masks do. Some of these faces were learned
from, so the rows say how stable answers are, not how good.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from eigenface.augment import Change, through, to_grey
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.model import FaceClassifier
from eigenface.pipelines.figures.parts import SEED, Part
from eigenface.pipelines.figures.table import Row
from eigenface.pipelines.models.sources import Sources, thinned
from eigenface.store import load_model
from eigenface.types import Pixels
from eigenface.vision import cv2

_BARE, _MASKED = "without_mask", "with_mask"
_MOST = 300  # pictures a label of a set, taken evenly
_TURNED = "detection/turned_faces.zip"
_SETS = (
    "gender/lfw.zip",
    "gender/utkface.zip",
    "gender/tight_crops.zip",
    "mask/mask12k_crops.zip",
    "mask/maskon_crops.zip",
)


def saved_badly(crop: Pixels, rng: np.random.Generator) -> Pixels:
    """The crop as a JPEG of quality 30."""
    kept = io.BytesIO()
    Image.fromarray(crop).save(kept, "JPEG", quality=30)
    return np.asarray(Image.open(kept))


def stretched(across: float, down: float) -> Change:
    """A change of shape."""

    def change(crop: Pixels, rng: np.random.Generator) -> Pixels:
        size = (max(1, round(crop.shape[1] * across)), max(1, round(crop.shape[0] * down)))
        wider: Pixels = cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR)
        return wider

    return change


CHANGES: dict[str, Change] = {
    "as they are": lambda crop, rng: crop,
    "grey": to_grey,
    "through 24 pixels": through(24),
    "JPEG of quality 30": saved_badly,
    "15 % wider": stretched(1.15, 1),
    "15 % taller": stretched(1, 1.15),
}
"""What is done to a face before the model is asked, by name."""


def rows_of(model: FaceClassifier, name: str, faces: CroppedFaces, wanted: str) -> list[Row]:
    """How often each changed copy of faces, all of the class `wanted`, is answered otherwise."""
    rng = np.random.default_rng(SEED)
    rows = []
    for change, copy in CHANGES.items():
        said = model.predict([copy(crop, rng) for crop in faces.crops])
        wrong = float((said != wanted).mean())
        measure = "bare faces not called bare" if wanted == _BARE else "masks not called masks"
        split = "Some of the faces were learned from: how stable answers are, not how good"
        rows.append(Row(model.name, f"{name}, {change}", len(said), wrong, "mask-changes", measure, split=split))
    return rows


def changes(sources: Sources) -> list[Row]:
    """Bare faces and masks of several sets, each as it is and changed."""
    model = load_model("mask")
    assert isinstance(model, FaceClassifier)
    return [row for name, wanted, faces in _faces(sources, model) for row in rows_of(model, name, faces, wanted)]


def _faces(sources: Sources, model: FaceClassifier) -> Iterator[tuple[str, str, CroppedFaces]]:
    """Faces of one class with what they are and what they should be called; crops are whole pictures."""
    for path in _SETS:
        dataset = load_dataset(sources.data / path)
        masks = _MASKED in dataset.classes
        for wanted in (_BARE, _MASKED) if masks else (_BARE,):
            inside = np.flatnonzero(dataset.labels == wanted) if masks else np.arange(len(dataset))
            chosen = thinned(dataset.select(inside), _MOST)
            yield f"{dataset.name} {wanted}", wanted, crop_dataset(chosen, model.crop, whole=True)
    turned = load_dataset(sources.data / _TURNED)
    for label in ("frontal", "turned45", "profile"):
        chosen = turned.select(np.flatnonzero(turned.labels == label))
        yield f"{turned.name} {label}", _BARE, crop_dataset(chosen, model.crop)


CHANGED = {"mask-changes": Part((*_SETS, _TURNED), changes)}
"""The part by its name."""
