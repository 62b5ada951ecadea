"""A grid search with GridSearchCV's meaning and scores that shares what candidates have in common, and resumes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from eigenface.calibrate import Folds
from eigenface.errors import RequestError
from eigenface.journal import Journal
from eigenface.progress import Progress, silent
from eigenface.search.results import Cell, cv_results
from eigenface.steps.stateless import split_pipeline
from eigenface.threads import one_blas_thread
from eigenface.types import Pixels

Grid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
Parameters = dict[str, Any]


@dataclass(frozen=True)
class SearchResult:
    """What a search found; names as in scikit-learn's GridSearchCV.

    `reused` counts the fits that a journal of an interrupted run had already.
    """

    cv_results: dict[str, Any]
    best_params: Parameters
    best_score: float
    best_index: int
    reused: int = 0


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
    scoring : str
        A scorer that scikit-learn knows.
    journal : path, optional
        Every finished fit is on disk there at once; started again, the search goes on where it was.
    fresh : bool
        Forget what the journal holds.
    n_jobs : int
        Threads.
    progress : callable

    Returns
    -------
    SearchResult

    Raises
    ------
    RequestError
        With code `unknown_parameter`, `bad_value`, or `other_job` where the journal is another search's.
    """
    candidates = list(ParameterGrid(grid))
    check_parameters(pipeline, candidates)
    total = len(candidates) * len(folds)
    cells: dict[tuple[int, int], Cell] = {}
    kept = Journal(journal, _job(pipeline, candidates, crops, labels, folds, scoring), fresh=fresh) if journal else None
    if kept:
        for key, value in kept.done.items():
            candidate, fold = map(int, key.split("/"))
            cells[candidate, fold] = Cell(*value)
    reused = len(cells)
    progress(reused, total, f"{reused} fits were done before" if reused else "searching")
    try:
        for part in _parts(pipeline, candidates, crops, labels, folds, cells):
            for done in _fit_part(part, labels, scoring, n_jobs):
                cells[done.candidate, part.fold] = done.cell
                if kept:
                    kept.record(f"{done.candidate}/{part.fold}", list(done.cell))
                progress(len(cells), total, _best_so_far(cells, candidates, len(folds)))
    finally:
        if kept:
            kept.close()
    results = cv_results(candidates, cells, len(folds))
    best = int(results["rank_test_score"].argmin())
    return SearchResult(results, candidates[best], float(results["mean_test_score"][best]), best, reused)


def check_parameters(pipeline: Pipeline, candidates: Sequence[Parameters]) -> None:
    """Refuse names that the pipeline does not have, in one line that names those it has."""
    allowed = set(pipeline.get_params())
    for name in {name for candidate in candidates for name in candidate}:
        if name not in allowed:
            tunable = sorted(key for key in allowed if "__" in key and key.count("__") == 1)
            raise RequestError(
                "unknown_parameter", f"the grid names {name!r}, which the pipeline lacks", f"It has {', '.join(tunable)}."
            )


@dataclass(frozen=True)
class _Part:
    """Candidates of one fold that share everything before the classifier, and the rows they are fitted on."""

    fold: int
    candidates: list[tuple[int, Any]]
    train_rows: Any
    test_rows: Any
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    shared_seconds: float


@dataclass(frozen=True)
class _Done:
    candidate: int
    cell: Cell


def _parts(
    pipeline: Pipeline,
    candidates: Sequence[Parameters],
    crops: Sequence[Pixels],
    labels: NDArray[Any],
    folds: Folds,
    finished: Mapping[tuple[int, int], Cell],
) -> Iterator[_Part]:
    """Work that is left, grouped so that what candidates share is computed once and held one at a time."""
    by_head: dict[str, dict[str, list[tuple[int, Pipeline]]]] = {}
    for index, parameters in enumerate(candidates):
        head, tail = split_pipeline(clone(pipeline).set_params(**parameters))
        before = Pipeline(tail.steps[:-1]) if len(tail.steps) > 1 else None
        by_head.setdefault(repr(head), {}).setdefault(repr(before), []).append((index, tail))
    for by_middle in by_head.values():
        members = [index for group in by_middle.values() for index, _ in group]
        if all((index, fold) in finished for index in members for fold in range(len(folds))):
            continue
        head, _ = split_pipeline(clone(pipeline).set_params(**candidates[members[0]]))
        rows = head.fit_transform(crops) if head else crops
        for fold, (train, test) in enumerate(folds):
            for group in by_middle.values():
                left = [(index, tail.steps[-1][1]) for index, tail in group if (index, fold) not in finished]
                if left:
                    before = [(name, clone(step)) for name, step in group[0][1].steps[:-1]]
                    yield _shared(fold, left, before, rows, labels, train, test)


def _shared(
    fold: int,
    left: list[tuple[int, Any]],
    before: list[tuple[str, Any]],
    rows: Any,
    labels: NDArray[Any],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> _Part:
    began = time.perf_counter()
    train_rows, test_rows = _take(rows, train), _take(rows, test)
    if before:
        steps = Pipeline(before)
        train_rows = steps.fit_transform(train_rows, labels[train])
        test_rows = steps.transform(test_rows)
    return _Part(fold, left, train_rows, test_rows, train, test, time.perf_counter() - began)


def _take(rows: Any, index: NDArray[np.intp]) -> Any:
    return rows[index] if isinstance(rows, np.ndarray) else [rows[i] for i in index]


def _fit_part(part: _Part, labels: NDArray[Any], scoring: str, n_jobs: int) -> Iterator[_Done]:
    score = get_scorer(scoring)

    def fit(candidate: int, classifier: Any) -> _Done:
        began = time.perf_counter()
        try:
            fitted = clone(classifier).fit(part.train_rows, labels[part.train])
        except ValueError as error:
            raise RequestError("bad_value", f"candidate {candidate} cannot be fitted ({error})", "Mend the grid.") from None
        fit_seconds = part.shared_seconds + time.perf_counter() - began
        began = time.perf_counter()
        value = float(score(fitted, part.test_rows, labels[part.test]))
        return _Done(candidate, Cell(value, fit_seconds, time.perf_counter() - began))

    with one_blas_thread:
        work = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator_unordered")
        yield from work(delayed(fit)(candidate, classifier) for candidate, classifier in part.candidates)


def _best_so_far(cells: Mapping[tuple[int, int], Cell], candidates: Sequence[Parameters], folds: int) -> str:
    scores: dict[int, list[float]] = {}
    for (candidate, _), cell in cells.items():
        scores.setdefault(candidate, []).append(cell.score)
    whole = {candidate: np.mean(values) for candidate, values in scores.items() if len(values) == folds}
    means = whole or {candidate: np.mean(values) for candidate, values in scores.items()}
    best = max(means, key=lambda candidate: means[candidate])
    said = ", ".join(f"{name.split('__')[-1]}={value}" for name, value in candidates[best].items())
    return f"best so far {means[best]:.4f} with {said}"


def _job(
    pipeline: Pipeline,
    candidates: Sequence[Parameters],
    crops: Sequence[Pixels],
    labels: NDArray[Any],
    folds: Folds,
    scoring: str,
) -> dict[str, Any]:
    """What a journal must agree on: pipeline, grid, data, folds and versions."""
    digest = hashlib.sha256()
    for crop, label in zip(crops, labels, strict=True):
        digest.update(repr((crop.shape, str(label))).encode())
        digest.update(np.ascontiguousarray(crop))
    for _, test in folds:
        digest.update(np.ascontiguousarray(test).tobytes())
    return {
        "pipeline": repr(pipeline),
        "grid": repr(candidates),
        "data": digest.hexdigest(),
        "scoring": scoring,
        "scikit-learn": sklearn.__version__,
    }
