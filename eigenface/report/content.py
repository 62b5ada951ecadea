"""What a report is made from: everything but title and classes may be missing, and its part is then left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenface.errors import DataError
from eigenface.report.eigenspace import Eigenfaces, elbow, needed_components
from eigenface.report.models import ModelRow
from eigenface.report.pictures import side_statistics
from eigenface.report.scores import Scores
from eigenface.report.subgroups import Subgroup
from eigenface.report.tuning import LearningCurve, grid_table


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """All that one report shows.

    Parameters
    ----------
    title : str
    classes : sequence of str (k,)
    task : str
        The task's name, or empty.
    data : mapping of str to anything printable
        What the data are, a line each: source, pictures, people, split, seed.
    scores : Scores, optional
        On data that nothing was learned from; its baseline and subgroups are shown beside.
    baseline : Scores, optional
        The baseline where `scores` does not hold one.
    baseline_name : str
        What the baseline is.
    subgroups : sequence of Subgroup
        Where `scores` does not hold them.
    counts : mapping of str to int
        Pictures of each class; without, counted from `scores`.
    sizes : array (n,) of sides or (n, 2) of rows and columns, optional
        Of all pictures, in pixels.
    smallest : float, optional
        Pictures with a shorter side are dropped.
    crops, crop_labels : sequences
        A few uint8 RGB arrays (rows, cols, 3) of every class, and their labels.
    eigenfaces : Eigenfaces, optional
        With `faces` to show reconstructions.
    learning : LearningCurve, optional
    cv_results : mapping, optional
        `cv_results_` of the grid search.
    models : sequence of ModelRow
        Models compared on the same pictures.
    notes : sequence of str
        Limits and whatever else a reader must know, a paragraph each.

    Raises
    ------
    DataError
        Empty title, no classes, or crops and labels that differ in number.
    """

    title: str
    classes: Sequence[str]
    task: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    scores: Scores | None = None
    baseline: Scores | None = None
    baseline_name: str = "the most common class"
    subgroups: Sequence[Subgroup] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    sizes: ArrayLike | None = None
    smallest: float | None = None
    crops: Sequence[NDArray[np.uint8]] = ()
    crop_labels: Sequence[str] = ()
    eigenfaces: Eigenfaces | None = None
    learning: LearningCurve | None = None
    cv_results: Mapping[str, Any] | None = None
    models: Sequence[ModelRow] = ()
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.title.strip() or not len(self.classes):
            message = f"Report: title {self.title!r}, {len(self.classes)} classes"
            raise DataError("bad_report", message, "Give a title and the classes.")
        if len(self.crops) != len(self.crop_labels):
            message = f"Report: {len(self.crops)} crops and {len(self.crop_labels)} labels"
            raise DataError("length_mismatch", message, "Give one label for each crop.")
        if self.scores is not None:
            if self.baseline is None:
                object.__setattr__(self, "baseline", self.scores.baseline)
            if not self.subgroups:
                object.__setattr__(self, "subgroups", self.scores.subgroups)
            if not self.counts:
                totals = self.scores.confusion.sum(axis=1).tolist()
                object.__setattr__(self, "counts", dict(zip(self.scores.classes, totals, strict=True)))

    def as_dict(self) -> dict[str, Any]:
        """Every figure of the report, ready for JSON; pictures are left out."""
        found: dict[str, Any] = {
            "title": self.title,
            "task": self.task,
            "classes": [str(name) for name in self.classes],
        }
        found["data"] = {str(name): _plain(value) for name, value in self.data.items()}
        found["counts"] = {str(name): int(n) for name, n in self.counts.items()}
        if self.scores is not None:
            found["scores"] = self.scores.as_dict()
        if self.baseline is not None:
            figures = {name: estimate.as_dict() for name, estimate in self.baseline.headline().items()}
            found["baseline"] = {"name": self.baseline_name} | figures
        found["subgroups"] = [row.as_dict() for row in self.subgroups]
        if self.sizes is not None:
            found["sizes"] = side_statistics(self.sizes)
        if self.eigenfaces is not None:
            explained = self.eigenfaces.explained
            marks = {f"{level:g}": needed_components(explained, level) for level in (0.8, 0.9, 0.95)}
            found["eigenfaces"] = {"components": len(explained), "elbow": elbow(explained), "needed": marks}
            found["eigenfaces"]["explained"] = [float(share) for share in explained]
        if self.learning is not None:
            found["learning_curve"] = self.learning.as_dict()
        if self.cv_results is not None:
            grid = grid_table(self.cv_results)
            best = [[float(v) if np.isfinite(v) else None for v in row] for row in grid.best]
            found["grid_search"] = {"down": grid.down, "across": grid.across, "rows": grid.rows}
            found["grid_search"] |= {"columns": grid.columns, "best": best}
        found["models"] = [row.as_dict() for row in self.models]
        found["notes"] = [str(note) for note in self.notes]
        return found


def _plain(value: object) -> object:
    """The value as JSON can hold it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
