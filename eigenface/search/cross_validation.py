"""A grid search over crops: EigenGridSearchCV with folds, a journal, a forecast, and mistakes said in one line."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline

from eigenface.calibrate import Folds
from eigenface.errors import RequestError
from eigenface.progress import Progress, silent
from eigenface.search.eigen.search import EigenGridSearchCV, StockSearchWarning
from eigenface.search.grids import Grid, Parameters, candidates_of
from eigenface.types import Pixels

_UNFIT = (ValueError, ArithmeticError)  # what a candidate's own values may cause; anything else is a bug and shows


@dataclass(frozen=True)
class SearchResult:
    """What a search found; names as in scikit-learn's GridSearchCV.

    Parameters
    ----------
    cv_results : dict
        As GridSearchCV's `cv_results_`; times leave out the steps that learn nothing. With a budget or halving also
        `n_resources`, the faces that each candidate learned from.
    best_params : dict
    best_score : float
        Mean over the folds.
    best_index : int
    reused : int
        Fits that the journal of an interrupted run had already.
    failed : mapping of candidate to str
        Candidates that could not be fitted on some fold, and why; their mean score is NaN and they rank last.
    how : str
        How the candidates were worked out, in a sentence.
    faces : int
        That a candidate learns from in each fold when it is tried on all.
    """

    cv_results: dict[str, Any]
    best_params: Parameters
    best_score: float
    best_index: int
    reused: int = 0
    failed: Mapping[int, str] = field(default_factory=dict)
    how: str = ""
    faces: int = 0

    @property
    def left_out(self) -> str:
        """What a budget or halving left untried, in a sentence; nothing where every candidate learned from all."""
        faces = self.cv_results.get("n_resources")
        if faces is None or (faces == self.faces).all():
            return ""
        never, few = int((faces == 0).sum()), int(((faces > 0) & (faces < self.faces)).sum())
        parts = [f"{few} only on fewer faces"] * bool(few) + [f"{never} not at all"] * bool(never)
        return f"of {len(faces)} candidates {len(faces) - few - never} were tried on all faces, {', '.join(parts)}"


@dataclass(frozen=True)
class Forecast:
    """How long a search will take, told once a few of its fits have been timed.

    Parameters
    ----------
    fits : int
        Candidates times folds.
    left : int
        Those that were not done when the search began.
    seconds : float
        From now until all are done.
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
    progress: Progress | str = silent,
    forecast: Callable[[Forecast], None] | None = None,
    budget: float | None = None,
    halving: int | None = None,
    cluster: str | None = None,
) -> SearchResult:
    """Try every candidate of a grid on every fold.

    Everything that learns is fitted inside the folds, and what candidates have in common once, as `EigenGridSearchCV`
    has it.

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
        Every finished fit is on disk there at once; started again, the search goes on where it was, also with another
        scoring, budget or halving.
    fresh : bool
        Forget what the journal holds.
    n_jobs : int
        Threads; each with one BLAS thread.
    progress : callable, "notebook" or "bar"
        As EigenGridSearchCV's.
    forecast : callable, optional
        Told once, when a few fits have been timed; not with a budget, whose length is known, nor beside a progress by
        name, which tells the time left itself.
    budget, halving, cluster
        As EigenGridSearchCV's.

    Returns
    -------
    SearchResult

    Raises
    ------
    RequestError
        With code `bad_grid`, `unknown_parameter` or `unknown_scoring`; `bad_value` where no candidate can be fitted;
        `other_job` where the journal is another search's; `no_cluster` where no cluster answers at the address.
    """
    labels = np.asarray(labels)
    count = len(candidates_of(pipeline, grid))
    try:
        get_scorer(scoring)
    except ValueError:
        raise RequestError(
            "unknown_scoring",
            f"there is no scoring {scoring!r}",
            "accuracy, balanced_accuracy, f1_macro and roc_auc are some.",
        ) from None
    if journal and fresh:
        with contextlib.suppress(OSError):  # what cannot be removed cannot be written, either: the journal says so
            Path(journal).unlink(missing_ok=True)
    found = EigenGridSearchCV(
        pipeline,
        grid,
        scoring=scoring,
        n_jobs=n_jobs,
        refit=False,
        cv=list(folds),
        journal=journal,
        progress=_Timed(progress, forecast) if forecast and callable(progress) and budget is None else progress,
        budget=budget,
        halving=halving,
        cluster=cluster,
    )
    with warnings.catch_warnings():
        for expected in (StockSearchWarning, FitFailedWarning):  # the result tells
            warnings.simplefilter("ignore", expected)
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite|Scoring failed", UserWarning)
        try:
            found.fit(list(crops), labels)
        except ValueError:
            _explain(found, count)
            raise
    _explain(found, count)
    failed = {at: " ".join(str(error).split()) for at, error in found.failed_.items()}
    return SearchResult(
        found.cv_results_,
        found.best_params_,
        float(found.best_score_),
        int(found.best_index_),
        found.reused_,
        failed,
        found.how_,
        min(len(train) for train, _ in folds),
    )


def _explain(found: EigenGridSearchCV, count: int) -> None:
    """Raise what a search without any result means; and a bug as what it is."""
    failed = getattr(found, "failed_", {})
    for error in failed.values():
        if not isinstance(error, _UNFIT):
            raise error
    if failed and len(failed) == count:
        reason = " ".join(str(next(iter(failed.values()))).split())
        raise RequestError("bad_value", f"no candidate of the grid can be fitted: {reason}", "Mend the grid.")


class _Timed:
    """Progress that, when a few fits are done, says how long the rest will take."""

    def __init__(self, progress: Progress, forecast: Callable[[Forecast], None]) -> None:
        self._progress, self._forecast = progress, forecast
        self._before: int | None = None
        self._first: tuple[int, float] | None = None
        self._said = False

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.perf_counter()
        if self._before is None:
            self._before = done
        elif self._first is None and done > self._before:
            self._first = (done, now)  # what all share is done by then, and not timed
        elif (
            self._first is not None and not self._said and done - self._first[0] >= min(4, (total - self._before) // 2)
        ):
            self._said = True
            each = (now - self._first[1]) / (done - self._first[0])
            self._forecast(Forecast(total, total - self._before, each * (total - done)))
        self._progress(done, total, what)
