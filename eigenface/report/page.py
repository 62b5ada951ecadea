"""The report as one HTML file that holds everything: figures inside, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from eigenface.report.content import ReportContent
from eigenface.report.gallery import Plate, plates
from eigenface.report.style import png, printable
from eigenface.report.tables import (
    Table,
    class_table,
    confusion_table,
    coverage_table,
    data_table,
    error_table,
    model_table,
    score_table,
    subgroup_table,
)

PLOT_DPI, PHOTO_DPI = 180, 130
WIDE_MATRIX = 12
"""Classes from which the confusion matrix as a table is folded away."""


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("eigenface.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("report.html")


def draw_plates(content: ReportContent) -> dict[str, bytes]:
    """Draw every figure of the report.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    dict of str to bytes
        PNG files by name, in reading order.
    """
    return {plate.name: png(plate.draw(), dpi=PHOTO_DPI if plate.photo else PLOT_DPI) for plate in plates(content)}


def _shown(plate: Plate, pictures: Mapping[str, bytes]) -> dict[str, Any]:
    data = pictures[plate.name]
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))  # from the PNG's header
    return {
        "name": plate.name,
        "title": plate.title,
        "caption": plate.caption,
        "alt": plate.alt,
        "photo": plate.photo,
        "source": "data:image/png;base64," + base64.b64encode(data).decode("ascii"),
        "width": 600,
        "height": round(600 * height / width),
    }


def _lead(content: ReportContent) -> str:
    """The result in one sentence."""
    scores = content.scores
    if scores is None:
        return ""
    text = f"Of {scores.n:,} pictures {scores.accuracy.value * 100:.1f} % are answered right"
    if scores.accuracy.low is not None and scores.accuracy.high is not None:
        text += f" (95 % interval {scores.accuracy.low * 100:.1f} to {scores.accuracy.high * 100:.1f} %)"
    if content.baseline is not None:
        text += (
            f"; the baseline, {printable(content.baseline_name)}, reaches {content.baseline.accuracy.value * 100:.1f} %"
        )
    return text + "."


def render_page(content: ReportContent, pictures: Mapping[str, bytes] | None = None) -> str:
    """The report as one self-contained HTML page; parts that the content lacks are left out.

    Parameters
    ----------
    content : ReportContent
    pictures : mapping of str to bytes, optional
        What `draw_plates` returned, to draw figures only once.

    Returns
    -------
    str
        HTML, about 100 kB a figure.
    """
    drawn = pictures if pictures is not None else draw_plates(content)
    shown: dict[str, list[dict[str, Any]]] = {"before": [], "after": [], "models": []}
    for plate in plates(content):
        shown[plate.part].append(_shown(plate, drawn))
    scores = content.scores
    tables: list[tuple[Table, bool]] = []
    if scores is not None:
        tables.append((class_table(scores), len(scores.classes) > 2 * WIDE_MATRIX))
        tables.append((confusion_table(scores), len(scores.classes) > WIDE_MATRIX))
        if len(scores.classes) > 2 and not scores.right.all():
            tables.append((error_table(scores), False))
        tables.append((coverage_table(scores), False))
    if content.subgroups:
        tables.append((subgroup_table(content.subgroups, content.classes), len(content.subgroups) > 40))
    return _template().render(
        title=printable(content.title),
        task=printable(content.task),
        classes=[printable(name) for name in content.classes],
        lead=_lead(content),
        data=data_table(content) if content.data else None,
        scores=score_table(scores, content.baseline) if scores is not None else None,
        figures=shown,
        tables=tables,
        models=model_table(content.models) if content.models else None,
        notes=[printable(note) for note in content.notes],
    )
