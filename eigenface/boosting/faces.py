"""Faces that a detector learns from: grey squares with room around them, and changed copies of those.

A detector sees faces where they happen to lie on its grid, in any light, sharp or not. Each copy is shifted, scaled,
turned and mirrored a little, and blurred, darkened, made noisy or stored as JPEG as pictures are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.pyramid import SQUARE, Grey, cut
from eigenface.features.channels import CELL, channels
from eigenface.types import Box
from eigenface.vision import cv2

SIDE = 96
"""Pixels of a stored face's side."""

ROOM = 2.4
"""Side of what is stored over side of the detection's square."""

_MARGIN = 6  # cells around a window that its contrast is measured in
_MIDDLE = (SIDE - 1) / 2


@dataclass
class FaceBank:
    """Faces side by side.

    Parameters
    ----------
    crops : list of uint8 arrays (96, 96)
        Grey; the detection's square is the middle 40 pixels.
    inside : list of float arrays (4,)
        Left, top, right and bottom of what lies within the picture; beyond it its border is repeated.
    kinds : list of str
        What sort of face, such as `masked`.
    keys : list of str
        What decides on which side of a split it is.
    """

    crops: list[Grey] = field(default_factory=list)
    inside: list[NDArray[np.float64]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def add(self, grey: Grey, square: Box, kind: str, key: str, *, mirrored: bool = False) -> None:
        """Cut a face out of a grey picture (rows, cols)."""
        side = square.width * ROOM
        left, top = square.centre[0] - side / 2, square.centre[1] - side / 2
        scale = SIDE / side
        rows, cols = grey.shape
        inside = np.clip(np.array([-left, -top, cols - left, rows - top]) * scale, 0, SIDE)
        crop = cut(grey, left, top, side, SIDE)
        if mirrored:
            crop, inside = _mirrored(crop, inside)
        self.crops.append(crop)
        self.inside.append(inside)
        self.kinds.append(kind)
        self.keys.append(key)

    def repeat(self, face: int, kind: str, *, mirrored: bool) -> None:
        """Have a face a second time, as another kind."""
        crop, inside = self.crops[face], self.inside[face]
        if mirrored:
            crop, inside = _mirrored(crop, inside)
        self.crops.append(crop)
        self.inside.append(inside)
        self.kinds.append(kind)
        self.keys.append(self.keys[face])

    def __len__(self) -> int:
        return len(self.crops)


def _mirrored(crop: Grey, inside: NDArray[np.float64]) -> tuple[Grey, NDArray[np.float64]]:
    return crop[:, ::-1].copy(), np.array([SIDE - inside[2], inside[1], SIDE - inside[0], inside[3]])


@dataclass(frozen=True, slots=True)
class Shaking:
    """How copies differ from a face: spreads, most of the time half of these.

    Parameters
    ----------
    shift, scale : float
        In sides of the square; in natural logarithms.
    turn : float
        Degrees.
    mirror : bool
        Every other copy is mirrored.
    masks : float
        Share of bare faces that a mask is drawn on, 0..1.
    """

    shift: float = 0.03
    scale: float = 0.06
    turn: float = 4.2
    mirror: bool = True
    masks: float = 0.0


class ShakenFaces:
    """Windows of channels with a face in each.

    Parameters
    ----------
    bank : FaceBank
    textures : sequence of uint8 arrays (96, 96)
        Parts of pictures without a face: what may lie around a face that fills its picture.
    shaking : Shaking
    side : int
        Cells of a window's side.
    random_state : int
    """

    def __init__(
        self, bank: FaceBank, textures: Sequence[Grey], shaking: Shaking, *, side: int, random_state: int
    ) -> None:
        self._bank, self._textures, self._shaking, self._side = bank, textures, shaking, side
        self._rng = np.random.default_rng(random_state)

    def windows(self, chosen: Sequence[int], times: Sequence[int], bare: Sequence[bool]) -> NDArray[np.uint8]:
        """Windows (n, 8 * side * side): so many copies of each of the chosen faces."""
        inner = slice(_MARGIN, _MARGIN + self._side)
        return np.array(
            [
                channels(self._copy(face, bare=naked))[:, inner, inner].reshape(-1)
                for face, count, naked in zip(chosen, times, bare, strict=True)
                for _ in range(count)
            ]
        )

    def _copy(self, face: int, *, bare: bool) -> Grey:
        rng, shaking = self._rng, self._shaking
        side = (self._side + 2 * _MARGIN) * CELL
        scale = SQUARE / (SIDE / ROOM) * np.exp(rng.normal(0, shaking.scale))
        angle = np.deg2rad(rng.normal(0, shaking.turn))
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        if shaking.mirror and rng.random() < 0.5:
            turn[:, 0] *= -1
        shift = (side - 1) / 2 + SQUARE * rng.normal(0, shaking.shift, 2) - turn @ np.full(2, _MIDDLE)
        crop = self._bank.crops[face]
        if bare and rng.random() < shaking.masks:
            crop = draw_mask(crop, rng)
        inside = self._bank.inside[face]
        if (inside != (0, 0, SIDE, SIDE)).any() and len(self._textures) and rng.random() < 0.35:
            crop = self._surrounded(crop, inside)
        grey: Grey = cv2.warpAffine(
            crop,
            np.column_stack([turn, shift]),
            (side, side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return _worn(grey, rng)

    def _surrounded(self, crop: Grey, inside: NDArray[np.float64]) -> Grey:
        """The face with something else around it than its repeated border."""
        texture = self._textures[int(self._rng.integers(len(self._textures)))]
        if self._rng.random() < 0.7:  # most surroundings are out of focus
            texture = cv2.GaussianBlur(texture, (0, 0), self._rng.uniform(1, 6))
        left, top, right, bottom = np.rint(inside).astype(int)
        around: Grey = texture.copy()
        around[top:bottom, left:right] = crop[top:bottom, left:right]
        return around


def draw_mask(crop: Grey, rng: np.random.Generator) -> Grey:
    """A face of the bank (96, 96) with a mask of cloth drawn over mouth and nose."""
    square = SIDE / ROOM
    left, top = _MIDDLE - square / 2, _MIDDLE - square / 2
    brim, chin = top + square * rng.uniform(0.5, 0.66), top + square * rng.uniform(1.0, 1.14)
    west, east = left + square * rng.uniform(0.06, 0.18), left + square * rng.uniform(0.82, 0.94)
    middle = _MIDDLE + rng.normal(0, 1)
    half = [  # from the ear over the nose to its bridge
        (west, brim + square * rng.uniform(0.02, 0.1)),
        (middle - square * 0.12, brim + rng.normal(0, 0.6)),
        (middle, brim - square * rng.uniform(0, 0.05)),
        (middle + square * 0.12, brim + rng.normal(0, 0.6)),
        (east, brim + square * rng.uniform(0.02, 0.1)),
    ]
    below = [
        (east - square * rng.uniform(0, 0.05), brim + square * 0.3),
        (middle + square * 0.2, chin - square * 0.04),
        (middle, chin),
        (middle - square * 0.2, chin - square * 0.04),
        (west + square * rng.uniform(0, 0.05), brim + square * 0.3),
    ]
    cover = np.zeros((SIDE, SIDE), np.uint8)
    corners = np.rint(np.array(half + below) * 8).astype(np.int32)
    cv2.fillPoly(cover, [corners], 255, lineType=cv2.LINE_AA, shift=3)
    share = cover / np.float32(255)
    rows, cols = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    shade = rng.uniform(20, 245)
    cloth = shade + rng.normal(0, 12) * (cols - 48) / 20 + rng.normal(0, 12) * (rows - 60) / 20
    cloth += rng.normal(0, rng.uniform(0, 5), cloth.shape) - np.abs(cols - middle) * rng.uniform(0, 1.2)
    if rng.random() < 0.4:  # pleats
        cloth += rng.uniform(3, 14) * np.sin(rows * 2 * np.pi / rng.uniform(4, 9))
    cloth = cv2.GaussianBlur(cloth.astype(np.float32), (0, 0), 0.7)
    light = 0.12 * (crop.astype(np.float32) - crop.mean())  # of the face, which falls on the mask too
    drawn: Grey = np.clip(crop * (1 - share) + (cloth + light) * share, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        grey = float(shade * rng.uniform(0.6, 1.1))
        for ear, end in ((west, left - 2), (east, left + square + 2)):
            ends = (int(ear), int(brim + 4)), (int(end), int(top + square * 0.4))
            cv2.line(drawn, *ends, grey, 1, cv2.LINE_AA)
    return drawn


def _worn(grey: Grey, rng: np.random.Generator) -> Grey:
    """As cameras, light and files leave it."""
    picture = grey.astype(np.float32)
    chance = rng.random()
    if chance < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.1))
    elif chance < 0.45:
        picture += rng.normal(0, rng.uniform(1, 7), picture.shape)
    if rng.random() < 0.5:
        picture = 255 * (np.clip(picture, 0, 255) / 255) ** np.exp(rng.normal(0, 0.25))
    if rng.random() < 0.3:
        picture = picture * rng.uniform(0.5, 1) + rng.uniform(0, 40)
    worn: Grey = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        _, data = cv2.imencode(".jpg", worn, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 80))])
        worn = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return worn
