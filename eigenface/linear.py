"""Affine maps of rows: scaling, centring, projecting and whitening fuse into one product.

And products with rows that a saved model keeps in codes of a byte: they are never all decoded at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.compact import Encoded
from eigenface.engine import compiled

Array = NDArray[Any]

_BLOCK_NUMBERS = 600_000  # of a matrix that are decoded at a time: they fit a core's cache
_SMALL = 500_000  # numbers up to which a matrix is decoded for good: a cache holds it beside all else
_SMALL_BY_NUMPY = 1_500_000  # the same without the compiled part, where decoding takes longer
_FEW = 12  # rows up to which products are quicker with codes that are decoded on the way
_PRODUCTS = 300_000  # that are worked on at a time where rows are more: they, too, fit a cache
_STRIDE = 32  # codes by whose number lines are filled up


class Kept:
    """Rows (m, d) with which others are multiplied: in float32, or in codes of a byte, or of half of one.

    Parameters
    ----------
    array : array or Encoded (m, d)
    exact : bool
        Products to the last digits of single precision; otherwise rows may be rounded to 16 bits.
    """

    def __init__(self, array: Array | Encoded, *, exact: bool = False) -> None:
        if len(array.shape) != 2:
            raise ValueError(f"expected rows of numbers, got an array of shape {array.shape}")
        self.shape: tuple[int, int] = (array.shape[0], array.shape[1])
        self._lines: Array = np.ones(len(array), np.float32)
        self._columns: Array = np.ones(array.shape[1], np.float32)
        module = compiled("codes")
        large = math.prod(array.shape) > (_SMALL if module else _SMALL_BY_NUMPY)
        self._bits, self._exact = 0, exact
        if large and isinstance(array, Encoded) and array.steps is not None and array.codes.dtype == np.int8:
            self._bits = 4 if module and not exact and array.codes.min() >= -8 and array.codes.max() <= 7 else 8
            self._rows: Array = _laid_out(array.codes, self._bits)
            if array.axis == 0:
                self._lines = array.steps
            else:
                self._columns = array.steps
        else:
            self._rows = np.asarray(array, np.float32)
        self._stretch = max(1, _BLOCK_NUMBERS // max(1, self.shape[1])) if large else max(1, len(self))

    def __len__(self) -> int:
        return self.shape[0]

    def squares(self) -> NDArray[np.float32]:
        """The squared length of every row: (m,)."""
        squared = self._columns**2
        parts = [block**2 @ squared for _, block in self._blocks()]
        return np.asarray(np.concatenate(parts) * self._lines**2, np.float32)

    def times(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The products (n, m) with rows (n, d)."""
        return np.concatenate([products for _, products in self.parts(rows)], axis=1)

    def parts(self, rows: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """The products (n, some of m) with rows (n, d), one stretch of kept rows after another."""
        module = compiled("codes") if self._bits else None
        if module is not None and len(rows) <= _FEW:
            yield from self._with_codes(module.few, rows, len(self))
        elif module is not None and not self._exact and module.counts():
            yield from self._with_codes(module.many, rows, max(_STRIDE, _PRODUCTS // len(rows)))
        else:
            scaled = rows * self._columns
            for part, block in self._blocks():
                yield part, scaled @ block.T * self._lines[part]

    def _with_codes(
        self, multiply: Callable[..., None], rows: NDArray[np.float32], stretch: int
    ) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        count, size = self.shape
        wide = -(-size // _STRIDE) * _STRIDE
        scaled = np.empty((len(rows), wide), np.float32)
        np.multiply(rows, self._columns, out=scaled[:, :size])
        scaled[:, size:] = 0
        for part in _slices(count, stretch):
            products = np.empty((len(rows), len(self._rows[part])), np.float32)
            multiply(scaled, self._rows[part], wide, self._bits, products)
            products *= self._lines[part]
            yield part, products

    def _blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        for part in _slices(len(self), self._stretch):
            codes = _halves(self._rows[part]) if self._bits == 4 else self._rows[part]
            yield part, codes[:, : self.shape[1]].astype(np.float32, copy=False)


def _slices(count: int, length: int) -> Iterator[slice]:
    return (slice(start, start + length) for start in range(0, count, length))


def _laid_out(codes: Array, bits: int) -> Array:
    """Codes (m, d) as the compiled part reads them: lines in whole strides.

    Of codes of 4 bits, sixteen lie in the low halves of bytes and the next sixteen in the high ones, plus 8.
    """
    wide = -(-codes.shape[1] // _STRIDE) * _STRIDE
    zero = np.uint8(8 if bits == 4 else 0)
    laid = np.full((len(codes), wide), zero)
    np.add(codes.view(np.uint8), zero, out=laid[:, : codes.shape[1]])
    if bits == 8:
        return laid.view(np.int8)
    halves = laid.reshape(len(codes), -1, 2, _STRIDE // 2)
    packed = halves[:, :, 1] << 4
    packed |= halves[:, :, 0]
    return packed.reshape(len(codes), wide // 2)


def _halves(packed: Array) -> Array:
    """The codes (m, d) of bytes that hold two each."""
    bytes_ = packed.reshape(len(packed), -1, 1, _STRIDE // 2)
    codes = np.concatenate([bytes_ & 15, bytes_ >> 4], axis=2).astype(np.int8) - np.int8(8)
    return codes.reshape(len(packed), -1)


@dataclass(frozen=True)
class Affine:
    """rows -> (rows - centre) @ matrix + offset; a vector for `matrix` scales column by column.

    The centre is taken off before the product: in float32, x @ W - mean @ W loses digits.
    """

    centre: Array
    matrix: Array
    offset: Array

    def __post_init__(self) -> None:
        inputs = self.matrix.shape[0]
        outputs = self.matrix.shape[-1]
        if self.matrix.ndim not in (1, 2) or self.centre.shape != (inputs,) or self.offset.shape != (outputs,):
            shapes = [part.shape for part in (self.centre, self.matrix, self.offset)]
            raise ValueError(f"expected shapes (d,), (d,) or (d, k), and (k,), got {shapes}")

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = rows - self.centre
        moved = centred * self.matrix if self.matrix.ndim == 1 else centred @ self.matrix
        moved += self.offset
        result: NDArray[np.float32] = moved
        return result

    def then(self, after: Affine) -> Affine:
        """One map that does what this one and then `after` does."""
        if self.matrix.ndim == 1 and not self.offset.any():  # (x - c) * s, then (y - d) @ W
            safe = np.where(self.matrix == 0, 1, self.matrix)
            wide = self.matrix[:, None] * after.matrix if after.matrix.ndim == 2 else self.matrix * after.matrix
            if self.matrix.all():
                return Affine(self.centre + after.centre / safe, wide, after.offset)
        gap = self.offset - after.centre
        if after.matrix.ndim == 1:
            return Affine(self.centre, self.matrix * after.matrix, gap * after.matrix + after.offset)
        whole = np.diag(self.matrix) if self.matrix.ndim == 1 else self.matrix
        return Affine(self.centre, whole @ after.matrix, gap @ after.matrix + after.offset)


@dataclass(frozen=True)
class Projection:
    """rows -> (rows - centre) @ kept.T * scales: principal components as a saved model keeps them."""

    centre: Array
    kept: Kept
    scales: Array

    def __post_init__(self) -> None:
        if self.centre.shape != self.kept.shape[1:] or self.scales.shape != self.kept.shape[:1]:
            shapes = [self.centre.shape, self.kept.shape, self.scales.shape]
            raise ValueError(f"expected shapes (d,), (k, d) and (k,), got {shapes}")

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.kept.times(rows - self.centre) * self.scales


def projection_of(
    settings: Mapping[str, Any], arrays: Mapping[str, Array | Encoded], *, exact: bool = False
) -> Projection:
    """The projection of a `pca` operation: (x - mean) @ components.T, each axis over deviation ** power."""
    kept, power = Kept(arrays["components"], exact=exact), float(settings.get("power", 0.0))
    deviations = np.sqrt(np.asarray(arrays["variance"], np.float64)) if power else np.ones(len(kept))
    return Projection(_float32(arrays["mean"]), kept, _float32(deviations**-power))


def _float32(array: Array | Encoded) -> NDArray[np.float32]:
    return np.asarray(array, np.float32)


def affine_of(name: str, settings: Mapping[str, Any], arrays: Mapping[str, Array | Encoded]) -> Affine | None:
    """The affine map that a linear operation stands for, or None for any other operation.

    `scale`: (x - mean) / deviation. `pca`: (x - mean) @ components.T, each axis over deviation ** power.
    `linear`: x @ coefficients.T + intercept.
    """
    if name == "scale":
        deviation = _float32(arrays["deviation"])
        return Affine(_float32(arrays["mean"]), 1 / deviation, np.zeros_like(deviation))
    if name == "pca":
        matrix = _float32(arrays["components"]).T
        power = float(settings.get("power", 0.0))
        if power:
            matrix = matrix / _float32(np.sqrt(np.asarray(arrays["variance"], np.float64)) ** power)
        return Affine(_float32(arrays["mean"]), np.ascontiguousarray(matrix), np.zeros(matrix.shape[1], np.float32))
    if name == "linear":
        matrix = np.ascontiguousarray(_float32(arrays["coefficients"]).T)
        return Affine(np.zeros(matrix.shape[0], np.float32), matrix, _float32(arrays["intercept"]))
    return None


LINEAR = ("scale", "pca", "linear")
