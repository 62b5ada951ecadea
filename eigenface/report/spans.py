"""A film at a glance: who was seen when, and under which label."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from eigenface.report.style import MUTED, PALETTE, canvas, grid_lines, legend_below, short, styled
from eigenface.video.spans import Span

MOST_TRACKS = 24
_LEAST_WIDTH = 1 / 300  # of the film: a shorter bar would not be seen


@styled
def spans_figure(spans: Sequence[Span], classes: Sequence[str], length: float) -> Figure:
    """A line a track, a bar a label; of many tracks those that were seen longest.

    Parameters
    ----------
    spans : sequence of Span
    classes : sequence of str
        All labels that may come, in the order of their colours.
    length : float
        Of the film, in seconds.

    Returns
    -------
    Figure
    """
    seen: dict[int, float] = {}
    for span in spans:
        seen[span.track] = seen.get(span.track, 0.0) + span.end - span.begin
    tracks = sorted(sorted(seen, key=lambda number: -seen[number])[:MOST_TRACKS])
    length = max(length, 1e-3)
    figure = canvas(1.6 + 0.26 * max(len(tracks), 1))
    axes = figure.subplots()
    colours = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(classes)}
    for span in spans:
        if span.track in tracks:
            wide = max(span.end - span.begin, _LEAST_WIDTH * length)
            axes.broken_barh(
                [(span.begin, wide)], (tracks.index(span.track) - 0.35, 0.7), color=colours.get(span.label, MUTED)
            )
    axes.set_xlim(0, length)
    axes.set_ylim(max(len(tracks), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(tracks)), [f"face {number}" for number in tracks])
    axes.set_xlabel("seconds")
    left = len(seen) - len(tracks)
    faces = "1 face" if len(seen) == 1 else f"{len(seen)} faces"
    axes.set_title(faces + (f", the {len(tracks)} seen longest" if left else ""))
    grid_lines(axes, "x")
    said = {span.label for span in spans if span.label}
    if said:
        handles = [Patch(color=colours.get(name, MUTED), label=short(name)) for name in classes if name in said]
        legend_below(figure, handles=handles, columns=3)
    return figure
