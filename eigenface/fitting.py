"""From a fitted pipeline to a model: calibration, folding, when to ask for review, what it carries about itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.calibrate import CalibratedPipeline, calibrate_pipeline, folds_by_group
from eigenface.card import write_card
from eigenface.datasets.cropping import CroppedFaces
from eigenface.evaluate import Evaluation
from eigenface.fold import fold
from eigenface.model import FaceClassifier
from eigenface.program import Program
from eigenface.review import Review
from eigenface.streaming import MEMORY
from eigenface.tasks.task import Task

SPLIT = (
    "The figures are of the same recipe, trained without the faces it was judged on (split by person where persons are "
    "known). The model itself then learned from all of them."
)
"""How the figures of a model come about that then learned from all faces."""

SPLIT_BY_MAKERS = (
    "The figures are of the model itself. It learned from the part of the data that their makers meant for it, and was "
    "judged on the others."
)
"""The same where the makers of the data said what is to be learned from."""

_MOST_REVIEWED = 0.2  # share of faces that a model may send to a person by the threshold chosen here


def describe(faces: CroppedFaces, name: str) -> str:
    """One sentence on a set of faces: how many of which class, in how many groups, how many rejected."""
    counts = ", ".join(f"{(faces.labels == label).sum()} {label}" for label in np.unique(faces.labels))
    people = f" in {len(np.unique(faces.groups))} groups" if faces.groups is not None else ""
    rejected = f"; {len(faces.rejected)} pictures rejected" if faces.rejected else ""
    return f"{name}: {len(faces.crops)} faces{people} ({counts}){rejected}"


def fit_model(
    pipeline: Any,
    faces: CroppedFaces,
    task: Task,
    *,
    name: str,
    folds: int | None = None,
    described: Sequence[str] = (),
    judged: Sequence[Mapping[str, Any]] = (),
    parameters: Mapping[str, Any] | None = None,
) -> FaceClassifier:
    """Fit and calibrate a pipeline on all of `faces`, fold it, choose when to ask for review, write the card.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted, with its parameters set.
    faces : CroppedFaces
    task : Task
    name : str
        The model's name.
    folds : int, optional
        Folds, by person where known, for the calibration.
    described : sequence of str
        What the data are.
    judged : sequence of mappings
        Figures of the twin that was judged on faces kept aside, as `judged_row` makes them.
    parameters : mapping
        What was chosen, for the record.
    """
    fitted = fit_pipeline(pipeline, faces, task, folds or task.folds)
    return wrap(fitted, faces, task, name=name, described=described, judged=judged, parameters=parameters)


def fit_pipeline(
    pipeline: Any, faces: CroppedFaces, task: Task, folds: int, memory: int = MEMORY
) -> CalibratedPipeline:
    """A pipeline fitted and calibrated in `folds` folds, by person where known; `memory` in bytes."""
    labels = np.asarray(faces.labels)
    split = folds_by_group(labels, faces.groups, folds)
    return calibrate_pipeline(pipeline, faces.crops, labels, split, task.copies, task.often, memory)


def wrap(
    fitted: CalibratedPipeline,
    faces: CroppedFaces,
    task: Task,
    *,
    name: str,
    described: Sequence[str] = (),
    judged: Sequence[Mapping[str, Any]] = (),
    parameters: Mapping[str, Any] | None = None,
    split: str = SPLIT,
) -> FaceClassifier:
    """The model of a fitted, calibrated pipeline; `split` says how the judged figures came about."""
    pipeline, labels = fitted.pipeline, np.asarray(faces.labels)
    classes = [str(label) for label in pipeline.classes_]
    meta: dict[str, Any] = {
        "task": task.name,
        "name": name,
        "question": task.question,
        "classes": classes,
        "crop": task.crop.as_dict(),
        "detector": "default",
        "review": review_bounds(fitted.out_of_fold, labels, classes, task.smallest_face),
        "limits": list(task.limits),
        "data": {"described": list(described), "sha256": fingerprint(faces), "faces": len(labels)},
        "split": {"described": split if judged else ""},
        "judged": list(judged),
        "parameters": {key: _plain(value) for key, value in (parameters or {}).items()},
        "versions": versions(),
    }
    operations = fold(pipeline)
    if operations:
        meta["kept_codes"] = sum(len(step.arrays["vectors"]) for step in operations if "vectors" in step.arrays)
    program = Program(operations) if operations else None
    return FaceClassifier(meta, program=program, pipeline=pipeline, card=write_card(meta, task.limits))


def review_bounds(
    out_of_fold: NDArray[np.float64], labels: NDArray[Any], classes: Sequence[str], smallest_face: int
) -> dict[str, float]:
    """When to ask for a second look, chosen on probabilities out of fold.

    The probability under which an answer goes to a person is the lowest that halves the errors among the answers
    that stay, or the one that sends a fifth of all faces to a person, whichever is lower.
    """
    surest = out_of_fold.max(axis=1)
    right = np.asarray(classes)[out_of_fold.argmax(axis=1)] == labels
    order = np.argsort(-surest, kind="stable")
    errors = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(errors <= errors[-1] / 2)
    kept = max(int(good[-1]) + 1 if len(good) else 0, int(np.ceil(len(order) * (1 - _MOST_REVIEWED))))
    least = float(np.floor(surest[order[kept - 1]] * 100) / 100)
    stays = surest >= least
    return {
        **Review(least, smallest_face).as_dict(),
        "coverage": round(float(stays.mean()), 4),
        "accuracy": round(float(right[stays].mean()), 4),
    }


def judged_row(evaluation: Evaluation) -> dict[str, Any]:
    """The headline figures of an evaluation, as a saved model carries them."""
    scores = evaluation.scores
    baseline = scores.baseline
    auc = scores.roc_auc.value
    return {
        "data": evaluation.data,
        "n": scores.n,
        "accuracy": round(scores.accuracy.value, 4),
        "low": _rounded(scores.accuracy.low),
        "high": _rounded(scores.accuracy.high),
        "balanced_accuracy": round(scores.balanced_accuracy.value, 4),
        "roc_auc": round(auc, 4) if np.isfinite(auc) else None,
        "calibration_error": round(scores.calibration_error.value, 4),
        "baseline": round(baseline.accuracy.value, 4) if baseline else 0.0,
        "recall": {one.label: round(one.recall, 4) for one in scores.per_class if np.isfinite(one.recall)},
        "subgroups": [
            {"by": part.by, "value": part.value, "n": part.n, "accuracy": round(part.accuracy.value, 4)}
            for part in scores.subgroups
        ],
    }


def _rounded(bound: float | None) -> float | None:
    return None if bound is None else round(bound, 4)


def fingerprint(faces: CroppedFaces) -> str:
    """SHA-256 of the crops and labels a model learned from."""
    digest = hashlib.sha256()
    for crop, label in zip(faces.crops, faces.labels, strict=True):
        digest.update(str((crop.shape, str(label))).encode())
        digest.update(np.ascontiguousarray(crop).data)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what a model was made with."""
    import sklearn

    from eigenface import __version__
    from eigenface.vision import cv2

    return {
        "eigenface": __version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
