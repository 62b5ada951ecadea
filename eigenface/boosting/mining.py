"""Windows without a face that a detector takes for one: what it learns most from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.forest import Forest
from eigenface.detection.merge import Boxes, overlaps
from eigenface.detection.pyramid import LEAST_SIDE, PAD, SMALLER, SQUARE, Grey, levels
from eigenface.detection.scanning import GIVEN_UP, Windows, around, judge, scan
from eigenface.features.channels import CELL, PLANES, channels

_SMALLEST = 26.0  # pixels of the smallest square looked for
_CLEAR = 0.3  # overlap with a face below which a window has none
_CENTRED = 0.25  # sides of the window: one with a face so near its middle is no negative
_A_LEVEL = 400  # windows of one level that are considered
_ANYWHERE = 3  # windows drawn from a level when nothing has been learned yet


@dataclass(frozen=True, slots=True)
class Scene:
    """A grey picture (rows, cols) and the boxes (n, 4) of all faces in it, however small."""

    grey: Grey
    boxes: Boxes


Judges = Sequence[Forest]
"""Forests, each of which looks at what those before it pass; the first has the smallest window."""


def mine(
    scenes: Sequence[Scene],
    judges: Judges,
    *,
    side: int,
    each: int,
    most: int,
    random_state: int,
    told: Callable[[int], None] = lambda found: None,
) -> NDArray[np.uint8]:
    """Windows without a face that all judges pass: uint8 array (n, 8 * side * side).

    Parameters
    ----------
    scenes : sequence of Scene
    judges : sequence of Forest
        None: windows from anywhere.
    side : int
        Cells of the side of the windows that are returned.
    each : int
        Most windows of one scene: half are those with the highest score, half are drawn from the rest.
    most : int
        Stop when there are so many.
    random_state : int
    told : callable, optional
        Called with the number found so far.
    """
    rng = np.random.default_rng(random_state)
    found: list[NDArray[np.uint8]] = []
    for number in rng.permutation(len(scenes)):
        found += _of_scene(scenes[number], judges, side, each, rng)
        told(len(found))
        if len(found) >= most:
            break
    return np.array(found[:most]).reshape(-1, PLANES * side * side)


def passing(planes: NDArray[np.uint8], judges: Judges, side: int) -> Windows:
    """Windows (x, y, score of the last judge) of `side` cells, which must lie within the planes, that all pass."""
    first, owners = judges[0], np.zeros(planes.shape[1:], np.int16)
    windows = scan(planes, first)
    for forest in judges[1:]:
        places, fits = around(windows, first.side, forest.side, owners)
        scores = judge(planes, forest, places)
        windows = np.column_stack([windows[fits, :2], scores])[scores > GIVEN_UP]
    places, fits = around(windows, first.side, side, owners)
    return np.column_stack([places, windows[fits, 2]]).astype(np.int32)


def _of_scene(scene: Scene, judges: Judges, side: int, each: int, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    scale = SQUARE / (_SMALLEST * np.exp(rng.uniform(0, 0.12)))
    planes, rows = [], []
    for level in levels(scene.grey, scale, smaller=SMALLER, least=LEAST_SIDE, pad=PAD):
        if judges and rng.random() < 0.5:  # neighbouring levels show the same: half of them tell as much
            continue
        here = channels(level.grey)
        high, wide = here.shape[1] - side + 1, here.shape[2] - side + 1
        if high < 1 or wide < 1:
            continue
        if judges:
            windows = passing(here, judges, side)
        else:
            places = [rng.integers(0, (wide, high)) for _ in range(_ANYWHERE)]
            windows = np.column_stack([places, np.zeros(_ANYWHERE, int)]).astype(np.int32)
        windows = windows[_clear(windows, side, (level.across, level.down), scene.boxes)]
        if len(windows) > _A_LEVEL:
            windows = windows[rng.permutation(len(windows))[:_A_LEVEL]]
        planes.append(here)
        rows.append(np.column_stack([np.full(len(windows), len(planes) - 1), windows]))
    if not rows:
        return []
    found = np.concatenate(rows)
    if len(found) > each:
        found = found[np.argsort(-found[:, 3], kind="stable")]
        rest = rng.permutation(np.arange(each // 2, len(found)))[: each - each // 2]
        found = np.concatenate([found[: each // 2], found[rest]])
    return [planes[at][:, y : y + side, x : x + side].reshape(-1) for at, x, y, _ in found]


def _clear(windows: Windows, side: int, scales: tuple[float, float], boxes: Boxes) -> NDArray[np.bool_]:
    """Which windows show no face: they overlap none by much, and none lies in their middle."""
    if not len(boxes) or not len(windows):
        return np.ones(len(windows), bool)
    centres = (CELL * windows[:, :2] + side * CELL / 2 - PAD) / scales
    square = np.full((len(windows), 2), SQUARE / scales[0])
    squares = np.concatenate([centres - square / 2, square], axis=1)
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    off = np.abs(centres[:, None] - middles[None]) / square[:, None]
    centred = (off < _CENTRED).all(axis=2).any(axis=1)
    return np.asarray((overlaps(squares, boxes).max(axis=1) <= _CLEAR) & ~centred)
