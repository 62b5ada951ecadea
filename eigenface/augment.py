"""Copies of training faces: what a model should not mind, such as a photo without colour, it is shown while it learns.

Copies are made of training faces alone: a face that is judged has no copy in what judges it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.types import Pixels
from eigenface.vision import cv2

Change = Callable[[Pixels, np.random.Generator], Pixels]
"""Makes a changed copy of an RGB crop (rows, cols, 3), uint8."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Changed copies of some training faces.

    Parameters
    ----------
    change : callable
        (crop, rng) -> crop.
    share : float
        Copies a face: 0.15 copies about one face in seven, 3 every face three times.
    label : str, optional
        Only faces of this class; all without it.
    becomes : str, optional
        The class of the copies, where the change makes another of it, such as a mask painted on a bare face.
    """

    change: Change
    share: float = 1.0
    label: str | None = None
    becomes: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 50:
            raise ValueError(f"copies: expected a share in 0..50, got {self.share}")


def copies_of(
    crops: Sequence[Pixels], labels: NDArray[np.str_], wanted: Sequence[Copies], *, random_state: int = 0
) -> tuple[list[Pixels], NDArray[np.intp], NDArray[np.str_]]:
    """Changed copies of crops, of which crop (m,) each is, and their classes (m,).

    Examples
    --------
    >>> crop = np.zeros((8, 8, 3), np.uint8)
    >>> made, origin, classes = copies_of([crop, crop], np.array(["a", "b"]), [Copies(to_grey, 2, label="b")])
    >>> len(made), origin.tolist(), classes.tolist()
    (2, [1, 1], ['b', 'b'])
    """
    rng = np.random.default_rng(random_state)
    made: list[Pixels] = []
    origin: list[int] = []
    classes: list[str] = []
    for copies in wanted:
        for index, (crop, label) in enumerate(zip(crops, labels, strict=True)):
            if copies.label in (None, label):
                count = int(copies.share) + int(rng.random() < copies.share % 1)
                made += [copies.change(crop, rng) for _ in range(count)]
                origin += [index] * count
                classes += [copies.becomes or str(label)] * count
    return made, np.array(origin, np.intp), np.array(classes, np.str_)


def to_grey(crop: Pixels, rng: np.random.Generator) -> Pixels:
    """The crop without its colours, as in old photos."""
    grey: Pixels = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return grey


def jittered(shift: float = 0.05, zoom: float = 0.08, turn: float = 6.0) -> Change:
    """A change of framing as a detector makes it: up to `shift` sides, `zoom` in size, `turn` degrees; mirrored or not.

    >>> jittered()(np.zeros((20, 30, 3), np.uint8), np.random.default_rng(0)).shape
    (20, 30, 3)
    """

    def change(crop: Pixels, rng: np.random.Generator) -> Pixels:
        rows, cols = crop.shape[:2]
        scale = float(np.exp(rng.uniform(-zoom, zoom)))
        move = cv2.getRotationMatrix2D((cols / 2 - 0.5, rows / 2 - 0.5), float(rng.uniform(-turn, turn)), scale)
        move[:, 2] += rng.uniform(-shift, shift, 2) * (cols, rows)
        moved: Pixels = cv2.warpAffine(
            crop, move, (cols, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.ascontiguousarray(moved[:, ::-1]) if rng.random() < 0.5 else moved

    return change


def through(side: int) -> Change:
    """A change that leaves no more detail than a face of `side` pixels has: sharpness must not tell the class."""

    def change(crop: Pixels, rng: np.random.Generator) -> Pixels:
        rows, cols = crop.shape[:2]
        if min(rows, cols) <= side:
            return crop
        scale = side / min(rows, cols)
        small = cv2.resize(crop, (round(cols * scale), round(rows * scale)), interpolation=cv2.INTER_AREA)
        back: Pixels = cv2.resize(small, (cols, rows), interpolation=cv2.INTER_CUBIC)
        return back

    return change


def in_turn(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(crop: Pixels, rng: np.random.Generator) -> Pixels:
        for one in changes:
            crop = one(crop, rng)
        return crop

    return change
