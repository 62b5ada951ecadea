"""Baselines a model has to beat: the share of red pixels over a threshold, as the first blood classifier had it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from eigenface.features.red import red_share
from eigenface.steps.faces import check_crops
from eigenface.types import Pixels


class RedPixelThreshold(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says `positive` where the share of red pixels in a crop exceeds a threshold; nothing else is learned.

    Parameters
    ----------
    threshold : float
        Share of the crop's pixels, 0..1, above which the answer is `positive`.
    positive : str, optional
        The class of faces with much red; without one, the class that sorts first.
    hue, saturation, value : int
        What counts as red, as in `eigenface.features.red.red_share`.
    """

    def __init__(
        self,
        threshold: float = 0.1,
        *,
        positive: str | None = None,
        hue: int = 8,
        saturation: int = 120,
        value: int = 50,
    ) -> None:
        self.threshold = threshold
        self.positive = positive
        self.hue = hue
        self.saturation = saturation
        self.value = value

    def fit(self, X: Sequence[Pixels], y: ArrayLike) -> RedPixelThreshold:
        """Learn the two class names."""
        check_crops(X)
        names = np.unique(np.asarray(y))
        positive = names[0] if self.positive is None else self.positive
        if len(names) != 2 or positive not in names:
            raise ValueError(f"expected two classes, {positive!r} among them, got {names.tolist()}")
        self.classes_ = names
        self.sign_ = 1.0 if names[1] == positive else -1.0
        return self

    def decision_function(self, X: Sequence[Pixels]) -> NDArray[np.float64]:
        """Share of red less the threshold (n,), its sign turned where `positive` sorts first."""
        check_is_fitted(self)
        shares = red_share(check_crops(X), self.hue, self.saturation, self.value)[:, 0]
        return np.asarray(self.sign_ * (shares.astype(np.float64) - self.threshold))

    def predict(self, X: Sequence[Pixels]) -> NDArray[Any]:
        """The class of each crop: (n,)."""
        decisions = self.decision_function(X)
        return np.asarray(self.classes_[(decisions > 0).astype(int)])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.classifier_tags.multi_class = False
        return tags
