"""What a track has been said to be, over time: a label that changes once when the world changes, and not before.

A hidden Markov model: classes change into each other rarely, every look is evidence, and looks that follow each other
within a moment count as less than one each, for they see the same picture. A camera's labels come from the forward
filter. A film's frames wait, so that what is seen a moment later counts as well: the forward-backward algorithm.

References
----------
Rabiner, A tutorial on hidden Markov models and selected applications in speech recognition, 1989, doi:10.1109/5.18626.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CHANGES = 0.05  # a second: how often a label is expected to change
_MOMENT = 0.3  # seconds between two looks that count in full
_DOUBT = 0.03  # no single look says more than this is certain
_SWITCH = 0.7  # probability at which another label takes over

Shares = NDArray[np.float64]
"""Probabilities of k classes: (k,)."""


class Belief:
    """Probabilities of one track's classes.

    Parameters
    ----------
    classes : int
        How many, k.

    Examples
    --------
    >>> belief = Belief(2)
    >>> for time in (0.0, 0.2, 0.4):
    ...     belief.see(np.array([0.9, 0.1]), time)
    >>> belief.see(np.array([0.2, 0.8]), 0.6)  # one strange look
    >>> belief.label
    0
    """

    def __init__(self, classes: int) -> None:
        self.probabilities: Shares = np.full(classes, 1 / classes)
        self.evidence: Shares = np.ones(classes)
        self.label = 0
        self.looks = 0
        self._seen: float | None = None

    def see(self, probabilities: Shares, time: float) -> None:
        """Take in what a model says at `time` in seconds: probabilities (k,)."""
        k = len(self.probabilities)
        since = _MOMENT if self._seen is None else max(0.0, time - self._seen)
        self.evidence = ((1 - _DOUBT) * probabilities + _DOUBT / k) ** min(1.0, since / _MOMENT)
        self.probabilities = _whole(_passed(self.probabilities, since) * self.evidence)
        self.label = next_label(self.label if self.looks else None, self.probabilities)
        self.looks, self._seen = self.looks + 1, time


def next_label(label: int | None, probabilities: Shares) -> int:
    """The label after `label`: the same, until another one is probable enough."""
    best = int(probabilities.argmax())
    return best if label is None or probabilities[best] > _SWITCH else label


def in_hindsight(probabilities: Shares, time: float, later: Sequence[tuple[float, Shares]]) -> Shares:
    """What was believed at `time` in seconds (k,), after the looks that followed: times and `Belief.evidence`.

    Examples
    --------
    >>> unsure, clear = np.array([0.6, 0.4]), np.array([0.05, 0.95])
    >>> in_hindsight(unsure, 0.0, [(0.2, clear)]).argmax()
    np.int64(1)
    """
    message = np.ones(len(probabilities))
    moments = [time, *(at for at, _ in later)]
    for (_, evidence), before, after in zip(reversed(later), moments[-2::-1], moments[:0:-1], strict=True):
        message = _whole(_passed(_whole(evidence * message), after - before))
    return _whole(probabilities * message)


def _passed(shares: Shares, seconds: float) -> Shares:
    """Shares after a time in which classes may have changed into each other."""
    stay = np.exp(-_CHANGES * seconds)
    passed: Shares = stay * shares + (1 - stay) / len(shares)
    return passed


def _whole(shares: Shares) -> Shares:
    whole: Shares = shares / shares.sum()
    return whole
