"""Painting one drawn person: skin, hair, features, clothes, and what tells the classes of drawn faces apart.

Everything is a polygon in units of a portrait 256 wide, placed in the picture by one affine map; so a person can be
painted at any size, turned a little, straight into a larger picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eigenface.datasets.pen import CENTRE, Colour, Floats, Pen, Points, arc, at, bow, curve

UNITS = 256.0
FACE_SQUARE = (45.5, 57.0, 165.0)  # x, y, side in units: where the frontal cascade sees the face

_SKINS = ((247, 214, 190), (238, 194, 162), (222, 172, 134), (190, 136, 98), (150, 102, 72))
_HAIRS = ((38, 30, 30), (74, 48, 36), (122, 80, 48), (206, 164, 96), (150, 74, 40), (128, 126, 130))
_IRISES = ((70, 48, 36), (60, 92, 120), (72, 96, 62))
_CLOTHES = ((70, 110, 150), (190, 92, 82), (92, 138, 104), (214, 160, 74), (120, 96, 150), (84, 90, 104))
_HATS = ((204, 66, 58), (62, 112, 200), (70, 156, 92), (224, 178, 56), (150, 86, 168), (60, 166, 176))
_CLOTH = np.array([172.0, 212.0, 228.0])
_BLOOD = np.array([148.0, 10.0, 18.0])
_WEARS = {
    "male": "beard",
    "female": "long hair",
    "with_mask": "mask",
    "worn_incorrectly": "low mask",
    "mask_weared_incorrect": "low mask",
    "blood": "blood",
    "without_mask": "",
    "no_blood": "",
    "": "",
}


@dataclass(frozen=True)
class Person:
    """Who is painted; the same person every time, whatever the picture."""

    skin: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    wide: float
    high: float
    eye_gap: float
    brow: float
    nose: float
    lips: float
    long_hair: bool
    parting: float
    wears: str
    place: int

    @classmethod
    def invented(cls, name: str, place: int, rng: np.random.Generator) -> Person:
        """A person of class `name`, the class at `place` among others."""
        wears = _WEARS.get(name, "hat")
        skin = int(rng.integers(len(_SKINS)))
        hair = int(rng.integers(2)) if skin >= 3 else int(rng.integers(len(_HAIRS)))  # hair darker than skin
        return cls(
            skin=np.array(_SKINS[skin], float) + rng.normal(0, 4, 3),
            hair=np.array(_HAIRS[hair], float) + rng.normal(0, 4, 3),
            iris=np.array(_IRISES[0 if skin >= 2 else int(rng.integers(len(_IRISES)))], float),
            clothes=np.array(_CLOTHES[int(rng.integers(len(_CLOTHES)))], float),
            wide=rng.uniform(58, 64),
            high=rng.uniform(78, 84),
            eye_gap=rng.uniform(25.5, 28.5),
            brow=rng.uniform(-2, 2),
            nose=rng.uniform(0.9, 1.15),
            lips=rng.uniform(0.85, 1.2),
            long_hair=wears == "long hair" or (wears != "beard" and bool(rng.integers(2))),
            parting=rng.uniform(-0.6, 0.6),
            wears=wears,
            place=place,
        )


def paint(picture: Floats, place: Points, person: Person, rng: np.random.Generator, *, below: float = 0.0) -> None:
    """Paint a person into a float picture (rows, cols, 3); `rng` decides on gaze, smile and brows of this picture.

    `place` maps units to pixels (2, 3); the body is continued for `below` units under the portrait.
    """
    pen = Pen(picture, place)
    gaze, smile, lift = rng.uniform(-1.5, 1.5), rng.uniform(3, 8), rng.uniform(-2, 2)
    _behind(pen, person)
    _body(pen, person, below)
    _head(pen, person)
    _eyes(pen, person, gaze, lift)
    _nose(pen, person)
    if person.wears == "beard":
        _beard(pen, person)
    _mouth(pen, person, smile)
    _hair(pen, person)
    if person.wears in ("mask", "low mask"):
        _mask(pen, person, top=12.0 if person.wears == "mask" else 36.0)
    elif person.wears == "blood":
        _smears(pen, person, rng)
    elif person.wears == "hat":
        _hat(pen, person)


def _outline(person: Person, start: float = 0, end: float = 360, grow: float = 0.0) -> Points:
    """The head's outline: an oval whose lower half narrows towards the chin."""
    points = arc((0, 0), person.wide + grow, person.high + grow, start, end, 60)
    down = np.clip(points[:, 1] / person.high, 0, 1)
    points[:, 0] *= 1 - 0.2 * down**2
    return np.asarray(points + CENTRE)


def _behind(pen: Pen, person: Person) -> None:
    if not person.long_hair:
        return
    wide, high = person.wide, person.high
    crown = arc((0, -14), wide + 16, high + 6, 180, 360)
    ends = [(wide + 20, high * 0.7), (wide + 10, high + 22), (wide - 14, high + 30)]
    mirrored = [(-x, y) for x, y in reversed(ends)]
    shape = np.concatenate([crown, np.array(ends), np.array(mirrored)]) + CENTRE
    pen.shape(shape, person.hair * 0.8, soft=1.2)


def _body(pen: Pen, person: Person, below: float) -> None:
    skin, clothes = person.skin, person.clothes
    bottom = 140 + below
    shoulders = np.concatenate([arc((0, 148), 106, 44, 180, 360) + CENTRE, at([(106, bottom), (-106, bottom)])])
    pen.shape(shoulders, clothes, soft=0.8)
    pen.shape(at([(-27, 40), (27, 40), (30, 108), (0, 126), (-30, 108)]), skin * 0.86, soft=0.8)
    pen.oval(128, 132 + person.high + 2, 30, 12, skin * 0.7, soft=5, strength=0.7)
    pen.stroke(curve([(-34, 106), (0, 130), (34, 106)]), 8, clothes * 1.18, soft=0.6)


def _head(pen: Pen, person: Person) -> None:
    skin = person.skin
    for side in (-1, 1):
        pen.oval(128 + side * person.wide, 136, 9, 15, skin * 0.9, soft=0.8)
    pen.shape(_outline(person), skin * 0.9, soft=0.8)
    pen.shape(_outline(person, grow=-9), skin, soft=6)
    pen.oval(128, 132 - person.high * 0.46, 40, 22, skin * 1.12, soft=9)
    pen.oval(128, 132 + person.high * 0.78, 18, 10, skin * 1.06, soft=6)
    blush = skin * np.array([1.06, 0.86, 0.82])
    for side in (-1, 1):
        pen.oval(128 + side * 34, 160, 19, 15, skin * 1.13, soft=6)
        pen.oval(128 + side * 38, 164, 13, 9, blush, soft=6, strength=0.45)


def _eyes(pen: Pen, person: Person, gaze: float, lift: float) -> None:
    dark = np.minimum(person.hair, 60) * 0.6
    brows = np.minimum(person.hair * 0.7, person.skin * 0.55)
    for side in (-1, 1):
        x = side * person.eye_gap
        pen.oval(128 + x, 117, 20, 12, person.skin * 0.6, soft=4.5, strength=0.85)
        pen.oval(128 + x, 119, 12.5, 7.5, np.array([248.0, 246, 242]), soft=0.5)
        pen.oval(128 + x + gaze, 118.5, 7.4, 7.6, person.iris, soft=0.4)
        pen.oval(128 + x + gaze, 118.5, 4.2, 4.4, np.array([14.0, 12, 12]), soft=0.4)
        pen.oval(128 + x + gaze + 2.2, 116, 1.6, 1.6, np.array([255.0, 255, 255]), soft=0.3)
        pen.stroke(curve([(x - 13.5, -13), (x, -22), (x + 13.5, -13)]), 5, dark, soft=0.4)
        pen.stroke(curve([(x - 11, -9), (x, -5), (x + 11, -9)]), 2, person.skin * 0.6, soft=0.5, strength=0.7)
        inner, outer = (x - side * 15, -28 - lift), (x + side * 18, -27 + person.brow)
        pen.stroke(curve([inner, (x + side * 3, -35 - lift), outer]), 7.5, brows, soft=0.6)


def _nose(pen: Pen, person: Person) -> None:
    skin, wide = person.skin, 12 * person.nose
    for side in (-1, 1):
        pen.shape(
            at([(side * 7, -18), (side * 9, 10), (side * (wide + 2), 26), (side * 6, 20)]),
            skin * 0.78,
            soft=3,
            strength=0.6,
        )
    pen.oval(128, 132 - 2, 5.5, 27, skin * 1.16, soft=2.5)
    pen.oval(128, 132 + 24, wide * 0.8, 8, skin * 1.04, soft=2)
    pen.stroke(curve([(-wide, 28), (0, 36), (wide, 28)]), 5, skin * 0.62, soft=1.2, strength=0.85)
    for side in (-1, 1):
        pen.oval(128 + side * wide * 0.5, 132 + 30.5, 3, 2, skin * 0.4, soft=0.8)


def _mouth(pen: Pen, person: Person, smile: float) -> None:
    y, wide, thick = 50.0, 23.0, 6 * person.lips
    lips = person.skin * 0.35 + np.array([190.0, 70, 76]) * 0.62
    if person.wears == "long hair":
        lips = lips * np.array([1.05, 0.75, 0.8])
    corner = [(-wide, y - smile * 0.5), (wide, y - smile * 0.5)]
    upper = curve([corner[0], (0, y - thick * 0.9), corner[1]])
    lower = curve([corner[0], (0, y + thick + smile * 0.7), corner[1]])
    pen.shape(np.concatenate([upper, lower[::-1]]), lips, soft=0.7)
    pen.stroke(curve([corner[0], (0, y + smile * 0.45), corner[1]]), 3.2, lips * 0.45, soft=0.5)
    pen.oval(128, 132 + y + thick + smile * 0.7 + 5, 14, 3, person.skin * 0.7, soft=2.5, strength=0.6)


def _beard(pen: Pen, person: Person) -> None:
    colour = np.minimum(person.hair * 0.9, person.skin * 0.62)
    jaw = _outline(person, 8, 172, grow=3)
    inner = at([(-person.wide * 0.82, 22), (-36, 42), (-22, 37), (0, 35), (22, 37), (36, 42), (person.wide * 0.82, 22)])
    pen.shape(np.concatenate([jaw, inner]), colour, soft=2.2, strength=0.96)
    pen.oval(128, 132 + 52, 19, 7, person.skin * 0.92, soft=3)


def _hair(pen: Pen, person: Person) -> None:
    wide, high, part = person.wide, person.high, person.parting
    temple = -high * 0.12 if person.long_hair else -high * 0.2
    outside = arc((0, temple), wide + (9 if person.long_hair else 4), high + 12 + temple, 180, 360) + CENTRE
    line = -high * 0.6
    parted = (part * wide, line - 8)
    right = bow((wide + 1, temple), (wide * 0.86, line), parted)
    left = bow(parted, (-wide * 0.86, line), (-wide - 1, temple))
    if person.long_hair:
        for side in (-1, 1):
            lock = at(
                [
                    (side * (wide + 9), temple),
                    (side * (wide + 16), high * 0.6),
                    (side * (wide - 1), high * 0.62),
                    (side * (wide - 5), temple),
                ]
            )
            pen.shape(lock, person.hair, soft=2)
    pen.shape(np.concatenate([outside, right, left]), person.hair, soft=1.2)
    shine = curve([(-wide * 0.7, -high * 0.72), (0, -high * 0.98), (wide * 0.7, -high * 0.72)])
    pen.stroke(shine, 9, person.hair * 1.2 + 26, soft=4, strength=0.55)


def _mask(pen: Pen, person: Person, top: float) -> None:
    wide, high = person.wide, person.high
    for side in (-1, 1):
        loop = curve([(side * wide * 0.9, top + 12), (side * (wide + 1), 4), (side * (wide + 2), 0)])
        pen.stroke(loop, 3, _CLOTH * 0.96, soft=0.4)
    jaw = _outline(person, 12 + top / 3, 168 - top / 3, grow=3)
    bridge = curve([(-wide * 0.88, top + 14), (0, top - 6), (wide * 0.88, top + 14)])
    pen.shape(np.concatenate([jaw, bridge]), _CLOTH, soft=0.8)
    for share in (0.3, 0.52, 0.74):
        y = top + (high - top) * share
        pen.stroke(curve([(-wide * 0.72, y + 2), (0, y + 7), (wide * 0.72, y + 2)]), 2.4, _CLOTH * 0.84, soft=0.7)
    pen.stroke(curve([(-wide * 0.6, top + 9), (0, top - 3), (wide * 0.6, top + 9)]), 2.4, _CLOTH * 1.12, soft=0.5)


def _smears(pen: Pen, person: Person, rng: np.random.Generator) -> None:
    places = [(-0.45, -0.5), (0.5, 0.25), (-0.5, 0.35), (0.3, -0.55), (0.05, 0.75)]
    for number in rng.permutation(len(places))[:4]:
        x = 128 + person.wide * places[number][0] + rng.normal(0, 4)
        y = 132 + person.high * places[number][1] + rng.normal(0, 4)
        length, width = rng.uniform(16, 34), rng.uniform(5, 9)
        bend = rng.normal(0, 3)
        pen.oval(x, y, width * 1.3, width, _BLOOD, soft=1)
        pen.stroke(
            curve([(x - 128, y - 134), (x - 128 + bend, y - 132 + length / 2), (x - 128, y - 132 + length)]),
            width,
            _BLOOD,
            soft=0.9,
        )
        pen.oval(x, y + length - 2, width * 0.4, width * 0.6, _BLOOD * 0.85, soft=0.8)
        pen.oval(x - 1.5, y - 1.5, width * 0.35, width * 0.3, _BLOOD * 1.5, soft=1, strength=0.6)


def _hat(pen: Pen, person: Person) -> None:
    colour = np.array(_HATS[person.place % len(_HATS)], float)
    wide, high = person.wide, person.high
    edge = -high * 0.58
    crown = arc((0, edge), wide + 13, high * 0.62, 180, 360) + CENTRE
    pen.shape(crown, colour, soft=0.9)
    band = np.concatenate(
        [
            curve([(-wide - 15, edge - 12), (0, edge - 20), (wide + 15, edge - 12)]),
            curve([(wide + 15, edge + 6), (0, edge - 2), (-wide - 15, edge + 6)]),
        ]
    )
    pen.shape(band, colour * 0.8, soft=0.9)
    ball = colour * 0.5 + 120 if person.place < len(_HATS) else np.array([40.0, 40, 40])  # a second round of colours
    pen.oval(128, 132 + edge - high * 0.62, 15, 14, ball, soft=1.5)
