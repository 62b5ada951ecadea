"""Steps that tell people apart: rows of length 1, a space where a person's pictures lie close, the nearest person."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenface.compact import round_rows
from eigenface.types import Rows

_LEAST_RATIO = 1e-6  # of variance between people over variance within one


class UnitRows(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Every row brought to length 1, so that a product of two is their cosine; nothing is learned."""

    def fit(self, X: ArrayLike, y: Any = None) -> UnitRows:
        """Check the rows; nothing is learned."""
        validate_data(self, X, dtype=[np.float32, np.float64])
        return self

    def transform(self, X: ArrayLike) -> Rows:
        """Rows (n, d) over their lengths."""
        return unit(validate_data(self, X, dtype=[np.float32, np.float64], reset=False))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class PersonSpace(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The directions in which people differ, each weighed by how much more they differ than one person's pictures do.

    The covariance within people is taken from those with two pictures or more and shrunk towards a sphere; that between
    people is what is left of the covariance of all, so that people with one picture count as well. Both are brought to
    diagonal form, and a direction in which people vary v times as much as one person is weighed by (v / (1 + 2v)) **
    power: with 0.5, a product of two rows is the term of the log likelihood ratio that depends on both.

    Parameters
    ----------
    shrinkage : float
        0..1; how much of a sphere the covariance within people is made of.
    power : float
        0 weighs all directions alike.
    most : int
        Pictures of one person that count at most; what a person has more of is weighed down.
    bits : {8, None}
        Bits a number of the directions, or None for float32.

    References
    ----------
    Chen, Cao, Wang, Wen and Sun, Bayesian face revisited: a joint formulation, 2012,
    doi:10.1007/978-3-642-33712-3_41; Belhumeur, Hespanha and Kriegman, Eigenfaces vs. Fisherfaces, 1997,
    doi:10.1109/34.598228.
    """

    def __init__(self, shrinkage: float = 0.3, *, power: float = 0.5, most: int = 30, bits: int | None = None) -> None:
        self.shrinkage = shrinkage
        self.power = power
        self.most = most
        self.bits = bits

    def fit(self, X: ArrayLike, y: ArrayLike) -> PersonSpace:
        """Learn from rows (n, d) and the people (n,) that they show."""
        if not 0 <= self.shrinkage <= 1 or self.most < 2 or self.bits not in (8, None):
            raise ValueError(
                "expected shrinkage in 0..1, most of 2 or more, bits of 8 or None, "
                f"got {self.shrinkage!r}, {self.most!r}, {self.bits!r}"
            )
        rows, people = validate_data(self, X, y, dtype=[np.float32, np.float64], ensure_min_samples=2)
        rows = rows.astype(np.float64)
        _, codes, counts = np.unique(people, return_inverse=True, return_counts=True)
        say = np.minimum(counts, self.most) / counts
        mean = np.average(rows, axis=0, weights=say[codes])
        whole = _covariance(rows - mean, say[codes], float(np.minimum(counts, self.most).sum()))
        within = self._within(rows, codes, counts)
        sphere = np.trace(within) / len(within)
        if not sphere > 0:  # nobody is there twice, or only in equal pictures
            within, sphere = whole, np.trace(whole) / len(whole) or 1.0
        shrunk = (1 - self.shrinkage) * within + max(self.shrinkage, 1e-6) * sphere * np.eye(len(within))
        ratios, directions = eigh(whole - within, shrunk)
        ratios = np.maximum(ratios[::-1], _LEAST_RATIO)
        weights = (ratios / (1 + 2 * ratios)) ** self.power
        coefficients = (directions[:, ::-1] * weights).T.astype(np.float32)
        self.coef_ = round_rows(coefficients, self.bits) if self.bits else coefficients
        self.intercept_ = (-self.coef_ @ mean).astype(np.float32)
        self.ratios_ = ratios.astype(np.float32)
        return self

    def _within(self, rows: NDArray[np.float64], codes: NDArray[np.intp], counts: NDArray[np.intp]) -> Any:
        """Covariance (d, d) of pictures around the mean of their person."""
        means = np.zeros((len(counts), rows.shape[1]))
        np.add.at(means, codes, rows)
        means /= counts[:, None]
        free = np.maximum(counts - 1, 1)
        say = np.minimum(counts - 1, self.most) / free
        total = float(np.minimum(counts - 1, self.most).sum())
        return _covariance(rows - means[codes], say[codes], max(total, 1.0))

    def transform(self, X: ArrayLike) -> Rows:
        """Coordinates (n, d) of rows (n, d), those in which people differ most first."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        moved: Rows = (rows @ self.coef_.T + self.intercept_).astype(np.float32)
        return moved

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class NearestPerson(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Whose mean row is nearest by cosine: a person is the mean of the rows, of length 1, of their pictures."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> NearestPerson:
        """Learn the means from rows (n, d) and people (n,)."""
        rows, people = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(people)
        self.classes_, codes = np.unique(people, return_inverse=True)
        means = np.zeros((len(self.classes_), rows.shape[1]), np.float64)
        np.add.at(means, codes, unit(rows))
        self.means_ = round_rows(unit(means), 8)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """Cosines (n, people); of two people the second's less the first's, (n,)."""
        check_is_fitted(self)
        rows = unit(validate_data(self, X, dtype=[np.float32, np.float64], reset=False))
        cosines: NDArray[np.float32] = rows @ self.coefficients.T
        return cosines[:, 0] if len(self.classes_) == 2 else cosines

    @property
    def coefficients(self) -> NDArray[np.float32]:
        """What a row of length 1 is multiplied with: (people, d), or (1, d) for two people."""
        return self.means_[1:] - self.means_[:1] if len(self.classes_) == 2 else self.means_

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The nearest person (n,)."""
        cosines = self.decision_function(X)
        codes = (cosines > 0).astype(int) if cosines.ndim == 1 else cosines.argmax(axis=1)
        return np.asarray(self.classes_[codes])


def unit(rows: NDArray[Any]) -> Rows:
    """Rows (n, d) over their lengths; a row of zeros stays one."""
    narrow = np.asarray(rows, np.float32)
    lengths = np.linalg.norm(narrow, axis=1, keepdims=True)
    return np.asarray(narrow / np.maximum(lengths, np.float32(1e-12)), np.float32)


def _covariance(centred: NDArray[np.float64], say: NDArray[np.float64], total: float) -> Any:
    return (centred * say[:, None]).T @ centred / total
