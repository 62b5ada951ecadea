"""The fits of a search in the order that shares most: what candidates have in common is computed once, then let go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from eigenface.calibrate import Folds
from eigenface.search.identity import described
from eigenface.search.results import Cell
from eigenface.steps.stateless import split_pipeline
from eigenface.types import Pixels

_UNFIT = (ValueError, ArithmeticError)  # what a candidate's own values may cause; anything else is a bug and shows


class _Rows(NamedTuple):
    """Training and test rows of a fold, and the seconds that the steps so far took."""

    train: Any
    test: Any
    seconds: float


class _Shared:
    """Something several fits need: the first that asks computes it, the others wait; an error meets them all."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make: Callable[[], Any] | None = make
        self._lock = threading.Lock()
        self._made: Any = None
        self._error: Exception | None = None

    def __call__(self) -> Any:
        with self._lock:
            if self._make is not None:
                try:
                    self._made = self._make()
                except _UNFIT as error:
                    self._error = error
                self._make = None  # lets go of what this was made from
        if self._error is not None:
            raise self._error
        return self._made


@dataclass(frozen=True)
class Done:
    """A finished fit; `own_seconds` leaves out what it shares with others."""

    candidate: int
    fold: int
    cell: Cell
    own_seconds: float


@dataclass(frozen=True)
class _Fit:
    """One candidate on one fold, ready to run in any thread."""

    candidate: int
    fold: int
    classifier: Any
    rows: _Shared
    truth: tuple[NDArray[Any], NDArray[Any]]
    scorer: Callable[[Any, Any, Any], float]

    def __call__(self) -> Done:
        seconds = fit_seconds = score_seconds = 0.0
        value, error = float("nan"), ""
        try:
            rows: _Rows = self.rows()
            began = time.perf_counter()
            fitted = clone(self.classifier).fit(rows.train, self.truth[0])
            seconds = time.perf_counter() - began
            fit_seconds = rows.seconds + seconds
            began = time.perf_counter()
            value = float(self.scorer(fitted, rows.test, self.truth[1]))
            score_seconds = time.perf_counter() - began
        except _UNFIT as reason:
            error = " ".join(str(reason).split())
        return Done(self.candidate, self.fold, Cell(value, fit_seconds, score_seconds, error), seconds + score_seconds)


class _Member(NamedTuple):
    """A candidate: its steps that learn nothing, its learning steps with a key each, its classifier."""

    place: int
    head: Pipeline | None
    steps: list[tuple[str, tuple[str, Any]]]
    classifier: Any


def fits(
    pipeline: Pipeline,
    candidates: Sequence[Mapping[str, Any]],
    crops: Sequence[Pixels],
    labels: NDArray[Any],
    folds: Folds,
    scorer: Callable[[Any, Any, Any], float],
    finished: Collection[tuple[int, int]],
) -> Iterator[_Fit]:
    """Every (candidate, fold) that is not finished.

    Steps that learn nothing run once for all folds; a learning step before the classifier is fitted once a fold for
    all candidates that agree on it and on the steps before it. Only the steps of one candidate at a time are held, and
    those of the fits that still run. Among candidates that share everything the order is drawn, so that the first few
    tell how long all will take.
    """
    heads: dict[str, list[_Member]] = {}
    for index, parameters in enumerate(candidates):
        head, tail = split_pipeline(clone(pipeline).set_params(**parameters))
        steps = [(described(step), step) for step in tail.steps[:-1]]
        heads.setdefault(described(head), []).append(_Member(index, head, steps, tail.steps[-1][1]))
    for members in heads.values():
        left = [[m for m in _ordered(members) if (m.place, fold) not in finished] for fold in range(len(folds))]
        if not any(left):
            continue
        head = members[0].head
        everything = _Shared(lambda head=head: clone(head).fit_transform(crops) if head else crops)  # type: ignore[misc]
        for fold, (train, test) in enumerate(folds):
            truth = (labels[train], labels[test])
            chain = [("", _Shared(_part(everything, train, test)))]
            for member in left[fold]:
                common = 0
                while (
                    common < min(len(chain) - 1, len(member.steps)) and chain[common + 1][0] == member.steps[common][0]
                ):
                    common += 1
                del chain[common + 1 :]
                for key, step in member.steps[common:]:
                    chain.append((key, _Shared(_step(chain[-1][1], step, truth[0]))))
                yield _Fit(member.place, fold, member.classifier, chain[-1][1], truth, scorer)


def _ordered(members: list[_Member]) -> list[_Member]:
    """Members that share steps beside each other, the middle ones first: they tell best how long all take."""
    drawn = np.random.default_rng(0).permutation(len(members))

    def arrange(part: list[int], depth: int) -> list[int]:
        groups: dict[str, list[int]] = {}
        for place in part:
            steps = members[place].steps
            groups.setdefault(steps[depth][0] if depth < len(steps) else "", []).append(place)
        if set(groups) == {""}:
            return sorted(part, key=lambda place: int(drawn[place]))
        keys = list(groups)
        keys.insert(0, keys.pop(len(keys) // 2))
        return [place for key in keys for place in arrange(groups[key], depth + 1)]

    return [members[place] for place in arrange(list(range(len(members))), 0)]


def count_shared(pipeline: Pipeline, candidates: Sequence[Mapping[str, Any]]) -> int:
    """How many unlike sets of steps before the classifier the candidates have."""
    return len({described(clone(pipeline).set_params(**parameters).steps[:-1]) for parameters in candidates})


def _part(everything: _Shared, train: NDArray[np.intp], test: NDArray[np.intp]) -> Callable[[], _Rows]:
    def take(rows: Any, index: NDArray[np.intp]) -> Any:
        return rows[index] if hasattr(rows, "shape") else [rows[int(i)] for i in index]

    def make() -> _Rows:
        rows = everything()
        return _Rows(take(rows, train), take(rows, test), 0.0)

    return make


def _step(before: _Shared, step: tuple[str, Any], labels: NDArray[Any]) -> Callable[[], _Rows]:
    def make() -> _Rows:
        rows: _Rows = before()
        began = time.perf_counter()
        alone = clone(Pipeline([step]))
        train = alone.fit_transform(rows.train, labels)
        return _Rows(train, alone.transform(rows.test), rows.seconds + time.perf_counter() - began)

    return make


def run(work: Iterator[Callable[[], Done]], n_jobs: int) -> Iterator[Done]:
    """Results as they come, from `n_jobs` threads; work is drawn only when a thread is about to be free."""
    if n_jobs == 1:
        for fit in work:
            yield fit()
        return
    with ThreadPoolExecutor(n_jobs) as pool:
        pending: set[Future[Done]] = set()
        try:
            for fit in work:
                pending.add(pool.submit(fit))
                if len(pending) > n_jobs:
                    ready, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in ready)
            while pending:
                ready, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ready)
        finally:
            for future in pending:
                future.cancel()
