"""Fisher vectors as a step, and the learning of their vocabulary from faces without labels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
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


class CarriesVocabulary:
    """What steps with a shipped vocabulary share: `fit` takes it along, so that a saved model answers by its own."""

    def _shipped(self) -> Vocabulary:
        raise NotImplementedError

    def _take_along(self) -> Vocabulary:
        words = self._shipped()
        self.size_, self.cell_, self.stride_ = words.size, words.cell, words.stride
        for name, array in words.arrays().items():
            setattr(self, f"{name}_", array)
        return words

    @property
    def words(self) -> Vocabulary:
        """The vocabulary: that of the fit, or the shipped one before."""
        shipped = self._shipped()
        if not hasattr(self, "size_"):
            return shipped
        settings = {"size": int(self.size_), "cell": int(self.cell_), "stride": int(self.stride_)}
        return Vocabulary.of(settings, {name: getattr(self, f"{name}_") for name in shipped.arrays()})


class FisherVectors(CarriesVocabulary, TransformerMixin, BaseEstimator):  # type: ignore[misc]
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
        self._pictures(X, self._take_along(), reset=True)
        return self

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
    """A vocabulary for grey faces like `pictures` (n, s, s), 0..1, from `samples` descriptors of them."""
    described = (
        one for start in range(0, len(pictures), 64) for one in dense_sift(pictures[start : start + 64], cell, stride)
    )
    grid = (pictures.shape[1], cell, stride)
    each = -(-samples // len(pictures))
    return mixture_of(described, grid, words=words, dimensions=40, each=each, random_state=random_state)


def mixture_of(
    described: Iterable[NDArray[np.float32]],
    grid: tuple[int, int, int],
    *,
    words: int,
    dimensions: int,
    each: int,
    tol: float = 1e-3,
    random_state: int = 0,
) -> Vocabulary:
    """A vocabulary of descriptors: principal components, then a mixture of Gaussians over them and their places.

    Parameters
    ----------
    described : iterable of float32 arrays (p, d)
        The descriptors of one face after the other, one for each place of the grid.
    grid : size, cell and stride in pixels
    words : int
    dimensions : int
        Components that a descriptor keeps.
    each : int
        Descriptors drawn from a face.
    tol : float
        Gain of likelihood below which the mixture is good enough.
    random_state : int

    Returns
    -------
    Vocabulary
        Its numbers are rounded to 16 bits, as they are stored.
    """
    rng = np.random.default_rng(random_state)
    where = places(*grid)
    found, there = [], []
    for one in described:
        chosen = rng.choice(len(one), min(each, len(one)), replace=False)
        found.append(one[chosen])
        there.append(where[chosen])
    rows = np.concatenate(found)
    pca = PCA(dimensions, whiten=True, random_state=random_state).fit(rows)
    projection = (pca.components_ / np.sqrt(pca.explained_variance_)[:, None]).T
    centre, projection = _short(pca.mean_), _short(projection)
    here = np.concatenate([(rows - centre) @ projection, np.concatenate(there)], axis=1)
    mixture = GaussianMixture(
        words, covariance_type="diag", reg_covar=1e-3, max_iter=25, tol=tol, random_state=random_state
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of a vocabulary change nothing
        mixture.fit(here.astype(np.float64))
    parts = (mixture.weights_, mixture.means_, np.sqrt(mixture.covariances_))
    return Vocabulary(*grid, centre, projection, *(_short(part) for part in parts))


def _short(array: NDArray[Any]) -> NDArray[np.float32]:
    return array.astype(np.float16).astype(np.float32)
