"""How sure a figure is: estimates with their 95 % interval, by resampling persons or by Wilson's formula."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""

_CELLS = 1_000_000
"""Weights held at once: a chunk of resamples stays within the processor's cache."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and, where it is known, the interval that holds it with 95 % confidence.

    Parameters
    ----------
    value : float
        The figure; NaN where the data do not define it (an AUC with one class only).
    low, high : float, optional
        Ends of the 95 % interval, both or neither.

    Raises
    ------
    ValueError
        Only one end is given, or the ends are in the wrong order.

    Examples
    --------
    >>> str(Estimate(0.81, 0.79, 0.83)), str(Estimate(float("nan")))
    ('0.810 [0.790, 0.830]', '-')
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"estimate: expected both ends of the interval or none, got {self.low}, {self.high}")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise ValueError(f"estimate: expected low <= high, got {self.low}, {self.high}")

    @property
    def known(self) -> bool:
        """Whether the data define the figure at all."""
        return math.isfinite(self.value)

    @property
    def interval(self) -> str:
        """The interval as text, empty where there is none."""
        return "" if self.low is None or self.high is None else f"[{self.low:.3f}, {self.high:.3f}]"

    def __str__(self) -> str:
        return f"{self.value:.3f} {self.interval}".strip() if self.known else "-"

    def as_dict(self) -> dict[str, Any]:
        """The estimate for JSON; an undefined figure is null."""
        return {"value": float(self.value) if self.known else None, "low": self.low, "high": self.high}


def wilson(right: float, n: float) -> Estimate:
    """A share with Wilson's 95 % score interval, which stays inside 0..1 and works for all right and all wrong.

    Parameters
    ----------
    right : float
        How many of them, 0..n.
    n : float
        Out of how many; 0 gives an undefined estimate.

    Returns
    -------
    Estimate

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> print(wilson(9, 10))
    0.900 [0.596, 0.982]
    """
    if n <= 0:
        return Estimate(math.nan)
    share = right / n
    spread = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    centre, scale = share + Z95**2 / (2 * n), 1 + Z95**2 / n
    return Estimate(
        share, min(share, max(0.0, (centre - spread) / scale)), max(share, min(1.0, (centre + spread) / scale))
    )


def resamples(units: NDArray[np.intp], n_boot: int, random_state: int = 0) -> Iterator[NDArray[np.float64]]:
    """Draw units (persons, or rows) with replacement and say how often each row then counts.

    Persons are drawn whole, because two pictures of one person are no two independent trials.

    Parameters
    ----------
    units : intp array (n,)
        Each row's unit, 0..u-1, every unit present.
    n_boot : int
        How many resamples, at least 1.
    random_state : int
        Seed.

    Yields
    ------
    float64 array (n, b)
        Weights of the rows in the next b resamples, as many as fit into a few megabytes.

    References
    ----------
    Efron (1979), Bootstrap methods: another look at the jackknife. https://doi.org/10.1214/aos/1176344552
    Field and Welsh (2007), Bootstrapping clustered data. https://doi.org/10.1111/j.1467-9868.2007.00593.x

    Examples
    --------
    >>> weights = next(resamples(np.array([0, 0, 1]), 5))
    >>> weights.shape, bool((weights[0] == weights[1]).all())
    ((3, 5), True)
    """
    rng = np.random.default_rng(random_state)
    n_units = int(units.max()) + 1
    alone = n_units == len(units) and bool((units == np.arange(n_units)).all())
    chunk = max(1, _CELLS // max(len(units), n_units))
    for start in range(0, n_boot, chunk):
        b = min(chunk, n_boot - start)
        drawn = rng.integers(0, n_units, size=(b, n_units)) * b + np.arange(b)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=n_units * b).reshape(n_units, b).astype(np.float64)
        yield counts if alone else counts[units]


def percentile_interval(value: float, draws: NDArray[np.float64], *, centred: bool = False) -> Estimate:
    """The 95 % percentile interval of resampled figures.

    Parameters
    ----------
    value : float
        The figure on the data themselves.
    draws : float64 array (b,)
        The figure on every resample; NaN where it was undefined.
    centred : bool
        Move the interval so that the resamples' median falls on `value`: for figures that resampling inflates, such
        as a calibration error, which adds up absolute differences.

    Returns
    -------
    Estimate
        Without interval where no two resamples differ, because then they say nothing about the spread.

    Examples
    --------
    >>> print(percentile_interval(0.5, np.linspace(0, 1, 1001)))
    0.500 [0.025, 0.975]
    """
    draws = draws[np.isfinite(draws)]
    if not math.isfinite(value) or len(draws) < 2 or np.ptp(draws) < 1e-12:
        return Estimate(float(value))
    low, middle, high = (float(q) for q in np.percentile(draws, [2.5, 50, 97.5]))
    shift = value - middle if centred else 0.0
    return Estimate(float(value), min(low + shift, value), max(high + shift, value))
