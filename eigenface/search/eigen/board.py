"""The board of a search: every candidate's score on every fold as it comes, and the best so far."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.search.grids import differing

_LONGEST = 40  # characters of a value


class Board:
    """Scores of one comparison of candidates.

    Parameters
    ----------
    parameters : mapping of number to the parameters of a candidate
    folds : sequence of str
        Their names.
    faces : int
        That candidates learn from, where these are not all there are; else 0.

    Attributes
    ----------
    scores : float64 array (candidates, folds)
        NaN where a fold is not done, or where the candidate has no score on it.
    done : bool array (candidates, folds)
    seconds : float64 array (candidates,)
        When a candidate's last score came, on the clock of `time.monotonic`.
    """

    def __init__(self, parameters: Mapping[int, Mapping[str, Any]], folds: Sequence[str], faces: int = 0) -> None:
        self.numbers, self.faces = list(parameters), faces
        self._parameters, self._telling = parameters, differing(list(parameters.values()))
        self._row = {number: row for row, number in enumerate(parameters)}
        self._column = {name: column for column, name in enumerate(folds)}
        self.scores = np.full((len(self._row), len(folds)), np.nan)
        self.done = np.zeros(self.scores.shape, dtype=bool)
        self.seconds = np.zeros(len(self._row))

    def add(self, number: int, fold: str, score: float) -> None:
        """Write down what a candidate has on a fold; NaN where it failed."""
        row, column = self._row[number], self._column[fold]
        self.scores[row, column], self.done[row, column] = score, True
        self.seconds[row] = time.monotonic()

    def means(self) -> NDArray[np.float64]:
        """Each candidate's mean over the folds that are done; NaN where there is none, or where it failed on one."""
        sums = np.where(self.done, self.scores, 0.0).sum(axis=1)
        counts = self.done.sum(axis=1)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def complete(self) -> NDArray[np.bool_]:
        """Which candidates are done on all folds."""
        return np.asarray(self.done.all(axis=1))

    def best(self) -> int | None:
        """The best candidate of those that are done on as many folds, or None.

        Where most candidates wait for their last fold, as when all are fitted fold by fold, those take part.
        """
        counts = self.done.sum(axis=1)
        most = int(counts.max())
        least = max(1, most - (2 * int((counts == most).sum()) < int((counts > 0).sum())))
        means = np.where(counts >= least, self.means(), np.nan)
        return self.numbers[int(np.nanargmax(means))] if np.isfinite(means).any() else None

    def mean(self, number: int) -> float:
        """A candidate's mean over the folds that are done."""
        return float(self.means()[self._row[number]])

    def said(self, number: int) -> str:
        """`C=3, gamma=0.004`: of a candidate's parameters only what differs between candidates is named."""
        values = {name: value for name, value in self._parameters[number].items() if name in self._telling}
        return ", ".join(f"{name.split('__')[-1]}={_short(value)}" for name, value in values.items())

    def standing(self) -> str:
        """The best so far in words."""
        best = self.best()
        if best is None:
            return "none could be fitted so far"
        said = self.said(best)
        return f"best so far {self.mean(best):.4f}" + (f" with {said}" if said else "")


def _short(value: Any) -> str:
    """A value on one line: `0.31622776601683794` tells no more than `0.316228`, an estimator may take several."""
    line = f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
