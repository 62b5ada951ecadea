"""All candidates on all folds: what they share is worked out once, the rest by an engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.svm import SVC

from eigenface.search.eigen.candidates import Candidate, Path, View
from eigenface.search.eigen.coordinates import Fold, Place, gram_of, places
from eigenface.search.eigen.fits import Bench, Fit, Said, fits, fitted, keyed, member
from eigenface.search.eigen.gram import Gram
from eigenface.search.eigen.jobs import ROOM, Answer, Job, bytes_of, run
from eigenface.search.identity import described
from eigenface.threads import one_blas_thread
from eigenface.workers import Engine

Outcome = Answer | Said | Exception
"""A model's decisions; what a fitted candidate says; or why there is none."""

_KEPT = 2e9
"""Bytes of rows and coordinates that are kept in case they are needed again."""

_BLOCK = 256
"""Pictures that go through the steps that learn nothing in one task."""


class Unit(NamedTuple):
    """Candidates that are worked out together.

    Parameters
    ----------
    name : str
        `path 3` or `candidate 7`.
    candidates : tuple of int
        Those of a path, which differ in C alone; or one that is fitted as it is.
    path : Path or None
    """

    name: str
    candidates: tuple[int, ...]
    path: Path | None


class Done(NamedTuple):
    """What came of a unit, or of one candidate of a path that could not be worked out as a whole, on a fold."""

    name: str
    fold: Fold
    outcomes: Mapping[int, Outcome]


@dataclass
class _Headed:
    """Rows after the steps that learn nothing, and their Gram matrix where that is the shorter way."""

    rows: Any
    gram: Gram | None


class _Sight(NamedTuple):
    """What tasks read that make coordinates."""

    views: Mapping[str, View]
    counts: Mapping[str, Sequence[int]]
    bench: Bench
    gram: Gram | None


class _Made(NamedTuple):
    """What tasks read that solve paths."""

    folds: Sequence[Fold]
    places: Mapping[tuple[str, int], Mapping[int, Place]]


def _place(sight: _Sight, task: tuple[str, int]) -> dict[int, Place]:
    key, number = task
    view, bench = sight.views[key], sight.bench
    fronted, seconds = None, 0.0
    if view.front is not None:
        train, others, seconds = bench.before(keyed(view.front.steps), number, SVC())
        fronted = (train, others)
    fold, counts = bench.folds[number], sight.counts[key]
    made = places(view, bench.rows, fold, counts, gram=sight.gram, fronted=fronted)
    return {count: place._replace(seconds=place.seconds + seconds) for count, place in made.items()}


def _solve(made: _Made, job: Job) -> dict[float, Answer]:
    return run(job, made.folds[job.fold], made.places[job.path.view, job.fold][job.path.components])


class Workshop:
    """Works units out, in the order that shares most.

    Parameters
    ----------
    pipeline : estimator, unfitted
    parameters : mapping of number to the parameters of a candidate
    candidates : mapping of number to Candidate
        Those that can be worked out from products of rows.
    crops : what the pipeline takes (n)
    labels : array (n,)
    methods : sequence of str
        What is asked of candidates that are fitted as they are.
    engine : Engine

    Attributes
    ----------
    keeping : bool
        Whether rows and coordinates are kept for the next call of `work`, as far as there is room.
    """

    def __init__(
        self,
        pipeline: Any,
        parameters: Mapping[int, Mapping[str, Any]],
        candidates: Mapping[int, Candidate],
        crops: Any,
        labels: NDArray[Any],
        methods: Sequence[str],
        engine: Engine,
    ) -> None:
        self.pipeline, self.parameters, self.candidates = pipeline, parameters, candidates
        self._crops, self.labels, self.methods, self._engine = crops, labels, methods, engine
        self._views = {candidate.view.key: candidate.view for candidate in candidates.values()}
        self._counts: dict[str, list[int]] = {}
        for candidate in candidates.values():
            self._counts.setdefault(candidate.path.view, []).append(candidate.path.components)
        self._headed: dict[str, _Headed] = {}
        self._places: dict[tuple[str, str], dict[int, Place]] = {}
        self.keeping = False
        by_path: dict[Path, list[int]] = {}
        for number, candidate in candidates.items():
            by_path.setdefault(candidate.path, []).append(number)
        self.units = [Unit(f"path {at}", tuple(each), path) for at, (path, each) in enumerate(by_path.items())]
        self.units += [Unit(f"candidate {n}", (n,), None) for n in parameters if n not in candidates]

    @property
    def width(self) -> int:
        """How many tasks run at a time."""
        return self._engine.width

    def work(self, left: Sequence[tuple[Unit, Fold]], until: Callable[[], bool]) -> Iterator[Done | str]:
        """What comes of units on folds, as it is done, and in words what is done before for several of them.

        Nothing new is begun once `until` says that it is time.
        """
        heads: dict[str, list[tuple[Unit, Fold]]] = {}
        for unit, fold in left:
            heads.setdefault(self._head_of(unit)[0], []).append((unit, fold))
        for key, tasks in heads.items():
            if not until():
                yield from self._with_head(key, self._head_of(tasks[0][0])[1], tasks, until)

    def _head_of(self, unit: Unit) -> tuple[str, Any]:
        """The steps that learn nothing, and their key."""
        first = unit.candidates[0]
        if unit.path is not None:
            view = self.candidates[first].view
            return view.head_key, view.head
        head = member(self.pipeline, first, self.parameters[first]).head
        return described(head), head

    def _with_head(
        self, key: str, head: Any, tasks: Sequence[tuple[Unit, Fold]], until: Callable[[], bool]
    ) -> Iterator[Done | str]:
        paths = [task for task in tasks if task[0].path is not None]
        singly = [task for task in tasks if task[0].path is None]
        try:
            headed = yield from self._rows(key, head)
        except Exception:  # of a user's step, whatever it is: each fold tells whether it meets it, too
            with one_blas_thread:
                yield from self._singly(tasks, None, until)
            return
        failed: list[tuple[Unit, Fold]] = []
        with one_blas_thread:
            yield from self._paths(paths, headed, failed, until)
            yield from self._singly([*failed, *singly], headed, until)

    def _rows(self, key: str, head: Any) -> Generator[str, None, _Headed]:
        if key in self._headed:
            return self._headed[key]
        rows = self._crops
        if head is not None and isinstance(rows, list) and len(rows) > _BLOCK:
            blocks = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
            made = dict[int, Any]()
            with one_blas_thread:
                for number, block in self._engine.each(_block, (head, blocks), range(len(blocks))):
                    if isinstance(block, Exception):
                        raise block
                    made[number] = block
                    yield f"preparing faces, {min(len(made) * _BLOCK, len(rows)):,} of {len(rows):,}"
            rows = _joined([made.pop(number) for number in range(len(blocks))])
        elif head is not None:
            yield "preparing faces"
            rows = clone(head).fit_transform(rows)
        wanted = any(view.head_key == key and view.pca and not view.front for view in self._views.values())
        if wanted:
            yield "comparing all faces"
        headed = _Headed(rows, gram_of(rows) if wanted else None)
        if self.keeping:
            self._headed[key] = headed
            _evict(self._headed, lambda kept: int(getattr(kept.rows, "nbytes", 0)))
        return headed

    def _paths(
        self,
        tasks: Sequence[tuple[Unit, Fold]],
        headed: _Headed,
        failed: list[tuple[Unit, Fold]],
        until: Callable[[], bool],
    ) -> Iterator[Done | str]:
        folds = list({fold.name: fold for _, fold in tasks}.values())
        number = {fold.name: at for at, fold in enumerate(folds)}
        wanted = dict.fromkeys((unit.path.view, fold.name) for unit, fold in tasks if unit.path)
        made = {(view, number[name]): self._places[view, name] for view, name in wanted if (view, name) in self._places}
        missing = [(view, number[name]) for view, name in wanted if (view, number[name]) not in made]
        missing.sort(key=lambda task: (task[1], task[0]))  # steps that several share beside each other
        sight = _Sight(self._views, self._counts, Bench(headed.rows, self.labels, folds, self.methods), headed.gram)
        placed = self._engine.each(_place, sight, _while(missing, until))
        for count, ((view, fold), there) in enumerate(placed, start=1):
            yield f"finding components, {count:,} of {len(missing):,}"
            made[view, fold] = {} if isinstance(there, Exception) else there
            if self.keeping:
                self._places[view, folds[fold].name] = made[view, fold]
                _evict(self._places, _bytes_of_places)
        del sight
        if not self.keeping:
            headed.gram = None  # its room is needed
        jobs, units = list[Job](), dict[tuple[Path, int], Unit]()
        for unit, fold in tasks:
            assert unit.path is not None
            at = number[fold.name]
            if (unit.path.view, at) not in made:
                continue  # time was up
            if unit.path.components not in made[unit.path.view, at]:
                failed.append((unit, fold))
                continue
            cs = sorted({self.candidates[each].c for each in unit.candidates})
            jobs.append(Job(unit.path, cs, self.candidates[unit.candidates[0]].class_weight, at))
            units[unit.path, at] = unit
        room = max((bytes_of(fold) for fold in folds), default=0.0)
        most = max(1, int(ROOM // max(room, 1.0)))
        for job, solved in self._engine.each(_solve, _Made(folds, made), _while(jobs, until), most=most):
            unit, fold = units[job.path, job.fold], folds[job.fold]
            if isinstance(solved, Exception):
                failed.append((unit, fold))
            else:
                yield Done(unit.name, fold, {each: solved[self.candidates[each].c] for each in unit.candidates})

    def _singly(
        self, tasks: Sequence[tuple[Unit, Fold]], headed: _Headed | None, until: Callable[[], bool]
    ) -> Iterator[Done]:
        """Candidates that are fitted as they are, from the rows after their head or, without such, from the crops."""
        by_fold: dict[str, tuple[Fold, list[int]]] = {}
        for unit, fold in tasks:
            by_fold.setdefault(fold.name, (fold, []))[1].extend(unit.candidates)
        rows = self._crops if headed is None else headed.rows
        folds = [fold for fold, _ in by_fold.values()]
        bench = Bench(rows, self.labels, folds, self.methods)
        members = {
            number: member(self.pipeline, number, self.parameters[number], whole=headed is None)
            for number in dict.fromkeys(number for _, numbers in by_fold.values() for number in numbers)
        }
        order = (
            fit
            for at, (_, numbers) in enumerate(by_fold.values())
            for fit in fits([members[number] for number in numbers], [at])
        )
        task: Fit
        for task, said in self._engine.each(fitted, bench, _while(order, until)):
            number = task.member.number
            yield Done(f"candidate {number}", folds[task.fold], {number: said})


def _bytes_of_places(places_: Mapping[int, Place]) -> int:
    return max((each.train.nbytes + each.rows.nbytes for each in places_.values()), default=0)  # parts of the largest


def _evict(store: dict[Any, Any], size: Callable[[Any], int]) -> None:
    """Let go of what was kept first, down to the room there is; the last stays."""
    while len(store) > 1 and sum(map(size, store.values())) > _KEPT:
        del store[next(iter(store))]


def _block(shared: tuple[Any, Sequence[Any]], number: int) -> Any:
    head, blocks = shared
    return clone(head).fit_transform(blocks[number])


def _joined(blocks: Sequence[Any]) -> Any:
    if all(isinstance(block, np.ndarray) for block in blocks):
        return np.concatenate(blocks)
    return [row for block in blocks for row in block]


def _while(tasks: Iterable[Any], until: Callable[[], bool]) -> Iterator[Any]:
    for task in tasks:
        if until():
            return
        yield task
