"""Duplicates: the same pixels or the same picture saved another way, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eigenface.datasets import load_dataset
from eigenface.datasets.drawn import draw_photo
from eigenface.datasets.duplicates import find_duplicates, merged_groups, pair_up, signature
from eigenface.datasets.splits import split_by_group
from eigenface.types import Pixels
from eigenface.vision import cv2

PHOTOS = [draw_photo(1, (120, 160), random_state=seed)[0] for seed in range(6)]


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    stored = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded: Pixels = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    return decoded


def pairs(pictures: list[Pixels]) -> list[tuple[int, int, bool]]:
    found = pair_up([signature(one) for one in pictures], np.zeros(len(pictures)))
    return [(pair.first, pair.second, pair.exact) for pair in found]


def test_different_photos_are_no_duplicates() -> None:
    assert pairs(PHOTOS) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda photo: as_jpeg(photo, 50),
        lambda photo: cv2.resize(photo, (80, 60), interpolation=cv2.INTER_AREA),
        lambda photo: np.clip(photo * 0.8, 0, 255).astype(np.uint8),
    ],
    ids=["saved again", "made smaller", "darker"],
)
def test_changed_copy_is_a_near_duplicate(change) -> None:  # type: ignore[no-untyped-def]
    assert pairs([*PHOTOS, change(PHOTOS[2])]) == [(2, 6, False)]


def test_same_pixels_are_an_exact_duplicate_reported_once_for_each_copy() -> None:
    assert pairs([PHOTOS[0], PHOTOS[1], PHOTOS[0], PHOTOS[0]]) == [(0, 2, True), (0, 3, True)]


def test_same_bytes_in_another_shape_are_not_the_same_picture() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert pairs([noise, noise.reshape(30, 20, 3)]) == []


def test_even_pictures_resemble_nothing_but_their_copies() -> None:
    grey, white = (np.full((10, 10, 3), value, np.uint8) for value in (90, 255))
    assert pairs([grey, white, grey, *PHOTOS]) == [(0, 2, True)]


def test_unreadable_pictures_keep_their_places() -> None:
    one = signature(PHOTOS[0])
    assert [(p.first, p.second) for p in pair_up([None, one, None, one], ["a", "a", "a", "b"])] == [(1, 3)]


def test_disagreeing_labels_are_said() -> None:
    one = signature(PHOTOS[0])
    assert [p.labels_differ for p in pair_up([one, one, one], ["a", "b", "a"])] == [True, False]


def test_no_pictures_have_no_duplicates() -> None:
    assert pair_up([], []) == []
    assert pair_up([None], ["a"]) == []


def test_twins_and_their_persons_stay_on_one_side_of_a_split() -> None:
    labels = ["a", "b"] * 10
    persons = [f"p{i // 2}" for i in range(20)]
    twins = pair_up([signature(np.full((4, 4, 3), v, np.uint8)) for v in [*range(19), 0]], labels)
    groups = merged_groups(twins, persons, 20)
    assert groups[0] == groups[1] == groups[18] == groups[19]
    assert len(set(groups)) == 9
    labels = ["a"] * 10 + ["b"] * 10
    train, test = split_by_group(labels, groups, random_state=3)
    assert not set(groups[train]) & set(groups[test])


def test_data_set_is_searched_with_unreadable_pictures_in_it(tmp_path: Path) -> None:
    for name, pixels in (("a/1.png", PHOTOS[0]), ("a/2.png", PHOTOS[1]), ("b/1.png", PHOTOS[0])):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "a/0.png").write_bytes(b"no picture")
    dataset = load_dataset(tmp_path)
    (pair,) = find_duplicates(dataset)
    assert (dataset.samples[pair.first].name, dataset.samples[pair.second].name) == ("a/1.png", "b/1.png")
    assert pair.exact
    assert pair.labels_differ


def test_many_pictures_are_compared_in_blocks_without_missing_a_pair() -> None:
    rng = np.random.default_rng(1)
    many = [cv2.resize(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8), (36, 36)) for _ in range(600)]
    many[599] = as_jpeg(many[3], 70)
    many[301] = as_jpeg(many[300], 70)
    assert pairs(many) == [(3, 599, False), (300, 301, False)]
