"""The one face space: a mean face and 100 eigenfaces that gallery, reconstruction and the review of faces share.

Faces are framed by the detection's square, 64x64 grey, each brought to mean 0 and deviation 1, so that neither light
nor contrast counts as distance.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenface.compact import Encoded, decode, encode
from eigenface.crops import CropSpec
from eigenface.features.grey import grey, resize
from eigenface.stored import stored_arrays
from eigenface.types import Pixels, Rows

SIZE = 64
"""Side in pixels of a face in the space."""

FRAME = CropSpec(1.0)
"""The framing of faces in the space: the detection's own square."""

SHIPPED = Path(__file__).parent / "models" / "facespace.npz"

_LEAST_DEVIATION = 2 / 255  # a flat crop stays flat instead of becoming noise


@dataclass(frozen=True)
class FaceSpace:
    """Mean (4096,), components (k, 4096), variance (k,), and the distance that few frontal faces exceed."""

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    variance: NDArray[np.float32]
    limit: float

    def rows(self, crops: Sequence[Pixels]) -> Rows:
        """Standardised grey rows (n, 4096) of RGB crops in the space's framing."""
        return standardised(crops)[0]

    def project(self, crops: Sequence[Pixels]) -> Rows:
        """Coordinates (n, k) of RGB crops."""
        return np.asarray((self.rows(crops) - self.mean) @ self.components.T, np.float32)

    def distance(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        """Share of each crop's variance, 0..1, that the space cannot express: the distance from face space (n,).

        References
        ----------
        Turk and Pentland, Eigenfaces for recognition, 1991, doi:10.1162/jocn.1991.3.1.71, section on
        "distance from feature space".
        """
        centred = self.rows(crops) - self.mean
        inside = centred @ self.components.T
        left = (centred**2).mean(axis=1) - (inside**2).sum(axis=1) / centred.shape[1]
        share: NDArray[np.float32] = np.clip(left, 0, 1).astype(np.float32)
        return share

    def reconstruct(self, crops: Sequence[Pixels], n_components: int | None = None) -> list[NDArray[np.uint8]]:
        """Each crop as `n_components` eigenfaces express it: uint8 arrays (64, 64), in the crop's own light."""
        rows, light, contrast = standardised(crops)
        used = self.components[:n_components]
        restored = (rows - self.mean) @ used.T @ used + self.mean
        pictures = (restored * contrast + light) * 255
        return list(np.clip(np.rint(pictures), 0, 255).astype(np.uint8).reshape(-1, SIZE, SIZE))


def standardised(crops: Sequence[Pixels]) -> tuple[Rows, Rows, Rows]:
    """Rows (n, 4096) of mean 0 and deviation 1, and the light and contrast (n, 1) that were taken out."""
    rows = resize(grey(crops), SIZE)
    light = rows.mean(axis=1, keepdims=True)
    contrast = np.maximum(rows.std(axis=1, keepdims=True), _LEAST_DEVIATION)
    return (rows - light) / contrast, light, contrast


def save_face_space(space: FaceSpace, path: Path) -> None:
    """Write a face space whose components are rounded to 8 bits a number."""
    encoded = encode(space.components)
    steps = np.ones(0, np.float32) if encoded.steps is None else encoded.steps
    with path.open("wb") as handle:
        np.savez(
            handle,
            mean=space.mean.astype(np.float32),
            codes=encoded.codes,
            steps=steps,
            variance=space.variance.astype(np.float32),
            limit=np.float32(space.limit),
        )


@functools.cache
def load_face_space(path: Path = SHIPPED) -> FaceSpace:
    """The face space of `path`; the shipped one by default."""
    with stored_arrays(path, "no_face_space", "no face space", "Run `make models`.") as stored:
        codes, steps = stored["codes"], stored["steps"]
        components = decode(Encoded(codes, "<f4", steps if steps.size else None))
        return FaceSpace(stored["mean"], components, stored["variance"], float(stored["limit"]))
