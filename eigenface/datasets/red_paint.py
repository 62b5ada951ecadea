"""Red things that are not blood, painted on photographs of real faces: what a detector of blood must not fall for.

Lipstick, rouge, sunburn, pimples, coloured light, red hair, tinted glasses, scarves, hats and masks, red backgrounds.
Every such picture is synthetic. `photographed` adds what cameras and web sites do to pictures with and without blood.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eigenface.datasets.blood_paint import SIDE, Map, noise, oval
from eigenface.types import Pixels, check_pixels
from eigenface.vision import cv2

Rng = np.random.Generator

_GRID = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE  # down, across


def paint_red(crop: Pixels, *, kinds: int = 1, random_state: int | Rng = 0) -> tuple[Pixels, tuple[str, ...]]:
    """Paint red things that are no blood on a face crop: a synthetic picture (SIDE, SIDE, 3), uint8, and their names.

    Examples
    --------
    >>> paint_red(np.full((90, 80, 3), (205, 160, 140), np.uint8))[0].shape
    (160, 160, 3)
    """
    rng = np.random.default_rng(random_state)
    face = cv2.resize(check_pixels(crop), (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    chosen = tuple(str(kind) for kind in rng.choice(list(LOOKALIKES), kinds, replace=False))
    for kind in chosen:
        face = np.clip(LOOKALIKES[kind](face, rng), 0, 1).astype(np.float32)
    return np.rint(face * 255).astype(np.uint8), chosen


def _mixed(face: Map, colour: NDArray[np.float64], share: Map) -> Map:
    """Colour in 0..1 laid on by `share`, shaded as the face is."""
    luma = face @ np.array([0.3, 0.59, 0.11], np.float32)
    middle = float(np.median(luma[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4])) + 0.05
    layer = colour * np.clip(luma / middle, 0.2, 1.6)[..., None]
    return np.asarray(face * (1 - share[..., None]) + layer * share[..., None], np.float32)


def _spot(x: float, y: float, wide: float, high: float, edge: float) -> Map:
    """An ellipse: 1 inside, 0 outside, with an edge of `edge` of its size."""
    distance = np.hypot((_GRID[1] - x) / wide, (_GRID[0] - y) / high)
    return np.asarray(np.clip((1 - distance) / edge + 0.5, 0, 1), np.float32)


def lipstick(face: Map, rng: Rng) -> Map:
    """Lips: the reddest part of where a mouth is, in colours from rose to dark plum."""
    window = _spot(0.5, rng.uniform(0.74, 0.8), 0.25, 0.13, 0.4)
    lab = cv2.cvtColor(face, cv2.COLOR_RGB2Lab)
    redness = cv2.GaussianBlur(lab[..., 1] - 0.15 * lab[..., 0], (0, 0), 1.5)
    inside = redness[window > 0.5]
    lips = np.clip((redness - np.quantile(inside, 0.7)) / (np.std(inside) + 0.5) + 0.5, 0, 1) * window
    lips = cv2.GaussianBlur(lips.astype(np.float32), (0, 0), 1.2)
    return _mixed(face, rng.uniform((0.4, 0.02, 0.08), (0.9, 0.3, 0.45)), lips * np.float32(rng.uniform(0.5, 0.95)))


def rouge(face: Map, rng: Rng) -> Map:
    """Red cheeks, with soft edges, on both sides."""
    y, wide = rng.uniform(0.55, 0.68), rng.uniform(0.12, 0.2)
    cheeks = _spot(0.25, y, wide, wide * 0.8, 1.2) + _spot(0.75, y, wide, wide * 0.8, 1.2)
    return _mixed(face, rng.uniform((0.75, 0.25, 0.25), (0.95, 0.5, 0.55)), cheeks * np.float32(rng.uniform(0.2, 0.6)))


def sunburn(face: Map, rng: Rng) -> Map:
    """Skin that is red all over, or on nose, cheeks and forehead: absorption rises smoothly, shape stays."""
    where = np.clip(0.7 + 0.35 * noise(rng, rng.uniform(20, 60)), 0, 1.3) * oval(rng, 0.03)
    takes = np.array([0.05, 0.5, 0.5]) * rng.uniform(0.4, 1.6)
    return np.asarray(face * np.exp(-where[..., None] * takes), np.float32)


def pimples(face: Map, rng: Rng) -> Map:
    """Small, soft, pale red spots, such as acne or freckles."""
    spots = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(5, 60))):
        x, y, size = rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.95), rng.uniform(0.006, 0.018)
        spots = np.maximum(spots, _spot(x, y, size, size, 1.5) * np.float32(rng.uniform(0.3, 1)))
    takes = np.array([0.1, 0.35, 0.35]) * rng.uniform(0.4, 1.3)
    return np.asarray(face * np.exp(-(spots * oval(rng))[..., None] * takes), np.float32)


def coloured_light(face: Map, rng: Rng) -> Map:
    """A red, pink, orange or purple lamp, over all or from one side."""
    lamp = rng.uniform((0.9, 0.15, 0.1), (1.2, 0.6, 0.8))
    angle = rng.uniform(0, 2 * np.pi)
    ramp = (_GRID[1] - 0.5) * np.cos(angle) + (_GRID[0] - 0.5) * np.sin(angle)
    share = 1.0 if rng.random() < 0.5 else np.clip(ramp * rng.uniform(2, 8) + 0.5, 0, 1)[..., None]
    strength = share * rng.uniform(0.4, 1.0)
    return np.asarray(face * (1 - strength) + face * lamp * strength, np.float32)


def _cloth(face: Map, rng: Rng, where: Map) -> Map:
    folds = 1 + 0.25 * noise(rng, rng.uniform(4, 12), rng.uniform(1, 6), rng.uniform(0, np.pi))
    weave = 1 + 0.05 * rng.normal(size=(SIDE, SIDE)).astype(np.float32)
    colour = rng.uniform((0.45, 0.0, 0.0), (0.95, 0.25, 0.3)) * rng.uniform(0.5, 1)
    light = float(np.clip(face.mean() / 0.45, 0.3, 1.3))
    layer = colour * (folds * weave * light)[..., None]
    return np.asarray(face * (1 - where[..., None]) + layer * where[..., None], np.float32)


def scarf(face: Map, rng: Rng) -> Map:
    """Red cloth below the chin."""
    edge = rng.uniform(0.84, 0.95) + rng.uniform(-0.3, 0.3) * (_GRID[1] - 0.5) - 0.4 * (_GRID[1] - 0.5) ** 2
    return _cloth(face, rng, np.clip((_GRID[0] - edge) * 60, 0, 1))


def hat(face: Map, rng: Rng) -> Map:
    """Red cloth over the forehead, or about the head."""
    edge = rng.uniform(0.08, 0.26) + rng.uniform(-0.15, 0.15) * (_GRID[1] - 0.5) + 0.3 * (_GRID[1] - 0.5) ** 2
    where = np.clip((edge - _GRID[0]) * 60, 0, 1)
    if rng.random() < 0.4:
        where = np.maximum(where, 1 - _spot(0.5, 0.55, rng.uniform(0.38, 0.46), rng.uniform(0.48, 0.6), 0.06))
    return _cloth(face, rng, np.asarray(where, np.float32))


def mask(face: Map, rng: Rng) -> Map:
    """A red cloth mask over nose and mouth."""
    where = _spot(0.5 + rng.normal(0, 0.02), rng.uniform(0.78, 0.85), rng.uniform(0.28, 0.38), 0.25, 0.08)
    return _cloth(face, rng, where * np.clip((_GRID[0] - rng.uniform(0.5, 0.58)) * 60, 0, 1))


def backdrop(face: Map, rng: Rng) -> Map:
    """Something red behind the head, smooth or patterned."""
    behind = 1 - _spot(0.5, 0.5, rng.uniform(0.45, 0.52), rng.uniform(0.55, 0.65), 0.12)
    pattern = np.clip(0.6 + noise(rng, rng.uniform(8, 50)), 0, 1) if rng.random() < 0.5 else np.float32(1)
    return _cloth(face, rng, np.asarray(behind * pattern, np.float32))


def red_hair(face: Map, rng: Rng) -> Map:
    """Hair dyed or born red, with strands that may hang into the face."""
    top = _spot(0.5 + rng.normal(0, 0.03), 0.6, rng.uniform(0.36, 0.44), rng.uniform(0.42, 0.52), 0.15)
    strands = noise(rng, 1.5, rng.uniform(8, 20), np.pi / 2 + rng.normal(0, 0.2))
    hanging = np.clip(strands - rng.uniform(1.2, 3), 0, 1) * (rng.random() < 0.5) * (_GRID[0] < rng.uniform(0.3, 1))
    where = np.maximum((1 - top) * (rng.random() < 0.8), hanging)
    colour = rng.uniform((0.35, 0.05, 0.02), (0.85, 0.35, 0.2))
    light = np.clip(0.55 + 0.3 * strands + 0.4 * face.mean(axis=2), 0.1, 1.5)
    layer = colour * light[..., None]
    return np.asarray(face * (1 - where[..., None]) + layer * where[..., None], np.float32)


def dark_strands(face: Map, rng: Rng) -> Map:
    """Black or brown hair, twigs or shadows across the face: thin as drops that run, but not red."""
    strands = noise(rng, rng.uniform(1.5, 4), rng.uniform(5, 20), rng.uniform(0.3, 2.8))
    where = np.clip(strands - rng.uniform(1.2, 2.2), 0, 1) * np.clip(noise(rng, 40) + 0.5, 0, 1)
    colour = rng.uniform((0.02, 0.01, 0.01), (0.35, 0.22, 0.15))
    return np.asarray(face * (1 - where[..., None]) + colour * where[..., None], np.float32)


def tinted_glasses(face: Map, rng: Rng) -> Map:
    """Glasses with red, brown, amber or rose lenses."""
    y, gap = rng.uniform(0.38, 0.46), rng.uniform(0.17, 0.21)
    wide, high = rng.uniform(0.11, 0.17), rng.uniform(0.08, 0.14)
    lens = _spot(0.5 - gap, y, wide, high, 0.08) + _spot(0.5 + gap, y, wide, high, 0.08)
    lens = np.clip(lens, 0, 1)
    rim = np.clip(cv2.GaussianBlur(lens, (0, 0), 1.5) * (1 - lens) * 4, 0, 1)
    tint = rng.uniform((0.4, 0.05, 0.03), (1.0, 0.6, 0.5))
    strength = (lens * np.float32(rng.uniform(0.5, 1)))[..., None]
    seen = face * (1 - strength) + (face * tint + 0.05 * tint) * strength
    return np.asarray(seen * (1 - rim[..., None] * rng.uniform(0.3, 1)), np.float32)


LOOKALIKES: dict[str, Callable[[Map, Rng], Map]] = {
    "lipstick": lipstick,
    "rouge": rouge,
    "sunburn": sunburn,
    "pimples": pimples,
    "coloured light": coloured_light,
    "scarf": scarf,
    "hat": hat,
    "mask": mask,
    "backdrop": backdrop,
    "red hair": red_hair,
    "dark strands": dark_strands,
    "tinted glasses": tinted_glasses,
}
"""Kinds of red things: each takes a face (SIDE, SIDE, 3) in 0..1 and a Generator, and gives the changed face."""


def photographed(crop: Pixels, *, random_state: int | Rng = 0) -> Pixels:
    """The crop as another camera and web site would have it: light, colours, blur, noise, fewer pixels, JPEG.

    Its sides are about 48 to 160 pixels afterwards; shapes stay where they are.
    """
    rng = np.random.default_rng(random_state)
    face = check_pixels(crop).astype(np.float32) / 255
    if rng.random() < 0.25:  # a dark hall behind a lit face
        dark = rng.uniform(0.05, 0.6)
        lit = cv2.resize(oval(rng, 0.03), crop.shape[1::-1])[..., None]
        face = face * (lit + (1 - lit) * np.float32(dark))
    grey = face.mean(axis=2, keepdims=True)
    face = grey + (face - grey) * np.float32(rng.uniform(0.6, 1.6))
    face = np.clip(face * rng.uniform(0.88, 1.12, 3).astype(np.float32), 0, 1)
    face = (face - 0.45) * np.float32(rng.uniform(0.8, 1.3)) + np.float32(0.45)
    face = np.clip(face, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.22)))
    if rng.random() < 0.5:
        face = cv2.GaussianBlur(face, (0, 0), float(rng.uniform(0.3, 2.2)))
    face = face + rng.normal(0, rng.uniform(0, 0.03), face.shape).astype(np.float32)
    side = int(np.exp(rng.uniform(np.log(44), np.log(SIDE))))
    small = cv2.resize(np.rint(np.clip(face, 0, 1) * 255).astype(np.uint8), (side, side), interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 97))]
    packed = cv2.imencode(".jpg", small[..., ::-1], quality)[1]
    unpacked: Pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(unpacked[..., ::-1])
