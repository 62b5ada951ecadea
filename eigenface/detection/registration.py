"""Faces brought upright: a tilted head is levelled before anything else looks at it.

A cascade of linear regressions moves the two eyes from where they usually lie in a detection's square to where they
are: each step looks at gradients around the last guess, brought level and to one size. The mirror image is asked as
well, and the mean counts. Only the turn is taken from them: a square says place and size more exactly than such eyes.

References: Dollár, Welinder and Perona, Cascaded pose regression, CVPR 2010, doi:10.1109/CVPR.2010.5540094; Xiong and
De la Torre, Supervised descent method and its applications to face alignment, CVPR 2013, doi:10.1109/CVPR.2013.75.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenface.crops import CropSpec, crop_face
from eigenface.detection.pyramid import Grey, cut
from eigenface.features.hog import hog
from eigenface.stored import stored_arrays
from eigenface.types import Box, Pixels
from eigenface.vision import cv2

SHIPPED = Path(__file__).parents[1] / "models" / "eyes.npz"

SIDE, ROOM = 160, 2.0
"""Pixels of the square that eyes are looked for in, and its side over that of the detection's square."""

TILTED = 6.0
"""Degrees from which a face is levelled: models have learned from faces that are tilted less."""

SMALLEST = 32.0
"""Side in pixels of the smallest face that is levelled: smaller ones do not show where their eyes are."""

_NEAR = CropSpec(ROOM + 0.2)  # what is looked at of a picture, and a little more

_WINDOW, _SPAN = 64, 1.25  # pixels of what a step looks at, and its side in sides of the detection's square
_MIDDLE = (SIDE - 1) / 2

Eyes = NDArray[np.float64]
"""Points (n, 2, 2): x, y of the eye on the left of the picture and of that on the right."""


@dataclass(frozen=True, slots=True)
class Step:
    """One regression: from features (n, d) to how far each eye lies from where it was thought to be (n, 4), in pixels
    of the window."""

    centre: NDArray[np.float32]
    weights: NDArray[np.float32]
    offset: NDArray[np.float32]

    def __call__(self, features: NDArray[np.float32]) -> Eyes:
        moved = (features - self.centre) @ self.weights + self.offset
        return moved.reshape(-1, 2, 2).astype(np.float64)


@dataclass(frozen=True)
class EyeFinder:
    """Where the eyes of faces are, in the squares that `looked_at` gives.

    Parameters
    ----------
    usual : float array (2, 2)
        Where eyes lie on average, from the middle of the detection's square, in its sides.
    steps : sequence of Step
    """

    usual: NDArray[np.float64]
    steps: Sequence[Step]

    def first(self, count: int) -> Eyes:
        """The guess that everything starts from."""
        return np.repeat((self.usual * SIDE / ROOM + _MIDDLE)[None], count, axis=0)

    def moved(self, squares: Sequence[Grey], eyes: Eyes, step: Step) -> Eyes:
        """The guess after one more step."""
        there = self.frame + step(self.features(squares, eyes))
        ways = [np.linalg.inv(np.vstack([self.way(one), [0, 0, 1]]))[:2] for one in eyes]
        return np.stack([points @ way[:, :2].T + way[:, 2] for points, way in zip(there, ways, strict=True)])

    def __call__(self, squares: Sequence[Grey]) -> Eyes:
        """Eyes (n, 2, 2) in pixels of grey squares (160, 160)."""
        return (self._found(squares) + mirrored(self._found([square[:, ::-1] for square in squares]))) / 2

    def _found(self, squares: Sequence[Grey]) -> Eyes:
        eyes = self.first(len(squares))
        for step in self.steps:
            eyes = self.moved(squares, eyes, step)
        return eyes

    @property
    def frame(self) -> NDArray[np.float64]:
        """Where the eyes lie in a window (2, 2) when the guess is right."""
        return (self.usual / _SPAN + 0.5) * _WINDOW - 0.5

    def way(self, eyes: Eyes) -> NDArray[np.float64]:
        """The turn, scale and shift (2, 3) that bring two eyes (2, 2) to where they belong in a window."""
        (x, y), (u, v) = eyes[1] - eyes[0], self.frame[1] - self.frame[0]
        turn = complex(u, v) / complex(x, y)
        both = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        return np.column_stack([both, self.frame.mean(axis=0) - both @ eyes.mean(axis=0)])

    def features(self, squares: Sequence[Grey], eyes: Eyes) -> NDArray[np.float32]:
        """What a step looks at: rows (n, d) of square roots of gradient histograms."""
        windows = [
            cv2.warpAffine(
                square, self.way(one), (_WINDOW, _WINDOW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            for square, one in zip(squares, eyes, strict=True)
        ]
        maps = hog(np.stack(windows).astype(np.float32) / np.float32(255))
        return np.sqrt(maps.reshape(len(windows), -1))


def mirrored(eyes: Eyes) -> Eyes:
    """The eyes (n, 2, 2) of squares in their mirror image."""
    return np.stack([SIDE - 1 - eyes[:, ::-1, 0], eyes[:, ::-1, 1]], axis=-1)


def looked_at(grey: Grey, box: Box) -> Grey:
    """The square (160, 160) around a detection that its eyes are looked for in."""
    side = box.width * ROOM
    x, y = box.centre
    return cut(grey, x - side / 2, y - side / 2, side, SIDE)


def tilts(grey: Grey, boxes: Sequence[Box]) -> NDArray[np.float64]:
    """By how many degrees faces are tilted (n,): above 0 the eye on the right lies lower.

    Parameters
    ----------
    grey : uint8 array (rows, cols)
    boxes : sequence of Box
        Detections: squares, in pixels.
    """
    if not boxes:
        return np.empty(0)
    eyes = load_eye_finder()([looked_at(grey, box) for box in boxes])
    across, down = (eyes[:, 1] - eyes[:, 0]).T
    return np.asarray(np.rad2deg(np.arctan2(down, across)))


def crop_of(pixels: Pixels, box: Box, spec: CropSpec) -> Pixels:
    """The crop of a detection: `crops.crop_face`, levelled where `spec` wants it and the face is tilted.

    Parameters
    ----------
    pixels : uint8 array (rows, cols, 3), RGB
    box : Box
        The detection's square, in pixels; may reach beyond the picture.
    spec : CropSpec
    """
    if not spec.upright or box.width < SMALLEST:
        return crop_face(pixels, box, spec)
    around = _NEAR.around(box)
    left, top = math.floor(around.x + 0.5), math.floor(around.y + 0.5)
    near = cv2.cvtColor(crop_face(pixels, box, _NEAR), cv2.COLOR_RGB2GRAY)
    (tilt,) = tilts(near, [Box(box.x - left, box.y - top, box.width, box.height)])
    return level_crop(pixels, box, spec, tilt)


def level_crop(pixels: Pixels, box: Box, spec: CropSpec, tilt: float) -> Pixels:
    """`crops.crop_face` of a face, levelled where it is tilted by `TILTED` degrees or more.

    Parameters
    ----------
    pixels : uint8 array (rows, cols, 3), RGB
    box : Box
        The detection's square; its middle stays where it is.
    spec : CropSpec
    tilt : float
        Degrees, as `tilts` gives them.
    """
    if abs(tilt) < TILTED:
        return crop_face(pixels, box, spec)
    target = spec.around(box)
    side = max(1, round(target.width))
    x, y = box.centre
    turn = cv2.getRotationMatrix2D((x - 0.5, y - 0.5), tilt, 1.0)
    turn[:, 2] -= np.floor(np.array([target.x, target.y]) + 0.5)
    level: Pixels = cv2.warpAffine(pixels, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return level


def save_eye_finder(finder: EyeFinder, path: Path) -> None:
    """Write a finder as one npz file without pickles; numbers have 16 bits."""
    arrays = {"usual": finder.usual}
    for number, step in enumerate(finder.steps):
        for name in ("centre", "weights", "offset"):
            arrays[f"{name}_{number}"] = getattr(step, name).astype(np.float16)
    with path.open("wb") as handle:
        np.savez_compressed(handle, **arrays)  # type: ignore[arg-type]  # its stubs take a name for an option


@functools.cache
def load_eye_finder(path: Path = SHIPPED) -> EyeFinder:
    """The finder of a file; the shipped one by default.

    Raises
    ------
    ModelError
        Where the file is none, or damaged.
    """
    with stored_arrays(path, "bad_eyes", "no eye finder", "Run eigenface.pipelines.train_registration.") as file:
        steps = [
            Step(*(file[f"{name}_{number}"].astype(np.float32) for name in ("centre", "weights", "offset")))
            for number in range(sum(name.startswith("weights_") for name in file.files))
        ]
        return EyeFinder(file["usual"].astype(np.float64), steps)
