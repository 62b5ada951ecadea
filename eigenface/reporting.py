"""What a training or an evaluation shows of itself: gathers it for the report, which draws and writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import learning_curve
from sklearn.pipeline import Pipeline

from eigenface.calibrate import folds_by_group
from eigenface.compare import compare
from eigenface.datasets.cropping import CroppedFaces
from eigenface.errors import DataError
from eigenface.evaluate import Evaluation
from eigenface.facespace import SIZE, standardised
from eigenface.progress import Progress, silent
from eigenface.report.build import ReportContent, write_report
from eigenface.report.eigenspace import Eigenfaces
from eigenface.report.text import report_text
from eigenface.report.tuning import LearningCurve
from eigenface.steps.stateless import split_pipeline
from eigenface.tasks.recipes import eigenface_pipeline
from eigenface.train import Trained

_SAMPLES_A_CLASS = 6
_RECONSTRUCTED = 5
_MOST_COMPARED = 1500  # faces in the tables that fit many models
_LEARNING_SIZES = (0.25, 0.5, 0.75, 1.0)


def evaluation_text(evaluation: Evaluation) -> str:
    """The figures of an evaluation as text for a terminal."""
    return report_text(_judged(evaluation))


def write_evaluation_report(evaluation: Evaluation, out_dir: Path) -> Path:
    """Write report.html, report.json and report.txt of an evaluation; returns the page's path."""
    return write_report(out_dir, _judged(evaluation))["html"]


def write_data_report(faces: CroppedFaces, name: str, out_dir: Path) -> Path:
    """Write what there is to see of faces before anything is trained; returns the page's path."""
    if not len(faces):
        raise DataError(
            "no_faces",
            f"{name}: no face was found in any of {len(faces.rejected)} pictures",
            "If the pictures are face crops already, say --whole.",
        )
    content = ReportContent(
        title=f"{name}: the faces",
        classes=[str(label) for label in np.unique(faces.labels)],
        data=_about({}, faces),
        counts={str(label): int((faces.labels == label).sum()) for label in np.unique(faces.labels)},
        sizes=np.array([max(crop.shape[:2]) for crop in faces.crops]),
        eigenfaces=_eigenfaces(faces),
        **_samples(faces),
    )
    return write_report(out_dir, content)["html"]


def write_training_report(trained: Trained, out_dir: Path, *, progress: Progress = silent) -> Path:
    """Write the report of a training: data, eigenfaces, search, models compared, figures; returns the page's path."""
    faces = trained.faces
    some = faces.select(_at_most(len(faces), _MOST_COMPARED))
    folds = folds_by_group(some.labels, some.groups, 3)
    shown = trained.evaluations[0] if trained.evaluations else None
    content = ReportContent(
        title=f"{trained.model.name}: training",
        task=trained.model.task,
        classes=[str(name) for name in trained.model.classes_],
        data=_about(trained.model.meta, faces),
        scores=shown.scores if shown else None,
        baseline_name=shown.baseline_name if shown else "",
        counts={str(label): int((faces.labels == label).sum()) for label in np.unique(faces.labels)},
        sizes=np.array(trained.sides),
        eigenfaces=_eigenfaces(faces),
        learning=_learning(trained.pipeline, some, folds, progress),
        cv_results=trained.cv_results,
        models=compare(eigenface_pipeline(), some, folds, progress=progress),
        notes=_notes(trained.model.meta, len(some) < len(faces)),
        **_samples(faces),
    )
    return write_report(out_dir, content)["html"]


def _judged(evaluation: Evaluation) -> ReportContent:
    faces = evaluation.faces
    return ReportContent(
        title=f"{evaluation.model.name} on {evaluation.data}",
        task=evaluation.model.task,
        classes=[str(name) for name in evaluation.model.classes_],
        data={
            **_about(evaluation.model.meta, faces),
            "accuracy with unanswered pictures wrong": f"{evaluation.accuracy_of_all:.3f}",
        },
        scores=evaluation.scores,
        baseline_name=evaluation.baseline_name,
        sizes=np.array([max(crop.shape[:2]) for crop in faces.crops]),
        notes=_notes(evaluation.model.meta, compared_some=False),
        **_samples(faces),
    )


def _about(meta: dict[str, Any], faces: CroppedFaces) -> dict[str, object]:
    told: dict[str, object] = {"faces": len(faces)}
    if faces.groups is not None:
        told["people"] = len(np.unique(faces.groups))
    if faces.rejected:
        told["pictures without a face or unreadable"] = len(faces.rejected)
    if meta.get("data", {}).get("described"):
        told["learned from"] = "; ".join(meta["data"]["described"])
    if meta.get("split", {}).get("described"):
        told["split"] = meta["split"]["described"]
    if meta.get("parameters"):
        told["chosen"] = ", ".join(f"{name}={value}" for name, value in meta["parameters"].items())
    return told


def _notes(meta: dict[str, Any], compared_some: bool) -> list[str]:
    notes = ["Figures hold for faces like these, of people like these, in pictures like these."]
    if compared_some:
        notes.append(f"Learning curve and models compared: a random {_MOST_COMPARED} of the faces, three folds.")
    review = meta.get("review", {})
    if review.get("least_probability"):
        notes.append(f"Answers under {review['least_probability']:.0%} are marked for a person to look at.")
    return notes


def _samples(faces: CroppedFaces) -> dict[str, Any]:
    chosen = [i for label in np.unique(faces.labels) for i in np.flatnonzero(faces.labels == label)[:_SAMPLES_A_CLASS]]
    return {"crops": [faces.crops[i] for i in chosen], "crop_labels": [str(faces.labels[i]) for i in chosen]}


def _at_most(count: int, most: int) -> Any:
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def _eigenfaces(faces: CroppedFaces) -> Eigenfaces:
    """The face space of these very faces."""
    rows = standardised(faces.select(_at_most(len(faces), _MOST_COMPARED)).crops)[0]
    pca = PCA(min(100, len(rows) - 1), random_state=0).fit(rows)
    return Eigenfaces(pca.mean_, pca.components_, pca.explained_variance_ratio_, (SIZE, SIZE), rows[:_RECONSTRUCTED])


def _learning(pipeline: Pipeline, faces: CroppedFaces, folds: Any, progress: Progress) -> LearningCurve:
    progress(0, 1, "drawing the learning curve")
    head, tail = split_pipeline(clone(pipeline))
    rows = head.fit_transform(faces.crops) if head else faces.crops
    sizes, train, test = learning_curve(
        tail, rows, np.asarray(faces.labels), cv=folds, train_sizes=_LEARNING_SIZES, shuffle=True, random_state=0
    )
    return LearningCurve(sizes, train, test)
