"""Where the compiled part does what OpenCV or numpy does in more time, it does the same: pixels, windows, overlaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenface.datasets.drawn import draw_photo
from eigenface.detection.cascade import load_cascade
from eigenface.detection.merge import overlapping
from eigenface.detection.pyramid import LEAST_SIDE, cut
from eigenface.detection.sheet import sheet
from eigenface.engine import compiled
from eigenface.features.shrinking import shrunk
from eigenface.vision import CASCADES, cv2

module = compiled("looks")
needs_same = pytest.mark.skipif(module is None or not module.SAME, reason="OpenCV is asked on this processor")
needs_compiler = pytest.mark.skipif(compiled("looks") is None, reason="the compiled part was not built")


@needs_compiler
@settings(max_examples=60, deadline=None)
@given(st.integers(6, 150), st.integers(6, 150), st.floats(0.2, 3), st.integers(0, 10_000))
def test_levels_are_drawn_alike_with_and_without_the_compiled_part(
    rows: int, cols: int, scale: float, seed: int
) -> None:
    """Of pictures of all shapes, also narrower than what is looked at at once, and enlarged ones."""
    grey = np.random.default_rng(seed).integers(0, 256, (rows, cols)).astype(np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        pure = sheet(grey, scale)
    laid = sheet(grey, scale)
    assert np.array_equal(laid.owners, pure.owners)
    owned = laid.owners >= 0
    assert np.array_equal(laid.planes[:, owned], pure.planes[:, owned])
    assert owned.any() == (min(rows, cols) * scale >= LEAST_SIDE)


@needs_compiler
@settings(max_examples=100, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.floats(0, 1), st.floats(0, 1), st.integers(0, 10_000))
def test_pictures_are_shrunk_alike_with_and_without_the_compiled_part(
    rows: int, cols: int, down: float, across: float, seed: int
) -> None:
    shape = (rows + 2, cols + 3, 3)[: 2 + seed % 2]
    picture = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)[1:-1, 1:-2]
    wanted = max(1, round(cols * across)), max(1, round(rows * down))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        pure = shrunk(picture, *wanted)
    assert pure.shape[:2] == wanted[::-1]
    assert np.array_equal(shrunk(picture, *wanted), pure)


@needs_same
def test_the_quick_cascade_finds_the_windows_that_opencv_finds() -> None:
    rng = np.random.default_rng(3)
    path = CASCADES / "haarcascade_frontalface_alt2.xml"
    quick, opencv = load_cascade(path), cv2.CascadeClassifier(str(path))
    assert quick is not None
    found = []
    for seed in range(12):
        pixels, boxes = draw_photo(1, random_state=seed)
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        patches = [cut(grey, box.x - box.width / 3, box.y - box.width / 3, box.width * 1.7, 82) for box in boxes]
        patches += [cv2.resize(patches[0], tuple(rng.integers(36, 90, 2).tolist())) for _ in range(5)]
        patches += [rng.integers(0, 256, (82, 82)).astype(np.uint8), np.full((60, 50), 9, np.uint8)]
        for patch in patches:
            windows = quick.windows(patch, 1.1, 33, 67)
            theirs = np.array(opencv.detectMultiScale2(patch, 1.1, 0, 0, (33, 33), (67, 67))[0]).reshape(-1, 4)
            assert windows is None or sorted(windows.tolist()) == sorted(theirs.tolist())
            found.append(0 if windows is None else len(windows))
    assert np.count_nonzero(found) > 20


def test_cascades_of_other_trees_are_left_to_opencv() -> None:
    assert load_cascade(CASCADES / "haarcascade_frontalface_default.xml") is None
    assert load_cascade(CASCADES / "haarcascade_frontalface_alt_tree.xml") is None


@needs_compiler
def test_boxes_overlap_alike_with_and_without_the_compiled_part() -> None:
    rng = np.random.default_rng(0)
    sides = rng.integers(1, 40, (150, 1)) * rng.choice([1, 0.3], (150, 1))
    boxes = np.hstack([rng.integers(0, 60, (150, 2)) / 3, sides, sides])
    boxes[100:] = boxes[:50] * [1, 1, 0.5, 1]  # overlaps of just a half
    counted = overlapping(boxes, 0.3, 0.5)
    assert all((counted == times).sum() > 300 for times in range(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        assert np.array_equal(overlapping(boxes, 0.3, 0.5), counted)


@needs_same
def test_what_does_not_fit_is_refused_before_anything_is_written() -> None:
    boosted, looks = compiled("boosted"), compiled("looks")
    assert boosted is not None
    assert looks is not None
    grey, planes = np.zeros((40, 50), np.uint8), np.zeros((8, 40, 50), np.uint8)
    for part in (
        [0, 40, 50, 40, 50, 12, 0],
        [0, 40, 51, 40, 50, 0, 0],
        [1, 40, 50, 20, 25, 0, 0],
        [0, 40, 50, 1, 9, 0, 0],
    ):
        with pytest.raises(ValueError, match="a level lies outside"):
            boosted.levels((grey,), np.array(part, np.int32), 12, 40, 50, 1.0, 1.0, 1.0, planes)
    for pad in (0, 3, -2, 10_000):
        with pytest.raises(ValueError, match="do not fit the sizes"):
            boosted.levels((grey,), np.array([0, 40, 50, 20, 25, 0, 0], np.int32), pad, 40, 50, 1.0, 1.0, 1.0, planes)
    for rows, cols, room in ((41, 50, 2050), (0, 5, 0), (20, 20, 399)):
        with pytest.raises(ValueError, match="do not fit the sizes"):
            looks.shrink(grey, rows, cols, np.zeros(room, np.uint8))
    with pytest.raises(ValueError, match="do not fit each other"):
        boosted.overlapping(np.zeros((3, 4)), np.array([0.5]), np.zeros(8, np.uint8))
    cascade = load_cascade(CASCADES / "haarcascade_frontalface_alt2.xml")
    assert cascade is not None
    found, steps = np.zeros((9, 3), np.int32), np.array([1, 21], np.int32)
    unplaced = cascade.trees  # their corners lie beyond
    with pytest.raises(ValueError, match="do not fit each other"):
        looks.passing((grey,), steps, cascade.side, 58, unplaced, cascade.ends, cascade.least, found)
