"""Several classifiers on the same eigenface coordinates, in one table, with classification scores out of fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, LinearSVC

from eigenface.calibrate import Calibrated, Folds
from eigenface.datasets.cropping import CroppedFaces
from eigenface.progress import Progress, silent
from eigenface.report.metrics import score
from eigenface.report.models import ModelRow
from eigenface.steps.stateless import split_pipeline

MODELS: dict[str, Callable[[], Any]] = {
    "most frequent class": lambda: DummyClassifier(strategy="prior"),
    "nearest neighbours (15)": lambda: KNeighborsClassifier(15),
    "LDA (Fisherfaces)": LinearDiscriminantAnalysis,
    "logistic regression": lambda: LogisticRegression(max_iter=2000),
    "linear SVC": lambda: LinearSVC(C=0.1),
    "random forest": lambda: RandomForestClassifier(200, random_state=0, n_jobs=1),
    "gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=100, random_state=0),
    "SVC (rbf)": lambda: SVC(C=3, gamma="scale"),
}
"""Classifiers compared, by the name that the table has. Fisherfaces are LDA on eigenface coordinates: Belhumeur,
Hespanha and Kriegman, PAMI 19(7), 1997, doi:10.1109/34.598228."""


def compare(pipeline: Pipeline, faces: CroppedFaces, folds: Folds, *, progress: Progress = silent) -> tuple[ModelRow, ...]:
    """Put every classifier of `MODELS` in the place of the pipeline's last step and score it out of fold.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted; all steps but the last are kept, fitted inside the folds.
    faces : CroppedFaces
    folds : index pairs (train, test)
    progress : callable

    Returns
    -------
    tuple of ModelRow
        Best balanced accuracy first.
    """
    head, tail = split_pipeline(clone(pipeline))
    rows = head.fit_transform(faces.crops) if head else faces.crops
    labels = np.asarray(faces.labels)
    before = Pipeline(tail.steps[:-1]) if len(tail.steps) > 1 else None
    parts = [_part(before, rows, labels, train, test) for train, test in folds]
    classes = [str(label) for label in np.unique(labels)]
    found = []
    for number, (name, make) in enumerate(MODELS.items()):
        progress(number, len(MODELS), f"comparing {name}")
        found.append(_row(name, make, parts, faces, classes))
    return tuple(sorted(found, key=lambda row: -row.scores.balanced_accuracy.value))


def _part(
    before: Pipeline | None, rows: Any, labels: NDArray[Any], train: NDArray[np.intp], test: NDArray[np.intp]
) -> tuple[Any, NDArray[Any], Any, NDArray[np.intp]]:
    def take(index: NDArray[np.intp]) -> Any:
        return rows[index] if isinstance(rows, np.ndarray) else [rows[i] for i in index]

    if before is None:
        return take(train), labels[train], take(test), test
    steps = clone(before)
    learned = steps.fit_transform(take(train), labels[train])
    return learned, labels[train], steps.transform(take(test)), test


def _row(
    name: str,
    make: Callable[[], Any],
    parts: Sequence[tuple[Any, NDArray[Any], Any, NDArray[np.intp]]],
    faces: CroppedFaces,
    classes: Sequence[str],
) -> ModelRow:
    probabilities = np.zeros((len(faces), len(classes)))
    fit_seconds = answer_seconds = 0.0
    for rows, labels, test_rows, test in parts:
        began = time.perf_counter()
        fitted = Calibrated(make(), n_splits=3).fit(rows, labels)
        fit_seconds += time.perf_counter() - began
        began = time.perf_counter()
        probabilities[test] = fitted.predict_proba(test_rows)
        answer_seconds += time.perf_counter() - began
    scores = score(faces.labels, probabilities, classes, groups=faces.groups, n_boot=200)
    return ModelRow(name, scores, fit_seconds / len(parts), 1e3 * answer_seconds / len(faces))
