"""Drawn faces: people who do not exist, for tests, documentation and a demonstration without data.

Each person has skin, hair, and features of their own; each picture of a person its own light, shift and noise. Classes
differ in something visible: beard and hair, a mask, smears of red, or for any other names the colour of a hat.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eigenface.types import Box, Pixels
from eigenface.vision import cv2

_SIDE = 192  # everything is drawn at this size, then resized
_PICTURES_A_PERSON = 4
_SKINS = ((244, 211, 190), (232, 190, 160), (206, 160, 125), (164, 116, 84), (120, 82, 60))
_HAIRS = ((40, 30, 25), (85, 55, 35), (150, 110, 60), (200, 170, 110), (110, 110, 115))
_HATS = ((200, 60, 50), (60, 110, 200), (70, 160, 80), (220, 170, 40), (150, 80, 170), (60, 170, 180))
_NAMED = {"male": "beard", "female": "long hair", "with_mask": "mask", "blood": "smears", "worn_incorrectly": "chin mask"}
_PLAIN = ("without_mask", "no_blood")


@dataclass(frozen=True)
class DrawnFaces:
    """Crops (uint8 RGB arrays), their labels (n,) and the drawn person in each (n,)."""

    crops: list[Pixels]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_]


def make_faces(
    classes: Sequence[str] = ("female", "male"),
    n_per_class: int = 20,
    *,
    size: tuple[int, int] = (96, 160),
    random_state: int = 0,
) -> DrawnFaces:
    """Draw faces of several classes.

    Parameters
    ----------
    classes : sequence of str
        `female`, `male`, `with_mask`, `without_mask`, `worn_incorrectly`, `blood` and `no_blood` are drawn as such; other
        classes wear hats of different colours.
    n_per_class : int
    size : (int, int)
        Smallest and largest side of a crop in pixels.
    random_state : int

    Returns
    -------
    DrawnFaces
        Up to four pictures of a person.

    Examples
    --------
    >>> faces = make_faces(n_per_class=6)
    >>> len(faces.crops), sorted(set(faces.labels.tolist())), len(set(faces.groups.tolist()))
    (12, ['female', 'male'], 4)
    """
    rng = np.random.default_rng(random_state)
    crops, labels, groups = [], [], []
    for place, name in enumerate(classes):
        for number in range(n_per_class):
            person = f"{name}_{number // _PICTURES_A_PERSON:03d}"
            looks = np.random.default_rng([random_state, place, number // _PICTURES_A_PERSON])
            face = _draw(looks, rng, name, place)
            side = int(rng.integers(size[0], size[1] + 1))
            crops.append(_light(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), rng))
            labels.append(name)
            groups.append(person)
    return DrawnFaces(crops, np.array(labels), np.array(groups))


def draw_photo(
    faces: int = 1, size: tuple[int, int] = (360, 480), *, label: str = "", random_state: int = 0
) -> tuple[Pixels, list[Box]]:
    """Draw a photo with `faces` faces side by side, which a Haar cascade finds.

    Returns
    -------
    (pixels, boxes)
        uint8 RGB (rows, cols, 3), and the square that a frontal cascade should find for each face, left to right.
    """
    rng = np.random.default_rng(random_state)
    rows, cols = size
    across = np.linspace(0, 1, cols, dtype=np.float32)[None, :, None]
    sky, ground = rng.integers(120, 220, 3), rng.integers(120, 220, 3)
    photo = np.repeat((sky * (1 - across) + ground * across).astype(np.uint8), rows, axis=0)
    side = min(int(rows * 0.8), int(cols / max(faces, 1) * 0.9))
    boxes = []
    for number in range(faces):
        looks = np.random.default_rng([random_state, 7, number])
        face = cv2.resize(_draw(looks, rng, label, number), (side, side), interpolation=cv2.INTER_AREA)
        left = round((number + 0.5) * cols / faces - side / 2)
        top = round((rows - side) / 2)
        photo[top : top + side, left : left + side] = face
        boxes.append(Box(left + side * 0.12, top + side * 0.17, side * 0.76, side * 0.76))
    return _light(photo, rng, least=0.9), boxes


def write_faces(folder: Path, faces: DrawnFaces) -> None:
    """Write faces as `folder/CLASS/PERSON_n.png`, with a labels.csv that names persons."""
    rows = []
    for number, (crop, label, group) in enumerate(zip(faces.crops, faces.labels, faces.groups, strict=True)):
        name = f"{label}/{group}_{number:04d}.png"
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(folder / name)
        rows.append((name, label, group))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(("file", "label", "group"))
        writer.writerows(rows)


def _draw(looks: np.random.Generator, rng: np.random.Generator, name: str, place: int) -> Pixels:
    """One face, 192 x 192: `looks` decides on the person, `rng` on the picture."""
    wears = _NAMED.get(name, "" if name in _PLAIN or not name else "hat")
    skin = np.array(_SKINS[looks.integers(len(_SKINS))], float) + looks.normal(0, 6, 3)
    hair = np.array(_HAIRS[looks.integers(len(_HAIRS))], float) + looks.normal(0, 6, 3)
    wide, high = looks.uniform(49, 56), looks.uniform(66, 74)
    eye_gap, eye_high = looks.uniform(21, 25), looks.uniform(84, 88)
    shift = rng.uniform(-3, 3, 2)
    cx, cy = 96 + shift[0], 100 + shift[1]
    picture = np.empty((_SIDE, _SIDE, 3), np.uint8)
    picture[:] = np.clip(looks.integers(130, 225, 3), 0, 255)
    paint = _Brush(picture)
    if wears == "long hair":
        paint.oval((cx, cy + 18), (wide + 20, high + 22), hair)
    else:
        paint.oval((cx, cy - 14), (wide + 7, high - 2), hair)
    paint.oval((cx, cy + 92), (62, 34), hair * 0.4 + 80)  # shoulders
    paint.oval((cx, cy + 62), (24, 34), skin * 0.86)  # neck
    paint.oval((cx, cy), (wide, high), skin)
    paint.oval((cx, cy - 56), (wide * 0.86, 18), hair)  # fringe
    paint.oval((cx, cy - 34), (wide * 0.72, 15), skin * 1.15)  # forehead
    for side in (-1, 1):
        paint.oval((cx + side * 27, cy + 18), (16, 18), skin * 1.2)  # cheeks
        ex, ey = cx + side * eye_gap, eye_high + shift[1]
        paint.oval((ex, ey), (16, 11), skin * 0.55)  # the dark band of the eyes
        paint.oval((ex, ey + 1), (10, 6), np.array([245, 245, 245.0]))
        paint.oval((ex, ey + 1), (5, 6), hair * 0.3)
        paint.oval((ex, ey - 14), (14, 4), hair * 0.7)
    paint.oval((cx, cy + 6), (7, 24), skin * 1.25)  # bridge of the nose
    paint.oval((cx, cy + 27), (11, 6), skin * 0.8)
    mouth = rng.uniform(4, 8)
    if wears == "beard":
        paint.oval((cx, cy + 52), (wide * 0.72, 26), hair * 0.85)
        paint.oval((cx, cy + 36), (24, 7), hair * 0.85)
    paint.oval((cx, cy + 44), (20, mouth), np.array([150, 60, 60.0]))
    _dress(paint, wears, cx, cy, wide, place, looks)
    smooth: Pixels = cv2.GaussianBlur(picture, (0, 0), 1.6)
    return smooth


def _dress(
    paint: _Brush, wears: str, cx: float, cy: float, wide: float, place: int, looks: np.random.Generator
) -> None:
    """What tells the classes apart."""
    if wears == "mask":
        paint.oval((cx, cy + 42), (wide * 0.86, 34), np.array([165, 205, 225.0]))
        paint.oval((cx, cy + 22), (22, 12), np.array([165, 205, 225.0]))
    elif wears == "chin mask":
        paint.oval((cx, cy + 66), (wide * 0.7, 18), np.array([165, 205, 225.0]))
    elif wears == "smears":
        for _ in range(6):
            at = (cx + looks.uniform(-34, 34), cy + looks.uniform(-38, 50))
            paint.oval(at, (looks.uniform(5, 14), looks.uniform(6, 18)), np.array([165, 12, 18.0]))
    elif wears == "hat":
        colour = np.array(_HATS[place % len(_HATS)], float)
        paint.oval((cx, cy - 62), (wide + 14, 26), colour)
        paint.oval((cx, cy - 46), (wide + 26, 8), colour * 0.8)


class _Brush:
    """Paints ovals into a picture."""

    def __init__(self, picture: Pixels) -> None:
        self.picture = picture

    def oval(self, centre: tuple[float, float], radii: tuple[float, float], colour: NDArray[np.floating]) -> None:  # type: ignore[type-arg]
        bits = 4  # of a pixel, for smooth edges
        at = tuple(round(value * 2**bits) for value in centre)
        axes = tuple(round(value * 2**bits) for value in radii)
        paint = tuple(float(value) for value in np.clip(colour, 0, 255))
        cv2.ellipse(self.picture, at, axes, 0, 0, 360, paint, -1, cv2.LINE_AA, bits)


def _light(picture: Pixels, rng: np.random.Generator, least: float = 0.75) -> Pixels:
    """A picture under its own light, from one side, with noise."""
    cols = picture.shape[1]
    slope = np.linspace(-1, 1, cols, dtype=np.float32)[None, :, None] * rng.uniform(-0.12, 0.12)
    lit = picture * (rng.uniform(least, 1.05) + slope) + rng.normal(0, 3, picture.shape)
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8)
