"""Boosted channel features: the compiled part and numpy agree to the bit, and what they find is where it was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenface.boosting.cascade import with_least
from eigenface.boosting.faces import FaceBank, ShakenFaces, Shaking
from eigenface.boosting.mining import Scene, mine
from eigenface.boosting.trees import Growth, grow_forest, running_sums
from eigenface.datasets.drawn import draw_photo
from eigenface.detection import get_detector
from eigenface.detection.boosted import SHIPPED, load_detector, save_detector
from eigenface.detection.forest import Forest
from eigenface.detection.pyramid import LEAST_SIDE, PAD, SMALLER, cut, levels
from eigenface.detection.scanning import GIVEN_UP, around, judge, scan
from eigenface.detection.sheet import sheet
from eigenface.engine import compiled
from eigenface.errors import ModelError
from eigenface.features.channels import PLANES, channels
from eigenface.types import Box

needs_compiler = pytest.mark.skipif(compiled("boosted") is None, reason="the compiled part was not built")


def random_forest(rng: np.random.Generator, *, side: int, depth: int, trees: int) -> Forest:
    inner = 2**depth - 1
    leaves = rng.integers(-300, 300, (trees, inner + 1)).astype(np.int16)
    return Forest(
        side,
        rng.integers(0, PLANES * side**2, (trees, inner)).astype(np.int32),
        rng.integers(0, 200, (trees, inner)).astype(np.uint8),
        leaves,
        np.linspace(-400, -900, trees).astype(np.int32),
    )


def smooth_picture(rng: np.random.Generator, rows: int, cols: int) -> np.ndarray:
    coarse = rng.integers(0, 256, (rows // 4 + 1, cols // 4 + 1)).astype(np.uint8)
    return np.ascontiguousarray(np.kron(coarse, np.ones((4, 4), np.uint8))[:rows, :cols])


def test_a_flat_picture_has_no_gradient_and_middle_light() -> None:
    planes = channels(np.full((40, 60), 93, np.uint8))
    assert planes.shape == (8, 20, 30)
    assert (planes[0] == 128).all()
    assert (planes[1:] == 0).all()


def test_an_upright_edge_is_seen_by_the_orientation_across_it() -> None:
    grey = np.zeros((64, 64), np.uint8)
    grey[:, 32:] = 200
    strongest = channels(grey)[2:].sum(axis=(1, 2)).argmax()
    assert strongest == 0
    assert channels(np.ascontiguousarray(grey.T))[2:].sum(axis=(1, 2)).argmax() == 3


def test_channels_hardly_change_with_the_light() -> None:
    rng = np.random.default_rng(0)
    grey = smooth_picture(rng, 80, 80)
    dim = channels((grey * 0.5).astype(np.uint8)).astype(int)
    assert np.abs(dim - channels(grey)).mean() < 6


@needs_compiler
@settings(max_examples=30, deadline=None)
@given(st.integers(2, 90), st.integers(2, 90), st.integers(0, 10_000))
def test_channels_are_the_same_bytes_with_and_without_the_compiled_part(rows: int, cols: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grey = rng.integers(0, 256, (rows, cols)).astype(np.uint8) if seed % 2 else smooth_picture(rng, rows, cols)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        pure = channels(grey)
    assert np.array_equal(channels(grey), pure)


@needs_compiler
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 200), st.integers(0, 10_000))
def test_forests_judge_alike_with_and_without_the_compiled_part(depth: int, step: int, slack: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    planes = rng.integers(0, 256, (PLANES, int(rng.integers(4, 60)), int(rng.integers(4, 60)))).astype(np.uint8)
    owners = np.zeros(planes.shape[1:], np.int16)
    if seed % 2:  # two pictures side by side, with a gap
        owners[:, planes.shape[2] // 2 :] = 1
        owners[planes.shape[1] // 3] = -1
    forest = random_forest(rng, side=5, depth=depth, trees=90)
    found = scan(planes, forest, owners=owners, step=step, first=60, slack=slack)
    places, _ = around(found, 5, 5, owners)
    scores = judge(planes, forest, places)
    anywhere = (
        np.argwhere(np.ones((planes.shape[1] - 4, planes.shape[2] - 4))) if min(planes.shape[1:]) >= 5 else places
    )
    every = judge(planes, forest, anywhere[:, ::-1].astype(np.int32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        assert np.array_equal(scan(planes, forest, owners=owners, step=step, first=60, slack=slack), found)
        assert np.array_equal(judge(planes, forest, places), scores)
        assert np.array_equal(judge(planes, forest, anywhere[:, ::-1].astype(np.int32)), every)
    assert np.array_equal(scores, found[:, 2])


def undecided(rng: np.random.Generator, planes: np.ndarray, *, side: int, depth: int, trees: int, times: int) -> Forest:
    """Trees that say yes as often as no, and give windows up at every tree; scores are `times` as large."""
    drawn = random_forest(rng, side=side, depth=depth, trees=trees)
    limits = rng.choice(planes.reshape(-1), drawn.limits.shape)
    leaves = (drawn.leaves - drawn.leaves.mean(axis=1, keepdims=True)).astype(np.int16) * np.int16(times)
    least = -(150 * times * np.sqrt(np.arange(1, trees + 1))).astype(np.int32)
    return Forest(side, drawn.features, limits, leaves, least)


@needs_compiler
@pytest.mark.parametrize(("depth", "times"), [(1, 1), (2, 1), (3, 1), (3, 50)])
def test_a_large_picture_and_a_long_forest_are_judged_alike_too(depth: int, times: int) -> None:
    """More rows than are parted at once, more windows than lie side by side, more trees than are asked at once; and
    sums that 16 bits do not hold."""
    rng = np.random.default_rng(depth)
    planes = channels(smooth_picture(rng, 301, 411))
    owners = np.zeros(planes.shape[1:], np.int16)
    owners[:, 97:] = 1
    short, long = (
        undecided(rng, planes, side=side, depth=depth, trees=n, times=times) for side, n in ((8, 40), (12, 1500))
    )
    found = scan(planes, short, owners=owners, first=30, slack=100)
    places, _ = around(found, 8, 12, owners)
    scores = judge(planes, long, places)
    assert 1000 < len(found) < planes[0].size - 1000
    assert 20 < (scores > GIVEN_UP).sum() < len(scores) - 1000
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        assert np.array_equal(scan(planes, short, owners=owners, first=30, slack=100), found)
        assert np.array_equal(judge(planes, long, places), scores)


def test_no_window_reaches_from_one_picture_of_a_sheet_into_the_next() -> None:
    planes = np.full((PLANES, 30, 40), 9, np.uint8)
    owners = np.full((30, 40), -1, np.int16)
    owners[2:14, 2:20], owners[15:29, 1:12] = 0, 1
    forest = Forest(
        6,
        np.zeros((1, 1), np.int32),
        np.full((1, 1), 5, np.uint8),
        np.array([[-9, 9]], np.int16),
        np.zeros(1, np.int32),
    )
    expected = [
        (x, y)
        for y in range(25)
        for x in range(35)
        if len(np.unique(owners[y : y + 6, x : x + 6])) == 1 > -owners[y, x]
    ]
    found = scan(planes, forest, owners=owners)[:, :2]
    assert [tuple(place) for place in found.tolist()] == expected
    wider, fits = around(found, 6, 10, owners)
    assert len(wider) == fits.sum() == 3 * 9 + 5 * 2


@pytest.mark.parametrize("pure", ["", "1"])
def test_a_level_has_the_same_channels_on_a_sheet_as_alone(pure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIGENFACE_PURE", pure)
    grey = smooth_picture(np.random.default_rng(2), 131, 90)
    laid = sheet(grey, 0.9)
    alone = list(levels(grey, 0.9, smaller=SMALLER, least=LEAST_SIDE, pad=PAD))
    assert len(alone) == len(laid.scales) > 5
    for number, level in enumerate(alone):
        planes, (x, y) = channels(level.grey), laid.first[number]
        there = slice(y, y + planes.shape[1]), slice(x, x + planes.shape[2])
        assert np.array_equal(laid.planes[:, there[0], there[1]], planes)
        assert (laid.owners[there] == number).all()
        assert (laid.owners == number).sum() == planes[0].size
        assert tuple(laid.scales[number]) == (level.across, level.down)


def test_every_window_of_a_scan_is_what_its_trees_say() -> None:
    rng = np.random.default_rng(3)
    planes = rng.integers(0, 256, (PLANES, 14, 17)).astype(np.uint8)
    forest = random_forest(rng, side=6, depth=2, trees=20)
    expected = []
    for y in range(14 - 6 + 1):
        for x in range(17 - 6 + 1):
            window = planes[:, y : y + 6, x : x + 6].reshape(-1)
            total, passed = 0, True
            for tree in range(20):
                node = 0
                while node < 3:
                    node = 2 * node + 1 + int(window[forest.features[tree, node]] > forest.limits[tree, node])
                total += int(forest.leaves[tree, node - 3])
                passed &= total >= forest.least[tree]
            if passed:
                expected.append((x, y, total))
    assert [tuple(row) for row in scan(planes, forest, step=1, first=20).tolist()] == expected


def test_a_mirrored_forest_sees_in_a_picture_what_the_forest_sees_in_its_mirror_image() -> None:
    rng = np.random.default_rng(5)
    grey = smooth_picture(rng, 60, 64)
    forest = random_forest(rng, side=12, depth=3, trees=6)
    planes, mirrored = channels(grey), channels(np.ascontiguousarray(grey[:, ::-1]))
    places = np.array([[x, y] for x in range(0, 20, 3) for y in range(0, 18, 3)], np.int32)
    across = places * [-1, 1] + [32 - 12, 0]
    assert np.array_equal(judge(planes, forest, places), judge(mirrored, forest.mirrored(), across.astype(np.int32)))


def test_a_forest_of_wrong_shapes_is_refused() -> None:
    forest = random_forest(np.random.default_rng(0), side=5, depth=2, trees=3)
    with pytest.raises(ValueError, match="leaves has shape"):
        Forest(5, forest.features, forest.limits, forest.leaves[:, :2], forest.least)
    with pytest.raises(ValueError, match="features must lie"):
        Forest(2, forest.features + 100, forest.limits, forest.leaves, forest.least)


def test_trees_learn_where_a_bright_spot_is_and_find_it_in_pictures() -> None:
    """A whole small detector: learned from drawn spots, cut into a cascade, mined, and scanned with."""
    rng = np.random.default_rng(0)

    def picture(spots: list[tuple[int, int]]) -> np.ndarray:
        grey = rng.normal(120, 3, (96, 128))
        for x, y in spots:
            grey[y - 5 : y + 5, x - 5 : x + 5] = 30
            grey[y - 2 : y + 2, x - 2 : x + 2] = 230
        return np.clip(grey, 0, 255).astype(np.uint8)

    bank = FaceBank()
    for _ in range(60):
        x, y = int(rng.integers(30, 98)), int(rng.integers(30, 66))
        bank.add(picture([(x, y)]), Box(x - 13, y - 13, 26, 26), "spot", "a")
    copies = ShakenFaces(bank, [], Shaking(), side=16, random_state=0)
    faces = copies.windows(range(60), [6] * 60, [False] * 60)
    empty = [Scene(picture([]), np.empty((0, 4))) for _ in range(30)]
    others = mine(empty, [], side=16, each=100, most=1000, random_state=0)
    codes = np.ascontiguousarray(np.concatenate([faces, others]).T)
    known = np.arange(codes.shape[1]) < len(faces)
    forest = grow_forest(codes, known, 30, Growth(depth=2, share=0.2), side=16, random_state=0)
    sums = running_sums(codes, forest)[-1]
    assert sums[known].mean() > 500 > -500 > sums[~known].mean()
    forest = with_least(forest, np.ascontiguousarray(faces.T), least=0.5, loss=0.01)
    assert len(mine(empty, [forest], side=16, each=100, most=1000, random_state=1)) < 20
    hits = scan(channels(picture([(60, 40)])), forest)
    best = hits[hits[:, 2].argmax()]
    assert abs(2 * best[0] + 16 - 60) <= 6
    assert abs(2 * best[1] + 16 - 40) <= 6


def test_windows_that_show_a_face_are_never_mined() -> None:
    rng = np.random.default_rng(1)
    scene = Scene(smooth_picture(rng, 120, 160), np.array([[0.0, 0.0, 160.0, 120.0]]))
    assert len(mine([scene], [], side=16, each=50, most=100, random_state=0)) < 40
    tiled = np.array([[x, y, 40.0, 40.0] for x in range(-20, 160, 8) for y in range(-20, 120, 8)], float)
    assert len(mine([Scene(scene.grey, tiled)], [], side=16, each=50, most=100, random_state=0)) < 20


def test_levels_fall_until_the_picture_is_small() -> None:
    grey = smooth_picture(np.random.default_rng(0), 100, 150)
    sizes = [level.grey.shape for level in levels(grey, 1.0, smaller=0.5, least=16, pad=4)]
    assert sizes == [(108, 158), (58, 83), (33, 46)]


def test_a_square_beyond_the_border_repeats_it() -> None:
    grey = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (50, 1))
    square = cut(grey, -20, 10, 40, 40)
    assert (square[:, :20] == grey[0, 0]).all()
    assert abs(int(square[20, 35]) - int(grey[0, 15])) <= 2


def test_a_square_of_the_pictures_own_size_is_its_pixels() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (40, 50)).astype(np.uint8)
    assert np.array_equal(cut(grey, 7, 5, 20, 20), grey[5:25, 7:27])


@pytest.mark.parametrize("size", [10, 30, 90, 400])
def test_a_square_shows_the_same_place_at_every_size(size: int) -> None:
    """Of a slope a pixel's grey says where it lies, and its middle is half a pixel from its corner."""
    grey = np.tile(np.arange(0, 240, dtype=np.uint8), (240, 1))
    square = cut(grey, 60, 50, 120, size)
    expected = 60 + 120 * (np.arange(size) + 0.5) / size - 0.5
    assert np.abs(square - expected).max() <= 1


def test_the_shipped_detector_is_small_and_its_own_boxes_are_squares_of_the_frontal_cascade() -> None:
    assert SHIPPED.stat().st_size < 1_000_000
    detector = load_detector()
    assert 0 < detector.min_score < 1
    assert set(detector.forests) == {"gate", "tight", "wide", "turned"}
    assert get_detector("default") is get_detector("boosted")


def test_a_damaged_detector_file_is_refused_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(SHIPPED.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"this is no detector"):
        load_detector(broken)
    with pytest.raises(ModelError, match="no detector"):
        load_detector(tmp_path / "absent.npz")


def test_a_window_that_a_forest_gives_up_has_no_score() -> None:
    rng = np.random.default_rng(0)
    forest = random_forest(rng, side=4, depth=1, trees=5)
    strict = Forest(4, forest.features, forest.limits, forest.leaves, np.full(5, 10_000, np.int32))
    planes = rng.integers(0, 256, (PLANES, 9, 9)).astype(np.uint8)
    assert (judge(planes, strict, np.array([[0, 0], [5, 5]], np.int32)) == GIVEN_UP).all()


def test_a_saved_detector_finds_what_it_found_before(tmp_path: Path) -> None:
    pixels, _ = draw_photo(2, random_state=4)
    detector = load_detector()
    save_detector(detector, tmp_path / "copy.npz")
    copy = load_detector(tmp_path / "copy.npz")
    assert copy.detect(pixels) == detector.detect(pixels) != []
    assert copy.card == detector.card
    assert "not looked for" in copy.card


@needs_compiler
def test_photos_have_the_same_faces_with_and_without_the_compiled_part(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, boxes = draw_photo(3, random_state=6)
    found = get_detector("boosted").detect(pixels, min_score=0)
    monkeypatch.setenv("EIGENFACE_PURE", "1")
    assert get_detector("boosted").detect(pixels, min_score=0) == found
    assert all(max(box.iou(one.box) for one in found) > 0.4 for box in boxes)
