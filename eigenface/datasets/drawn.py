"""Drawn faces: people who do not exist, for tests, documentation and a demonstration without data.

Each person has skin, hair and features of their own; each picture of a person its own light, pose, smile and noise.
Classes differ in something visible: hair and beard, a mask, smears of blood; for any other names, the colour of a hat.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eigenface.datasets.pen import Floats, Points
from eigenface.datasets.portrait import FACE_SQUARE, UNITS, Person, paint
from eigenface.errors import RequestError
from eigenface.types import Box, Pixels
from eigenface.vision import cv2

_PICTURES_A_PERSON = 4
_GROUNDS = ((196, 214, 226), (222, 210, 190), (204, 216, 196), (214, 200, 214), (190, 200, 212), (230, 222, 206))
_LOWEST = 40  # side in pixels of the smallest portrait in a photo that a detector has a chance with


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
        `female`, `male`, `with_mask`, `without_mask`, `worn_incorrectly`, `blood` and `no_blood` are drawn as such;
        people of other classes wear hats, each class a colour of its own.
    n_per_class : int
        At least 1.
    size : (int, int)
        Smallest and largest side of a crop in pixels.
    random_state : int

    Returns
    -------
    DrawnFaces
        Up to four pictures of a person, class by class.

    Examples
    --------
    >>> faces = make_faces(n_per_class=6)
    >>> len(faces.crops), sorted(set(faces.labels.tolist())), len(set(faces.groups.tolist()))
    (12, ['female', 'male'], 4)
    """
    if n_per_class < 1 or not 8 <= size[0] <= size[1]:
        raise ValueError(f"drawn faces: expected n_per_class of 1 or more and 8 <= size, got {n_per_class} and {size}")
    rng = np.random.default_rng(random_state)
    crops, labels, groups = [], [], []
    for place, name in enumerate(classes):
        for number in range(n_per_class):
            who = number // _PICTURES_A_PERSON
            person = Person.invented(name, place, np.random.default_rng([random_state, place, who]))
            crops.append(_portrait(person, int(rng.integers(size[0], size[1] + 1)), rng))
            labels.append(name)
            groups.append(f"{name}_{who:03d}")
    return DrawnFaces(crops, np.array(labels), np.array(groups))


def draw_photo(
    faces: int = 1, size: tuple[int, int] = (480, 640), *, label: str = "", random_state: int = 0
) -> tuple[Pixels, list[Box]]:
    """Draw a photo of people side by side, in rows where they are many, whom a Haar cascade finds.

    Parameters
    ----------
    faces : int
        People in it; 0 draws the background alone.
    size : (int, int)
        Rows and columns of the photo.
    label : str
        A class as in `make_faces`; without it people of either kind, bare-headed. A mask may hide a face from a
        detector.
    random_state : int

    Returns
    -------
    (pixels, boxes)
        uint8 RGB (rows, cols, 3), and for each face the square that a frontal cascade finds; the back row first, from
        left to right.

    Raises
    ------
    ValueError
        Where so many faces have no room.

    Examples
    --------
    >>> pixels, boxes = draw_photo(2, (240, 320))
    >>> pixels.shape, len(boxes), boxes[0].x < boxes[1].x
    ((240, 320, 3), 2, True)
    """
    rng = np.random.default_rng([random_state, 1])
    canvas = _background(size, rng)
    boxes = []
    for number, (x, y, side) in enumerate(_places(faces, size)):
        person = Person.invented(label, number, np.random.default_rng([random_state, 2, number]))
        place = _pose(x, y, side, rng)
        paint(canvas, place, person, rng, below=UNITS * size[0] / side)
        boxes.append(_square(place))
    return _light(canvas, rng, least=0.92, noise=2.0), boxes


def write_faces(folder: str | Path, faces: DrawnFaces) -> None:
    """Write faces as `folder/CLASS/PERSON_n.png`, with a labels.csv that names persons.

    Raises
    ------
    RequestError
        With code `cannot_write`, or `bad_class` where a class is no name for a folder.
    """
    folder = Path(folder)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("file", "label", "group"))
    try:
        for number, (crop, label, group) in enumerate(zip(faces.crops, faces.labels, faces.groups, strict=True)):
            if PurePosixPath(label).parts != (label,) or label == "..":
                raise RequestError(
                    "bad_class", f"class {str(label)!r} is no name for a folder", "Use letters and digits."
                )
            name = f"{label}/{group}_{number:04d}.png"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop).save(folder / name)
            writer.writerow((name, label, group))
        (folder / "labels.csv").write_text(table.getvalue(), encoding="utf-8")
    except OSError as error:
        raise RequestError(
            "cannot_write", f"{folder}: cannot be written ({error.strerror})", "Free the disk or give another folder."
        ) from None


def _portrait(person: Person, side: int, rng: np.random.Generator) -> Pixels:
    """One person, head and shoulders, on a plain background."""
    canvas: Floats = np.empty((side, side, 3), np.float32)
    canvas[:] = _ground(rng)
    paint(canvas, _pose(0, 0, side, rng), person, rng)
    return _light(canvas, rng, least=0.78, noise=2.5)


def _pose(x: float, y: float, side: float, rng: np.random.Generator) -> Points:
    """Map from units to a portrait of `side` pixels at (x, y), turned, shifted and scaled a little."""
    scale = side / UNITS * rng.uniform(0.96, 1.04)
    turn = np.radians(rng.uniform(-4, 4))
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([x, y]) + side / 2 + rng.uniform(-4, 4, 2) * side / UNITS
    return np.column_stack([linear, middle - linear @ [UNITS / 2, UNITS / 2]])


def _square(place: Points) -> Box:
    """Where a frontal cascade sees the face that is painted through `place`."""
    left, top, side = FACE_SQUARE
    x, y = place[:, :2] @ [left + side / 2, top + side / 2] + place[:, 2]
    side *= float(np.sqrt(np.linalg.det(place[:, :2])))
    return Box(float(x - side / 2), float(y - side / 2), float(side), float(side))


def _places(faces: int, size: tuple[int, int]) -> list[tuple[float, float, float]]:
    """Left edge, upper edge and side of every portrait: the number of rows that leaves people largest."""
    rows, cols = size
    if faces == 0:
        return []
    choices = []
    for lines in range(1, faces + 1):
        a_line = -(-faces // lines)
        # A portrait is 1.0 side wide; the next row begins 0.85 of a side lower.
        choices.append((min(rows * 0.9 / (1 + 0.85 * (lines - 1)), cols / (a_line + 0.2)), -lines))
    side, lines = max(choices)[0], -max(choices)[1]
    if side < _LOWEST:
        raise ValueError(f"photo: {faces} faces have no room in {rows}x{cols} pixels")
    a_line, top = -(-faces // lines), (rows - side * (1 + 0.85 * (lines - 1))) * 0.8
    found = []
    for line in range(lines):
        here = min(a_line, faces - line * a_line)
        gap = cols / here
        found += [(gap * (i + 0.5) - side / 2, top + 0.85 * side * line, side) for i in range(here)]
    return found


def _ground(rng: np.random.Generator) -> NDArray[np.float64]:
    """The colour of a wall."""
    return np.array(_GROUNDS[int(rng.integers(len(_GROUNDS)))], float) + rng.normal(0, 5, 3)


def _background(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """A wall, lighter above, with a few pale discs out of focus."""
    rows, cols = size
    down = np.linspace(1.06, 0.88, rows, dtype=np.float32)[:, None, None]
    canvas: Floats = np.repeat(down * _ground(rng).astype(np.float32), cols, axis=1)
    discs = np.zeros((rows, cols), np.float32)
    for _ in range(6):
        at = (int(rng.uniform(0, cols)), int(rng.uniform(0, rows * 0.8)))
        cv2.circle(discs, at, int(rng.uniform(0.05, 0.13) * rows), float(rng.uniform(6, 14)), -1, cv2.LINE_AA)
    canvas += cv2.GaussianBlur(discs, (0, 0), max(rows * 0.012, 0.5))[..., None]
    return canvas


def _light(picture: Floats, rng: np.random.Generator, *, least: float, noise: float) -> Pixels:
    """A picture under its own light, brighter from one side, with noise of so many grey levels."""
    slope = np.linspace(-1, 1, picture.shape[1], dtype=np.float32)[None, :, None] * rng.uniform(-0.1, 0.1)
    lit = picture * (rng.uniform(least, 1.03) + slope) + rng.normal(0, noise, picture.shape)
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8)
