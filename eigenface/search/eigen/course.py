"""The course of a search: what is worked out when, recorded at once, scored, and told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.journal import Journal
from eigenface.progress import Progress, silent
from eigenface.search.eigen import fits, jobs
from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.recalled import Recalled
from eigenface.search.eigen.rungs import FACTOR, part_of, shares
from eigenface.search.eigen.workshop import Done, Outcome, Unit, Workshop
from eigenface.search.grids import differing

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
    progress : callable
        Told (fits done, fits in all, what) after every unit on a fold.

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
        progress: Progress = silent,
    ) -> None:
        self._shop, self._folds, self._tests, self._labels = shop, folds, tests, shop.labels
        self._parameters, self._candidates, self._methods = shop.parameters, shop.candidates, " ".join(shop.methods)
        self._scorer, self._journal, self._progress = scorer, journal, progress
        self._telling = differing(list(shop.parameters.values()))
        self._scores: dict[tuple[int, str], float] = {}
        self._end = math.inf
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
        self._progress(before, total, self._where(folds) + self._greeting)
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
                done += sum((each, part.fold.name) not in self.outcomes for each in part.outcomes)
                self._record(part)
                self._tried |= all((each, fold.name) in self.outcomes for each in part.outcomes for fold in folds)
                if self._progress is not silent:
                    self._progress(done, total, self._where(folds) + self._standing(folds))

    def _where(self, folds: Sequence[Fold]) -> str:
        part = folds[0].name.partition(" of ")[2]
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

    def _standing(self, folds: Sequence[Fold]) -> str:
        """`best so far 0.9312 with C=3, gamma=0.004`: only what differs between candidates is named."""
        if self._scorer is None:
            return "searching"
        scores = np.array([[self.score(number, fold) for fold in folds] for number in self._parameters])
        tried = np.array([[(number, fold.name) in self.outcomes for fold in folds] for number in self._parameters])
        counts = tried.sum(axis=1)
        sums = np.where(tried, scores, 0.0).sum(axis=1)
        compared = (counts > 0) & (counts >= counts.max() - 1) & np.isfinite(sums)
        if not compared.any():
            return "none could be fitted so far"
        means = np.where(compared, sums / np.maximum(counts, 1), -np.inf)
        best = list(self._parameters)[int(means.argmax())]
        values = {name: value for name, value in self._parameters[best].items() if name in self._telling}
        said = ", ".join(f"{name.split('__')[-1]}={value}" for name, value in values.items())
        return f"best so far {means.max():.4f}" + (f" with {said}" if said else "")
