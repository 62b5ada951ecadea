"""EigenGridSearchCV: GridSearchCV's interface and results for pipelines that end in a support vector machine."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from joblib import effective_n_jobs, parallel_config
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils import indexable
from sklearn.utils.multiclass import type_of_target

from eigenface.journal import Journal
from eigenface.progress import Progress, silent
from eigenface.search.eigen.candidates import Candidate, read
from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.course import Course
from eigenface.search.eigen.fits import has_own_score
from eigenface.search.eigen.jobs import Answer
from eigenface.search.eigen.recalled import Known, Recalled
from eigenface.search.eigen.rungs import most_components
from eigenface.search.eigen.table import (
    Splits,
    cells_of,
    errors_of,
    folds_of,
    known_of,
    rank,
    scoring_of,
    several,
    tests_of,
)
from eigenface.search.eigen.watch import NAMES, Watch, watching
from eigenface.search.eigen.workshop import Workshop
from eigenface.search.identity import described, job_of
from eigenface.workers import Engine, Threads


class StockSearchWarning(UserWarning):
    """A search goes the slow way, in whole or in part, with the same results."""


class EigenGridSearchCV(GridSearchCV):  # type: ignore[misc]
    """GridSearchCV for pipelines whose tail is PCA (or other steps) and SVC, many times as fast.

    Parameters, attributes, scores and errors are GridSearchCV's. What candidates have in common is worked out once:
    one Gram matrix of all rows serves every fold, one decomposition a fold every number of components; candidates
    that are the same model are fitted once, and growing C starts where the smaller ended. Other candidates are fitted
    as they are, steps that several share once; a `StockSearchWarning` and `how_` say so. Nothing is approximated:
    scores differ from stock ones as far as SVC's `tol` lets two solvers differ, and as far as `svd_solver="auto"` is
    randomized in stock, for it is exact here.

    Parameters
    ----------
    estimator : Pipeline or SVC
        Anything else is searched by GridSearchCV itself, with that warning. So are scorers that are no scorer's name
        and not made by `make_scorer`, and parameters for `fit` other than groups.
    param_grid, scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As GridSearchCV's. `n_jobs` threads share their data.
    pca_solver : {"exact", "own"}
        `own` runs each PCA as it stands, once a fold and number of components; `svd_solver="randomized"` always is.
    journal : path, optional
        Every finished path (candidates that differ in C alone) or other candidate of a fold is on disk there at once.
        Killed and started again, the search goes on where it was, and `how_` says what it took over; a journal of
        another pipeline, grid, version or other data is refused with a `RequestError`.
    progress : callable, "notebook" or "bar"
        Told (fits done, fits in all, what) after every path of a fold, with the best so far, and of what is prepared
        for several fits. `notebook` draws one figure in the cell, again and again: every candidate's mean when it is
        known, the best and the time left; the last state stays. It is asked for by name, for a search inside
        `cross_val_score` leaves a figure a fold. `bar` is a bar with the time left, or a line every ten seconds where
        stderr is no terminal; so is `notebook` outside of one.
    budget : float, optional
        Seconds after which nothing new is begun, but for one candidate at least. Until then candidates are compared
        on parts of the faces, the better then on all faces, then the others, the most promising first: with time
        enough for all, nothing is left out. `how_` says what was not tried, and `cv_results_["n_resources"]` on how
        many faces each candidate learned; those on fewer than others rank behind them.
    halving : int, optional
        So many candidates are compared for one that goes on to so many times as many faces (3 is usual); the others
        are left there. Candidates that differ in C alone stay together, since they are worked out together.
    cluster : str, optional
        Address of a Dask scheduler whose workers do the work, in place of threads; needs the extra `cluster`.

    Attributes
    ----------
    how_ : str
        How the candidates were fitted, in a sentence.
    failed_ : dict of int to Exception
        Candidates that could not be fitted on some fold, by their place in `cv_results_`.
    reused_ : int
        Fits that the journal had.

    References
    ----------
    Fan, Chen and Lin, Working set selection using second order information for training SVM, Journal of Machine
    Learning Research 6, 2005.
    Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016.

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
        progress: Progress | str = silent,
        budget: float | None = None,
        halving: int | None = None,
        cluster: str | None = None,
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
        self.budget = budget
        self.halving = halving
        self.cluster = cluster

    def fit(self, X: Any, y: Any = None, **params: Any) -> EigenGridSearchCV:
        """Search the grid.

        Parameters
        ----------
        X : array-like (n, ...) or list of what the pipeline's first step takes
        y : array-like (n,)
        **params
            `groups` for the splitter; others as in GridSearchCV.
        """
        self._check()
        reason = self._foreign(X, y, params)
        parameters: dict[int, dict[str, Any]] = {}
        candidates: dict[int, Candidate] = {}
        numbers: dict[str, int] = {}
        if not reason:
            try:
                for number, each in enumerate(ParameterGrid(self.param_grid)):
                    found = read(self.estimator, each, exact=self.pca_solver == "exact")
                    if numbers.setdefault(described(each), number) == number:
                        parameters[number] = each
                        if found is not None:
                            candidates[number] = found
                            continue
                        if self.scoring is None and has_own_score(self.estimator, each):
                            reason = "the last step has a score of its own"
            except (TypeError, ValueError, AttributeError):
                reason = "the grid does not fit the pipeline"  # GridSearchCV says what is wrong
        if reason:
            self.how_ = f"all by GridSearchCV: {reason}"
            untold = "" if self.progress is silent else "; it does not tell how far it is"
            warnings.warn(f"EigenGridSearchCV: {self.how_}{untold}", StockSearchWarning, stacklevel=2)
            super().fit(X, y, **params)
            return self
        with watching(self.progress, metric=self._metric(), budget=self.budget) as watch:
            return self._fit_shared(X, y, params.get("groups"), parameters, candidates, numbers, watch)

    def _metric(self) -> str:
        """What candidates are compared by, in words."""
        scoring = self.refit if several(self.scoring) else self.scoring or "accuracy"
        return scoring.replace("_", " ") if isinstance(scoring, str) else "score"

    def _check(self) -> None:
        if self.pca_solver not in ("exact", "own"):
            raise ValueError(f"pca_solver: expected 'exact' or 'own', got {self.pca_solver!r}")
        if not callable(self.progress) and self.progress not in NAMES:
            raise ValueError(f"progress: expected a callable, 'notebook' or 'bar', got {self.progress!r}")
        if self.budget is not None and not self.budget > 0:
            raise ValueError(f"budget: expected seconds above 0, got {self.budget!r}")
        if self.halving is not None and not self.halving >= 2:
            raise ValueError(f"halving: expected 2 or more, got {self.halving!r}")
        if (self.budget or self.halving) and (callable(self.refit) or several(self.scoring)):
            raise ValueError("budget and halving need one score to compare candidates by")

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
        self,
        X: Any,
        y: Any,
        groups: Any,
        parameters: Mapping[int, Mapping[str, Any]],
        candidates: Mapping[int, Candidate],
        numbers: Mapping[str, int],
        watch: Watch,
    ) -> EigenGridSearchCV:
        X, y, groups = indexable(X, y, groups)
        labels = np.asarray(y)
        splits = list(check_cv(self.cv, y, classifier=is_classifier(self.estimator)).split(X, y, groups))
        folds = folds_of(splits, labels, self.return_train_score)
        scorer, methods = scoring_of(self.scoring, self.refit)
        asked = [self.estimator.get_params(), *parameters.values()]
        with self._journal(X, labels, splits) or nullcontext() as journal, self._engine() as engine:
            course = Course(
                Workshop(self.estimator, parameters, candidates, X, labels, methods, engine),
                list(folds.values()),
                tests_of(splits, folds, labels),
                scorer=scorer,
                journal=journal,
                watch=watch,
            )
            rungs = course.run(budget=self.budget, halving=self.halving, components=most_components(asked))
        shapes = {number: candidate.shape for number, candidate in candidates.items()}
        known, faces = known_of(course.outcomes, rungs, numbers, shapes, folds, len(labels))
        places = [numbers[described(each)] for each in ParameterGrid(self.param_grid)]
        learned = np.array([faces[number] for number in places])
        self.reused_ = course.reused
        self.failed_ = {
            at: errors[0] for at, number in enumerate(places) if (errors := errors_of(known, number, folds))
        }
        self._tell(known, places, folds, learned, len(splits))
        inner = GridSearchCV(
            Recalled(known),
            self.param_grid,
            scoring=self.scoring,
            refit=self.refit,
            cv=splits,
            verbose=self.verbose,
            pre_dispatch=self.pre_dispatch,
            error_score=self._error_score(learned),
            return_train_score=self.return_train_score,
        )
        with parallel_config(backend="threading"), warnings.catch_warnings():
            if not learned.all() and not self.failed_:
                warnings.simplefilter("ignore", FitFailedWarning)  # of what was not tried
                warnings.filterwarnings("ignore", "One or more of the test scores are non-finite", UserWarning)
            inner.fit(np.arange(len(labels)), y)
        self._take_over(inner, known, places, folds)
        if self.budget or self.halving:
            self.best_index_ = rank(self.cv_results_, learned)
            self.best_params_ = self.cv_results_["params"][self.best_index_]
            self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        if hasattr(inner, "best_score_"):
            watch.found(places[self.best_index_], self.best_score_, refit=bool(self.refit))
        if self.refit:
            began = time.time()
            self.best_estimator_ = clone(self.estimator).set_params(**clone(self.best_params_, safe=False)).fit(X, y)
            self.refit_time_ = time.time() - began
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self

    def _tell(
        self,
        known: Known,
        places: Sequence[int],
        folds: Mapping[bytes, Fold],
        learned: NDArray[np.intp],
        splits: int,
    ) -> None:
        """Say in `how_` how the candidates came to their scores."""
        cells = [each for number in places for _, each in cells_of(known, number, folds)]
        alone = sum(not isinstance(each, Answer) for each in cells)
        self.how_ = f"{len(places)} candidates x {splits} folds from shared work"
        if self.reused_:
            self.how_ += f", {self.reused_} fits from the journal"
        if alone:
            self.how_ += f", {alone} of {len(cells)} fits by scikit-learn"
        everything = min(len(fold.train) for fold in folds.values())
        fewer = int(((learned > 0) & (learned < everything)).sum())
        self.how_ += f", {fewer} candidates on fewer faces only" if fewer else ""
        self.how_ += f", {int((learned == 0).sum())} not tried" if not learned.all() else ""
        if alone:
            warnings.warn(f"EigenGridSearchCV: {self.how_}", StockSearchWarning, stacklevel=4)

    def _error_score(self, learned: NDArray[np.intp]) -> Any:
        """What scikit-learn's search does with failures: what was not tried is none, however strict it is."""
        if self.error_score == "raise" and not learned.all():
            for error in self.failed_.values():
                raise error
            return np.nan
        return self.error_score

    def _engine(self) -> AbstractContextManager[Engine]:
        if self.cluster is None:
            return nullcontext(Threads(effective_n_jobs(self.n_jobs)))
        from eigenface.cluster import Cluster

        return Cluster(self.cluster)

    def _journal(self, X: Any, labels: NDArray[Any], splits: Splits) -> Journal | None:
        """The checkpoint, if there is to be one; decisions are kept, so that other scorers may use them."""
        if self.journal is None:
            return None
        job = job_of(self.estimator, list(ParameterGrid(self.param_grid)), X, labels, splits)
        return Journal(self.journal, job | {"pca": self.pca_solver, "train": self.return_train_score})

    def _take_over(self, inner: GridSearchCV, known: Known, places: Sequence[int], folds: Mapping[bytes, Fold]) -> None:
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
        for row, number in enumerate(places):
            spent = [each.seconds for _, each in cells_of(known, number, folds) if not isinstance(each, Exception)]
            if len(spent) == len(folds):
                self.cv_results_["mean_fit_time"][row] = np.mean(spent)
                self.cv_results_["std_fit_time"][row] = np.std(spent)
