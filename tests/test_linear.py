"""Products with rows kept in codes are those with the rows they stand for, with and without the compiled part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eigenface import linear
from eigenface.compact import Encoded, decode, encode, round_columns, round_rows
from eigenface.engine import compiled
from eigenface.linear import Kept, Projection, affine_of, projection_of
from eigenface.operations import prepare
from eigenface.program import Operation, Program

_codes = compiled("codes")


def coded(rows: int, columns: int, *, by_row: bool, bits: int = 8) -> Encoded:
    array = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    return encode(round_rows(array, bits) if by_row else round_columns(array, bits))


@pytest.fixture(params=["compiled", "pure"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every matrix is large enough to stay in codes."""
    monkeypatch.setattr(linear, "_SMALL", 0)
    monkeypatch.setattr(linear, "_SMALL_BY_NUMPY", 0)
    if request.param == "pure":
        monkeypatch.setenv("EIGENFACE_PURE", "1")
    elif compiled("codes") is None:
        pytest.skip("the compiled part was not built")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize("asked", [1, 3, 4, 5, 12, 13, 40])
@pytest.mark.parametrize("shape", [(70, 33), (5, 300), (130, 16), (64, 2)])
@pytest.mark.parametrize("bits", [4, 8])
def test_products_with_codes_are_products_with_what_they_stand_for(
    by_row: bool, asked: int, shape: tuple[int, int], bits: int
) -> None:
    stored = coded(*shape, by_row=by_row, bits=bits)
    assert stored.codes.dtype == np.int8
    rows = np.random.default_rng(1).normal(size=(asked, shape[1])).astype(np.float32)
    kept, plain = Kept(stored), decode(stored)
    lengths = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(plain, axis=1)
    assert (np.abs(kept.times(rows) - rows @ plain.T) <= 2e-5 * lengths).all()
    assert np.allclose(kept.squares(), (plain**2).sum(axis=1), rtol=1e-5)
    exact = Kept(stored, exact=True).times(rows)
    assert (np.abs(exact - rows @ plain.T) <= 1e-6 * lengths).all()
    covered = np.concatenate([np.arange(len(kept))[part] for part, _ in kept.parts(rows)])
    assert (covered == np.arange(shape[0])).all()


def packed(rng: np.random.Generator, lines: int, wide: int, bits: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Codes, and how the compiled part reads them."""
    codes = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (lines, wide))
    return codes, linear._laid_out(codes.astype(np.int8), bits)


@pytest.mark.skipif(_codes is None, reason="the compiled part was not built")
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 5), st.sampled_from([4, 8]), st.integers(0, 999))
def test_the_compiled_product_is_exact_where_numbers_are_whole(
    asked: int, lines: int, strides: int, bits: int, seed: int
) -> None:
    assert _codes
    rng, wide = np.random.default_rng(seed), 32 * strides
    codes, laid = packed(rng, lines, wide, bits)
    rows = rng.integers(-32639, 32640, (asked, wide)).astype(np.float32)
    rows[:, rng.integers(wide)] = rng.choice([-32639, 32639])
    if seed % 5 == 0:  # the largest sums there are
        codes[0], rows[0] = 2 ** (bits - 1) - 1, -32639
        laid = linear._laid_out(codes.astype(np.int8), bits)
    out = np.empty((asked, lines), np.float32)
    _codes.few(rows, laid, wide, bits, out)
    truth = rows.astype(np.int64) @ codes.T
    assert (np.abs(out - truth) <= 1e-6 * np.abs(rows) @ np.abs(codes.T.astype(np.float64))).all()
    for size, word, to in ((wide, bits, out[:, :-1].copy()), (wide - 1, bits, out), (wide, 5, out), (0, bits, out)):
        with pytest.raises(ValueError, match="codes: "):
            _codes.few(rows, laid, size, word, to)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 100), st.integers(0, 99))
def test_codes_that_share_a_byte_come_back(lines: int, size: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(-8, 8, (lines, size)).astype(np.int8)
    assert (linear._halves(linear._laid_out(codes, 4))[:, :size] == codes).all()


@pytest.mark.skipif(not (_codes and _codes.counts()), reason="not built, or not for this processor")
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.integers(1, 70), st.integers(1, 36), st.sampled_from([4, 8]), st.integers(0, 999))
def test_products_of_many_rows_are_exact_where_numbers_have_16_bits(
    asked: int, lines: int, strides: int, bits: int, seed: int
) -> None:
    assert _codes
    rng, wide = np.random.default_rng(seed), 32 * strides
    codes, laid = packed(rng, lines, wide, bits)
    rows = rng.integers(-32767, 32768, (asked, wide)).astype(np.float32)
    rows[:, rng.integers(wide)] = 32767
    if seed % 5 == 0:  # the largest sum there is
        codes[0], rows[0] = -(2 ** (bits - 1)), 32767
        laid = linear._laid_out(codes.astype(np.int8), bits)
    out = np.empty((asked, lines), np.float32)
    _codes.many(rows, laid, wide, bits, out)
    truth = rows.astype(np.int64) @ codes.T
    assert (np.abs(out - truth) <= 1e-6 * np.abs(rows) @ np.abs(codes.T.astype(np.float64))).all()
    for wrong in (out[:, :-1].copy(), np.empty((asked + 1, lines), np.float32)):
        with pytest.raises(ValueError, match="do not fit"):
            _codes.many(rows, laid, wide, bits, wrong)


@pytest.mark.skipif(not (_codes and _codes.counts()), reason="not built, or not for this processor")
def test_rows_of_nothing_have_products_of_nothing() -> None:
    assert _codes
    out = np.ones((2, 3), np.float32)
    _codes.many(np.zeros((2, 32), np.float32), np.ones((3, 32), np.int8), 32, 8, out)
    assert not out.any()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kernel", ["rbf", "poly", "sigmoid", "linear"])
@pytest.mark.parametrize("classes", [1, 3])
def test_kernel_sums_over_codes_are_those_over_plain_rows(kernel: str, classes: int) -> None:
    stored = coded(90, 20, by_row=False)
    rng = np.random.default_rng(2)
    more = {"coefficients": rng.normal(size=(90, classes)), "intercept": rng.normal(size=classes)}
    how = {"kernel": kernel, "gamma": 0.05, "coef0": 0.5, "degree": 2}
    runs: list[Callable[[Any], Any]] = [
        prepare("kernel_sum", how, {"vectors": vectors, **more}) for vectors in (stored, decode(stored))
    ]
    for asked in (1, 30):
        rows = rng.normal(size=(asked, 20)).astype(np.float32)
        ours, plain = (run(rows) for run in runs)
        assert ours.shape == ((asked,) if classes == 1 else (asked, classes))
        assert np.abs(ours - plain).max() < 1e-4 * np.abs(plain).max()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("power", [0.0, 0.5])
def test_components_alone_project_as_the_affine_map_does(power: float) -> None:
    stored = coded(12, 50, by_row=True)
    rng = np.random.default_rng(3)
    arrays: dict[str, NDArray[Any] | Encoded] = {
        "components": stored,
        "mean": rng.normal(size=50),
        "variance": rng.random(12) + 0.1,
    }
    rows = rng.normal(size=(7, 50)).astype(np.float32)
    affine = affine_of("pca", {"power": power}, arrays)
    assert affine is not None
    assert np.allclose(projection_of({"power": power}, arrays)(rows), affine(rows), atol=1e-4)
    scaled = [
        Operation("pca", {"power": power}, arrays),
        Operation("linear", {}, _last(12)),
        Operation("sigmoid", _ODDS),
    ]
    fused = Program(scaled)(rows)  # type: ignore[arg-type]
    assert np.allclose(fused[:, 1], 1 / (1 + np.exp(-0.01 * affine(rows).sum(axis=1))), atol=1e-4)


_ODDS = {"slope": 1.0, "offset": 0.0}


def _last(size: int) -> dict[str, NDArray[np.float32]]:
    return {"coefficients": np.full((1, size), 0.01, np.float32), "intercept": np.zeros(1, np.float32)}


def test_shapes_that_do_not_fit_are_refused() -> None:
    kept = Kept(np.ones((3, 4), np.float32))
    with pytest.raises(ValueError, match="expected shapes"):
        Projection(np.zeros(5, np.float32), kept, np.ones(3, np.float32))
    with pytest.raises(ValueError, match="expected rows"):
        Kept(np.ones(4, np.float32))
