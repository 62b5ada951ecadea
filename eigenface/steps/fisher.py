"""Fisher vectors as a step, and the learning of their vocabulary from faces without labels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from eigenface.features.fisher import FisherCoder, Vocabulary, load_vocabularies, places
from eigenface.features.sift import dense_sift
from eigenface.types import Rows

_DIMENSIONS = 40  # of 128 that a descriptor keeps


class FisherVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fisher vectors of dense SIFT by a shipped vocabulary; rows come from `GreyFaces` of the vocabulary's size.

    Nothing is learned of the faces it is fitted on; `fit` takes the vocabulary along, so that a saved model answers
    by the one it was trained with.

    Parameters
    ----------
    vocabulary : str
        `48` for small tight faces, `64` and `96` for faces of that many pixels.
    mirror : bool
        Describe the face and its mirror image together.
    """

    def __init__(self, vocabulary: str = "64", mirror: bool = True) -> None:
        self.vocabulary = vocabulary
        self.mirror = mirror

    def fit(self, X: ArrayLike, y: Any = None) -> FisherVectors:
        """Take the vocabulary; nothing is learned of X (n, size * size)."""
        words = self._shipped()
        self.size_, self.cell_, self.stride_ = words.size, words.cell, words.stride
        for name, array in words.arrays().items():
            setattr(self, f"{name}_", array)
        self._pictures(X, words, reset=True)
        return self

    @property
    def words(self) -> Vocabulary:
        """The vocabulary: that of the fit, or the shipped one before."""
        if not hasattr(self, "size_"):
            return self._shipped()
        settings = {"size": int(self.size_), "cell": int(self.cell_), "stride": int(self.stride_)}
        return Vocabulary.of(settings, {name: getattr(self, f"{name}_") for name in self._shipped_names()})

    def transform(self, X: ArrayLike) -> Rows:
        """Rows (n, d) of length 1 of rows of grey pixels (n, size * size), 0..1."""
        words = self.words
        return FisherCoder(words)(self._pictures(X, words, reset=False), mirror=self.mirror)

    def _pictures(self, X: ArrayLike, words: Vocabulary, *, reset: bool) -> NDArray[np.float32]:
        rows = validate_data(self, X, dtype=[np.float32, np.float64], reset=reset)
        if rows.shape[1] != words.size**2:
            raise ValueError(f"expected faces of {words.size} pixels ({words.size**2} numbers), got {rows.shape[1]}")
        return np.asarray(rows, np.float32).reshape(-1, words.size, words.size)

    def _shipped(self) -> Vocabulary:
        known = load_vocabularies()
        if self.vocabulary not in known:
            raise ValueError(f"vocabulary: expected one of {', '.join(known)}, got {self.vocabulary!r}")
        return known[self.vocabulary]

    @staticmethod
    def _shipped_names() -> tuple[str, ...]:
        return ("centre", "projection", "weights", "means", "deviations")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def learn_vocabulary(
    pictures: NDArray[np.float32],
    *,
    cell: int,
    stride: int,
    words: int,
    samples: int = 80_000,
    random_state: int = 0,
) -> Vocabulary:
    """A vocabulary for grey faces like `pictures` (n, s, s), 0..1: principal components, then a mixture of Gaussians.

    Numbers are rounded to 16 bits, as they are stored.
    """
    size = pictures.shape[1]
    rng = np.random.default_rng(random_state)
    each = -(-samples // len(pictures))
    found, where = [], []
    grid = places(size, cell, stride)
    for start in range(0, len(pictures), 64):
        described = dense_sift(pictures[start : start + 64], cell, stride)
        for one in described:
            chosen = rng.choice(len(one), min(each, len(one)), replace=False)
            found.append(one[chosen])
            where.append(grid[chosen])
    rows = np.concatenate(found)
    pca = PCA(_DIMENSIONS, whiten=True, random_state=random_state).fit(rows)
    projection = (pca.components_ / np.sqrt(pca.explained_variance_)[:, None]).T
    centre, projection = _short(pca.mean_), _short(projection)
    here = np.concatenate([(rows - centre) @ projection, np.concatenate(where)], axis=1)
    mixture = GaussianMixture(
        words, covariance_type="diag", reg_covar=1e-3, max_iter=25, tol=1e-3, random_state=random_state
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of a vocabulary change nothing
        mixture.fit(here.astype(np.float64))
    return Vocabulary(
        size,
        cell,
        stride,
        centre,
        projection,
        _short(mixture.weights_),
        _short(mixture.means_),
        _short(np.sqrt(mixture.covariances_)),
    )


def _short(array: NDArray[Any]) -> NDArray[np.float32]:
    return array.astype(np.float16).astype(np.float32)
