"""From labelled pictures to a tuned, judged, saved model: crops, split, search, calibration, scores, card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.calibrate import CalibratedPipeline, calibrate_pipeline, folds_by_group
from eigenface.card import write_card
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.duplicates import Duplicate, merged_groups, pair_up, signature, without_twins
from eigenface.datasets.fer2013 import USAGE
from eigenface.datasets.splits import LEARNED_PART, split_by_group, split_by_makers
from eigenface.errors import DataError
from eigenface.evaluate import Evaluation, judge
from eigenface.fold import fold
from eigenface.model import FaceClassifier
from eigenface.program import Program
from eigenface.progress import Progress, silent
from eigenface.review import Review
from eigenface.search import Grid, search
from eigenface.streaming import MEMORY, drawn, limit
from eigenface.tasks.task import Task

LARGEST_CROP = 256
"""Side in pixels to which crops are shrunk while they wait for training."""

SPLIT = (
    "The figures are of the same recipe, trained without the faces it was judged on (split by person where persons are "
    "known). The model itself then learned from all of them."
)
"""How the figures of a model come about that then learned from all faces."""

_SPLIT_BY_MAKERS = (
    "The figures are of the model itself. It learned from the part of the data that their makers meant for it, and was "
    "judged on the others."
)

_MOST_REVIEWED = 0.2  # share of faces that a model may send to a person by the threshold chosen here


@dataclass(frozen=True)
class Trained:
    """A model, how its twin that never saw the test faces did on them, and what a report shows of the training.

    `pipeline` is unfitted, with the chosen `parameters` set; `cv_results`
    is the search's table.
    """

    model: FaceClassifier
    evaluations: tuple[Evaluation, ...]
    parameters: Mapping[str, Any]
    faces: CroppedFaces
    pipeline: Any
    cv_results: Mapping[str, Any] | None = None

    @property
    def sides(self) -> list[int]:
        """Longer side in pixels of every crop."""
        return [max(crop.shape[:2]) for crop in self.faces.crops]


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
    fitted = _fit(pipeline, faces, task, folds or task.folds)
    return wrap(fitted, faces, task, name=name, described=described, judged=judged, parameters=parameters)


def _fit(pipeline: Any, faces: CroppedFaces, task: Task, folds: int, memory: int = MEMORY) -> CalibratedPipeline:
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


def train(
    data: str | Path | Dataset,
    *,
    task: Task,
    whole: bool = False,
    variant: str = "",
    grid: Grid | None = None,
    name: str | None = None,
    test_share: float = 0.2,
    journal: Path | None = None,
    fresh: bool = False,
    n_jobs: int = 1,
    memory: int = MEMORY,
    progress: Progress = silent,
    random_state: int = 0,
) -> Trained:
    """Train a model on a folder, zip or Dataset of labelled faces, and judge it on a part of them kept aside.

    Parameters
    ----------
    data : path or Dataset
    task : Task
        What is asked; `eigenface.tasks.task_for(name)` has one for any folder.
    whole : bool
        The pictures are face crops already.
    variant : str
        Which of the task's pipelines: `""` or `eigenfaces`.
    grid : mapping of parameter name to values, optional
        Searched by cross-validation on the training part; without one the recorded parameters stand.
    name : str, optional
        The model's name; the task's and variant's without one.
    test_share : float
        Share of the faces (of the people, where known) kept aside, 0..0.5; 0 judges nothing. Where the makers of the
        data said by `Usage` what is to be learned, all else is kept aside, and the model learns nothing of it.
    journal : path, optional
        Where an interrupted search finds what it did before.
    fresh : bool
        Forget what an interrupted search left.
    n_jobs : int
        Threads of the search.
    memory : int
        Bytes that training may take: what a set of faces needs beyond that lies in temporary files, and a machine
        that compares all faces with each other learns from as many as can be compared.
    progress : callable
    random_state : int

    Returns
    -------
    Trained
    """
    dataset = load_dataset(data) if isinstance(data, str | Path) else data
    faces = crop_dataset(dataset, task.crop, whole=whole, largest_side=LARGEST_CROP, memory=memory, progress=progress)
    if task.kind == "open":  # the classes are the people, and nobody has two names
        faces = replace(faces, groups=None)
    check_trainable(faces, dataset.name)
    if not task.classes:
        task = replace(task, classes=tuple(str(label) for label in np.unique(faces.labels)))
    if variant not in task.pipelines:
        raise DataError(
            "unknown_variant",
            f"{task.name} has no variant {variant!r}",
            f"It has {', '.join(filter(None, task.pipelines))}.",
        )
    name = name or task.model_name(variant)
    pipeline, chosen, results = task.factory(variant, len(faces))(), dict[str, Any](), None
    by_makers = split_by_makers(faces.columns.get(USAGE)) if test_share > 0 else None
    described = [describe(faces, dataset.name)]
    if by_makers:
        described = [describe(faces.select(by_makers[0]), f"{dataset.name}, {LEARNED_PART}")]
    faces, twins = twins_together(faces)
    described += twins
    training, kept_aside = faces, dict[str, CroppedFaces]()
    if by_makers:
        training = faces.select(by_makers[0])
        for part, index in by_makers[1].items():
            kept_aside |= with_and_without_twins(faces.select(index), training, f"{dataset.name}, {part}")
    elif test_share > 0:
        train_part, test_part = split_by_group(
            faces.labels, faces.groups, test_share=test_share, random_state=random_state
        )
        training, kept_aside = faces.select(train_part), {f"{dataset.name}, kept aside": faces.select(test_part)}
    described += limit(pipeline, len(faces), memory)
    if grid:
        searched = training.select(drawn(len(training), memory))
        labels = np.asarray(searched.labels)
        found = search(
            pipeline,
            grid,
            searched.crops,
            labels,
            folds=folds_by_group(labels, searched.groups),
            journal=journal,
            fresh=fresh,
            n_jobs=n_jobs,
            progress=progress,
        )
        chosen, results = dict(found.best_params), found.cv_results
        pipeline.set_params(**chosen)
    progress(0, 2, f"training on {'all faces' if training is faces else 'those not kept aside'}")
    fitted = _fit(pipeline, training, task, task.folds, memory)
    twin = wrap(fitted, training, task, name=name)
    evaluations = [judge(twin, aside, data=said) for said, aside in kept_aside.items()]
    if kept_aside and not by_makers:
        progress(1, 2, "training on all faces")
        training, fitted = faces, _fit(pipeline, faces, task, task.folds, memory)
    model = wrap(
        fitted,
        training,
        task,
        name=name,
        described=described,
        judged=[judged_row(done) for done in evaluations],
        parameters=chosen,
        split=_SPLIT_BY_MAKERS if by_makers else SPLIT,
    )
    progress(2, 2, "trained")
    return Trained(model, tuple(evaluations), chosen, training, pipeline, results)


def with_and_without_twins(faces: CroppedFaces, learned: CroppedFaces, name: str) -> dict[str, CroppedFaces]:
    """Faces to judge by, and those of them without a copy among the learned, if they are fewer; under their names."""
    fresh = without_twins(faces, learned)
    named = {name: faces}
    if 0 < len(fresh) < len(faces):
        named[f"{name}, without twins in training"] = fresh
    return named


def twins_together(faces: CroppedFaces) -> tuple[CroppedFaces, list[str]]:
    """The faces with pictures that are there twice in one group, and what there is to say of them.

    Two copies of a picture on both sides of a split would make a model look better than it is.
    """
    found = pair_up([signature(crop) for crop in faces.crops], faces.labels)
    if not found:
        return faces, []
    said = f"{len(found)} pairs of faces are the same picture or nearly so; each stays on one side of every split"
    torn = sum(pair.labels_differ for pair in found)
    if torn:
        said += f"; {torn} of them have two labels, for instance {_torn(faces, found)}"
    return replace(faces, groups=merged_groups(found, faces.groups, len(faces))), [said]


def _torn(faces: CroppedFaces, found: Sequence[Duplicate]) -> str:
    pair = next(pair for pair in found if pair.labels_differ)
    return f"{faces.names[pair.first]} and {faces.names[pair.second]}"


def check_trainable(faces: CroppedFaces, name: str) -> None:
    """Refuse faces that nothing can be learned from, in one line."""
    found = {str(label): int((faces.labels == label).sum()) for label in np.unique(faces.labels)}
    if not found:
        raise DataError(
            "no_faces",
            f"{name}: no face was found in any of {len(faces.rejected)} pictures",
            "If the pictures are face crops already, say --whole.",
        )
    few = [f"{label} ({count})" for label, count in found.items() if count < 4]
    if len(found) < 2 or few:
        what = f"too few faces of {', '.join(few)}" if few else f"faces of one class only, {next(iter(found))}"
        raise DataError("too_few_faces", f"{name}: {what}", "Give at least two classes of four or more faces each.")


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
