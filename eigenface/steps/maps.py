"""Steps over rows of pixels that lay features out as they lie on the face: HOG, LBP, colour bands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from eigenface.features.colour import colour
from eigenface.features.grey import square_side
from eigenface.features.hog import hog
from eigenface.features.lbp import lbp
from eigenface.features.symmetry import Maps, plain, symmetric, turned
from eigenface.types import Rows


class FeatureMaps(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base: rows of square pictures in, rows of features out; nothing is learned."""

    _channels = 1
    mirror: bool

    def fit(self, X: ArrayLike, y: Any = None) -> FeatureMaps:
        """Check that the rows are square pictures; nothing is learned."""
        rows = validate_data(self, X, dtype=[np.float32, np.float64])
        if rows.shape[1] % self._channels:
            raise ValueError(f"expected rows of pictures of {self._channels} channels, got {rows.shape[1]} features")
        square_side(rows.shape[1] // self._channels)
        return self

    def transform(self, X: ArrayLike) -> Rows:
        """Features (n, d) of rows of pixels (n, s * s * channels), 0..1."""
        rows = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        side = square_side(rows.shape[1] // self._channels)
        shape = (side, side) if self._channels == 1 else (side, side, self._channels)
        pictures = np.asarray(rows, np.float32).reshape(len(rows), *shape)
        parts = [self._rows(pictures[start : start + 256]) for start in range(0, len(pictures), 256)]
        return np.concatenate(parts)

    def _rows(self, pictures: NDArray[np.float32]) -> Rows:
        return (symmetric if self.mirror else plain)(self._describe, pictures)

    def _describe(self, pictures: NDArray[np.float32]) -> Maps:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class HOG(FeatureMaps):
    """Histograms of oriented gradients in cells of `cell` pixels; with `mirror`, of the face and its mirror image."""

    def __init__(self, cell: int = 8, mirror: bool = True) -> None:
        self.cell = cell
        self.mirror = mirror

    def _describe(self, pictures: NDArray[np.float32]) -> Maps:
        return hog(pictures, self.cell)


class LBP(FeatureMaps):
    """Uniform local binary patterns at `radius` pixels, counted in cells of `cell` pixels.

    With `mirror`, the mean of the face's and its mirror image's.
    """

    def __init__(self, cell: int = 8, radius: int = 1, mirror: bool = True) -> None:
        self.cell = cell
        self.radius = radius
        self.mirror = mirror

    def _describe(self, pictures: NDArray[np.float32]) -> Maps:
        return lbp(pictures, self.cell, self.radius)


class ColourBands(FeatureMaps):
    """Histograms of L, a, b and saturation in a `grid` of cells; rows come from `ColourFaces`."""

    _channels = 3

    def __init__(self, grid: int = 4, bins: int = 8, mirror: bool = True) -> None:
        self.grid = grid
        self.bins = bins
        self.mirror = mirror

    def _describe(self, pictures: NDArray[np.float32]) -> Maps:
        return colour(pictures, self.grid, self.bins)

    def _rows(self, pictures: NDArray[np.float32]) -> Rows:
        return (turned if self.mirror else plain)(self._describe, pictures)


class Weighted(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Rows times a weight: how much one kind of feature counts beside the others of a union."""

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def fit(self, X: ArrayLike, y: Any = None) -> Weighted:
        """Check the rows; nothing is learned."""
        validate_data(self, X, dtype=[np.float32, np.float64])
        return self

    def transform(self, X: ArrayLike) -> Rows:
        """Rows (n, d) times the weight."""
        rows = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        return np.asarray(rows, np.float32) * np.float32(self.weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
