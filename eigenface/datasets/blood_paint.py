"""Blood painted on photographs of real faces, with the mask of where it was painted. Every such picture is synthetic.

A mark is a map of how thick the blood lies. What is seen follows from it: a thin film lets the skin through and takes
green and blue away, a thick layer shows the blood's own colour in the light of the photograph, wet blood gleams.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.types import Pixels, check_pixels
from eigenface.vision import cv2

SIDE = 160
"""Side in pixels at which faces are painted and handed out."""

Map = NDArray[np.float32]
"""Numbers over a face (SIDE, SIDE), or a picture (SIDE, SIDE, 3) in 0..1."""

_FINE = 2  # strokes are drawn this many times larger, so that their edges are smooth
_LEAST_AREA = 0.004  # of the crop that must visibly change before anybody would speak of blood
_TRIES = 6
_FLAT_SHARE = 0.3  # of faces that are painted in one flat colour, as make-up and retouched pictures are
_VISIBLE = 12.0  # distance in Lab from the unpainted face that is plainly seen

# Where blood comes from, in sides of the crop: hairline, brows, nostrils, mouth, cheeks.
_SPRINGS = ((0.5, 0.12), (0.3, 0.3), (0.7, 0.3), (0.47, 0.63), (0.53, 0.63), (0.42, 0.77), (0.58, 0.77), (0.25, 0.6),
            (0.75, 0.6), (0.5, 0.3))  # fmt: skip


@dataclass(frozen=True, slots=True)
class PaintedFace:
    """A painted picture (SIDE, SIDE, 3), uint8 RGB, and how visible the blood is at each pixel (SIDE, SIDE), 0..1."""

    pixels: Pixels
    mask: Map
    kinds: tuple[str, ...] = ()


def paint_blood(crop: Pixels, *, random_state: int | np.random.Generator = 0) -> PaintedFace:
    """Paint one to four kinds of marks on a face crop: synthetic blood, never to be taken for a real picture.

    Parameters
    ----------
    crop : uint8 array (rows, cols, 3), RGB
        A face, brows to chin or a little more; of any size.
    random_state : int or Generator

    Returns
    -------
    PaintedFace
        Visibly painted: marks that the photo's light swallows are painted again.

    Examples
    --------
    >>> painted = paint_blood(np.full((90, 80, 3), (205, 160, 140), np.uint8))
    >>> painted.pixels.shape, painted.mask.shape, bool(painted.mask.max() > 0.5)
    ((160, 160, 3), (160, 160), True)
    """
    rng = np.random.default_rng(random_state)
    face = cv2.resize(check_pixels(crop), (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    for attempt in range(1, _TRIES + 1):
        kinds = [str(kind) for kind in rng.choice(list(MARKS), int(rng.choice(4, p=_HOW_MANY)) + 1, p=_SHARES)]
        thickness = np.zeros((SIDE, SIDE), np.float32)
        for kind in kinds:
            thickness += MARKS[kind](rng) * np.float32(rng.uniform(0.25, 1.5))
        if rng.random() < 0.8:
            thickness *= 0.1 + 0.9 * oval(rng, 0.05)
        thickness *= attempt  # what was not seen is laid on thicker
        painted = (_flat if rng.random() < _FLAT_SHARE else _laid_on)(face, thickness, rng)
        mask = _visible(face, painted) * (thickness > 0.05)
        if (mask > 0.5).mean() >= _LEAST_AREA:
            break
    return PaintedFace(np.rint(painted * 255).astype(np.uint8), mask.astype(np.float32), tuple(kinds))


def oval(rng: np.random.Generator, jitter: float = 0.0) -> Map:
    """About 1 on the face and 0 beside it, with a soft edge."""
    down, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    x, y = (np.array([0.5, 0.52]) + rng.uniform(-jitter, jitter, 2)).astype(np.float32)
    distance = np.hypot((across - x) / np.float32(0.43), (down - y) / np.float32(0.54))
    return np.asarray(np.clip((1.1 - distance) * 6, 0, 1), np.float32)


def noise(rng: np.random.Generator, grain: float, stretch: float = 1.0, angle: float = 0.0) -> Map:
    """Smooth noise of mean 0 and deviation 1; `grain` is its size in pixels, longer by `stretch` along `angle`."""
    wide = int(SIDE * 1.5)
    cells = [max(2, round(wide / size)) for size in (grain * stretch, grain)]
    coarse = rng.normal(size=(cells[1], cells[0])).astype(np.float32)
    large = cv2.resize(coarse, (wide, wide), interpolation=cv2.INTER_CUBIC)
    turn = cv2.getRotationMatrix2D((wide / 2, wide / 2), float(np.degrees(angle)), 1.0)
    turn[:, 2] -= (wide - SIDE) / 2
    made = cv2.warpAffine(large, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
    return np.asarray((made - made.mean()) / (made.std() + 1e-6), np.float32)


def _spring(rng: np.random.Generator, spread: float = 0.06) -> NDArray[np.float64]:
    place: NDArray[np.float64] = np.array(_SPRINGS[rng.integers(len(_SPRINGS))]) + rng.normal(0, spread, 2)
    return place


class _Canvas:
    """Strokes in sides of the crop, drawn large and made small."""

    def __init__(self) -> None:
        self._large = np.zeros((SIDE * _FINE, SIDE * _FINE), np.uint8)

    def path(self, points: NDArray[np.float64], widths: NDArray[np.float64], value: int = 255) -> None:
        at = np.rint(points * SIDE * _FINE).astype(int).tolist()
        thick = np.maximum(1, np.rint(widths * SIDE * _FINE)).astype(int)
        for start, end, wide in zip(at, at[1:], thick, strict=False):
            cv2.line(self._large, start, end, value, int(wide), cv2.LINE_AA)

    def dot(self, place: NDArray[np.float64], radii: NDArray[np.float64], angle: float, value: int = 255) -> None:
        centre = tuple(np.rint(place * SIDE * _FINE).astype(int).tolist())
        axes = tuple(np.maximum(1, np.rint(radii * SIDE * _FINE)).astype(int).tolist())
        cv2.ellipse(self._large, centre, axes, float(np.degrees(angle)), 0, 360, value, -1, cv2.LINE_AA)

    def map(self, softness: float = 0.6) -> Map:
        small = cv2.resize(self._large, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        return np.asarray(cv2.GaussianBlur(small, (0, 0), softness), np.float32)


def _run_down(rng: np.random.Generator, canvas: _Canvas, start: NDArray[np.float64], width: float) -> None:
    """One drop's way down, wandering a little, thinner as it goes, with a drop at its end."""
    steps = int(rng.integers(6, 40))
    slope = rng.normal(0, 0.15)
    sideways = np.cumsum(rng.normal(0, 0.004, steps)) + slope * 0.015 * np.arange(steps)
    points = start + np.stack([sideways, 0.015 * np.arange(steps)], axis=1)
    widths = width * np.linspace(1, rng.uniform(0.3, 1), steps) * rng.uniform(0.8, 1.2, steps)
    canvas.path(points, widths)
    if rng.random() < 0.6:
        canvas.dot(points[-1], np.array([0.6, 0.9]) * width * rng.uniform(0.8, 1.4), 0.0)


def drips(rng: np.random.Generator) -> Map:
    """Drops that run down from one place."""
    canvas, start = _Canvas(), _spring(rng)
    for _ in range(int(rng.integers(1, 7))):
        _run_down(rng, canvas, start + rng.normal(0, (0.04, 0.015)), float(rng.uniform(0.008, 0.03)))
    return canvas.map()


def cut(rng: np.random.Generator) -> Map:
    """A wound: a dark line, blood about it, often a drop that runs from it."""
    canvas, middle, angle = _Canvas(), _spring(rng, 0.1), rng.uniform(0, np.pi)
    half = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.03, 0.14)
    along = np.linspace(-1, 1, 12)[:, None]
    points = middle + along * half + rng.normal(0, 0.004, (12, 2))
    canvas.path(points, rng.uniform(0.008, 0.025) * (1.1 - np.abs(along[:, 0])))
    for _ in range(int(rng.integers(0, 4))):
        _run_down(rng, canvas, points[rng.integers(12)], float(rng.uniform(0.006, 0.02)))
    line = canvas.map()
    about = cv2.GaussianBlur(line, (0, 0), float(rng.uniform(2, 6))) * (1 + 0.6 * noise(rng, 4))
    return np.asarray(1.5 * line + np.clip(about, 0, None) * rng.uniform(0.3, 1.5), np.float32)


def smear(rng: np.random.Generator) -> Map:
    """Blood wiped over the skin: streaks along one direction."""
    angle = rng.uniform(0, np.pi)
    streaks = noise(rng, rng.uniform(2, 5), rng.uniform(3, 12), -angle) + rng.uniform(-0.2, 1.0)
    return np.asarray(np.clip(streaks, 0, 2) * _blob(rng, 0.08, 0.3, angle), np.float32)


def spatter(rng: np.random.Generator) -> Map:
    """Many drops flung on the face, few of them large."""
    canvas, middle = _Canvas(), _spring(rng, 0.15)
    angle, spread = rng.uniform(0, np.pi), rng.uniform(0.05, 0.3)
    for _ in range(int(rng.integers(8, 120))):
        radius = min(0.04, 0.004 * float(np.exp(rng.normal(0.3, 0.7))))
        long = np.array([1.0, 1.0]) if rng.random() < 0.5 else np.array([rng.uniform(1, 3.5), 1.0])
        canvas.dot(middle + rng.normal(0, spread, 2), radius * long, angle + rng.normal(0, 0.4))
    return canvas.map(0.5)


def graze(rng: np.random.Generator) -> Map:
    """Broken skin: a patch of many small red places."""
    grains = noise(rng, rng.uniform(2, 6)) + 0.8 * noise(rng, rng.uniform(6, 14)) + rng.uniform(-0.8, 0.6)
    return np.asarray(np.clip(grains, 0, 1.6) * _blob(rng, 0.06, 0.2, rng.uniform(0, np.pi)), np.float32)


def pool(rng: np.random.Generator) -> Map:
    """A wet patch with a crisp, irregular edge, drops running from it."""
    shape = _blob(rng, 0.04, 0.15, rng.uniform(0, np.pi)) + 0.25 * noise(rng, rng.uniform(6, 16))
    place = np.unravel_index(int(shape.argmax()), shape.shape)
    canvas = _Canvas()
    for _ in range(int(rng.integers(0, 4))):
        start = np.array([place[1], place[0]]) / SIDE + rng.normal(0, 0.03, 2)
        _run_down(rng, canvas, start, float(rng.uniform(0.008, 0.025)))
    inside = np.clip((shape - 0.6) * 8, 0, 1)
    return np.asarray(inside * rng.uniform(0.7, 1.5) + canvas.map(), np.float32)


def covered(rng: np.random.Generator) -> Map:
    """A face run over with blood: a film over much of it, thicker in places and streaks."""
    film = 0.5 * noise(rng, rng.uniform(15, 50)) + 0.4 * noise(rng, rng.uniform(3, 8), rng.uniform(1, 5), np.pi / 2)
    return np.asarray(np.clip(film + rng.uniform(-0.2, 0.5), 0, 1.5) * rng.uniform(0.4, 1.2), np.float32)


def from_nose_or_mouth(rng: np.random.Generator) -> Map:
    """A bleeding nose or mouth: blood on lips and chin, and where it runs down."""
    canvas = _Canvas()
    nose = rng.random() < 0.6
    for side in (-1, 1):
        if rng.random() < 0.75:
            start = np.array([0.5 + side * 0.035, 0.63] if nose else [0.5 + side * rng.uniform(0, 0.1), 0.78])
            _run_down(rng, canvas, start + rng.normal(0, 0.015, 2), float(rng.uniform(0.012, 0.035)))
    below = _blob(rng, 0.03, 0.1, rng.uniform(-0.3, 0.3), at=(0.5, 0.72 if nose else 0.8))
    return np.asarray(canvas.map() + below * np.clip(noise(rng, 5) + rng.uniform(-0.5, 1), 0, 1.5), np.float32)


def _blob(
    rng: np.random.Generator, least: float, most: float, angle: float, at: tuple[float, float] | None = None
) -> Map:
    """A soft ellipse with half axes between `least` and `most` sides."""
    x, y = (_spring(rng, 0.1) if at is None else np.array(at) + rng.normal(0, 0.02, 2)).astype(np.float32)
    long, short = sorted(rng.uniform(least, most, 2), reverse=True)
    down, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    u = (across - x) * np.cos(angle) + (down - y) * np.sin(angle)
    v = (down - y) * np.cos(angle) - (across - x) * np.sin(angle)
    return np.asarray(np.clip(1.6 - 1.3 * np.hypot(u / long, v / short), 0, 1), np.float32)


MARKS: dict[str, Callable[[np.random.Generator], Map]] = {
    "drips": drips,
    "cut": cut,
    "smear": smear,
    "spatter": spatter,
    "graze": graze,
    "pool": pool,
    "covered": covered,
    "nose or mouth": from_nose_or_mouth,
}
"""Kinds of marks: each takes a Generator and gives a thickness (SIDE, SIDE), 0 where there is none, about 1 opaque."""

_HOW_MANY = np.array([0.4, 0.3, 0.2, 0.1])
_SHARES = np.array([0.2, 0.15, 0.13, 0.12, 0.1, 0.1, 0.07, 0.13])


def _linear(picture: Map) -> Map:
    return np.asarray(np.clip(picture, 0, 1) ** np.float32(2.2), np.float32)


def _laid_on(face: Map, thickness: Map, rng: np.random.Generator) -> Map:
    """The face (SIDE, SIDE, 3), 0..1, with blood so thick on it."""
    light = _linear(face)
    dried = float(rng.beta(0.8, 1.2))
    if dried > 0.4:
        thickness = np.clip(thickness * (1 + dried * 0.5 * noise(rng, 2.5)), 0, None)
    fresh, old = rng.uniform((105, 0, 5), (195, 25, 32)), rng.uniform((48, 8, 5), (105, 40, 32))
    colour = _linear(np.asarray(((1 - dried) * fresh + dried * old) / 255, np.float32))
    inside = light[SIDE // 4 : -SIDE // 5, SIDE // 4 : -SIDE // 4].reshape(-1, 3)
    skin = np.median(inside, axis=0) + 1e-3
    luma = light @ np.array([0.21, 0.72, 0.07], np.float32)
    usual = np.array([0.62, 0.36, 0.26])  # linear light of fair skin in white light
    lamp = np.clip((skin / skin.mean()) / (usual / usual.mean()), 0.5, 2) ** 0.5
    shade = cv2.GaussianBlur(luma, (0, 0), 5) / float(skin @ (0.21, 0.72, 0.07))
    exposure = np.clip(float(skin.mean()) / 0.3, 0.15, 1.2) ** 0.7
    layer = colour * lamp * (exposure * np.clip(shade, 0.15, 1.5))[..., None]
    takes = np.array([0.3 + 0.5 * dried, 2.4, 2.2 + 0.4 * dried]) * rng.uniform(0.6, 1.4)
    through = np.exp(-thickness[..., None] * takes)
    own = 1 - np.exp(-thickness * rng.uniform(0.4, 2.0))[..., None]
    seen = light * through * (1 - own) + layer * own
    if rng.random() < 0.6 * (1 - dried):
        seen += _gleam(thickness, rng)[..., None] * lamp * exposure * np.clip(shade, 0, 1.5)[..., None]
    return np.asarray(np.clip(seen, 0, 1) ** (1 / 2.2), np.float32)


def _flat(face: Map, thickness: Map, rng: np.random.Generator) -> Map:
    """The face with one red or brown mixed in, softer or sharper, more or less shaded as the face is."""
    share = np.clip(cv2.GaussianBlur(thickness * np.float32(2), (0, 0), float(rng.uniform(0.3, 2.5))), 0, 1)
    share *= np.float32(rng.uniform(0.4, 0.97))
    colour = rng.uniform((0.22, 0.0, 0.0), (0.8, 0.17, 0.17))
    luma = cv2.GaussianBlur(face @ np.array([0.3, 0.59, 0.11], np.float32), (0, 0), 4)
    shade = (luma / (np.median(luma) + 0.05)) ** rng.uniform(0, 1) * (1 + rng.uniform(0, 0.2) * noise(rng, 2.5))
    layer = face * (colour + 0.1) if rng.random() < 0.25 else colour * np.clip(shade, 0.2, 1.5)[..., None]
    return np.asarray(np.clip(face * (1 - share[..., None]) + layer * share[..., None], 0, 1), np.float32)


def _gleam(thickness: Map, rng: np.random.Generator) -> Map:
    """Light that wet edges throw back, from one side."""
    height = cv2.GaussianBlur(np.minimum(thickness, 1.5) * (1 + 0.15 * noise(rng, 3)), (0, 0), 1.0)
    angle = rng.uniform(-np.pi, 0)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) * np.cos(angle) + cv2.Sobel(height, cv2.CV_32F, 0, 1) * np.sin(angle)
    return np.asarray(np.clip(-slope - rng.uniform(0.9, 1.6), 0, 1) * rng.uniform(0.05, 0.4), np.float32)


def _visible(before: Map, after: Map) -> Map:
    lab = [cv2.cvtColor(picture, cv2.COLOR_RGB2Lab) for picture in (before, after)]
    return np.asarray(np.clip(np.linalg.norm(lab[1] - lab[0], axis=2) / (2 * _VISIBLE), 0, 1), np.float32)
