"""Dense SIFT and Fisher vectors: compiled and in numpy they agree, and both say what the formulas say, read slowly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.features.fisher import FisherCoder, Vocabulary, places
from eigenface.features.sift import NUMBERS, dense_sift, positions
from eigenface.vision import cv2

needs_compiler = pytest.mark.skipif(compiled("fisher") is None, reason="the compiled part was not built")


def smooth_pictures(rng: np.random.Generator, count: int, size: int) -> NDArray[np.float32]:
    coarse = rng.random((count, 8, 8), dtype=np.float32)
    noise = rng.random((count, size, size), dtype=np.float32) * np.float32(0.1)
    return np.stack([cv2.resize(one, (size, size)) for one in coarse]) * np.float32(0.9) + noise


def vocabulary(rng: np.random.Generator, size: int, cell: int, stride: int, parts: int, words: int) -> Vocabulary:
    """Words about as far apart, and as wide, as those learned from faces."""
    turn = np.linalg.qr(rng.normal(size=(NUMBERS, NUMBERS)))[0][:, :parts] * 8
    weights = rng.random(words) + 0.2
    return Vocabulary(
        size,
        cell,
        stride,
        np.full(NUMBERS, 0.2, np.float32),
        turn.astype(np.float32),
        (weights / weights.sum()).astype(np.float32),
        rng.normal(size=(words, parts + 2)).astype(np.float32),
        (rng.random((words, parts + 2)) * 0.5 + 0.6).astype(np.float32),
    )


def slow_fisher(found: NDArray[np.float64], where: NDArray[np.float64], words: Vocabulary) -> NDArray[np.float64]:
    """The gradient of the mixture's log-likelihood, in double precision, from the book."""
    here = np.concatenate([(found - words.centre) @ words.projection.astype(np.float64), where], axis=1)
    means, deviations = words.means.astype(np.float64), words.deviations.astype(np.float64)
    away = (here[:, None] - means) / deviations
    logs = np.log(words.weights) - np.log(deviations).sum(axis=1) - 0.5 * (away**2).sum(axis=2)
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[shares < 1e-3] = 0
    roots = np.sqrt(words.weights)[:, None]
    firsts = (shares[..., None] * away).sum(axis=0) / roots
    seconds = (shares[..., None] * (away**2 - 1)).sum(axis=0) / roots / np.sqrt(2)
    vector = np.concatenate([firsts.ravel(), seconds.ravel()])
    vector = np.sign(vector) * np.sqrt(np.abs(vector))
    return np.asarray(vector / np.linalg.norm(vector))


@pytest.mark.parametrize("pure", ["0", "1"])
def test_a_fisher_vector_is_the_gradient_of_the_likelihood(pure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIGENFACE_PURE", pure)
    rng = np.random.default_rng(0)
    words = vocabulary(rng, 40, 3, 4, 10, 7)
    pictures = smooth_pictures(rng, 3, 40)
    vectors = FisherCoder(words)(pictures, mirror=False)
    where = places(40, 3, 4).astype(np.float64)
    for vector, found in zip(vectors, dense_sift(pictures, 3, 4), strict=True):
        assert np.linalg.norm(vector - slow_fisher(found.astype(np.float64), where, words)) < 2e-4


@pytest.mark.parametrize("pure", ["0", "1"])
def test_descriptors_of_the_mirror_image_are_those_of_a_mirrored_picture(
    pure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EIGENFACE_PURE", pure)
    pictures = smooth_pictures(np.random.default_rng(1), 2, 48)
    both = dense_sift(pictures, 3, 2, mirror=True)
    turned = dense_sift(np.ascontiguousarray(pictures[:, :, ::-1]), 3, 2)
    half = both.shape[1] // 2
    assert np.abs(both[:, half:] - turned).max() < 1e-5
    assert np.abs(both[:, :half] - turned).max() > 0.1
    assert np.allclose((both**4).sum(axis=2), 1, atol=1e-4)  # roots of rows of length 1


@needs_compiler
@settings(max_examples=12, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 30), st.booleans(), st.integers(0, 1000))
def test_descriptors_are_the_same_with_and_without_the_compiled_part(
    cell: int, stride: int, more: int, mirror: bool, seed: int
) -> None:
    size = 5 * cell + 2 + more
    assert len(positions(size, cell, stride))
    pictures = smooth_pictures(np.random.default_rng(seed), 2, size)
    pictures[0, :, : size // 2] = 0.5  # flat places have short descriptors
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        pure = dense_sift(pictures, cell, stride, mirror=mirror)
    assert np.abs(dense_sift(pictures, cell, stride, mirror=mirror) - pure).max() < 2e-5


@needs_compiler
@settings(max_examples=12, deadline=None)
@given(st.integers(1, 45), st.integers(1, 70), st.integers(2, 9), st.booleans(), st.integers(0, 1000))
def test_fisher_vectors_are_the_same_with_and_without_the_compiled_part(
    parts: int, words: int, stride: int, mirror: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    coder = FisherCoder(vocabulary(rng, 32, 2, stride, parts, words))
    pictures = smooth_pictures(rng, 2, 32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EIGENFACE_PURE", "1")
        pure = coder(pictures, mirror=mirror)
    vectors = coder(pictures, mirror=mirror)
    assert np.linalg.norm(vectors - pure, axis=1).max() < 1e-3
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@needs_compiler
@settings(max_examples=12, deadline=None)
@given(st.integers(1, 5), st.integers(1, 40), st.booleans(), st.integers(0, 1000))
def test_a_face_is_described_at_once_as_it_is_in_two_steps(cell: int, words: int, mirror: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 5 * cell + int(rng.integers(2, 30))
    coder = FisherCoder(vocabulary(rng, size, cell, int(rng.integers(1, 6)), int(rng.integers(1, 45)), words))
    grid = (coder.vocabulary.cell, coder.vocabulary.stride)
    pictures = smooth_pictures(rng, 2, size)
    vectors, apart = coder(pictures, mirror=mirror), np.empty(2 * coder.vocabulary.means.size, np.float32)
    for vector, found in zip(vectors, dense_sift(pictures, *grid, mirror=mirror), strict=True):
        coder.encode(found, places(size, *grid, 2 if mirror else 1), apart)
        assert np.linalg.norm(vector - apart) < 1e-4


@needs_compiler
def test_a_flat_or_broken_picture_has_a_vector_of_finite_numbers() -> None:
    pictures = np.zeros((3, 32, 32), np.float32)
    pictures[1], pictures[2, 9, 9] = 1, np.nan
    assert np.isfinite(FisherCoder(vocabulary(np.random.default_rng(0), 32, 2, 4, 3, 5))(pictures)).all()


@needs_compiler
def test_the_compiled_part_checks_what_it_gets() -> None:
    module = compiled("fisher")
    assert module is not None
    picture, out = np.zeros((32, 32), np.float32), np.zeros((4, NUMBERS), np.float32)
    for wrong in ((31, 2, 2, 2, 0), (32, 2, 30, 2, 0), (32, 0, 2, 2, 0), (32, 2, 2, 2, 1)):
        with pytest.raises(ValueError, match="do not fit"):
            module.sift(picture, *wrong, out)
    packed = vocabulary(np.random.default_rng(0), 32, 2, 4, 3, 5).packed
    places_of_two, vector = np.zeros((2, 2), np.float32), np.zeros(2 * 5 * 5, np.float32)
    for broken in (b"", packed[:16], packed[:-1], packed + b"1234", b"\xff" * len(packed)):
        with pytest.raises(ValueError, match="not a packed vocabulary"):
            module.code(out[:2], places_of_two, broken, vector)
    for rows, where, into in ((out[:3], places_of_two, vector), (out[:2], places_of_two, vector[1:]), (out[:0],) * 3):
        with pytest.raises(ValueError, match="do not fit"):
            module.code(rows, where, packed, into)
    with pytest.raises(ValueError, match="do not fit"):
        module.face(picture, 32, 2, 2, 2, 0, places_of_two, packed, vector)
    with pytest.raises(ValueError, match="do not fit"):
        module.pack(1e-3, *(np.zeros(8, np.float32),) * 7)
