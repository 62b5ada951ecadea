"""Models side by side, with the scores of a classification and their intervals, time and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from eigenface.errors import DataError
from eigenface.report.bootstrap import Estimate
from eigenface.report.scores import HEADLINE, SMALLER_IS_BETTER, Scores
from eigenface.report.style import FAINT, MUTED, PALETTE, canvas, grid_lines, short, styled

SHOWN = ("accuracy", "balanced_accuracy", "kappa", "macro_f1", "roc_auc", "log_loss")
"""The headline figures of a compared model."""


@dataclass(frozen=True)
class ModelRow:
    """One of the models compared.

    Parameters
    ----------
    name : str
    scores : Scores
        All models on the same pictures.
    fit_seconds, predict_ms : float, optional
        Seconds to train, milliseconds a face to answer.
    size_mb : float, optional
        Megabytes of the saved model.
    """

    name: str
    scores: Scores
    fit_seconds: float | None = None
    predict_ms: float | None = None
    size_mb: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The row for JSON."""
        row: dict[str, Any] = {"name": self.name}
        row |= {name: estimate.as_dict() for name, estimate in self.scores.headline().items()}
        return row | {"fit_seconds": self.fit_seconds, "predict_ms": self.predict_ms, "size_mb": self.size_mb}


@styled
def models_figure(rows: Sequence[ModelRow], *, metric: str = "balanced_accuracy") -> Figure:
    """Models by one figure, the best on top, with 95 % intervals and the baseline of the best where it has one.

    Parameters
    ----------
    rows : sequence of ModelRow
        At least one.
    metric : str
        A headline figure.

    Returns
    -------
    Figure

    Raises
    ------
    DataError
        No models.
    """
    if not rows:
        raise DataError("no_rows", "Models compared: none given", "Give at least one model.")
    found: list[tuple[str, Estimate]] = [(row.name, row.scores.headline()[metric]) for row in rows]
    worst_first = metric not in SMALLER_IS_BETTER
    found.sort(key=lambda pair: (-pair[1].value if worst_first else pair[1].value) if pair[1].known else float("inf"))
    figure = canvas(1.1 + 0.34 * len(found))
    axes = figure.subplots()
    for place, (_, estimate) in enumerate(found):
        if not estimate.known:
            continue
        low = estimate.value if estimate.low is None else estimate.low
        high = estimate.value if estimate.high is None else estimate.high
        colour = PALETTE[0] if place == 0 else MUTED
        axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.55, solid_capstyle="butt")
        axes.plot(estimate.value, place, "o", color=colour, markersize=7, zorder=4)
    base = rows[0].scores.baseline
    title = HEADLINE[metric]
    if base is not None and base.headline()[metric].known:
        axes.axvline(base.headline()[metric].value, color=PALETTE[1], linestyle="--", linewidth=1.4, zorder=1)
        title += f" (dashed: baseline {base.headline()[metric].value:.3f})"
    axes.set_yticks(range(len(found)), [short(name, 26) for name, _ in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(title)
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=6)
    grid_lines(axes, "x")
    axes.spines["left"].set_color(FAINT)
    values = axes.secondary_yaxis("right")
    values.set_yticks(range(len(found)), [f"{e.value:.3f}" if e.known else "-" for _, e in found])
    values.tick_params(length=0)
    values.spines[:].set_visible(False)
    return figure
