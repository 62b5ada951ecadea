"""Figures about trust: reliability of the stated confidence, and accuracy when only the surest are answered."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from eigenface.report.bootstrap import wilson
from eigenface.report.scores import Scores
from eigenface.report.style import MUTED, PALETTE, canvas, grid_lines, legend_below, percent, styled


@styled
def calibration_figure(scores: Scores) -> Figure:
    """True share of right answers against stated confidence, with Wilson intervals, over how often each is stated.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    Figure

    References
    ----------
    DeGroot and Fienberg (1983), The comparison and evaluation of forecasters. https://doi.org/10.2307/2987588
    """
    bins = scores.reliability
    filled = bins.counts > 0
    counts, stated, true = bins.counts[filled], bins.confidence[filled], bins.accuracy[filled]
    spans = [wilson(float(r * n), float(n)) for r, n in zip(true, counts, strict=True)]
    figure = canvas(5.4)
    curve, bars = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    curve.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1.2, label="perfectly calibrated")
    low, high = np.array([s.low for s in spans], dtype=float), np.array([s.high for s in spans], dtype=float)
    reach = np.maximum(np.stack([true - low, high - true]), 0)
    curve.errorbar(
        stated, true, yerr=reach, fmt="o-", color=PALETTE[0], markersize=5, capsize=3, linewidth=1.4,
        label="model, with 95 % intervals",
    )  # fmt: skip
    curve.set_ylabel("share of right answers")
    curve.set_ylim(-0.02, 1.03)
    curve.set_title(f"calibration error {scores.calibration_error}", fontsize=10)
    bars.bar(bins.edges[:-1], bins.counts, width=np.diff(bins.edges), align="edge", color=PALETTE[0], edgecolor="white")
    bars.set_ylabel("pictures")
    bars.locator_params(axis="y", integer=True, nbins=3)
    bars.set_xlabel("confidence: probability of the answer given")
    bars.set_xlim(max(0.0, float(bins.edges[np.flatnonzero(filled)[0]]) - 0.02), 1.02)
    for axes in (curve, bars):
        grid_lines(axes)
    figure.align_ylabels()
    legend_below(figure, curve)
    return figure


@styled
def coverage_figure(scores: Scores) -> Figure:
    """Accuracy when only the surest share of the pictures is answered and a human sees the rest.

    Parameters
    ----------
    scores : Scores
        With a baseline, its accuracy is drawn too.

    Returns
    -------
    Figure

    References
    ----------
    Chow (1970), On optimum recognition error and reject tradeoff. https://doi.org/10.1109/TIT.1970.1054406
    """
    curve = scores.coverage
    figure = canvas(4.0)
    axes = figure.subplots()
    first = int(
        np.searchsorted(curve.share, min(0.02, curve.share[-1]) - 1e-12)
    )  # the very first few answers are noise
    share, right = curve.share[first:], curve.accuracy[first:]
    axes.plot(share, right, color=PALETTE[0], label="model", marker="o" if len(share) < 3 else None)
    bottom = float(right.min())
    for level, marker, colour in ((0.5, "o", PALETTE[2]), (0.8, "s", PALETTE[1]), (0.9, "^", PALETTE[6])):
        value = curve.at(level)
        place = min(int(np.searchsorted(curve.share, level - 1e-9)), len(curve.share) - 1)
        label = f"surest {percent(level)}: {value:.3f} right"
        axes.plot(
            curve.share[place], value, marker, color=colour, markersize=8, linestyle="none", label=label, zorder=4
        )
    if scores.baseline is not None:
        base = scores.baseline.accuracy.value
        if base > bottom - 0.45:  # farther down it would only flatten the curve
            axes.axhline(base, color=MUTED, linestyle=":", linewidth=1.4, label=f"baseline, all: {base:.3f}")
            bottom = min(bottom, base)
    axes.set_xlabel("share answered, the surest first")
    axes.set_ylabel("accuracy of the answers")
    axes.set_xlim(0, 1.02)
    room = max(0.02, (1 - bottom) * 0.08)
    axes.set_ylim(max(-0.02, bottom - room), 1 + room / 2)
    axes.set_title(f"all answered: {scores.accuracy}")
    grid_lines(axes)
    legend_below(figure, axes)
    return figure
