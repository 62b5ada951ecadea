"""What a view makes of the rows in each fold: coordinates of training rows and of those to be judged."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils import check_array

from eigenface.search.eigen.candidates import View
from eigenface.search.eigen.gram import Gram
from eigenface.search.eigen.kernels import Floats

_FEW_FEATURES = 1500
"""Up to here a covariance matrix is decomposed as a whole."""

_GRAM_ROOM = 2e9
"""Bytes that a Gram matrix may take."""


class Fold(NamedTuple):
    """Rows to learn from and rows to judge.

    Parameters
    ----------
    name : str
        Its number, and how many rows it learns from where these are not all.
    train, rows : index arrays
    classes : array
        Of the training rows, sorted.
    codes : intp array
        Class number of each training row.
    """

    name: str
    train: NDArray[np.intp]
    rows: NDArray[np.intp]
    classes: NDArray[Any]
    codes: NDArray[np.intp]


class Place(NamedTuple):
    """Coordinates of a fold.

    Parameters
    ----------
    train, rows : float arrays (n, k)
        Of `Fold.train` and `Fold.rows`.
    seconds : float
        That they took.
    """

    train: Floats
    rows: Floats
    seconds: float


def gram_of(rows: Any) -> Gram | None:
    """The Gram matrix of rows that no learning step stands before; None where it is not the shorter way."""
    checked = _checked(rows)
    return Gram(checked) if _few_rows(checked) else None


def _few_rows(rows: Floats) -> bool:
    count, features = rows.shape
    return bool(count <= features and 8 * count**2 <= _GRAM_ROOM)


def places(
    view: View, rows: Any, fold: Fold, counts: Iterable[int], *, gram: Gram | None, fronted: tuple[Any, Any] | None
) -> dict[int, Place]:
    """Coordinates of one fold for every number of components (0: all there is).

    Steps that learn see the training rows only. A number of components that the fold does not have is left out: stock
    scikit-learn tells why.

    Parameters
    ----------
    view : View
    rows : float array (n, features)
    fold : Fold
    counts : numbers of components
    gram : Gram, optional
        Of the rows.
    fronted : pair of float arrays, optional
        The fold's training rows and the others, where steps that learn came before.
    """
    began = time.perf_counter()
    train, others = fold.train, fold.rows
    if fronted is not None:
        learned, judged = map(_checked, fronted)
        if view.pca is None:
            return {0: Place(learned, judged, time.perf_counter() - began)}
        train, others = np.arange(len(learned)), np.arange(len(learned), len(learned) + len(judged))
        rows, gram = np.concatenate([learned, judged]), None
        if _few_rows(rows):
            gram = Gram(rows)
    else:
        rows = _checked(rows)
    if view.pca is None:
        seconds = time.perf_counter() - began
        return {0: Place(rows[train], rows[others], seconds)}
    most = min(len(train) - 1, rows.shape[1])
    if fronted is None and gram is not None:
        gram, train, others = gram.part(train, others)
    possible = sorted(count for count in counts if count <= most)
    found: tuple[Floats, Floats] | None = None
    made: dict[int, Place] = {}
    for count in reversed(possible):  # components are nested: the most serve all, unless the last are rounding
        if found is None:
            if gram is not None:
                found = gram.coordinates(train, others, count, whiten=view.pca.whiten)
            else:
                found = _by_features(view.pca, rows, train, others, count)
        if found is not None:
            made[count] = Place(found[0][:, :count], found[1][:, :count], time.perf_counter() - began)
    return made


def _checked(rows: Any) -> Floats:
    checked: Floats = check_array(rows, dtype=[np.float64, np.float32])
    return checked


def _by_features(
    pca: PCA, rows: Floats, train: NDArray[np.intp], others: NDArray[np.intp], count: int
) -> tuple[Floats, Floats] | None:
    """Exact components where there are more rows than features."""
    whole = rows.shape[1] <= _FEW_FEATURES or count >= min(len(train), rows.shape[1])
    exact = clone(pca).set_params(n_components=count, svd_solver="covariance_eigh" if whole else "arpack")
    learned = exact.fit_transform(rows[train])
    if exact.explained_variance_[-1] <= 1e-6 * exact.explained_variance_[0]:
        return None
    return learned, exact.transform(rows[others])
