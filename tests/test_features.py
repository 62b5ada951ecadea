"""Features say what a hand computes: where an edge runs, which pattern surrounds a pixel, which colour there is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.features.colour import colour
from eigenface.features.grey import equalise, grey, resize, square_side
from eigenface.features.hog import hog
from eigenface.features.lbp import WORDS, lbp
from eigenface.features.red import red_share
from eigenface.features.symmetry import plain, symmetric, turned
from eigenface.features.trees import BoostedTrees

RNG = np.random.default_rng(0)
NOISE = RNG.random((5, 34, 34), dtype=np.float32)


def test_grey_is_luma_and_resizing_keeps_the_mean() -> None:
    green = np.full((8, 12, 3), (0, 255, 0), np.uint8)
    assert abs(int(grey([green])[0][0, 0]) - 150) <= 1
    checks = np.indices((40, 40)).sum(axis=0) % 2 * 200
    assert np.allclose(resize([checks.astype(np.uint8)], 10), 100 / 255, atol=0.02)


def test_equalising_takes_light_out() -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    dark, bright = equalise([ramp // 2, ramp * 2 + 60])
    assert np.abs(dark.astype(int) - bright).max() <= 8


def test_hog_finds_the_orientation_of_an_edge() -> None:
    ramp = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (32, 1))
    across, down = hog(ramp[None])[0, 1, 1].reshape(4, 9), hog(ramp.T[None].copy())[0, 1, 1].reshape(4, 9)
    assert set(across.argmax(axis=1)) <= {0, 8}  # a gradient along the rows: 0 degrees
    assert set(down.argmax(axis=1)) == {4}  # 90 degrees


def test_lbp_counts_the_pattern_around_every_pixel() -> None:
    flat = lbp(np.full((1, 34, 34), 0.5, np.float32))
    words = np.flatnonzero(flat[0, 0, 0])
    assert len(words) == 1  # all neighbours are as bright as the middle
    assert flat[0, 0, 0, words[0]] == 1
    squares = (lbp(NOISE) ** 2).sum(axis=-1)
    assert np.allclose(squares, 1, atol=1e-5)
    dots = np.zeros((1, 34, 34), np.float32)
    dots[0, 1::2, 1::2] = (
        1  # bright pixels among dark ones: nothing around them is as bright; dark ones have nothing darker
    )
    assert (lbp(dots)[0, 0, 0] > 0).sum() == 2
    assert lbp(dots).shape[-1] == WORDS


def test_colour_bands_tell_red_from_grey() -> None:
    pictures = np.zeros((2, 16, 16, 3), np.float32)
    pictures[0], pictures[1, ..., 0] = 0.5, 0.8
    grey_bands, red_bands = colour(pictures, grid=4, bins=8).reshape(2, 16, 4, 8)
    assert (grey_bands[:, 3].argmax(axis=1) == 0).all()  # no saturation
    assert (red_bands[:, 3].argmax(axis=1) == 7).all()
    assert (red_bands[:, 1].argmax(axis=1) == 7).all()  # far on the red side of a


def test_red_share_is_the_share_of_red() -> None:
    picture = np.full((10, 10, 3), 120, np.uint8)
    picture[:3] = (190, 10, 15)
    assert red_share([picture])[0, 0] == pytest.approx(0.3)
    large = np.repeat(np.repeat(picture, 40, axis=0), 40, axis=1)
    assert red_share([large])[0, 0] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("describe", [hog, lbp], ids=["hog", "lbp"])
def test_a_face_and_its_mirror_image_get_the_same_symmetric_features(
    describe: Callable[..., NDArray[np.float32]],
) -> None:
    pictures = NOISE if describe is lbp else NOISE[:, :32, :32].copy()
    mirrored = np.ascontiguousarray(pictures[:, :, ::-1])
    assert np.abs(symmetric(describe, pictures) - symmetric(describe, mirrored)).max() < 1e-5
    assert np.abs(plain(describe, pictures) - plain(describe, mirrored)).max() > 0.1


def test_a_mirror_image_has_the_same_colour_at_the_mirrored_place() -> None:
    pictures = RNG.random((4, 32, 32, 3), dtype=np.float32)

    def describe(some: NDArray[np.float32]) -> NDArray[np.float32]:
        return colour(some, 8, 6)

    assert np.abs(turned(describe, pictures) - symmetric(describe, pictures)).max() < 1e-6


@pytest.mark.skipif(compiled("pixels") is None, reason="the compiled part was not built")
@pytest.mark.parametrize(("side", "grid", "bins"), [(64, 8, 6), (24, 4, 8), (10, 1, 2), (9, 3, 17)])
def test_colour_is_the_same_with_and_without_the_compiled_part(
    side: int, grid: int, bins: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = RNG.random((3, side, side, 3), dtype=np.float32)
    pictures[0] = pictures[0].round()  # the ends of every band
    ours = colour(pictures, grid, bins)
    monkeypatch.setenv("EIGENFACE_PURE", "1")
    assert np.abs(ours - colour(pictures, grid, bins)).max() < 1e-5


@pytest.mark.skipif(compiled("pixels") is None, reason="the compiled part was not built")
@pytest.mark.parametrize(("levels", "pixels"), [(1, 1), (4, 255), (6, 256), (6, 250), (6, 400), (8, 700)])
def test_trees_give_the_same_bits_with_and_without_the_compiled_part(
    levels: int, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = RNG.normal(size=(9, pixels)).astype(np.float32)
    planes[0, 0] = np.nan
    shape = (30, levels)
    thresholds = planes[RNG.integers(0, 9, shape), RNG.integers(0, pixels, shape)]  # some are equal to what is compared
    leaves = RNG.normal(size=(30, 2**levels)).astype(np.float32)
    trees = BoostedTrees(RNG.integers(0, 9, shape), thresholds, leaves, 0.3)
    ours = trees(planes)
    monkeypatch.setenv("EIGENFACE_PURE", "1")
    assert np.array_equal(ours, trees(planes))


@pytest.mark.skipif(compiled("pixels") is None, reason="the compiled part was not built")
def test_trees_that_ask_for_a_column_that_is_not_there_are_refused() -> None:
    trees = BoostedTrees(np.array([[3]]), np.zeros((1, 1), np.float32), np.zeros((1, 2), np.float32), 0)
    with pytest.raises(ValueError, match="no such column"):
        trees(np.zeros((3, 5), np.float32))


@pytest.mark.parametrize(
    "describe", [lambda p: hog(p[:, :32, :32].copy(), 8), lbp, lambda p: lbp(p[:, :32, :32], 7, 2)]
)
def test_a_batch_and_one_by_one_agree(describe: Callable[..., NDArray[np.float32]]) -> None:
    assert (describe(NOISE) == np.concatenate([describe(NOISE[i : i + 1]) for i in range(5)])).all()


def test_sizes_that_do_not_fit_are_refused() -> None:
    for wrong in (
        lambda: hog(NOISE, 8),
        lambda: lbp(NOISE, 7),
        lambda: colour(np.zeros((1, 10, 10, 3), np.float32), 4),
    ):
        with pytest.raises(ValueError, match="expected a side"):
            wrong()
    with pytest.raises(ValueError, match="not a square"):
        square_side(50)
