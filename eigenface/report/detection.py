"""Detectors compared: one table by set, size and label, and curves of recall against false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from eigenface.report.matching import LEAST, UNKNOWN, Asked, Shot, Tally, tally
from eigenface.report.style import DASHES, PALETTE, canvas, grid_lines, legend_below, short, styled
from eigenface.report.tables import BLANK, Table

ALL = "all"
SIZES = {"20-40": Asked(20, 40), "40-80": Asked(40, 80), "80 and more": Asked(80)}
"""Classes of faces by the shorter side of their box in pixels."""

_PANEL, _ACROSS = 2.6, (0.0005, 3)  # inches, and false alarms a picture


@dataclass(frozen=True)
class SetScores:
    """One set of pictures: what every detector made of it.

    Parameters
    ----------
    name : str
    parts : mapping of str to mapping of str to Tally
        By detector, then by part: `all` (faces of 40 pixels or more), sizes, labels. A set without any face has
        `all` alone.
    """

    name: str
    parts: Mapping[str, Mapping[str, Tally]]

    @property
    def faceless(self) -> bool:
        """Whether nothing is to be found here."""
        return not any(one.asked for parts in self.parts.values() for one in parts.values())


@dataclass(frozen=True)
class Speed:
    """Median milliseconds a frame, and how many times faster than the first detector, by paired rounds."""

    milliseconds: float
    times_faster: float


@dataclass(frozen=True)
class Comparison:
    """Detectors on the same pictures.

    Parameters
    ----------
    thresholds : mapping of str to float
        By detector, the first being what the others are measured against: the least score it answers with.
    sets : sequence of SetScores
    speeds : mapping of str to mapping of str to Speed
        By size of frame, then by detector.
    """

    thresholds: Mapping[str, float]
    sets: Sequence[SetScores]
    speeds: Mapping[str, Mapping[str, Speed]]

    def as_dict(self) -> dict[str, Any]:
        """All figures for JSON; intervals are Wilson's at 95 %."""
        return {
            "thresholds": dict(self.thresholds),
            "sets": {
                one.name: {
                    name: {part: _figures(counted, self.thresholds[name]) for part, counted in parts.items()}
                    for name, parts in one.parts.items()
                }
                for one in self.sets
            },
            "speeds": {
                size: {
                    name: {"milliseconds": round(one.milliseconds, 3), "times_faster": round(one.times_faster, 3)}
                    for name, one in speeds.items()
                }
                for size, speeds in self.speeds.items()
            },
        }


def set_scores(name: str, shots: Mapping[str, Sequence[Shot]]) -> SetScores:
    """Count a set of pictures by size and label; `shots` by detector."""
    labels = sorted({label for some in shots.values() for shot in some for label in shot.labels} - {UNKNOWN})
    asked = {ALL: Asked(), **SIZES, **({label: Asked(label=label) for label in labels} if len(labels) > 1 else {})}
    parts = {finder: {part: tally(some, about) for part, about in asked.items()} for finder, some in shots.items()}
    first = next(iter(parts.values()))
    kept = [part for part in asked if first[part].asked or part == ALL]
    return SetScores(name, {finder: {part: found[part] for part in kept} for finder, found in parts.items()})


def _figures(counted: Tally, threshold: float) -> dict[str, Any]:
    answered = {"pictures": counted.pictures, "pictures_with_a_box": counted.answered(threshold).as_dict()}
    if not counted.asked:
        return answered
    return {
        "faces": counted.asked,
        "recall": counted.recall(threshold).as_dict(),
        "precision": counted.precision(threshold).as_dict(),
        "average_precision": counted.average_precision,
        "false_alarms_a_picture": counted.alarms(threshold),
        **answered,
    }


def detection_table(compared: Comparison) -> Table:
    """One row a set and part, one column a detector: recall at precision, and average precision in brackets."""
    names, rows = list(compared.thresholds), []
    for one in compared.sets:
        if one.faceless:
            shares = [one.parts[name][ALL].answered(compared.thresholds[name]).value for name in names]
            pictures = one.parts[names[0]][ALL].pictures
            rows.append((one.name, "pictures with a box", str(pictures), *(_share(share) for share in shares)))
            continue
        for part, first in one.parts[names[0]].items():
            cells = [_cell(one.parts[name][part], compared.thresholds[name], part) for name in names]
            rows.append((one.name, part, str(first.asked), *cells))
    for size, speeds in compared.speeds.items():
        cells = [f"{speeds[name].milliseconds:.1f} ({speeds[name].times_faster:.1f}x)" for name in names]
        rows.append((size, "ms a frame", "", *cells))
    caption = (
        f"Recall at precision (average precision) on faces whose sides are {LEAST:g} pixels or more, or as named; of a "
        "label recall alone. A box counts as found at an intersection over union of .35. Milliseconds on one thread, "
        "and how many times faster than the first column."
    )
    return Table("Detectors", caption, ("set", "part", "faces", *names), tuple(rows), text_columns=2)


def _cell(counted: Tally, threshold: float, part: str) -> str:
    recall = _share(counted.recall(threshold).value)
    if part != ALL and part not in SIZES:
        return recall
    return f"{recall} at {_share(counted.precision(threshold).value)} ({_share(counted.average_precision)})"


def _share(value: float) -> str:
    """A share as the tables of the field have it.

    >>> _share(0.85), _share(1.0), _share(float("nan"))
    ('.850', '1.000', '-')
    """
    return BLANK if np.isnan(value) else f"{value:.3f}".removeprefix("0")


def markdown(table: Table) -> str:
    """A table as Markdown, its caption below it."""
    lines = [table.head, *table.rows]
    body = ["| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines]
    rule = "| " + " | ".join("---" if i < table.text_columns else "---:" for i in range(len(table.head))) + " |"
    return "\n".join([body[0], rule, *body[1:], "", table.caption]) + "\n"


@styled
def recall_figure(compared: Comparison) -> Figure:
    """Recall against false alarms a picture, a panel a set and a line a detector; dots are what it answers with.

    Parameters
    ----------
    compared : Comparison
        With at least one set that shows faces.

    Returns
    -------
    Figure
    """
    shown = [one for one in compared.sets if not one.faceless]
    if not shown:
        raise ValueError("figure: expected at least one set that shows faces")
    rows = (len(shown) + 1) // 2
    figure = canvas(_PANEL * rows + 0.5)
    panels = np.ravel(figure.subplots(rows, 2, squeeze=False))
    handles: list[Line2D] = []
    for axes, one in zip(panels, shown, strict=False):
        # Where none is drawn, for a logarithm has no place for it.
        nearest = max(_ACROSS[0], 0.5 / max(1, next(iter(one.parts.values()))[ALL].pictures))
        for place, (name, threshold) in enumerate(compared.thresholds.items()):
            counted = one.parts[name][ALL]
            alarms, recall = counted.curve()
            colour, dashes = PALETTE[place % len(PALETTE)], DASHES[place % len(DASHES)]
            across = np.maximum(alarms, nearest)
            line = axes.plot(across, recall, color=colour, linestyle=dashes, label=short(name, 30))[0]
            at = max(counted.alarms(threshold), nearest)
            axes.plot(at, counted.recall(threshold).value, "o", color=colour, markersize=6, zorder=5)
            if one is shown[0]:
                handles.append(line)
        axes.set_xscale("log")
        axes.set_xlim(*_ACROSS)
        axes.set_ylim(0, 1.02)
        axes.set_title(short(one.name, 30))
        axes.set_xlabel("false alarms a picture")
        axes.set_ylabel("faces found")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        grid_lines(axes)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    legend_below(figure, handles=handles, columns=2, title="dots: as each answers")
    return figure
