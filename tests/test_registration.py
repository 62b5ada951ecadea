"""Registration: eyes are found where they are, and tilted faces become level ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eigenface.crops import CropSpec, crop_face
from eigenface.datasets.drawn import draw_photo
from eigenface.detection.registration import (
    SHIPPED,
    SIDE,
    SMALLEST,
    TILTED,
    crop_of,
    level_crop,
    load_eye_finder,
    looked_at,
    save_eye_finder,
    tilts,
)
from eigenface.errors import ModelError
from eigenface.pipelines.train_registration import learn
from eigenface.types import Box
from eigenface.vision import cv2


def turned(picture: np.ndarray, degrees: float, middle: tuple[float, float]) -> np.ndarray:
    """A picture turned about a point: what lies on its right goes down for degrees above 0."""
    matrix = cv2.getRotationMatrix2D((middle[0] - 0.5, middle[1] - 0.5), -degrees, 1.0)
    size = picture.shape[1], picture.shape[0]
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, Box]:
    pixels, boxes = draw_photo(1, (300, 300), random_state=3)
    return pixels, boxes[0]


@pytest.mark.parametrize("degrees", [-20, -10, 10, 20])
def test_a_turned_face_is_tilted_by_as_much(face: tuple[np.ndarray, Box], degrees: int) -> None:
    pixels, box = face
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    (level,) = tilts(grey, [box])
    (tilted,) = tilts(turned(grey, degrees, box.centre), [box])
    assert abs(level) < 4
    assert abs(tilted - level - degrees) < 5


def test_a_mirror_image_is_tilted_the_other_way(face: tuple[np.ndarray, Box]) -> None:
    grey = turned(cv2.cvtColor(face[0], cv2.COLOR_RGB2GRAY), 12, face[1].centre)
    box = face[1]
    other = Box(grey.shape[1] - box.x - box.width, box.y, box.width, box.height)
    (one,), (mirror,) = tilts(grey, [box]), tilts(np.ascontiguousarray(grey[:, ::-1]), [other])
    assert one == pytest.approx(-mirror, abs=0.7)
    assert tilts(grey, []).shape == (0,)


def test_a_level_face_is_cropped_as_ever(face: tuple[np.ndarray, Box]) -> None:
    pixels, box = face
    spec = CropSpec(1.2, 0.1)
    assert np.array_equal(level_crop(pixels, box, spec, TILTED - 0.1), crop_face(pixels, box, spec))


@pytest.mark.parametrize("degrees", [-25.0, 8.0, 25.0])
def test_a_tilted_face_is_cropped_as_if_it_were_level(degrees: float) -> None:
    rows, cols = np.mgrid[0:240, 0:240]
    upright = np.stack([128 + 100 * np.sin(rows / 9), 128 + 100 * np.sin(cols / 11), rows / 2], axis=-1).astype(
        np.uint8
    )
    box, spec = Box(80, 70, 80, 80), CropSpec(0.9)
    crop = level_crop(turned(upright, degrees, box.centre), box, spec, degrees)
    expected = crop_face(upright, box, spec)
    assert crop.shape == expected.shape
    assert np.abs(crop[4:-4, 4:-4].astype(int) - expected[4:-4, 4:-4]).mean() < 4


def test_crops_of_a_face_are_alike_however_it_is_tilted_where_a_task_wants_it(face: tuple[np.ndarray, Box]) -> None:
    pixels, box = face
    plain, level = CropSpec(0.95, 0.08), CropSpec(0.95, 0.08, upright=True)
    upright = crop_of(pixels, box, level).astype(int)
    tilted = turned(pixels, 18, box.centre)
    assert np.array_equal(upright, crop_face(pixels, box, plain))
    as_found = crop_face(tilted, box, plain)
    levelled = np.abs(crop_of(tilted, box, level).astype(int) - upright).mean()
    assert levelled < np.abs(as_found.astype(int) - upright).mean() / 2
    assert np.array_equal(crop_of(tilted, box, plain), as_found)


def test_small_faces_stay_as_they_are(face: tuple[np.ndarray, Box]) -> None:
    pixels, box = face
    scale = (SMALLEST - 2) / box.width
    tilted = cv2.resize(turned(pixels, 18, box.centre), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = Box(*(value * scale for value in (box.x, box.y, box.width, box.height)))
    assert np.array_equal(crop_of(tilted, small, CropSpec(upright=True)), crop_face(tilted, small, CropSpec()))


def test_whether_a_task_levels_faces_goes_with_its_model() -> None:
    for spec in (CropSpec(0.95, 0.08), CropSpec(1.2, 0.1, upright=True)):
        assert CropSpec(**spec.as_dict()) == spec


def test_eyes_are_learned_from_marks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def drawn(count: int) -> tuple[list[np.ndarray], np.ndarray]:
        eyes = (
            np.array([[[66.0, 71.0], [93.0, 71.0]]]) + rng.normal(0, 3, (count, 1, 2)) + rng.normal(0, 1, (count, 2, 2))
        )
        squares = []
        for left, right in eyes:
            square = rng.normal(150, 4, (SIDE, SIDE)).clip(0, 255).astype(np.uint8)
            for x, y in (left, right):
                cv2.circle(square, (round(x * 8), round(y * 8)), 32, 30, -1, cv2.LINE_AA, 3)
            squares.append(square)
        return squares, eyes

    squares, eyes = drawn(60)
    finder = learn(squares, eyes)
    others, there = drawn(20)
    before = np.abs(finder.first(20) - there).mean()
    assert np.abs(finder(others) - there).mean() < min(1.2, before / 2)
    save_eye_finder(finder, tmp_path / "eyes.npz")
    again = load_eye_finder(tmp_path / "eyes.npz")
    assert np.abs(again(others) - finder(others)).max() < 0.2


def test_the_shipped_finder_is_small_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    assert SHIPPED.stat().st_size < 80_000
    (tmp_path / "eyes.npz").write_bytes(SHIPPED.read_bytes()[:4000])
    with pytest.raises(ModelError, match="no eye finder"):
        load_eye_finder(tmp_path / "eyes.npz")


def test_a_face_at_the_border_has_a_square_of_its_own() -> None:
    grey = np.full((50, 60), 90, np.uint8)
    assert looked_at(grey, Box(-10, -10, 30, 30)).shape == (SIDE, SIDE)
