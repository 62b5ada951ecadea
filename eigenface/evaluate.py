"""Judging a model on labelled pictures it never saw: the figures, and what a report shows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.fer2013 import USAGE
from eigenface.datasets.splits import split_by_makers
from eigenface.errors import DataError
from eigenface.model import FaceClassifier
from eigenface.progress import Progress, silent
from eigenface.report.metrics import score
from eigenface.report.scores import Scores

if TYPE_CHECKING:
    pass

_MOST_PARTS = 12


@dataclass(frozen=True)
class Evaluation:
    """How a model did on one set of faces.

    Parameters
    ----------
    scores : Scores
        Of the faces that were answered, each figure with its interval.
    faces : CroppedFaces
        The faces judged and the pictures rejected.
    data : str
        What they are, in words.
    baseline_name : str
        What stands beside the model in `scores.baseline`.
    """

    model: FaceClassifier
    scores: Scores
    faces: CroppedFaces
    data: str
    baseline_name: str = "always the most frequent class"

    @property
    def accuracy_of_all(self) -> float:
        """Accuracy with every picture without an answer counted as wrong."""
        return float(self.scores.right.sum()) / (self.scores.n + len(self.faces.rejected))

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "model": self.model.name,
            "data": self.data,
            "faces": self.scores.n,
            "rejected": len(self.faces.rejected),
            "accuracy_of_all": round(self.accuracy_of_all, 4),
            "scores": self.scores.as_dict(),
        }


def evaluate(
    model: FaceClassifier,
    data: str | Path | Dataset,
    *,
    whole: bool = False,
    progress: Progress = silent,
) -> Evaluation:
    """Judge a model on a labelled data set through the same boxes, crops and program that answer photos.

    Parameters
    ----------
    model : FaceClassifier
    data : path or Dataset
        What `load_dataset` reads; its labels must be classes of the model. Of data whose makers said by `Usage` what
        is to be learned, the other parts are judged on.
    whole : bool
        The pictures are face crops already.

    Raises
    ------
    DataError
        Where labels are unknown to the model, or no face was found.
    """
    dataset = load_dataset(data) if isinstance(data, str | Path) else data
    name, parts = dataset.name, split_by_makers(dataset.columns.get(USAGE))
    if parts:
        name = f"{name}, {' and '.join(parts[1])}"
        dataset = dataset.select(np.sort(np.concatenate(list(parts[1].values()))))
    strange = sorted(set(dataset.classes) - set(model.classes_))
    if strange:
        raise DataError(
            "unknown_label",
            f"{dataset.name}: labels that {model.name} does not know: {', '.join(strange[:5])}",
            f"It knows {', '.join(model.classes_)}.",
        )
    faces = crop_dataset(dataset, model.crop, whole=whole, progress=progress)
    return judge(model, faces, data=name)


def judge(
    model: FaceClassifier,
    faces: CroppedFaces,
    *,
    data: str,
    by: Mapping[str, Sequence[Any]] | None = None,
    baseline: NDArray[np.float64] | None = None,
    baseline_name: str = "",
) -> Evaluation:
    """Judge a model on faces that are cropped already."""
    if not len(faces.crops):
        raise DataError(
            "no_faces",
            f"{data}: no face was found in any of {len(faces.rejected)} pictures",
            "If the pictures are face crops already, say --whole.",
        )
    scores = score(
        faces.labels,
        model.predict_proba(faces.crops),
        [str(name) for name in model.classes_],
        groups=faces.groups,
        baseline="majority" if baseline is None else baseline,
        by=telling_columns(faces) if by is None else by,
    )
    name = baseline_name or "always the most frequent class"
    return Evaluation(model, scores, faces, data, name)


def telling_columns(faces: CroppedFaces) -> dict[str, NDArray[np.str_]]:
    """Columns by which figures are broken down: age, and those with two to twelve different values."""
    return {
        name: values
        for name, values in faces.columns.items()
        if name == "age" or 2 <= len(np.unique(values)) <= _MOST_PARTS
    }
