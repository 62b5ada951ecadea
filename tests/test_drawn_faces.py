"""Drawn faces: always the same, told apart by eye and by simple means, and found by the detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eigenface.datasets import load_dataset
from eigenface.datasets.drawn import DrawnFaces, draw_photo, make_faces, write_faces
from eigenface.detection import get_detector
from eigenface.errors import RequestError
from eigenface.types import Pixels
from eigenface.vision import cv2


def thumbnail(crop: Pixels) -> np.ndarray:
    return cv2.resize(crop, (16, 16), interpolation=cv2.INTER_AREA).astype(float).ravel()


def test_same_seed_draws_same_faces_and_another_seed_others() -> None:
    first, again, other = (make_faces(n_per_class=3, random_state=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first.crops, again.crops, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first.crops, other.crops, strict=True))


def test_crops_are_square_rgb_of_the_sizes_asked_for() -> None:
    faces = make_faces(("a", "b", "c"), 6, size=(20, 31))
    assert all(crop.dtype == np.uint8 and crop.shape[0] == crop.shape[1] and crop.shape[2] == 3 for crop in faces.crops)
    assert {crop.shape[0] for crop in faces.crops} <= set(range(20, 32))
    assert faces.labels.tolist() == ["a"] * 6 + ["b"] * 6 + ["c"] * 6


def test_persons_have_several_pictures_and_one_class() -> None:
    faces = make_faces(n_per_class=10)
    for group in np.unique(faces.groups):
        mine = faces.groups == group
        assert 1 <= mine.sum() <= 4
        assert len(set(faces.labels[mine])) == 1
    assert len(set(faces.groups)) == 6


@pytest.mark.parametrize(
    "classes", [("female", "male"), ("with_mask", "without_mask"), ("blood", "no_blood"), ("tea", "coffee")]
)
def test_classes_differ_so_that_a_nearest_neighbour_tells_unseen_persons_apart(classes: tuple[str, str]) -> None:
    faces = make_faces(classes, 60, size=(48, 48))
    rows = np.array([thumbnail(crop) for crop in faces.crops])
    away = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    away[faces.groups[:, None] == faces.groups[None]] = np.inf
    assert np.mean(faces.labels[away.argmin(axis=1)] == faces.labels) > 0.65


@pytest.mark.parametrize("label", ["", "female", "male"])
def test_detector_finds_nearly_every_drawn_face_in_its_place_and_little_else(label: str) -> None:
    wanted = found = extra = 0
    for seed in range(10):
        pixels, boxes = draw_photo(1 + seed % 3, (240, 320), label=label, random_state=seed)
        detections = [detection.box for detection in get_detector().detect(pixels)]
        wanted += len(boxes)
        found += sum(any(box.iou(other) > 0.6 for other in detections) for box in boxes)
        extra += sum(all(box.iou(other) < 0.3 for box in boxes) for other in detections)
    assert found >= 0.95 * wanted
    assert extra <= 1


def test_stock_cascade_finds_a_drawn_face() -> None:
    pixels, boxes = draw_photo(random_state=4)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
    found = cascade.detectMultiScale(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 1.1, 3)
    assert len(found) == len(boxes) == 1
    assert abs(found[0][0] + found[0][2] / 2 - boxes[0].centre[0]) < 0.1 * boxes[0].width


def test_photo_without_faces_shows_none() -> None:
    pixels, boxes = draw_photo(0, (240, 320))
    assert boxes == []
    assert get_detector().detect(pixels) == []


def test_boxes_lie_in_the_photo_and_apart() -> None:
    pixels, boxes = draw_photo(12)
    assert len(boxes) == 12
    assert all(min(box.x, box.y) >= 0 for box in boxes)
    assert all(box.x + box.width <= 640 and box.y + box.height <= 480 for box in boxes)
    assert all(a.iou(b) < 0.15 for i, a in enumerate(boxes) for b in boxes[:i])
    assert pixels.shape == (480, 640, 3)


def test_more_faces_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="500 faces have no room in 100x100 pixels"):
        draw_photo(500, (100, 100))


def test_written_faces_are_a_data_set(tmp_path: Path) -> None:
    faces = make_faces(("tea", "coffee"), 5, size=(16, 24))
    write_faces(tmp_path / "new" / "set", faces)
    dataset = load_dataset(tmp_path / "new" / "set")
    assert dataset.labels.tolist() == faces.labels.tolist()
    assert dataset.groups is not None
    assert dataset.groups.tolist() == faces.groups.tolist()
    assert np.array_equal(dataset.read(3).pixels, faces.crops[3])


@pytest.mark.parametrize("name", ["../up", "a/b", "..", ""])
def test_class_that_is_no_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    crop = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(RequestError, match="no name for a folder"):
        write_faces(tmp_path / "out", DrawnFaces([crop], np.array([name]), np.array(["x"])))
    assert not list(tmp_path.rglob("*.png"))


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot be written"):
        write_faces(tmp_path / "file" / "set", make_faces(n_per_class=1, size=(16, 16)))
