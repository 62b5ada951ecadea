"""Looking for blood: compiled and in numpy, pixels, maps and local colour are described alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eigenface.datasets.blood_faces import paint_face
from eigenface.datasets.drawn import make_faces
from eigenface.engine import compiled
from eigenface.features.blood import PLANES, SUMMARY, load_blood_mapper, pixel_features, summary
from eigenface.features.context import CONTEXT, kernels, map_context
from eigenface.features.local_colour import LOGS, VOCABULARY, ColourCoder, local_colour
from eigenface.types import Pixels

pytestmark = pytest.mark.skipif(
    compiled("blood") is None or compiled("pixels") is None, reason="the compiled part was not built"
)

DEVIATIONS = (27, 28)  # planes that are roots of small differences: compared by their squares
DRAWN = make_faces(("female", "male"), 6, size=(40, 150), random_state=3)
FACES = [*DRAWN.crops, *(paint_face(crop, bloody=True, random_state=i).pixels for i, crop in enumerate(DRAWN.crops))]


def odd_pictures() -> list[Pixels]:
    """Pictures in which skin cannot be told, and pictures of few colours or pixels."""
    rng = np.random.default_rng(0)
    half = np.full((90, 60, 3), (120, 20, 15), np.uint8)
    half[:45] = (205, 160, 140)
    few = np.zeros((48, 48, 3), np.uint8)
    few[20:24, 20:24] = (200, 150, 130)
    return [
        np.zeros((30, 30, 3), np.uint8),
        np.full((1, 1, 3), 255, np.uint8),
        rng.integers(0, 256, (7, 200, 3), dtype=np.uint8),
        rng.integers(0, 2, (64, 64, 3), dtype=np.uint8) * np.uint8(255),
        half,
        few,
    ]


def pure(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("EIGENFACE_PURE", "1")


def a_map(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Log odds with patches and specks."""
    odds = np.full((side, side), -4, np.float32)
    for _ in range(int(rng.integers(0, 12))):
        row, col = rng.integers(0, side, 2)
        odds[row : row + int(rng.integers(1, 9)), col : col + int(rng.integers(1, 9))] = rng.normal(1, 2)
    return (odds + rng.normal(0, 0.3, (side, side))).astype(np.float32)


@pytest.mark.parametrize("side", [16, 21, 48, 52])
def test_pixels_are_described_alike_with_and_without_the_compiled_part(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [*FACES, *odd_pictures()]
    fast = np.stack([pixel_features(picture, side) for picture in pictures])
    pure(monkeypatch)
    slow = np.stack([pixel_features(picture, side) for picture in pictures])
    for planes in (fast, slow):
        planes[:, DEVIATIONS] **= 2
    spread = slow.std(axis=(0, 2), keepdims=True)
    assert (spread > 0).all()
    assert (np.abs(fast - slow) / spread).max() < 1e-4


@settings(max_examples=25, deadline=None)
@given(st.integers(16, 70), st.integers(0, 1000))
def test_the_context_of_a_map_is_the_same_with_and_without_the_compiled_part(side: int, seed: int) -> None:
    odds = a_map(np.random.default_rng(seed), side)
    fast = map_context(odds)
    with pytest.MonkeyPatch.context() as patch:
        pure(patch)
        slow = map_context(odds)
    assert np.abs(fast - slow).max() < 1e-5
    assert np.abs(slow[:, 1:] - slow[:, :-1]).max() > 0.1  # there is something to tell


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 17), st.integers(0, 1000))
def test_a_map_is_summed_up_alike_with_and_without_the_compiled_part(quarter: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    side = 4 * quarter
    found = [(1 / (1 + np.exp(-a_map(rng, side)))).astype(np.float32), rng.random((side, side), dtype=np.float32)]
    found += [(rng.random((side, side)) < share).astype(np.float32) for share in (0, 0.05, 0.2, 0.4, 1)]
    fast = np.stack([summary(one) for one in found])
    with pytest.MonkeyPatch.context() as patch:
        pure(patch)
        slow = np.stack([summary(one) for one in found])
    assert np.abs(fast - slow).max() < 1e-4
    assert len(np.unique(slow[:, 22])) > 3  # numbers of pieces


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 30), st.integers(0, 1000))
def test_local_colour_has_the_same_bits_with_and_without_the_compiled_part(
    cell: int, stride: int, more: int, seed: int
) -> None:
    size, rng = 5 * cell + 2 + more, np.random.default_rng(seed)
    noise = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    for picture in (FACES[seed % len(FACES)], odd_pictures()[seed % 6], noise):
        fast = local_colour(picture, size, cell, stride)
        with pytest.MonkeyPatch.context() as patch:
            pure(patch)
            assert (local_colour(picture, size, cell, stride) == fast).all()


def test_the_shipped_map_and_words_say_the_same_with_and_without_the_compiled_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from eigenface.features.fisher import load_vocabularies

    mapper, coder = load_blood_mapper(), ColourCoder(load_vocabularies(VOCABULARY)["colour"])
    fast, rows = np.stack([mapper.map(face) for face in FACES]), coder.code(FACES)
    pure(monkeypatch)
    slow = np.stack([mapper.map(face) for face in FACES])
    assert (np.abs(fast - slow) < 1e-4).mean() > 0.999  # where a last digit decides, a tree goes the other way
    assert slow.max() > 0.5 > 0.1 > slow.min()
    assert np.abs(coder.code(FACES) - rows).max() < 1e-3


def test_planes_are_written_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    odds = a_map(np.random.default_rng(0), 24)
    for environment in ("0", "1"):
        monkeypatch.setenv("EIGENFACE_PURE", environment)
        planes = np.zeros((PLANES + CONTEXT, 24 * 24), np.float32)
        pixel_features(FACES[0], 24, planes[:PLANES])
        map_context(odds, planes[PLANES:])
        assert (planes == np.concatenate([pixel_features(FACES[0], 24), map_context(odds)])).all()


def test_maps_may_lie_in_memory_as_they_like() -> None:
    odds = a_map(np.random.default_rng(2), 24)
    assert (map_context(odds.T) == map_context(odds.T.copy())).all()
    found = (1 / (1 + np.exp(-odds))).astype(np.float32)
    assert (summary(found.T.astype(np.float64)) == summary(found.T.copy())).all()


def test_a_map_that_holds_no_numbers_ends_nothing() -> None:
    odds = np.full((16, 16), np.nan, np.float32)
    assert map_context(odds).shape == (CONTEXT, 256)
    assert summary(odds).shape == (SUMMARY,)


def test_the_compiled_part_checks_what_it_gets() -> None:
    module, pixels = compiled("blood"), compiled("pixels")
    assert module is not None
    assert pixels is not None
    side, n = 16, 256
    plane, lab, rgb, oval = np.zeros((n,), np.float32), np.zeros(3 * n, np.float32), np.zeros(3 * n, np.uint8), bytes(n)
    six, seven, three = (kernels((1.0,) * count) for count in (6, 7, 3))
    moves = np.zeros((24, 2), np.int32)
    features, context, told = (np.zeros((count, n), np.float32) for count in (PLANES, CONTEXT, 1))
    module.features(side, rgb, lab, oval, LOGS, *six, features)
    module.context(side, plane, plane, moves, *seven, context)
    module.summary(side, plane, *three, told[0, :SUMMARY])
    for wrong in (15, 20, 257, -1):
        with pytest.raises(ValueError, match="side"):
            module.features(wrong, rgb, lab, oval, LOGS, *six, features)
        with pytest.raises(ValueError, match="side"):
            module.context(wrong, plane, plane, moves, *seven, context)
        with pytest.raises(ValueError, match="side"):
            module.summary(wrong, plane, *three, told[0, :SUMMARY])
    with pytest.raises(ValueError, match="do not fit"):
        module.features(side, rgb[1:], lab, oval, LOGS, *six, features)
    with pytest.raises(ValueError, match="do not fit"):
        module.context(side, plane, plane[1:], moves, *seven, context)
    with pytest.raises(ValueError, match="do not fit"):
        module.summary(side, plane, *three, told[0])
    with pytest.raises(ValueError, match="moved too far"):
        module.context(side, plane, plane, moves + side, *seven, context)
    with pytest.raises(ValueError, match="not as many blurs"):
        module.context(side, plane, plane, moves, *six, context)
    numbers, lengths = seven
    for broken in (lengths + 1, lengths * 0 - 1, lengths * 0 + 33):
        with pytest.raises(ValueError, match="a blur that does not fit"):
            module.context(side, plane, plane, moves, numbers, broken, context)
    with pytest.raises(ValueError, match="not as many numbers"):
        module.context(side, plane, plane, moves, numbers[1:], lengths, context)
    begins, out = np.array([1], np.int32), np.zeros(128, np.float32)
    pixels.swatches(rgb, LOGS, side, 2, begins, out)
    for beyond in (-1, 10):
        with pytest.raises(ValueError, match="beyond the border"):
            pixels.swatches(rgb, LOGS, side, 2, begins * beyond, out)
    for size, cell, into in ((17, 2, out), (side, 0, out), (side, 17, out), (side, 2, out[1:])):
        with pytest.raises(ValueError, match="do not fit"):
            pixels.swatches(rgb, LOGS, size, cell, begins, into)
