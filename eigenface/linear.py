"""Affine maps of rows: scaling, centring, projecting and whitening fuse into one product.

And products with rows that a saved model keeps in codes of a byte: they are never all decoded at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.compact import Encoded
from eigenface.engine import compiled

Array = NDArray[Any]

_BLOCK_NUMBERS = 600_000  # of a matrix that are decoded at a time: they fit a core's cache
_SMALL = 1_500_000  # numbers up to which a matrix is decoded for good: in single precision, too, a cache holds it
_FEW = 12  # rows up to which products with codes are quicker than with what BLAS would need decoded
_PRODUCTS = 300_000  # that are worked on at a time where rows are more: they, too, fit a cache
_LANES = 16


class Kept:
    """Rows (m, d) with which others are multiplied, in float32 or in codes of a byte.

    Parameters
    ----------
    array : array or Encoded (m, d)
    """

    def __init__(self, array: Array | Encoded) -> None:
        self._lines: Array = np.ones(len(array), np.float32)
        self._columns: Array = np.ones(array.shape[-1], np.float32)
        large = math.prod(array.shape) > _SMALL
        if large and isinstance(array, Encoded) and array.steps is not None and array.codes.dtype == np.int8:
            self._rows: Array = np.ascontiguousarray(array.codes)
            if array.axis == 0:
                self._lines = array.steps
            else:
                self._columns = array.steps
        else:
            self._rows = np.asarray(array, np.float32)
        if self._rows.ndim != 2:
            raise ValueError(f"expected rows of numbers, got an array of shape {self._rows.shape}")
        self._stretch = max(1, _BLOCK_NUMBERS // max(1, self.shape[1])) if large else max(1, len(self))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many rows, and numbers a row."""
        return self._rows.shape

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
        module = compiled("codes") if self._rows.dtype == np.int8 else None
        if module is not None and len(rows) <= _FEW:
            yield slice(len(self)), self._few(module, rows)
        elif module is not None and module.has_many():
            yield from self._many(module, rows)
        else:
            scaled = rows * self._columns
            for part, block in self._blocks():
                yield part, scaled @ block.T * self._lines[part]

    def _few(self, module: ModuleType, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        count, size = self.shape
        padded = np.zeros((len(rows), -(-size // _LANES) * _LANES), np.float32)
        np.multiply(rows, self._columns, out=padded[:, :size])
        products = np.empty((len(rows), count), np.float32)
        module.products(padded, self._rows, size, products)
        products *= self._lines
        return products

    def _many(self, module: ModuleType, rows: NDArray[np.float32]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        scaled = rows * self._columns
        for part in self._slices(max(_LANES, _PRODUCTS // len(rows))):
            codes = self._rows[part]
            products = np.empty((len(rows), len(codes)), np.float32)
            module.many(scaled, codes, self.shape[1], products)
            products *= self._lines[part]
            yield part, products

    def _blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        for part in self._slices(self._stretch):
            yield part, self._rows[part].astype(np.float32, copy=False)

    def _slices(self, stretch: int) -> Iterator[slice]:
        return (slice(start, start + stretch) for start in range(0, len(self), stretch))


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


def projection_of(settings: Mapping[str, Any], arrays: Mapping[str, Array | Encoded]) -> Projection:
    """The projection of a `pca` operation: (x - mean) @ components.T, each axis over deviation ** power."""
    kept, power = Kept(arrays["components"]), float(settings.get("power", 0.0))
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
