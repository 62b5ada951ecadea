"""What a track has been said to be, over time: a label that changes once when the world changes, and not before.

A hidden Markov model's forward filter: classes change into each other rarely, every look is evidence, and looks that
follow each other within a moment count as less than one each, for they see the same picture.

References
----------
Rabiner, A tutorial on hidden Markov models and selected applications in speech recognition, 1989, doi:10.1109/5.18626.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHANGES = 0.05  # a second: how often a label is expected to change
_MOMENT = 0.3  # seconds between two looks that count in full
_DOUBT = 0.03  # no single look says more than this is certain
_SWITCH = 0.7  # probability at which another label takes over


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
        self.probabilities: NDArray[np.float64] = np.full(classes, 1 / classes)
        self.label = 0
        self.looks = 0
        self._seen: float | None = None

    def see(self, probabilities: NDArray[np.float64], time: float) -> None:
        """Take in what a model says at `time` in seconds: probabilities (k,)."""
        k = len(self.probabilities)
        since = _MOMENT if self._seen is None else max(0.0, time - self._seen)
        stay = np.exp(-_CHANGES * since)
        before = stay * self.probabilities + (1 - stay) / k
        evidence = ((1 - _DOUBT) * probabilities + _DOUBT / k) ** min(1.0, since / _MOMENT)
        after = before * evidence
        self.probabilities = after / after.sum()
        best = int(self.probabilities.argmax())
        if not self.looks or (best != self.label and self.probabilities[best] > _SWITCH):
            self.label = best
        self.looks, self._seen = self.looks + 1, time
