"""How well scores put one class before the rest: ROC and precision-recall, for one sample or many resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Rates along falling thresholds, from "nobody is positive" to "everybody is".

    Parameters
    ----------
    threshold : float64 array (t,)
        Scores of at least this much count as positive; the first is infinite.
    recall : float64 array (t,)
        Share of the positives found, 0..1: the ROC's vertical axis.
    false_alarms : float64 array (t,)
        Share of the negatives taken for positives, 0..1: the ROC's horizontal axis.
    precision : float64 array (t,)
        Share of the found that are positive, 0..1; 1 where nobody is found.
    """

    threshold: Floats
    recall: Floats
    false_alarms: Floats
    precision: Floats

    def at(self, threshold: float) -> int:
        """The index of the point that answers at `threshold`."""
        return int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows in falling order of their score, made once and then weighed as often as wanted.

    Parameters
    ----------
    order : intp array (n,)
        Rows by falling score.
    positive : bool array (n,)
        Which of the ordered rows are of the class.
    ends : intp array (t,)
        Last place of every run of equal scores: ties are taken together.
    score : float64 array (t,)
        The score of each run.
    starts : intp array (s,)
        First place of every stretch: a run that holds positives, or all runs between two such.
    """

    order: NDArray[np.intp]
    positive: NDArray[np.bool_]
    ends: NDArray[np.intp]
    score: Floats
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, score: Floats, positive: NDArray[np.bool_]) -> Ranking:
        """Order rows by `score` (n,); `positive` (n,) tells the class from the rest."""
        order = np.argsort(-score, kind="stable")
        ordered, hits = score[order], positive[order]
        ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        first = np.append(0, ends[:-1] + 1)
        holds = np.logical_or.reduceat(hits, first)
        return cls(order, hits, ends, ordered[ends], first[holds | np.append(True, holds[:-1])])

    @property
    def defined(self) -> bool:
        """Whether there are both positives and negatives."""
        return bool(self.positive.any() and not self.positive.all())

    def areas(self, weights: Floats) -> tuple[Floats, Floats]:
        """Area under the ROC curve and average precision for each column of weights; ties count half.

        Parameters
        ----------
        weights : float64 array (n, b)
            How often each row counts, at least 0.

        Returns
        -------
        float64 arrays (b,), (b,)
            AUC and average precision; NaN where a column has no positives or no negatives.

        References
        ----------
        Hanley and McNeil (1982), The meaning and use of the area under a ROC curve.
        https://doi.org/10.1148/radiology.143.1.7063747

        Examples
        --------
        >>> ranking = Ranking.of(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]))
        >>> [float(a[0].round(4)) for a in ranking.areas(np.ones((4, 1)))]
        [0.875, 0.8333]
        """
        found = np.add.reduceat(weights[self.order], self.starts, axis=0)
        places = np.flatnonzero(self.positive)
        stretch = np.searchsorted(self.starts, places, side="right") - 1
        holding, first = np.unique(stretch, return_index=True)
        gained = np.zeros_like(found)
        gained[holding] = np.add.reduceat(weights[self.order[places]], first, axis=0)
        missed = found - gained
        found, true = np.cumsum(found, axis=0), np.cumsum(gained, axis=0)
        positives, negatives = true[-1], found[-1] - true[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            auc = np.einsum("ib,ib->b", missed, true - gained / 2) / (positives * negatives)
            precision = np.divide(true, found, out=np.zeros_like(true), where=found > 0)
            average = np.einsum("ib,ib->b", gained, precision) / positives
        undefined = (positives == 0) | (negatives == 0)
        auc[undefined], average[undefined] = np.nan, np.nan
        return auc, average

    def curve(self) -> Curve:
        """The curve through every threshold.

        Returns
        -------
        Curve
            One point more than there are different scores.

        References
        ----------
        Fawcett (2006), An introduction to ROC analysis. https://doi.org/10.1016/j.patrec.2005.10.010
        """
        true = np.append(0, np.cumsum(self.positive)[self.ends]).astype(np.float64)
        found = np.append(0, self.ends + 1).astype(np.float64)
        positives, negatives = max(true[-1], 1.0), max(found[-1] - true[-1], 1.0)
        precision = np.divide(true, found, out=np.ones_like(true), where=found > 0)
        return Curve(np.append(np.inf, self.score), true / positives, (found - true) / negatives, precision)
