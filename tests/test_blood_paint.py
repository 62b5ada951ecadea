"""Synthetic blood: visible where its mask says, repeatable, and beside it red things that are no blood."""

from __future__ import annotations

import numpy as np
import pytest

from eigenface.datasets.blood_faces import BLOOD, NO_BLOOD, make_blood_faces, paint_face, shaken
from eigenface.datasets.blood_paint import MARKS, SIDE, paint_blood
from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.drawn import make_faces
from eigenface.datasets.red_paint import LOOKALIKES, paint_red, photographed
from eigenface.vision import cv2

DRAWN = make_faces(("female", "male"), 6, size=(60, 200), random_state=3)
FACES = CroppedFaces(
    list(DRAWN.crops), np.asarray(DRAWN.labels), np.array([f"{number}.png" for number in range(len(DRAWN.crops))])
)


def square(crop: np.ndarray) -> np.ndarray:
    return cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(int)


@pytest.mark.parametrize("seed", range(8))
def test_blood_changes_a_face_where_the_mask_says_and_nowhere_else(seed: int) -> None:
    crop = DRAWN.crops[seed]
    painted = paint_blood(crop, random_state=seed)
    changed = np.abs(painted.pixels.astype(int) - square(crop)).max(axis=2)
    assert (painted.mask > 0.5).mean() > 0.002
    assert changed[painted.mask > 0.5].min() > 5
    assert changed[cv2.dilate(painted.mask, np.ones((9, 9))) == 0].mean() < 4
    assert set(painted.kinds) <= set(MARKS)


def test_blood_is_redder_than_the_skin_below_it() -> None:
    skin = np.full((100, 100, 3), (214, 172, 146), np.uint8)
    for seed in range(12):
        painted = paint_blood(skin, random_state=seed)
        red = painted.pixels[painted.mask > 0.9].astype(float).mean(axis=0)
        assert red[0] / (red[1] + 1) > 1.3 * 214 / 172


def test_dark_faces_stay_dark_under_blood() -> None:
    for seed in range(6):
        painted = paint_blood(np.full((80, 80, 3), (40, 28, 22), np.uint8), random_state=seed)
        assert np.quantile(painted.pixels, 0.95) < 215


@pytest.mark.parametrize("name", MARKS)
def test_every_mark_lies_somewhere_and_not_everywhere(name: str) -> None:
    areas = []
    for seed in range(5):
        thickness = MARKS[name](np.random.default_rng(seed))
        assert thickness.shape == (SIDE, SIDE)
        assert np.isfinite(thickness).all()
        assert thickness.min() >= 0
        areas.append((thickness > 0.1).mean())
    assert 0 < max(areas) < 0.95


@pytest.mark.parametrize("name", LOOKALIKES)
def test_every_red_thing_changes_the_face_and_keeps_it_a_picture(name: str) -> None:
    face = square(DRAWN.crops[0]).astype(np.float32) / 255
    changes = []
    for seed in range(6):
        changed = LOOKALIKES[name](face, np.random.default_rng(seed))
        assert changed.shape == face.shape
        assert np.isfinite(changed).all()
        changes.append(np.abs(changed - face).mean())
    assert max(changes) > 0.001


def test_the_same_seed_paints_the_same() -> None:
    crop = DRAWN.crops[1]
    assert (paint_blood(crop, random_state=4).pixels == paint_blood(crop, random_state=4).pixels).all()
    assert (paint_blood(crop, random_state=4).pixels != paint_blood(crop, random_state=5).pixels).any()
    assert (paint_red(crop, kinds=2, random_state=4)[0] == paint_red(crop, kinds=2, random_state=4)[0]).all()
    assert (photographed(crop, random_state=4) == photographed(crop, random_state=4)).all()


def test_what_is_no_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a non-empty uint8 array"):
        paint_blood(np.zeros((10, 10), np.uint8))
    with pytest.raises(TypeError, match="expected a numpy array"):
        paint_red("a.jpg")  # type: ignore[arg-type]


def test_faces_without_blood_have_an_empty_mask() -> None:
    for seed in range(6):
        face = paint_face(DRAWN.crops[0], bloody=False, random_state=seed)
        assert not face.mask.any()
        assert set(face.kinds) <= set(LOOKALIKES)
        assert paint_face(DRAWN.crops[0], bloody=True, random_state=seed).mask.max() > 0.5


def test_a_synthetic_set_has_both_classes_of_every_face_under_its_name() -> None:
    made = make_blood_faces(FACES, each=2, random_state=1)
    assert len(made) == 2 * len(FACES)
    assert made.labels.tolist() == [BLOOD, NO_BLOOD] * len(FACES)
    assert made.groups is not None
    assert made.groups.tolist() == np.repeat(FACES.names, 2).tolist()
    again = make_blood_faces(FACES, each=2, random_state=1)
    assert all((one == other).all() for one, other in zip(made.crops, again.crops, strict=True))


def test_shaken_copies_keep_label_and_group_and_the_face_itself_is_first() -> None:
    made = shaken(FACES, copies=2, random_state=0)
    assert len(made) == 3 * len(FACES)
    assert (made.labels == np.repeat(FACES.labels, 3)).all()
    assert made.groups is not None
    assert len(set(made.groups.tolist())) == len(FACES)
    assert all((made.crops[3 * number] == crop).all() for number, crop in enumerate(FACES.crops))
    assert len(shaken(FACES.select(np.arange(0)), copies=2)) == 0
