"""Affine maps of rows: scaling, centring, projecting and whitening fuse into one product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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


def _float32(array: Array) -> NDArray[np.float32]:
    return np.asarray(array, np.float32)


def affine_of(name: str, settings: Mapping[str, Any], arrays: Mapping[str, Array]) -> Affine | None:
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
