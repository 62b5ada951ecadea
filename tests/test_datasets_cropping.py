"""Cropping a data set: one crop a picture, its main face, and a reason for every picture without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eigenface.crops import CropSpec, crop_face
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset, main_face, shrunk
from eigenface.datasets.drawn import draw_photo
from eigenface.image import Picture
from eigenface.types import Box, Detection, Pixels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, number in (("a/1.png", 1), ("a/2.png", 2), ("b/1.png", 3)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(draw_photo(1, (150, 200), random_state=number)[0]).save(tmp_path / name)
    Image.fromarray(np.full((50, 50, 3), 128, np.uint8)).save(tmp_path / "a/3.png")
    (tmp_path / "b/0.jpg").write_bytes(b"not a picture")
    return tmp_path


def test_crops_come_in_order_with_labels_and_refusals_with_reasons(folder: Path) -> None:
    said: list[tuple[int, int]] = []
    faces = crop_dataset(
        load_dataset(folder), CropSpec(1.3), progress=lambda done, total, what: said.append((done, total))
    )
    assert faces.names.tolist() == ["a/1.png", "a/2.png", "b/1.png"]
    assert faces.labels.tolist() == ["a", "a", "b"]
    assert [name for name, _ in faces.rejected] == ["a/3.png", "b/0.jpg"]
    assert "no face" in faces.rejected[0][1]
    assert "not a picture" in faces.rejected[1][1]
    assert said[-1] == (5, 5)


def test_crop_is_what_crop_face_cuts_around_the_detection(folder: Path) -> None:
    dataset, spec = load_dataset(folder), CropSpec(1.2, 0.1)
    picture = dataset.read(0)
    found = main_face(picture)
    assert found is not None
    assert np.array_equal(crop_dataset(dataset, spec).crops[0], crop_face(picture.pixels, found.box, spec))


def test_whole_pictures_are_taken_as_they_are(folder: Path) -> None:
    faces = crop_dataset(load_dataset(folder), CropSpec(2.0), whole=True)
    assert [crop.shape for crop in faces.crops] == [(150, 200, 3)] * 2 + [(50, 50, 3)] + [(150, 200, 3)]


def test_largest_side_shrinks_only_what_is_larger() -> None:
    large = np.zeros((100, 50, 3), np.uint8)
    assert shrunk(large, 40).shape == (40, 20, 3)
    assert shrunk(large, 100) is large
    assert shrunk(np.zeros((300, 1, 3), np.uint8), 10).shape == (10, 1, 3)


class Found:
    """A detector that finds given squares (x, y, side), the largest first."""

    name = "found"

    def __init__(self, *squares: tuple[float, float, float]) -> None:
        boxes = sorted((Box(x, y, side, side) for x, y, side in squares), key=lambda box: -box.area)
        self.boxes = boxes

    def detect(self, pixels: Pixels, *, min_face: int = 24, min_score: float | None = None) -> list[Detection]:
        return [Detection(box, 0.9) for box in self.boxes]


@pytest.mark.parametrize(
    ("squares", "expected"),
    [
        ([(0, 0, 40), (80, 80, 40)], (80, 80)),  # the one in the middle
        ([(0, 0, 40), (85, 85, 19)], (0, 0)),  # unless it is less than half as large
        ([(0, 0, 40), (85, 85, 21)], (85, 85)),
        ([], None),
    ],
)
def test_main_face_is_the_central_one_of_the_large(
    squares: list[tuple[float, float, float]], expected: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenface.datasets.cropping.get_detector", lambda name: Found(*squares))
    found = main_face(Picture(np.zeros((200, 200, 3), np.uint8), "x"))
    assert (found and (found.box.x, found.box.y)) == expected


def test_joined_sets_keep_persons_apart_and_shared_columns() -> None:
    crop = np.zeros((2, 2, 3), np.uint8)
    one = CroppedFaces([crop], np.array(["a"]), np.array(["x"]), np.array(["p"]), {"age": np.array(["1"])})
    two = CroppedFaces([crop], np.array(["b"]), np.array(["x"]), None, {"age": np.array(["2"]), "hat": np.array(["y"])})
    both = CroppedFaces.joined([one, two])
    assert both.groups is not None
    assert len(set(both.groups)) == 2
    assert {key: values.tolist() for key, values in both.columns.items()} == {"age": ["1", "2"]}
