"""First steps: estimators that take lists of RGB crops of any size and hand on rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from eigenface.features.colour import resize_colour
from eigenface.features.grey import equalise, grey, resize
from eigenface.types import Pixels, Rows, check_pixels


def check_crops(crops: Any) -> list[Pixels]:
    """Return `crops` as a list of checked RGB arrays; TypeError or ValueError says which one is wrong, and how."""
    if isinstance(crops, np.ndarray) and crops.ndim == 3:
        raise ValueError("expected a list of uint8 arrays (rows, cols, 3), got one array: put it into a list")
    return [check_pixels(crop, f"crop {number}") for number, crop in enumerate(crops)]


class FaceStep(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of steps that learn nothing and take crops: `fit` looks at the crops and keeps nothing of them."""

    def fit(self, X: Sequence[Pixels], y: Any = None) -> FaceStep:
        """Check the crops; nothing is learned."""
        check_crops(X)
        self.fitted_ = True
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        return tags


class GreyFaces(FaceStep):
    """Grayscale, equalise if asked, resize: RGB crops of any size to rows of grey pixels.

    Parameters
    ----------
    size : int
        Side in pixels of the square that every crop is resized to.
    equalise : bool
        Whether to equalise each crop's histogram first.

    Examples
    --------
    >>> GreyFaces(size=8).fit_transform([np.zeros((30, 20, 3), np.uint8)]).shape
    (1, 64)
    """

    def __init__(self, size: int = 64, equalise: bool = False) -> None:
        self.size = size
        self.equalise = equalise

    def transform(self, X: Sequence[Pixels]) -> Rows:
        """Rows (n, size * size), float32 in 0..1, of crops (rows, cols, 3), uint8 RGB."""
        greys = grey(check_crops(X))
        return resize(equalise(greys) if self.equalise else greys, self.size)


class ColourFaces(FaceStep):
    """Resize without turning grey: RGB crops of any size to rows of colour pixels.

    Parameters
    ----------
    size : int
        Side in pixels of the square that every crop is resized to.
    """

    def __init__(self, size: int = 64) -> None:
        self.size = size

    def transform(self, X: Sequence[Pixels]) -> Rows:
        """Rows (n, size * size * 3), float32 in 0..1, of crops (rows, cols, 3), uint8 RGB."""
        return resize_colour(check_crops(X), self.size)
