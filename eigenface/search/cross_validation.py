"""A grid search with GridSearchCV's meaning and scores that shares what candidates have in common, and resumes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline

from eigenface.calibrate import Folds
from eigenface.errors import RequestError
from eigenface.journal import Journal
from eigenface.progress import Progress, silent
from eigenface.search.grids import Grid, Parameters, candidates_of, differing
from eigenface.search.identity import job_of
from eigenface.search.results import Cell, cv_results
from eigenface.search.work import Done, count_shared, fits, run
from eigenface.threads import one_blas_thread
from eigenface.types import Pixels


@dataclass(frozen=True)
class SearchResult:
    """What a search found; names as in scikit-learn's GridSearchCV.

    Parameters
    ----------
    cv_results : dict
        As GridSearchCV's `cv_results_`; times leave out the steps that learn nothing.
    best_params : dict
    best_score : float
        Mean over the folds.
    best_index : int
    reused : int
        Fits that the journal of an interrupted run had already.
    failed : mapping of candidate to str
        Candidates that could not be fitted on some fold, and why; their mean score is NaN and they rank last.
    """

    cv_results: dict[str, Any]
    best_params: Parameters
    best_score: float
    best_index: int
    reused: int = 0
    failed: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Forecast:
    """How long a search will take, told once a few of its fits have been timed.

    Parameters
    ----------
    fits : int
        Candidates times folds.
    left : int
        Those not yet done.
    seconds : float
        Until all are done.
    """

    fits: int
    left: int
    seconds: float


def search(
    pipeline: Pipeline,
    grid: Grid,
    crops: Sequence[Pixels],
    labels: NDArray[Any],
    *,
    folds: Folds,
    scoring: str = "accuracy",
    journal: str | Path | None = None,
    fresh: bool = False,
    n_jobs: int = 1,
    progress: Progress = silent,
    forecast: Callable[[Forecast], None] | None = None,
) -> SearchResult:
    """Try every candidate of a grid on every fold.

    Everything that learns is fitted inside the folds. Steps that learn nothing run once; steps before the classifier
    are fitted once a fold for all candidates that give them the same parameters.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted; its first step takes crops, its last is a classifier.
    grid : mapping of parameter name to values, or a sequence of such
    crops : sequence of uint8 RGB arrays (n)
    labels : array (n,)
    folds : sequence of index pairs (train, test)
        `eigenface.calibrate.folds_by_group` keeps every person in one fold.
    scoring : str
        A scorer that scikit-learn knows.
    journal : path, optional
        Every finished fit is on disk there at once; started again, the search goes on where it was.
    fresh : bool
        Forget what the journal holds.
    n_jobs : int
        Threads; each with one BLAS thread.
    progress : callable
        Told after every fit, with the best so far.
    forecast : callable, optional
        Told once, when a few fits have been timed.

    Returns
    -------
    SearchResult

    Raises
    ------
    RequestError
        With code `bad_grid`, `unknown_parameter` or `unknown_scoring`; `bad_value` where no candidate can be fitted;
        `other_job` where the journal is another search's.
    """
    labels = np.asarray(labels)
    candidates = candidates_of(pipeline, grid)
    try:
        scorer = get_scorer(scoring)
    except ValueError:
        raise RequestError(
            "unknown_scoring",
            f"there is no scoring {scoring!r}",
            "accuracy, balanced_accuracy, f1_macro and roc_auc are some.",
        ) from None
    cells: dict[tuple[int, int], Cell] = {}
    total = len(candidates) * len(folds)
    kept = (
        Journal(journal, job_of(pipeline, candidates, crops, labels, folds, scoring), fresh=fresh) if journal else None
    )
    with kept or nullcontext(), one_blas_thread:
        standing = _Standing(candidates)
        for key, value in kept.done.items() if kept else ():
            candidate, fold = map(int, key.split("/"))
            cells[candidate, fold] = Cell(*value)
            standing.add(candidate, cells[candidate, fold].score)
        reused = len(cells)
        progress(reused, total, f"{reused} fits were done before" if reused else "searching")
        done_fits = run(fits(pipeline, candidates, crops, labels, folds, scorer, frozenset(cells)), n_jobs)
        if forecast:
            shared = count_shared(pipeline, candidates) * len(folds)
            done_fits = _timed(done_fits, forecast, total, total - reused, shared, min(n_jobs, os.cpu_count() or 1))
        for done in done_fits:
            if kept:
                kept.record(f"{done.candidate}/{done.fold}", list(done.cell))
            cells[done.candidate, done.fold] = done.cell
            standing.add(done.candidate, done.cell.score)
            progress(len(cells), total, standing.said())
    return _result(candidates, cells, len(folds), reused)


def _result(
    candidates: list[Parameters], cells: Mapping[tuple[int, int], Cell], n_folds: int, reused: int
) -> SearchResult:
    results = cv_results(candidates, cells, n_folds)
    failed = {candidate: cell.error for (candidate, _), cell in sorted(cells.items()) if cell.error}
    if len(failed) == len(candidates):
        raise RequestError(
            "bad_value", f"no candidate of the grid can be fitted: {next(iter(failed.values()))}", "Mend the grid."
        )
    best = int(results["rank_test_score"].argmin())
    return SearchResult(results, candidates[best], float(results["mean_test_score"][best]), best, reused, failed)


def _timed(
    done_fits: Iterator[Done],
    forecast: Callable[[Forecast], None],
    total: int,
    left: int,
    shared: int,
    workers: int,
) -> Iterator[Done]:
    """Pass fits on; when the first few are done, say how long the rest will take."""
    timed = min(left, max(4, total // 120))
    began, own, common, once = time.perf_counter(), 0.0, 0.0, 0.0
    for count, done in enumerate(done_fits, 1):
        if count == 1:
            common = done.cell.fit_seconds + done.cell.score_seconds - done.own_seconds
            once = max(0.0, time.perf_counter() - began - common - done.own_seconds)
        own += done.own_seconds
        if count == timed:
            parts_left = max(0.0, shared * left / total - 1)
            seconds = (own / count * (left - count) + common * parts_left) / workers
            forecast(Forecast(total, left, once + common + own / workers + seconds))
        yield done


class _Standing:
    """The best candidate so far, by its mean over the folds that most have behind them."""

    def __init__(self, candidates: Sequence[Parameters]) -> None:
        self._candidates = candidates
        self._sums = np.zeros(len(candidates))
        self._counts = np.zeros(len(candidates))
        self._telling = differing(candidates)

    def add(self, candidate: int, score: float) -> None:
        self._sums[candidate] += score
        self._counts[candidate] += 1

    def said(self) -> str:
        """`best so far 0.9312 with C=3, gamma=0.004`: only what differs between candidates is named."""
        compared = (self._counts > 0) & (self._counts >= self._counts.max() - 1) & np.isfinite(self._sums)
        if not compared.any():
            return "none could be fitted so far"
        means = np.where(compared, self._sums / np.maximum(self._counts, 1), -np.inf)
        best = int(means.argmax())
        values = {name: value for name, value in self._candidates[best].items() if name in self._telling}
        said = ", ".join(f"{name.split('__')[-1]}={value}" for name, value in values.items())
        return f"best so far {means[best]:.4f}" + (f" with {said}" if said else "")
