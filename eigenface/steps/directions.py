"""Eigenfaces turned to what tells the classes apart: the directions in which a kernel machine's answers change most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenface.compact import round_rows
from eigenface.steps.ridge import KernelRidgeClassifier
from eigenface.streaming import stretches
from eigenface.types import Rows

_LEAST_VARIANCE = 1e-9  # of the largest component's, below which a component is rounding
_LEAST_STRENGTH = 1e-6  # of the strongest direction's: no direction is left out altogether
_MOST_GRADIENTS = 4000  # enough for a mean
_BLOCK = 512
_STRETCH = 4096  # rows that are centred at a time: no second copy of all of them


class KernelDirections(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Project on directions that matter to the classes, found by a first kernel machine.

    1. Principal components, each divided by the root of its deviation.
    2. Kernel ridge regression.
    3. The mean outer product of its gradients; its eigenvectors are the directions, the strongest first, each
       multiplied by a power of its eigenvalue.

    So a few hundred numbers say more of the classes than as many principal components do, which describe mostly who
    somebody is and how the light falls.

    Parameters
    ----------
    n_components : int
        How many directions to keep; fewer where the data have fewer.
    searched : int
        Principal components in which they are looked for.
    power : float
        Of the eigenvalues: 0 only turns, 0.1 stretches a little, 0.5 is the whole metric.
    alpha : float
        Ridge of the first machine: large, so that it is smooth.
    faces : int
        Most faces that this learns from, drawn at random: directions need fewer than what comes after them.
    bits : {4, 8, None}
        Bits a number of the projection, or None for float32.
    random_state : int

    References
    ----------
    Radhakrishnan, Beaglehole, Pandit and Belkin, Mechanism for feature learning in neural networks and
    backpropagation-free machine learning models, 2024, doi:10.1126/science.adi5639.
    """

    def __init__(
        self,
        n_components: int = 300,
        *,
        searched: int = 500,
        power: float = 0.1,
        alpha: float = 1.0,
        faces: int = 12_000,
        bits: int | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.n_components = n_components
        self.searched = searched
        self.power = power
        self.alpha = alpha
        self.faces = faces
        self.bits = bits
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> KernelDirections:
        """Learn mean and directions from rows (n, d) and labels (n,)."""
        if self.bits not in (4, 8, None):
            raise ValueError(f"bits: expected 4, 8 or None, got {self.bits!r}")
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64], ensure_min_samples=2)
        check_classification_targets(labels)
        chosen = np.sort(np.random.default_rng(self.random_state).permutation(len(rows))[: self.faces])
        rows, labels = rows[chosen], labels[chosen]
        pca = PCA(min(self.searched, *rows.shape), iterated_power=4, random_state=self.random_state).fit(rows)
        variance = pca.explained_variance_
        real = max(1, int(np.count_nonzero(variance > _LEAST_VARIANCE * variance[0])))
        components = (pca.components_[:real] / np.maximum(variance[:real, None], 1e-30) ** 0.25).astype(np.float32)
        self.mean_ = pca.mean_.astype(np.float32)
        found = ((rows - self.mean_) @ components.T).astype(np.float32)
        strength, turned = np.linalg.eigh(self._gradients(found, labels))
        kept = min(self.n_components, real)
        strength, turned = np.maximum(strength[::-1][:kept], 0), turned[:, ::-1][:, :kept]
        share = np.maximum(strength / max(float(strength[0]), 1e-30), _LEAST_STRENGTH)
        directions = (turned * share**self.power).T.astype(np.float32) @ components
        self.components_ = round_rows(directions, self.bits) if self.bits else directions
        self.strengths_ = share.astype(np.float32)
        self.n_components_ = kept
        return self

    def _gradients(self, rows: NDArray[np.float32], labels: NDArray[Any]) -> NDArray[np.float64]:
        """The mean outer product (d, d) of the gradients of a kernel machine's decisions, up to a factor."""
        product = np.zeros((rows.shape[1], rows.shape[1]))
        if len(np.unique(labels)) < 2:
            return np.eye(rows.shape[1])
        first = KernelRidgeClassifier(alpha=self.alpha, bits=None, class_weight=None).fit(rows, labels)
        points = rows[:: -(-len(rows) // _MOST_GRADIENTS)]
        for start in range(0, len(points), _BLOCK):
            here = points[start : start + _BLOCK]
            kernel = rbf_kernel(here, rows, gamma=first.gamma_)
            for weights in first.coefficients_.T:
                pull = kernel * weights
                slopes = pull.sum(axis=1)[:, None] * here - pull @ rows
                product += slopes.T @ slopes
        return product / len(points)

    def transform(self, X: ArrayLike) -> Rows:
        """Coordinates (n, n_components) of rows (n, d)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        coordinates = np.empty((len(rows), len(self.components_)), np.float32)
        for part in stretches(len(rows), _STRETCH):
            coordinates[part] = (rows[part] - self.mean_) @ self.components_.T
        return coordinates

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
