"""Arrays in the fewest bytes that hold them exactly: whole multiples of a step take a byte, others 2, 4 or 8.

A step keeps 16 bits of mantissa. Then a code of 8 bits times its step is exact in float32, and finding the steps of
rounded numbers again gives the same steps: encoding loses nothing, and encoding twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_LARGEST_CODE = 127


@dataclass(frozen=True)
class Encoded:
    """Stored form of an array: `codes`, the dtype to restore, and for whole multiples the steps along `axis`."""

    codes: Array
    dtype: str
    steps: NDArray[np.float32] | None = None
    axis: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.codes.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the array when it is decoded."""
        return self.codes.size * np.dtype(self.dtype).itemsize

    def __len__(self) -> int:
        return len(self.codes)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return decode(self) if dtype is None else decode(self).astype(dtype, copy=False)


def short_steps(largest: Array, limit: int = _LARGEST_CODE) -> NDArray[np.float32]:
    """Steps (k,) with 16 bits of mantissa, so that `limit` of them reach the `largest` magnitudes (k,).

    >>> short_steps(np.array([127.0, 0.0])).tolist()
    [1.0, 1.0]
    """
    exact = np.asarray(largest, np.float64) / limit
    mantissa, exponent = np.frexp(exact)
    steps: NDArray[np.float32] = np.ldexp(np.ceil(mantissa * 65536) / 65536, exponent).astype(np.float32)
    steps[~(steps > 0)] = 1.0
    return steps


_FEW_BITS_STEP = 0.4
"""Step over a row's deviation at 4 bits: the least error for numbers spread like a bell."""


def round_rows(array: NDArray[np.float32], bits: int = 8) -> NDArray[np.float32]:
    """Each row of (n, d) to whole multiples of its own step, 8 bits a number; or 4, and what is far out is cut off."""
    limit = 2 ** (bits - 1) - 1
    largest = np.abs(array).max(axis=1)
    if bits < 8:
        largest = np.minimum(largest, limit * _FEW_BITS_STEP * array.std(axis=1))
    steps = short_steps(largest, limit)[:, None]
    rounded: NDArray[np.float32] = (np.clip(np.rint(array / steps), -limit, limit) * steps).astype(np.float32)
    return rounded


def round_columns(array: NDArray[np.float32], bits: int = 8) -> NDArray[np.float32]:
    """As `round_rows`, each column of (n, d) by its own step."""
    return np.ascontiguousarray(round_rows(np.ascontiguousarray(array.T), bits).T)


def encode(array: Array, known: Sequence[Array] = ()) -> Encoded:
    """The most compact form of `array` from which `decode` restores it bit by bit.

    `known` are steps (k,) that may be the array's own: support vectors are a part of the rows that were rounded, and
    a part need not reach the largest code, from which its steps could be told.
    """
    dtype = array.dtype.str
    if array.dtype.kind != "f" or array.size < 64:
        return Encoded(array, dtype)
    if array.ndim == 2 and np.isfinite(array).all():
        for axis, length in enumerate(array.shape):
            largest = np.abs(array).max(axis=1 - axis)
            own = [short_steps(largest, limit) for limit in (_LARGEST_CODE, 63, 31, 15, 7, 3, 1)]
            for steps in (
                *own,
                *(k for k in known if k.shape == (length,) and k.dtype == np.float32 and (k > 0).all()),
            ):
                encoded = _in_steps(array, steps, axis)
                if encoded is not None:
                    return encoded
    for smaller in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            codes = array.astype(smaller)
        if np.array_equal(codes.astype(array.dtype), array):
            return Encoded(codes, dtype)
    return Encoded(array, dtype)


def _in_steps(array: Array, steps: NDArray[np.float32], axis: int) -> Encoded | None:
    along = steps[:, None] if axis == 0 else steps
    codes = np.rint(array.astype(np.float32) / along)
    if np.abs(codes).max() <= _LARGEST_CODE and np.array_equal((codes * along).astype(array.dtype), array):
        return Encoded(codes.astype(np.int8), array.dtype.str, steps, axis)
    return None


def decode(encoded: Encoded) -> Array:
    """The array that was encoded, in its own dtype."""
    if encoded.steps is None:
        return encoded.codes.astype(np.dtype(encoded.dtype), copy=False)
    along = encoded.steps[:, None] if encoded.axis == 0 else encoded.steps
    return (encoded.codes.astype(np.float32) * along).astype(np.dtype(encoded.dtype))
