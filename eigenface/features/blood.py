"""Where blood may be: what a pixel's colour says beside the face's own skin, and boosted trees that judge it.

Redness alone does not tell blood: lips, lamps, hats and sunburn are red too. What tells is colour and lightness beside
the skin of the same face, and how they change nearby and on the other side of it. A second set of trees sees what the
first said of the pixels around, so that it knows lips and scarves by their shape and place.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.features.context import CONTEXT, compiled_for, kernels, laid_out, map_context
from eigenface.features.grey import resize_one
from eigenface.features.local_colour import LOGS
from eigenface.features.trees import BoostedTrees
from eigenface.stored import stored_arrays
from eigenface.types import Pixels, Rows
from eigenface.vision import cv2

Planes = NDArray[np.float32]
"""Numbers of one face by pixel: (side, side) or (side, side, k)."""

PLANES = 43
"""Numbers that `pixel_features` gives a pixel."""

_GRID = 4  # cells each way in which a map is summed up
_AREAS = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95)  # probabilities above which pixels are counted
_MIDDLE_AREAS = (0.2, 0.5, 0.8)
_LARGEST_PIXELS = (3, 10, 30, 80, 200, 500)  # of 2,304: which of the sorted probabilities are told
_SMOOTHINGS = (1.5, 3.0, 6.0)  # pixels of 48, as the next
_BLURS = (1.0, 1.2, 2.0, 3.0, 4.0, 5.0)
_REDDER = 12.0  # in a of Lab, beyond which a pixel is redder than skin
_SECOND = "second_"  # before the names of the second trees' arrays
_CHANGE = 18.0  # distance in Lab within which a pixel counts as the skin's own colour


def pixel_features(crop: Pixels, side: int = 48, out: Planes | None = None) -> Planes:
    """What is known of every pixel of a face crop.

    Parameters
    ----------
    crop : uint8 array (rows, cols, 3), RGB, of any size.
    side : int
        Pixels each way after shrinking.
    out : float32 array (PLANES, side * side), optional
        Where it is written.

    Returns
    -------
    float32 array (PLANES, side * side)
        Colour, colour relative to two references of skin, local and mirrored contrasts, place, and facts of the face.

    Examples
    --------
    >>> pixel_features(np.full((60, 50, 3), (205, 160, 140), np.uint8), 24).shape
    (43, 576)
    """
    small = resize_one(crop, side)
    picture = np.asarray(small.astype(np.float32) / 255, np.float32)
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab)
    out = np.empty((PLANES, side * side), np.float32) if out is None else out
    module = compiled_for(side)
    if module is None:
        out[:] = _features_by_numpy(picture, lab, LOGS[small])
    else:
        sigmas = tuple(sigma * (side / 48) for sigma in _BLURS)
        module.features(side, small, lab, _oval(side), LOGS, *kernels(sigmas), out)
    return out


def _features_by_numpy(picture: Planes, lab: Planes, logs: Planes) -> Planes:
    side = len(picture)
    red = logs[..., 0] - logs[..., 1]
    blue = logs[..., 2] - logs[..., 1]
    where = _oval(side)
    usual, pale = skin_references(lab[where])
    usual_red, usual_green = (float(np.median(plane[where])) for plane in (red, logs[..., 1]))
    light, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    unit = side / 48
    near = {name: _blur(plane, 1.2 * unit) for name, plane in (("light", light), ("a", a))}
    mirrored = {name: plane[:, ::-1] for name, plane in near.items()}
    highest = picture.max(axis=2)
    saturation = (highest - picture.min(axis=2)) / np.maximum(highest, np.float32(0.02))
    kernel = np.ones((3, 3), np.uint8)
    planes = [
        light, a, b, saturation, red, blue,
        light - usual[0], a - usual[1], b - usual[2],
        light - pale[0], a - pale[1], b - pale[2],
        red - usual_red, logs[..., 1] - usual_green,
        a - _blur(a, 2 * unit), a - _blur(a, 5 * unit), light - _blur(light, 2 * unit), light - _blur(light, 5 * unit),
        b - _blur(b, 3 * unit), red - _blur(red, 3 * unit),
        near["light"] - usual[0], near["a"] - usual[1],
        _blur(a, 4 * unit) - usual[1], _blur(light, 4 * unit) - usual[0],
        cv2.erode(a, kernel) - usual[1], cv2.dilate(a, kernel) - usual[1], cv2.erode(light, kernel) - usual[0],
        _deviation(light, unit), _deviation(a, unit),
        near["a"] - mirrored["a"], near["light"] - mirrored["light"],
        _blur(np.abs(cv2.Sobel(red, cv2.CV_32F, 1, 0)), unit), _blur(np.abs(cv2.Sobel(red, cv2.CV_32F, 0, 1)), unit),
        *_place(side),
    ]  # fmt: skip
    inside = a[where] - usual[1]
    outside = a[~where] - usual[1]
    facts = [*usual, *(pale - usual)[:2], (inside > _REDDER).mean(), inside.std(), outside.mean()]
    return laid_out(planes, facts)


def skin_references(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two guesses at the skin's colour (3,), of Lab pixels (n, 3) on a face: the usual one, and the usual pale one.

    Where blood covers most of a face, the usual colour is that of blood, and the paler half tells of the skin.
    """
    usual = np.median(pixels, axis=0)
    for _ in range(3):
        alike = pixels[np.linalg.norm(pixels - usual, axis=1) < _CHANGE]
        if len(alike) < 10:
            break
        usual = np.median(alike, axis=0)
    lit = pixels[(pixels[:, 0] > 25) & (pixels[:, 0] < 95)]
    lit = lit if len(lit) > 20 else pixels
    skin = lit[lit[:, 1] > 3] if (lit[:, 1] > 3).sum() > 20 else lit  # white cloth and grey beards are no skin
    pale = np.median(skin[skin[:, 1] <= np.quantile(skin[:, 1], 0.5)], axis=0)
    return usual.astype(np.float32), pale.astype(np.float32)


@functools.lru_cache(maxsize=8)
def _oval(side: int) -> NDArray[np.bool_]:
    down, across = np.mgrid[0:side, 0:side] / (side - 1)
    return np.asarray(np.hypot((across - 0.5) / 0.38, (down - 0.52) / 0.44) < 1)


@functools.lru_cache(maxsize=8)
def _place(side: int) -> tuple[Planes, Planes]:
    """How far a pixel lies from the middle line, and how far down."""
    down, across = np.mgrid[0:side, 0:side].astype(np.float32) / (side - 1)
    return np.abs(across - np.float32(0.5)), down


def _blur(plane: Planes, sigma: float) -> Planes:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _deviation(plane: Planes, unit: float) -> Planes:
    mean = _blur(plane, 2 * unit)
    return np.sqrt(np.maximum(_blur(plane * plane, 2 * unit) - mean * mean, 0))


@dataclass(frozen=True)
class BloodMapper:
    """Says of every pixel of a face how likely it is blood, and sums such maps up.

    Parameters
    ----------
    side : int
        Pixels each way, a multiple of 4.
    trees : BoostedTrees
        Over the planes of `pixel_features`.
    centre, scale : float32 arrays (SUMMARY,)
        Usual value and spread of each number of a summary.
    second : BoostedTrees, optional
        Over the planes of `pixel_features` and `map_context`: it has the last word. Without it the first have.
    """

    side: int
    trees: BoostedTrees
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    second: BoostedTrees | None = None

    def __post_init__(self) -> None:
        if type(self.side) is not int or not 16 <= self.side <= 256 or self.side % _GRID:
            raise ValueError(f"blood map: expected a side in 16..256, a multiple of {_GRID}, got {self.side!r}")
        if self.trees.columns.max() >= PLANES or {self.centre.shape, self.scale.shape} != {(SUMMARY,)}:
            raise ValueError("blood map: trees or scales that do not fit")
        if self.second and self.second.columns.max() >= PLANES + CONTEXT:
            raise ValueError("blood map: second trees that do not fit")

    def map(self, crop: Pixels) -> Planes:
        """Probability of blood, 0..1, at each pixel (side, side) of an RGB crop of any size.

        The trees learned from painted blood, so these are odds among painted faces.
        """
        planes = np.empty((PLANES + CONTEXT if self.second else PLANES, self.side**2), np.float32)
        odds = self.trees(pixel_features(crop, self.side, planes[:PLANES])).reshape(self.side, self.side)
        if self.second:
            map_context(odds, planes[PLANES:])
            odds = self.second(planes).reshape(self.side, self.side)
        return np.asarray(1 / (1 + np.exp(-odds)), np.float32)

    def summaries(self, crops: Sequence[Pixels]) -> Rows:
        """Rows (n, SUMMARY) of crops, each number about as spread as the others, a row's length about 1."""
        rows = np.empty((len(crops), SUMMARY), np.float32)
        for row, crop in zip(rows, crops, strict=True):
            row[:] = summary(self.map(crop))
        rows -= self.centre
        rows /= self.scale * np.float32(np.sqrt(SUMMARY))
        return np.clip(rows, -1, 1, out=rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        later = {f"{_SECOND}{name}": array for name, array in self.second.arrays().items()} if self.second else {}
        return {**self.trees.arrays(), "centre": self.centre, "scale": self.scale, **later}

    @classmethod
    def of(cls, side: int, arrays: Mapping[str, NDArray[Any]]) -> BloodMapper:
        """The mapper of a side and `arrays()`."""
        centre, scale = (np.asarray(arrays[name], np.float32) for name in ("centre", "scale"))
        later = {name.removeprefix(_SECOND): array for name, array in arrays.items() if name.startswith(_SECOND)}
        return cls(side, BoostedTrees.of(arrays), centre, scale, BoostedTrees.of(later) if later else None)


SUMMARY = len(_AREAS) + len(_SMOOTHINGS) + 1 + len(_MIDDLE_AREAS) + len(_LARGEST_PIXELS) + 4 + 2 * _GRID**2
"""Numbers in the summary of a map."""


def summary(found: Planes) -> NDArray[np.float32]:
    """How much, how sure, in how many pieces, how one-sided and where: (SUMMARY,) of a map (side, side)."""
    side = len(found)
    module = compiled_for(side)
    if module is None:
        return _summary_by_numpy(found)
    told = np.empty(SUMMARY, np.float32)
    found = np.ascontiguousarray(found, np.float32)
    module.summary(side, found, *kernels(tuple(sigma * (side / 48) for sigma in _SMOOTHINGS)), told)
    return told


def _summary_by_numpy(found: Planes) -> NDArray[np.float32]:
    side = len(found)
    unit, count = side / 48, side * side
    ordered = np.sort(found, axis=None)[::-1]
    middle = found[side // 8 : -side // 8, side // 6 : -side // 6]
    pieces = cv2.connectedComponentsWithStats((found > 0.5).astype(np.uint8))[2][1:, cv2.CC_STAT_AREA]
    cells = found.reshape(_GRID, side // _GRID, _GRID, side // _GRID)
    turned = found[:, ::-1]
    return np.concatenate(
        [
            [np.sqrt((found > least).mean()) for least in _AREAS],
            [found.max(), *(_blur(found, sigma * unit).max() for sigma in _SMOOTHINGS)],
            [np.sqrt((middle > least).mean()) for least in _MIDDLE_AREAS],
            [ordered[int(rank * count / 2304)] for rank in _LARGEST_PIXELS],
            [np.sqrt(pieces.max(initial=0) / count), np.log1p(len(pieces)) / 3],
            [np.sqrt(np.minimum(found, turned).mean()), np.sqrt(np.abs(found - turned).mean())],
            np.sqrt(cells.mean(axis=(1, 3))).ravel(),
            cells.max(axis=(1, 3)).ravel(),
        ]
    ).astype(np.float32)


SHIPPED = Path(__file__).parent.parent / "models" / "bloodmap.npz"


def save_blood_mapper(mapper: BloodMapper, path: Path) -> None:
    """Write a mapper for `load_blood_mapper`."""
    with path.open("wb") as handle:
        np.savez_compressed(handle, side=np.array(mapper.side), **mapper.arrays())  # type: ignore[arg-type]


@functools.cache
def load_blood_mapper(path: Path = SHIPPED) -> BloodMapper:
    """The mapper in a file, the shipped one by default; ModelError where there is none."""
    with stored_arrays(path, "no_blood_map", "no blood map", "Run `make models`.") as stored:
        return BloodMapper.of(int(stored["side"]), {name: stored[name] for name in stored.files})


def blood_map(crop: Pixels) -> Planes:
    """Where on a face blood may be: probabilities (48, 48) over an RGB crop of any size, by the shipped trees.

    They learned from painted blood alone: this is a picture of what the model looks at, not a finding.
    """
    return load_blood_mapper().map(crop)
