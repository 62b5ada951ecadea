"""From labelled pictures to a tuned, judged, saved model: crops, split, search, calibration, scores, card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.calibrate import folds_by_group
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.fer2013 import USAGE
from eigenface.datasets.splits import LEARNED_PART, split_by_group, split_by_makers
from eigenface.datasets.twins import twins_together, with_and_without_twins
from eigenface.errors import DataError
from eigenface.evaluate import Evaluation, judge
from eigenface.fitting import SPLIT, SPLIT_BY_MAKERS, describe, fit_pipeline, judged_row, wrap
from eigenface.model import FaceClassifier
from eigenface.progress import Progress, silent
from eigenface.search import Grid, search
from eigenface.streaming import MEMORY, drawn, limit
from eigenface.tasks.task import Task

LARGEST_CROP = 256
"""Side in pixels to which crops are shrunk while they wait for training."""


@dataclass(frozen=True)
class Trained:
    """A model, how its twin that never saw the test faces did on them, and what a report shows of the training.

    `pipeline` is unfitted, with the chosen `parameters` set; `cv_results` is the table of the search, `left_out` what
    its budget left untried.
    """

    model: FaceClassifier
    evaluations: tuple[Evaluation, ...]
    parameters: Mapping[str, Any]
    faces: CroppedFaces
    pipeline: Any
    cv_results: Mapping[str, Any] | None = None
    left_out: str = ""

    @property
    def sides(self) -> list[int]:
        """Longer side in pixels of every crop."""
        return [max(crop.shape[:2]) for crop in self.faces.crops]


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
    budget: float | None = None,
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
    budget : float, optional
        Seconds after which the search ends with the best that it has found.
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
    left_out = ""
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
            budget=budget,
            progress=progress,
        )
        chosen, results, left_out = dict(found.best_params), found.cv_results, found.left_out
        pipeline.set_params(**chosen)
    progress(0, 2, f"training on {'all faces' if training is faces else 'those not kept aside'}")
    fitted = fit_pipeline(pipeline, training, task, task.folds, memory)
    twin = wrap(fitted, training, task, name=name)
    evaluations = [judge(twin, aside, data=said) for said, aside in kept_aside.items()]
    if kept_aside and not by_makers:
        progress(1, 2, "training on all faces")
        training, fitted = faces, fit_pipeline(pipeline, faces, task, task.folds, memory)
    model = wrap(
        fitted,
        training,
        task,
        name=name,
        described=described,
        judged=[judged_row(done) for done in evaluations],
        parameters=chosen,
        split=SPLIT_BY_MAKERS if by_makers else SPLIT,
    )
    progress(2, 2, "trained")
    return Trained(model, tuple(evaluations), chosen, training, pipeline, results, left_out)


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
