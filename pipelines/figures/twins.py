"""Parts of the benchmark that train a shipped model's recipe again, minutes each: plain models, and sets never seen."""

from __future__ import annotations

from functools import partial

import numpy as np

from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.twins import twins_together, with_and_without_twins
from eigenface.evaluate import Evaluation, judge
from eigenface.fitting import fit_model, judged_row
from eigenface.model import FaceClassifier
from eigenface.pipelines.figures.cards import PLAIN
from eigenface.pipelines.figures.parts import Part
from eigenface.pipelines.figures.table import Row
from eigenface.pipelines.models.sources import Sources, cap_persons
from eigenface.tasks import get_task, tasks
from eigenface.tasks.task import Source, Task

UNSEEN = ("mask/chandrika_face_mask.zip", "mask/mask12k_crops.zip")
"""Sets of masks each of which is judged by a model that never saw it."""

_BOXES = "detection/kaggle853_voc.zip"
_LEAST_SIDE = 20  # pixels of an annotated face
_WORN = ("with_mask", "without_mask")


def fitted(task: Task, variant: str, parts: list[tuple[Source, CroppedFaces]]) -> tuple[FaceClassifier, CroppedFaces]:
    """A model of one of the task's recipes, and the faces that it learned from."""
    capped = [cap_persons(faces, task.most_a_person) for _, faces in parts]
    learned = twins_together(CroppedFaces.joined(capped, [source.path for source, _ in parts]))[0]
    return fit_model(task.pipelines[variant](), learned, task, name=task.model_name(variant)), learned


def plain(name: str, sources: Sources) -> list[Row]:
    """A task's plain model, which is not shipped, on the faces that its winning model is judged by."""
    task = get_task(name)
    parts = [(source, *sources.parts(source, task.crop, task.test_share)) for source in task.sources]
    model, learned = fitted(task, PLAIN, [(source, training) for source, training, _ in parts])
    rows = []
    for source, _, aside in parts:
        kept = with_and_without_twins(aside, learned, source.name) if source.aside else {source.name: aside}
        rows += [
            _row(judge(model, faces, data=data), f"plain-{name}", "") for data, faces in kept.items() if len(faces)
        ]
    return rows


def unseen(path: str, part: str, sources: Sources) -> list[Row]:
    """Masks of a set, judged by a model that learned from all the others."""
    task = get_task("mask")
    others = [(source, sources.learned(source, task.crop)) for source in task.sources if source.path != path]
    aside = next(source for source in task.sources if source.path == path)
    model = fitted(task, "", others)[0]
    done = judge(model, sources.faces(aside, task.crop), data=f"{aside.name}, a set never seen")
    return [_row(done, part, "The whole set, by a model that learned from all others")]


def boxes(sources: Sources) -> list[Row]:
    """Masks in scenes: faces of 20 pixels or more, worn or not; and all three classes."""
    task = get_task("mask")
    parts = [(source, *sources.parts(source, task.crop, task.test_share)) for source in task.sources]
    model = fitted(task, "", [(source, training) for source, training, _ in parts])[0]
    aside = next(faces for source, _, faces in parts if source.path == _BOXES and not source.title)
    sides = [aside.columns[name].astype(float) >= _LEAST_SIDE for name in ("width", "height")]
    large = aside.select(np.flatnonzero(sides[0] & sides[1]))
    worn = large.select(np.flatnonzero(np.isin(large.labels, _WORN)))
    split = "A quarter of the scenes, by a hash of the name"
    said = f"kaggle853_voc, faces of {_LEAST_SIDE} pixels or more"
    asked = {f"{said}, with or without": worn, f"{said}, three classes": large}
    return [_row(judge(model, faces, data=data), "mask-boxes", split) for data, faces in asked.items()]


def _row(done: Evaluation, part: str, split: str) -> Row:
    return Row.of_judged(judged_row(done), done.model.name, part=part, split=split)


def _unshipped() -> list[str]:
    """Tasks whose plain model is not in the package."""
    return [task.name for task in tasks().values() if PLAIN in task.unshipped]


PLAIN_PARTS = {f"plain-{name}": name for name in _unshipped()}
"""Parts whose figures stand in the other rows' column of the plain model, with their tasks."""

TWINS = {
    "mask-boxes": Part((_BOXES,), boxes),
    **{
        part: Part((path,), partial(unseen, path, part))
        for path, part in zip(UNSEEN, ("mask-chandrika", "mask-mask12k"), strict=True)
    },
    **{
        part: Part(tuple(source.path for source in get_task(name).sources), partial(plain, name))
        for part, name in PLAIN_PARTS.items()
    },
}
"""Parts of several minutes each, by name."""
