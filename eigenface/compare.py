"""Several classifiers on the same features, in one table, with classification scores on faces none of them learned."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from eigenface.calibrate import Calibrated, Folds, decisions_of
from eigenface.datasets.cropping import CroppedFaces
from eigenface.progress import Progress, silent
from eigenface.report.metrics import majority_probabilities, score
from eigenface.report.models import ModelRow
from eigenface.steps.stateless import split_pipeline
from eigenface.threads import one_blas_thread

MODELS: dict[str, Callable[[], Any]] = {
    "nearest neighbours (15)": lambda: KNeighborsClassifier(15),
    "LDA (Fisherfaces)": LinearDiscriminantAnalysis,
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    "linear SVC": lambda: make_pipeline(StandardScaler(), LinearSVC(C=0.003, max_iter=20_000, random_state=0)),
    "SVC (rbf)": lambda: SVC(C=3, gamma="scale"),
    "random forest": lambda: RandomForestClassifier(200, random_state=0, n_jobs=1),
    "gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=100, random_state=0),
}
"""Classifiers compared, by the name that the table has. Fisherfaces are LDA on eigenface coordinates: Belhumeur,
Hespanha and Kriegman, PAMI 19(7), 1997, doi:10.1109/34.598228."""

BASELINE = "most frequent class"
AS_GIVEN = "as tuned"


def compare(
    pipeline: Pipeline,
    faces: CroppedFaces,
    folds: Folds,
    *,
    models: Mapping[str, Callable[[], Any]] = MODELS,
    n_boot: int = 200,
    tell: Callable[[str], None] = lambda line: None,
    progress: Progress = silent,
) -> tuple[ModelRow, ...]:
    """Put every classifier in the place of a pipeline's last step and score it on the faces of each fold's test part.

    All see the same features, fitted inside the same folds. Their decisions become probabilities by a map learned on
    the other folds' decisions, as for a model that is shipped; so the answers compared are those a user would get.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted; all steps but the last are kept. The last one is compared as well, as it is.
    faces : CroppedFaces
    folds : index pairs (train, test)
        Every face in one test part.
    models : mapping of name to a function that makes an unfitted classifier
    n_boot : int
        Resamples for the intervals.
    tell : callable
        Gets a line for every classifier that fails; the others are compared all the same.
    progress : callable

    Returns
    -------
    tuple of ModelRow
        Best balanced accuracy first, the most frequent class among them. Seconds to train on one fold's training
        faces, milliseconds a face from crop to answer in batches, megabytes of the whole pipeline as a pickle.
    """
    head, tail = split_pipeline(clone(pipeline))
    truth = np.asarray(faces.labels)
    classes = [str(label) for label in np.unique(truth)]
    own = tail.steps[-1][1]
    makers = {**models, f"{type(own).__name__}, {AS_GIVEN}": lambda: own}

    def scored(probabilities: NDArray[np.float64]) -> Any:
        return score(truth, probabilities, classes, groups=faces.groups, n_boot=n_boot)

    found = [ModelRow(BASELINE, scored(majority_probabilities(truth, classes, len(truth))), 0.0, 0.0, 0.0)]
    with one_blas_thread:
        progress(0, len(makers), "comparing models: features")
        parts = _parts(head, tail, faces, truth, folds)
        for number, (name, make) in enumerate(makers.items()):
            progress(number, len(makers), f"comparing {name}")
            try:
                probabilities, measured = _judged(make, parts, truth)
            except Exception as error:  # a classifier of the user's own may raise anything
                tell(f"{name} is left out, as it failed: {type(error).__name__}: {' '.join(str(error).split())}")
                continue
            found.append(ModelRow(name, scored(probabilities), *measured))
    progress(len(makers), len(makers), "models compared")
    return tuple(sorted(found, key=lambda row: -row.scores.balanced_accuracy.value))


@dataclass(frozen=True)
class _Part:
    """One fold's features, what made them, and the seconds that took: to learn, and a test face."""

    before: list[tuple[str, Any]]
    train_rows: Any
    test_rows: Any
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    fit_seconds: float
    face_seconds: float


def _parts(
    head: Pipeline | None, tail: Pipeline, faces: CroppedFaces, truth: NDArray[Any], folds: Folds
) -> list[_Part]:
    began = time.perf_counter()
    rows: Any = head.fit_transform(faces.crops) if head else faces.crops
    a_face = (time.perf_counter() - began) / len(faces)
    made = []
    for train, test in folds:
        began = time.perf_counter()
        train_rows, test_rows = _take(rows, train), _take(rows, test)
        learning = clone(Pipeline(tail.steps[:-1])) if len(tail.steps) > 1 else None
        if learning:
            train_rows = learning.fit_transform(train_rows, truth[train])
        fitted = time.perf_counter()
        if learning:
            test_rows = learning.transform(test_rows)
        answered = (time.perf_counter() - fitted) / len(test)
        before = [*(head.steps if head else []), *(learning.steps if learning else [])]
        fit_seconds = fitted - began + a_face * len(train)
        made.append(_Part(before, train_rows, test_rows, train, test, fit_seconds, a_face + answered))
    return made


def _take(rows: Any, index: NDArray[np.intp]) -> Any:
    return rows[index] if isinstance(rows, np.ndarray) else [rows[int(i)] for i in index]


def _judged(
    make: Callable[[], Any], parts: list[_Part], truth: NDArray[Any]
) -> tuple[NDArray[np.float64], tuple[float, float, float]]:
    """Calibrated probabilities (n, k) out of fold; seconds to train, milliseconds a face, megabytes."""
    decisions, fit_seconds, face_seconds = [], [], []
    for part in parts:
        began = time.perf_counter()
        classifier = clone(make()).fit(part.train_rows, truth[part.train])
        fitted = time.perf_counter()
        decisions.append(decisions_of(classifier, part.test_rows))
        answered = time.perf_counter() - fitted
        fit_seconds.append(part.fit_seconds + fitted - began)
        face_seconds.append(part.face_seconds + answered / len(part.test))
    probabilities = np.zeros((len(truth), len(classifier.classes_)))
    for fold, part in enumerate(parts):
        others = [number for number in range(len(parts)) if number != fold]
        seen = np.concatenate([parts[number].test for number in others])
        odds = Calibrated(classifier).adopt(classifier, np.concatenate([decisions[i] for i in others]), truth[seen])
        probabilities[part.test] = odds.probabilities_of(decisions[fold])
    size = len(pickle.dumps(Pipeline([*parts[-1].before, ("classifier", classifier)])))
    return probabilities, (float(np.mean(fit_seconds)), 1e3 * float(np.mean(face_seconds)), size / 1e6)
