"""Synthetic faces with and without blood, made of photographs of faces without any: nothing in them is real blood.

Half get blood, some of them red things as well; the other half red things that are no blood, or nothing. Then all are
photographed anew, so that neither blur nor light nor compression tells the classes apart.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eigenface.augment import in_turn, jittered
from eigenface.datasets.blood_paint import SIDE, PaintedFace, paint_blood
from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.red_paint import paint_red, photographed
from eigenface.datasets.splits import split_by_name
from eigenface.types import Pixels

BLOOD, NO_BLOOD = "blood", "no_blood"

REAL_COPIES = 30
"""Changed copies of each real face, which are few beside synthetic ones."""

_MAP_SHARE = 1 / 3  # of people, whose faces teach the map of where and not the classifier that reads it
_REFRAMED = jittered()
_SHARE_REFRAMED, _SHARE_PHOTOGRAPHED, _SHARE_RED_BESIDE_BLOOD = 0.8, 0.75, 0.35
_RED_THINGS = (0.35, 0.4, 0.25)  # shares of faces without blood that get none, one or two


def paint_face(crop: Pixels, *, bloody: bool, random_state: int | np.random.Generator = 0) -> PaintedFace:
    """One synthetic face, with blood and the mask of where it is, or without and an empty mask.

    Parameters
    ----------
    crop : uint8 array (rows, cols, 3), RGB
        A face without blood.
    bloody : bool
    random_state : int or Generator

    Returns
    -------
    PaintedFace
        Its picture may be smaller than its mask (SIDE, SIDE); they cover the same square.
    """
    rng = np.random.default_rng(random_state)
    if rng.random() < _SHARE_REFRAMED:
        crop = _REFRAMED(crop, rng)
    things: tuple[str, ...] = ()
    red_things = int(rng.random() < _SHARE_RED_BESIDE_BLOOD) if bloody else int(rng.choice(3, p=_RED_THINGS))
    if red_things:
        crop, things = paint_red(crop, kinds=red_things, random_state=rng)
    painted = PaintedFace(crop, np.zeros((SIDE, SIDE), np.float32))
    if bloody:
        painted = paint_blood(crop, random_state=rng)
    pixels = painted.pixels
    if rng.random() < _SHARE_PHOTOGRAPHED:
        pixels = photographed(pixels, random_state=rng)
    return PaintedFace(pixels, painted.mask, (*things, *painted.kinds))


def make_blood_faces(faces: CroppedFaces, *, each: int = 2, random_state: int = 0) -> CroppedFaces:
    """Synthetic faces of both classes, `each` of every face, in turn with and without blood.

    Names and groups stay, so that splits by person keep all pictures of one face on one side. Labels are replaced:
    faces that show blood already do not belong here.
    """
    rng = np.random.default_rng(random_state)
    index = np.repeat(np.arange(len(faces)), each)
    bloody = np.arange(len(index)) % 2 == 0
    crops = [
        paint_face(faces.crops[face], bloody=bool(with_blood), random_state=rng).pixels
        for face, with_blood in zip(index, bloody, strict=True)
    ]
    made = faces.select(index)
    groups = made.names if made.groups is None else made.groups
    labels = np.where(bloody, BLOOD, NO_BLOOD).astype(np.str_)
    return replace(made, crops=crops, labels=labels, groups=groups, columns={})


def shaken(faces: CroppedFaces, *, copies: int, random_state: int = 0) -> CroppedFaces:
    """Every face and `copies` changed copies of it, a group each: few real faces beside many synthetic ones."""
    rng = np.random.default_rng(random_state)
    index = np.repeat(np.arange(len(faces)), copies + 1)
    changed = in_turn(_REFRAMED, lambda crop, rng: photographed(crop, random_state=rng))
    first = np.arange(len(index)) % (copies + 1) == 0
    crops = [
        faces.crops[face] if original else changed(faces.crops[face], rng)
        for face, original in zip(index, first, strict=True)
    ]
    made = faces.select(index)
    return replace(made, crops=crops, groups=made.names if made.groups is None else made.groups)


def synthetic(faces: CroppedFaces, judging: bool) -> CroppedFaces:
    """Synthetic faces of one face a person: one each to judge by; two each to learn from.

    None of those to learn from is of people whom the map knows.
    """
    if faces.groups is not None:
        faces = faces.select(np.sort(np.unique(faces.groups, return_index=True)[1]))
    if not judging:
        faces = faces.select(map_part(faces)[0])
    return make_blood_faces(faces, each=1 if judging else 2, random_state=int(judging))


def few_real(faces: CroppedFaces, judging: bool) -> CroppedFaces:
    """Real faces to judge by, or to learn from with changed copies of each."""
    return faces if judging or not len(faces) else shaken(faces, copies=REAL_COPIES)


def map_part(faces: CroppedFaces) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of faces that classifiers learn from, and of those that the map of where learns from."""
    keys = faces.names if faces.groups is None else faces.groups
    return split_by_name([f"map {key}" for key in keys], _MAP_SHARE)
