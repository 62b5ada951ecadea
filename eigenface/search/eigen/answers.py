"""All candidates on all folds: shared work once, models once, in threads that share what they read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from numpy.typing import NDArray

from eigenface.journal import Journal
from eigenface.progress import Progress, silent
from eigenface.search.eigen.candidates import Candidate, Path
from eigenface.search.eigen.coordinates import Fold, Place, gram_of, headed, places
from eigenface.search.eigen.jobs import ROOM, Answer, Job, bytes_of, read, run, written
from eigenface.threads import one_blas_thread

_T = TypeVar("_T")


def answer(
    candidates: Mapping[int, Candidate],
    crops: Any,
    labels: NDArray[Any],
    folds: Sequence[Fold],
    *,
    n_jobs: int = 1,
    journal: Journal | None = None,
    progress: Progress = silent,
) -> dict[tuple[int, int], Answer]:
    """Answers by (candidate, fold); what cannot be solved here is missing.

    Parameters
    ----------
    candidates : mapping of number to Candidate
    crops : what the pipeline takes (n)
    labels : array (n,)
    folds : sequence of Fold
    n_jobs : int
        Threads, each with one BLAS thread.
    journal : Journal, optional
        Every finished path of a fold is recorded there; those that it has are taken from it.
    progress : callable
        Told after every path of a fold.
    """
    paths = list(dict.fromkeys(candidate.path for candidate in candidates.values()))
    found: dict[tuple[Path, int], dict[float, Answer]] = {}
    if journal:
        for key, values in journal.done.items():
            number, fold = map(int, key.split("/"))
            found[paths[number], fold] = read(values)
    total = len(paths) * len(folds)
    progress(len(found), total, f"{len(found)} paths were done before" if found else "searching")
    for head in dict.fromkeys(candidate.view.head_key for candidate in candidates.values()):
        group = [candidate for candidate in candidates.values() if candidate.view.head_key == head]
        left = {
            (path, fold)
            for path in paths
            for fold in range(len(folds))
            if (path, fold) not in found and any(candidate.path == path for candidate in group)
        }
        for job, solved in _solved(group, left, crops, labels, folds, n_jobs) if left else ():
            found[job.path, job.fold] = solved
            if journal:
                journal.record(f"{paths.index(job.path)}/{job.fold}", written(solved))
            progress(len(found), total, "searching")
    return {
        (number, fold): found[candidate.path, fold][candidate.c]
        for number, candidate in candidates.items()
        for fold in range(len(folds))
        if (candidate.path, fold) in found
    }


def _solved(
    group: Sequence[Candidate],
    left: set[tuple[Path, int]],
    crops: Any,
    labels: NDArray[Any],
    folds: Sequence[Fold],
    n_jobs: int,
) -> Iterator[tuple[Job, dict[float, Answer]]]:
    """What is left of candidates with one head, path by path as they are done."""
    views = {candidate.view.key: candidate.view for candidate in group}
    counts: dict[tuple[str, int], set[int]] = {}
    for path, fold in left:
        counts.setdefault((path.view, fold), set()).add(path.components)
    try:
        rows = headed(group[0].view, crops)
        wanted = any(views[key].pca is not None and views[key].front is None for key, _ in counts)
        gram = gram_of(rows) if wanted else None
    except Exception:  # of a user's step, whatever it is: scikit-learn meets it again and tells
        return

    def place(task: tuple[str, int]) -> dict[int, Place]:
        key, fold = task
        return places(views[key], rows, labels, folds[fold], counts[task], gram)

    with one_blas_thread:
        made = dict(_threaded(place, sorted(counts), n_jobs))
        gram = None  # its room is needed
        jobs = _jobs(group, left, made)
        room = max(map(bytes_of, folds))
        fit = max(1, min(n_jobs, int(ROOM // max(room, 1.0))))
        yield from _threaded(lambda job: run(job, folds[job.fold]), jobs, fit)


def _jobs(
    group: Sequence[Candidate],
    left: set[tuple[Path, int]],
    made: Mapping[tuple[str, int], Mapping[int, Place]],
) -> list[Job]:
    """Paths and folds, the longest first, so that no thread is left with one at the end."""
    cs: dict[Path, set[float]] = {}
    weights: dict[Path, Any] = {}
    for candidate in group:
        cs.setdefault(candidate.path, set()).add(candidate.c)
        weights[candidate.path] = candidate.class_weight
    jobs = [
        Job(path, sorted(values), weights[path], fold, there[path.components])
        for path, values in cs.items()
        for (key, fold), there in sorted(made.items())
        if key == path.view and path.components in there and (path, fold) in left
    ]
    return sorted(jobs, key=lambda job: -len(job.cs))


def _threaded(work: Callable[[Any], _T], tasks: Sequence[Any], n_jobs: int) -> Iterator[tuple[Any, _T]]:
    """Results in threads as they are done, those that cannot be had left out; at most a few tasks in flight."""
    left = iter(tasks)
    with ThreadPoolExecutor(n_jobs) as pool:
        flying: dict[Future[_T], Any] = {}
        try:
            while True:
                for task in left:
                    flying[pool.submit(work, task)] = task
                    if len(flying) > n_jobs:
                        break
                if not flying:
                    return
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    task = flying.pop(future)
                    try:
                        result = future.result()
                    except Exception:  # as above: this part is left to scikit-learn
                        continue
                    yield task, result
        finally:
            for future in flying:
                future.cancel()
