"""Can the probabilities be trusted: calibration error, its floor, reliability by bin, accuracy of the surest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 15


def confidence_bins(confidence: Floats, bins: int = BINS) -> NDArray[np.intp]:
    """The bin of each confidence (n,) in 0..1, equally wide bins, the last one closed."""
    return np.clip((confidence * bins).astype(np.intp), 0, bins - 1)


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error: how far stated confidence and true share of right answers lie apart, bin by bin.

    Parameters
    ----------
    confidence : float64 array (n,)
        The probability of the answer given, 0..1.
    right : bool array (n,)
        Whether it was right.
    bins : int
        Equally wide bins.

    Returns
    -------
    float
        0..1, smaller is better.

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning.
    https://doi.org/10.1609/aaai.v29i1.9602

    Examples
    --------
    >>> round(calibration_error(np.array([0.9, 0.9, 0.6, 0.6]), np.array([True, True, True, False])), 3)
    0.1
    """
    gaps = np.bincount(confidence_bins(confidence, bins), weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def calibration_floor(confidence: Floats, *, draws: int = 200, bins: int = BINS, random_state: int = 0) -> float:
    """The mean calibration error if each answer were right with exactly the probability that it states.

    Even a perfectly calibrated model shows some error on a finite sample; only what exceeds this floor is a fault.

    Parameters
    ----------
    confidence : float64 array (n,)
        The probability of the answer given, 0..1.
    draws : int
        How often the luck is drawn.
    bins : int
        Equally wide bins.
    random_state : int
        Seed.

    Returns
    -------
    float
        0..1.

    References
    ----------
    Broecker and Smith (2007), Increasing the reliability of reliability diagrams. https://doi.org/10.1175/WAF993.1

    Examples
    --------
    >>> calibration_floor(np.ones(50))
    0.0
    """
    rng = np.random.default_rng(random_state)
    which = confidence_bins(confidence, bins)
    stated = np.bincount(which, weights=confidence, minlength=bins)
    total = 0.0
    for _ in range(draws):
        lucky = np.bincount(which[rng.random(len(confidence)) < confidence], minlength=bins)
        total += float(np.abs(stated - lucky).sum())
    return total / draws / len(confidence)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Stated against true, for every bin that holds an answer.

    Parameters
    ----------
    edges : float64 array (bins + 1,)
        Borders of all bins, 0..1.
    counts : intp array (bins,)
        Answers in each bin, empty ones included.
    confidence, accuracy : float64 array (bins,)
        Mean confidence and share of right answers, 0..1; NaN in an empty bin.
    """

    edges: Floats
    counts: NDArray[np.intp]
    confidence: Floats
    accuracy: Floats

    @classmethod
    def of(cls, confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> Reliability:
        """Sort answers by `confidence` (n,) into bins and compare with `right` (n,)."""
        which = confidence_bins(confidence, bins)
        counts = np.bincount(which, minlength=bins)
        filled = np.where(counts, counts, np.nan)
        stated = np.bincount(which, weights=confidence, minlength=bins) / filled
        return cls(
            np.linspace(0, 1, bins + 1), counts, stated, np.bincount(which, weights=right, minlength=bins) / filled
        )

    def as_dict(self) -> list[dict[str, Any]]:
        """One object a filled bin, for JSON."""
        rows = zip(self.edges[:-1], self.edges[1:], self.counts, self.confidence, self.accuracy, strict=True)
        return [
            {"from": float(a), "to": float(b), "n": int(n), "confidence": float(c), "accuracy": float(r)}
            for a, b, n, c, r in rows
            if n
        ]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How accurate the answers are when only the surest share is answered and a human sees the rest.

    Parameters
    ----------
    share : float64 array (m,)
        Share of all pictures answered, rising, the last 1; equally sure answers come together.
    accuracy : float64 array (m,)
        Share of those that are right, 0..1.
    threshold : float64 array (m,)
        The confidence from which an answer is given, falling.
    """

    share: Floats
    accuracy: Floats
    threshold: Floats

    @classmethod
    def of(cls, confidence: Floats, right: NDArray[np.bool_], points: int = 200) -> Coverage:
        """Answer by falling `confidence` (n,); at most `points` places of the curve are kept, evenly, the last always.

        >>> Coverage.of(np.array([0.9, 0.8, 0.8]), np.array([True, True, False])).accuracy.round(3).tolist()
        [1.0, 0.667]
        """
        order = np.argsort(-confidence, kind="stable")
        ordered = confidence[order]
        ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        if len(ends) > points:
            ends = ends[np.unique(np.linspace(0, len(ends) - 1, points).round().astype(np.intp))]
        found = (ends + 1).astype(np.float64)
        return cls(found / len(ordered), np.cumsum(right[order])[ends] / found, ordered[ends])

    def at(self, share: float) -> float:
        """The accuracy when at least `share` of the pictures (0..1) is answered."""
        place = int(np.searchsorted(self.share, share - 1e-9))
        return float(self.accuracy[min(place, len(self.share) - 1)])

    def as_dict(self) -> dict[str, list[float]]:
        """The curve for JSON."""
        return {name: getattr(self, name).round(6).tolist() for name in ("share", "accuracy", "threshold")}
