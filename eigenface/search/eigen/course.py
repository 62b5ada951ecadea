"""The course of a search: what is worked out when, recorded at once, scored, and told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.journal import Journal
from eigenface.progress import silent
from eigenface.search.eigen import fits, jobs
from eigenface.search.eigen.board import Board
from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.recalled import Recalled
from eigenface.search.eigen.rungs import FACTOR, part_of, shares
from eigenface.search.eigen.watch import Watch
from eigenface.search.eigen.workshop import Done, Outcome, Unit, Workshop

_LONG = 2.0
"""Seconds without a finished fit after which it is told what else is done."""

Scorer = Callable[[Any, NDArray[np.intp], Any], float]


class Course:
    """Runs a workshop over folds.

    Parameters
    ----------
    shop : Workshop
    folds : sequence of Fold
    tests : sequence of index arrays
        The rows that each fold is judged by.
    scorer : callable or None
        What candidates are compared by while the search runs.
    journal : Journal, optional
    watch : Watch
        Shown every comparison's board when it begins, and told (fits done, fits in all, what) after every unit on a
        fold and while units are prepared.

    Attributes
    ----------
    outcomes : dict of (candidate, fold's name) to Outcome
    reused : int
        Fits that the journal had.
    """

    def __init__(
        self,
        shop: Workshop,
        folds: Sequence[Fold],
        tests: Sequence[NDArray[np.intp]],
        *,
        scorer: Scorer | None = None,
        journal: Journal | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._shop, self._folds, self._tests, self._labels = shop, folds, tests, shop.labels
        self._parameters, self._candidates, self._methods = shop.parameters, shop.candidates, " ".join(shop.methods)
        self._scorer, self._journal, self._watch = scorer, journal, watch or Watch(silent)
        self._boards: dict[str, Board] = {}
        self._scores: dict[tuple[int, str], float] = {}
        self._end = math.inf
        self._told = -math.inf
        self._tried = False
        self.outcomes: dict[tuple[int, str], Outcome] = {}
        self._recall()
        self.reused = len(self.outcomes)
        self._greeting = f"{self.reused} fits were done before" if self.reused else "searching"

    def run(self, *, budget: float | None = None, halving: int | None = None, components: int = 0) -> list[list[Fold]]:
        """Work everything out; or what is best, or what there is time for.

        Parameters
        ----------
        budget : float, optional
            Seconds after which nothing new is begun. Until then candidates are compared on parts of the faces, the
            better then on all, then the others, the most promising first.
        halving : int, optional
            Candidates of which one goes on from each comparison; the others are left there.
        components : int
            The most that some candidate wants.

        Returns
        -------
        list of lists of Fold
            The comparisons, each larger than the one before; the last is on all faces.
        """
        units = list(self._shop.units)
        if budget is None and halving is None:
            self._phase(units, self._folds)
            return [list(self._folds)]
        self._end = math.inf if budget is None else time.monotonic() + budget
        self._shop.keeping = True
        factor = halving or FACTOR
        parts = [
            [part_of(fold, share) for fold in self._folds]
            for share in shares(self._folds, len(units), factor, components)
        ]
        order = [units[at] for at in np.random.default_rng(0).permutation(len(units))]
        later: list[Unit] = []
        for part in parts:
            self._phase(order, part, in_order=True)
            order.sort(key=lambda unit, part=part: -self._promise(unit, part))  # type: ignore[misc]
            count = math.ceil(len(order) / factor)
            order, later = order[:count], order[count:] + later
        self._phase(order, self._folds, in_order=True)
        if budget is not None and later:
            self._phase(order + later, self._folds, in_order=True)
        return [*parts, list(self._folds)]

    def _late(self) -> bool:
        """Whether time is up; one candidate at least is tried however little there was."""
        return self._tried and time.monotonic() >= self._end

    def _phase(self, units: Sequence[Unit], folds: Sequence[Fold], *, in_order: bool = False) -> None:
        """Units on folds; in order, a few units are done on all folds before the next are begun."""
        total = sum(len(unit.candidates) for unit in units) * len(folds)
        if self._late():
            return
        before = sum((each, fold.name) in self.outcomes for unit in units for each in unit.candidates for fold in folds)
        board = self._board(folds)
        self._watch.progress(before, total, self._where(folds) + self._greeting)
        self._greeting = "searching"
        size = max(1, math.ceil(4 * self._shop.width / len(folds))) if in_order else len(units)
        done = before
        for start in range(0, len(units), size):
            left = [
                (unit, fold)
                for unit in units[start : start + size]
                for fold in folds
                if any((each, fold.name) not in self.outcomes for each in unit.candidates)
            ]
            for part in self._shop.work(left, self._late):
                if isinstance(part, str):
                    self._prepare(part, done, total, folds, first=done == before)
                    continue
                new = [each for each in part.outcomes if (each, part.fold.name) not in self.outcomes]
                self._record(part)
                self._tried |= all((each, fold.name) in self.outcomes for each in part.outcomes for fold in folds)
                done += len(new)
                if self._watch.progress is not silent:
                    for each in new:
                        board.add(each, part.fold.name, self.score(each, part.fold))
                    standing = board.standing() if self._scorer else "searching"
                    self._watch.progress(done, total, self._where(folds) + standing)
                    self._told = time.monotonic()

    def _prepare(self, what: str, done: int, total: int, folds: Sequence[Fold], *, first: bool) -> None:
        """Tell what is done for several fits; once some are done, only where this takes long."""
        now = time.monotonic()
        if first or now - self._told > _LONG:
            self._told = now
            self._watch.prepare(done, total, self._where(folds), what)

    def _board(self, folds: Sequence[Fold]) -> Board:
        """The board of a comparison, with what is known of it already; one for all rounds on the same faces."""
        part = self._part(folds)
        if part not in self._boards:
            board = self._boards[part] = Board(self._parameters, [fold.name for fold in folds], int(part or 0))
            if self._watch.progress is not silent:
                self._watch.begin(board)
                for number, fold in product(self._parameters, folds):
                    if (number, fold.name) in self.outcomes:
                        board.add(number, fold.name, self.score(number, fold))
        return self._boards[part]

    @staticmethod
    def _part(folds: Sequence[Fold]) -> str:
        """How many faces a comparison is on, as its folds are called; nothing where it is on all."""
        return folds[0].name.partition(" of ")[2]

    def _where(self, folds: Sequence[Fold]) -> str:
        part = self._part(folds)
        return f"on {part} faces: " if part else ""

    def _record(self, done: Done) -> None:
        self.outcomes |= {(number, done.fold.name): outcome for number, outcome in done.outcomes.items()}
        if self._journal is None:
            return
        if done.name.startswith("path"):
            solved: dict[float, Any] = {self._candidates[n].c: outcome for n, outcome in done.outcomes.items()}
            self._journal.record(f"{done.name}/{done.fold.name}", jobs.written(solved))
            return
        said: Any
        (said,) = done.outcomes.values()
        kept = fits.written(said)
        if kept is not None:
            self._journal.record(f"{done.name}/{done.fold.name}/{self._methods}", kept)

    def _recall(self) -> None:
        """Take over what the journal has."""
        paths = {unit.name: unit for unit in self._shop.units if unit.path is not None}
        for key, value in self._journal.done.items() if self._journal else ():
            name, fold, *methods = key.split("/")
            if name in paths:
                solved = jobs.read(value)
                for number in paths[name].candidates:
                    self.outcomes[number, fold] = solved[self._candidates[number].c]
            elif methods == [self._methods]:
                self.outcomes[int(name.split()[1]), fold] = fits.read(value)

    def score(self, number: int, fold: Fold) -> float:
        """A candidate's score on a fold; NaN where it has none."""
        key = (number, fold.name)
        if key not in self._scores:
            if self._scorer is None or isinstance(self.outcomes.get(key, ValueError()), Exception):
                return math.nan
            test = self._tests[int(fold.name.split()[0])]
            shape = self._candidates[number].shape if number in self._candidates else "ovr"
            try:
                recalled = Recalled.of(fold, self.outcomes[key], shape, len(self._labels))
                self._scores[key] = float(self._scorer(recalled, test, self._labels[test]))
            except Exception:  # it cannot be scored: the table says so in the end
                self._scores[key] = math.nan
        return self._scores[key]

    def _promise(self, unit: Unit, folds: Sequence[Fold]) -> float:
        means = [np.mean([self.score(number, fold) for fold in folds]) for number in unit.candidates]
        return max((float(mean) for mean in means if np.isfinite(mean)), default=-math.inf)
