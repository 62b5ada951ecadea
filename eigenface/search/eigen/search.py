"""EigenGridSearchCV: GridSearchCV's interface and results for pipelines that end in a support vector machine."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from joblib import effective_n_jobs, parallel_config
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils import indexable
from sklearn.utils.multiclass import type_of_target

from eigenface.calibrate import Folds
from eigenface.journal import Journal
from eigenface.progress import Progress, silent
from eigenface.search.eigen.answers import answer
from eigenface.search.eigen.candidates import Candidate, read
from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.recalled import Known, Recalled
from eigenface.search.identity import described, job_of


class StockSearchWarning(UserWarning):
    """A search goes the slow way, in whole or in part, with the same results."""


class EigenGridSearchCV(GridSearchCV):  # type: ignore[misc]
    """GridSearchCV for pipelines whose tail is PCA (or other steps) and SVC, many times as fast.

    Parameters, attributes, scores and errors are GridSearchCV's. What candidates have in common is worked out once:
    one Gram matrix of all rows serves every fold, one decomposition a fold every number of components; candidates
    that are the same model are fitted once, and growing C starts where the smaller ended. Nothing is approximated:
    scores differ from stock ones as far as SVC's `tol` lets two solvers differ, and as far as `svd_solver="auto"` is
    randomized in stock, for it is exact here.

    Parameters
    ----------
    estimator : Pipeline or SVC
        Anything else is searched by GridSearchCV itself; a `StockSearchWarning` and `how_` say so. So are scorers
        that are no scorer's name and not made by `make_scorer`, and parameters for `fit` other than groups.
    param_grid, scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As GridSearchCV's. `n_jobs` threads share their data.
    pca_solver : {"exact", "own"}
        `own` runs each PCA as it stands, once a fold and number of components; `svd_solver="randomized"` always is.
    journal : path, optional
        Every finished path (candidates that differ in C alone) of a fold is on disk there at once. Killed and started
        again, the search goes on where it was, and `how_` says what it took over; a journal of another pipeline, grid,
        version or other data is refused with a `RequestError`.
    progress : callable
        Told (done, total, what) after every path of a fold.

    Attributes
    ----------
    how_ : str
        How the candidates were fitted, in a sentence.

    References
    ----------
    Fan, Chen and Lin, Working set selection using second order information for training SVM, Journal of Machine
    Learning Research 6, 2005.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"pca__n_components": [2, 3], "svc__C": [1, 10, 100]}
    >>> search = EigenGridSearchCV(make_pipeline(PCA(), SVC()), grid).fit(X, y)
    >>> len(search.cv_results_["params"]), search.how_
    (6, '6 candidates x 5 folds from shared work')
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        pca_solver: str = "exact",
        journal: str | Path | None = None,
        progress: Progress = silent,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.pca_solver = pca_solver
        self.journal = journal
        self.progress = progress

    def fit(self, X: Any, y: Any = None, **params: Any) -> EigenGridSearchCV:
        """Search the grid.

        Parameters
        ----------
        X : array-like (n, ...) or list of what the pipeline's first step takes
        y : array-like (n,)
        **params
            `groups` for the splitter; others as in GridSearchCV.
        """
        if self.pca_solver not in ("exact", "own"):
            raise ValueError(f"pca_solver: expected 'exact' or 'own', got {self.pca_solver!r}")
        reason = self._foreign(X, y, params)
        candidates: dict[int, Candidate] = {}
        numbers: dict[str, int] = {}
        if not reason:
            try:
                for number, parameters in enumerate(ParameterGrid(self.param_grid)):
                    numbers.setdefault(described(parameters), number)
                    found = read(self.estimator, parameters, exact=self.pca_solver == "exact")
                    if found is not None and numbers[described(parameters)] == number:
                        candidates[number] = found
            except (TypeError, ValueError, AttributeError):
                reason = "the grid does not fit the pipeline"  # GridSearchCV says what is wrong
            if not candidates and not reason:
                reason = "no candidate ends in an SVC of the usual kind"
        if reason:
            self.how_ = f"all by GridSearchCV: {reason}"
            warnings.warn(f"EigenGridSearchCV: {self.how_}", StockSearchWarning, stacklevel=2)
            super().fit(X, y, **params)
            return self
        return self._fit_shared(X, y, params.get("groups"), candidates, numbers)

    def _foreign(self, X: Any, y: Any, params: Mapping[str, Any]) -> str:
        """Why a search is not one that can share work, or nothing."""
        if type(self.estimator) is not Pipeline and type(self.estimator) is not SVC:
            return f"{type(self.estimator).__name__} is no Pipeline"
        if any(value is not None for name, value in params.items() if name != "groups"):
            return "fit got parameters beside groups"
        if params and sklearn.get_config()["enable_metadata_routing"]:
            return "metadata are routed"
        try:
            if np.ndim(y) != 1 or type_of_target(y) not in ("binary", "multiclass"):
                return "labels are not classes"
        except (TypeError, ValueError):
            return "labels are not classes"
        scorings = self.scoring
        if isinstance(scorings, Mapping):
            scorings = list(scorings.values())
        elif scorings is None or isinstance(scorings, str) or callable(scorings):
            scorings = [scorings]
        made = type(get_scorer("accuracy"))
        if any(callable(each) and not isinstance(each, made) for each in scorings):
            return "a scorer of one's own may look into the pipeline"
        return ""

    def _fit_shared(
        self, X: Any, y: Any, groups: Any, candidates: Mapping[int, Candidate], numbers: Mapping[str, int]
    ) -> EigenGridSearchCV:
        X, y, groups = indexable(X, y, groups)
        labels = np.asarray(y)
        splits = list(check_cv(self.cv, y, classifier=is_classifier(self.estimator)).split(X, y, groups))
        folds = _folds(splits, labels, self.return_train_score)
        with self._journal(X, labels, splits) or nullcontext() as journal:
            reused = len(journal.done) if journal else 0
            answers = answer(
                candidates,
                X,
                labels,
                [fold for _, fold in folds.values()],
                n_jobs=effective_n_jobs(self.n_jobs),
                journal=journal,
                progress=self.progress,
            )
        known = Known(self.estimator, X, labels, numbers, candidates, folds, answers)
        fits = [
            (numbers[described(each)], fold) for each in ParameterGrid(self.param_grid) for fold, _ in folds.values()
        ]
        left = sum(fit not in known.answers for fit in fits)
        inner = GridSearchCV(
            Recalled(known),
            self.param_grid,
            scoring=self.scoring,
            n_jobs=self.n_jobs if left else None,
            refit=self.refit,
            cv=splits,
            verbose=self.verbose,
            pre_dispatch=self.pre_dispatch,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
        )
        self.how_ = f"{len(ParameterGrid(self.param_grid))} candidates x {len(splits)} folds from shared work"
        if reused:
            self.how_ += f", {reused} paths of a fold from the journal"
        if left:
            self.how_ += f", {left} of {len(fits)} fits by scikit-learn"
            warnings.warn(f"EigenGridSearchCV: {self.how_}", StockSearchWarning, stacklevel=3)
        with parallel_config(backend="threading"):
            inner.fit(np.arange(len(labels)), y)
        self._take_over(inner, known, [number for number, _ in fits[:: len(folds)]])
        if self.refit:
            began = time.time()
            self.best_estimator_ = clone(self.estimator).set_params(**clone(self.best_params_, safe=False)).fit(X, y)
            self.refit_time_ = time.time() - began
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self

    def _journal(self, X: Any, labels: NDArray[Any], splits: Folds) -> Journal | None:
        """The checkpoint, if there is to be one; decisions are kept, so that other scorers may use them."""
        if self.journal is None:
            return None
        job = job_of(self.estimator, list(ParameterGrid(self.param_grid)), X, labels, splits, "decisions")
        return Journal(self.journal, job | {"pca": self.pca_solver, "train": self.return_train_score})

    def _take_over(self, inner: GridSearchCV, known: Known, numbers: Sequence[int]) -> None:
        """Results of the inner search, with the seconds that models took for those that looking them up took."""
        for name in (
            "cv_results_",
            "best_index_",
            "best_score_",
            "best_params_",
            "scorer_",
            "multimetric_",
            "n_splits_",
        ):
            if hasattr(inner, name):
                setattr(self, name, getattr(inner, name))
        order = [number for number, _ in known.folds.values()]
        seconds = [[known.answers.get((number, fold)) for fold in order] for number in numbers]
        for row, cells in enumerate(seconds):
            spent = [cell.seconds for cell in cells if cell is not None]
            if len(spent) == len(order):
                self.cv_results_["mean_fit_time"][row] = np.mean(spent)
                self.cv_results_["std_fit_time"][row] = np.std(spent)


def _folds(
    splits: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]], labels: NDArray[Any], with_train: bool
) -> dict[bytes, tuple[int, Fold]]:
    """Folds by their training rows; those that learn from the same rows are one."""
    judged: dict[bytes, list[NDArray[np.intp]]] = {}
    trained: dict[bytes, NDArray[np.intp]] = {}
    rows = np.arange(len(labels))
    for train, test in splits:
        train = rows[train]
        key = train.tobytes()
        trained[key] = train
        judged.setdefault(key, [train] if with_train else []).append(rows[test])
    folds = {}
    for number, (key, train) in enumerate(trained.items()):
        classes, codes = np.unique(labels[train], return_inverse=True)
        folds[key] = (number, Fold(train, np.unique(np.concatenate(judged[key])), classes, codes))
    return folds
