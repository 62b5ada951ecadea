"""Build every shipped model from the data folder: `python -m eigenface.pipelines.train_models DATA [--task T]`.

Fits the recorded parameters; `--search` searches each task's grid first and prints what it would choose. A run that is
stopped goes on where it was: finished models are in the journal.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.calibrate import folds_by_group
from eigenface.compact import round_rows
from eigenface.crops import CropSpec
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.datasets.splits import split_by_name
from eigenface.errors import EigenfaceError
from eigenface.evaluate import Evaluation, judge
from eigenface.facespace import FRAME, SHIPPED, FaceSpace, save_face_space, standardised
from eigenface.journal import Journal
from eigenface.model import FaceClassifier
from eigenface.progress import Progress
from eigenface.search import search
from eigenface.store import save_model
from eigenface.tasks import get_task, tasks
from eigenface.tasks.task import Source, Task
from eigenface.train import LARGEST_CROP, describe, fit_model, judged_row, versions

FACE_SPACE_SOURCE = "gender/lfw.zip"
FACE_SPACE_FACES_A_PERSON = 2
COMPONENTS = 100


_cropped: dict[tuple[str, CropSpec], CroppedFaces] = {}  # variants of a task learn from the same crops


def load_source(source: Source, data: Path, task: Task, progress: Progress) -> CroppedFaces:
    """The faces of one source, framed as the task asks, without the labels it leaves out."""
    key = (source.path, task.crop)
    if key not in _cropped:
        _cropped[key] = _crop_source(source, data, task, progress)
    return _cropped[key]


def _crop_source(source: Source, data: Path, task: Task, progress: Progress) -> CroppedFaces:
    dataset = load_dataset(data / source.path)
    keep = ~np.isin(dataset.labels, source.skip)
    for column, least in source.least.items():
        keep &= np.array([float(value) >= least for value in dataset.columns[column]])
    return crop_dataset(
        dataset.select(np.flatnonzero(keep)),
        task.crop,
        whole=source.whole,
        largest_side=LARGEST_CROP,
        progress=progress,
    )


def keys_of(faces: CroppedFaces) -> list[str]:
    """By what faces are split: the person, or the picture where nobody is named."""
    return [str(key) for key in (faces.names if faces.groups is None else faces.groups)]


def cap_persons(faces: CroppedFaces, most: int) -> CroppedFaces:
    """At most `most` faces of a person, so that one much photographed man does not decide."""
    if faces.groups is None or not most:
        return faces
    seen: dict[str, int] = {}
    kept = []
    for index, group in enumerate(faces.groups):
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= most:
            kept.append(index)
    return faces.select(np.array(kept))


def build(task: Task, variant: str, data: Path, out: Path, progress: Progress, *, searching: bool) -> dict[str, Any]:
    """Fit, judge and save one model; returns its figures."""
    parts = [(source, load_source(source, data, task, progress)) for source in task.sources]
    training, aside = [], []
    for source, faces in parts:
        train_part, test_part = split_by_name(keys_of(faces), task.test_share)
        training.append(cap_persons(faces.select(train_part), task.most_a_person))
        aside.append((source, faces.select(test_part)))
    learned = CroppedFaces.joined(training)
    pipeline, chosen = task.pipelines[variant](), dict[str, Any]()
    if searching:
        found = search(
            pipeline,
            task.grids[variant](),
            learned.crops,
            learned.labels,
            folds=folds_by_group(learned.labels, learned.groups),
            journal=out / f"{task.name}-{variant or 'best'}.journal",
            progress=progress,
        )
        chosen = dict(found.best_params)
        pipeline.set_params(**chosen)
    name = task.model_name(variant)
    twin = fit_model(pipeline, learned, task, name=name)
    evaluations = [judge(twin, faces, data=Path(source.path).stem) for source, faces in aside]
    everything = CroppedFaces.joined([cap_persons(faces, task.most_a_person) for _, faces in parts])
    model = fit_model(
        pipeline,
        everything,
        task,
        name=name,
        described=[describe(faces, Path(source.path).stem) for source, faces in parts],
        judged=[judged_row(done) for done in evaluations],
        parameters=chosen,
    )
    path = out / f"{name.replace(':', '-')}.eigenface"
    save_model(model, path)
    return figures(model, evaluations, path)


def figures(model: FaceClassifier, evaluations: Sequence[Evaluation], path: Path) -> dict[str, Any]:
    """What the journal and the last line say of a model."""
    rows = [{key: row[key] for key in ("data", "n", "accuracy", "roc_auc")} for row in map(judged_row, evaluations)]
    return {
        "model": model.name,
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "judged": rows,
        **model.meta["review"],
    }


def build_face_space(data: Path, path: Path, progress: Progress) -> dict[str, Any]:
    """The mean face, the eigenfaces and the usual distance, of a few faces a person."""
    from eigenface.steps.eigen import Eigenfaces

    dataset = load_dataset(data / FACE_SPACE_SOURCE)
    faces = crop_dataset(dataset, FRAME, largest_side=LARGEST_CROP, progress=progress)
    train_part, test_part = split_by_name(keys_of(faces), 0.2)
    some = cap_persons(faces.select(train_part), FACE_SPACE_FACES_A_PERSON)
    rows = standardised(some.crops)[0]
    rows = np.concatenate([rows, rows.reshape(-1, 64, 64)[:, :, ::-1].reshape(len(rows), -1)])
    eigen = Eigenfaces(COMPONENTS, power=0, svd_solver="covariance_eigh").fit(rows)
    components = round_rows(eigen.components_)
    space = FaceSpace(eigen.mean_, components, eigen.explained_variance_, 1.0)
    distances = space.distance(faces.select(test_part).crops)
    limit = float(np.quantile(distances, 0.995))
    save_face_space(replace(space, limit=limit), path)
    return {
        "model": "facespace",
        "faces": len(some.crops),
        "explained": round(float(eigen.explained_variance_ratio_.sum()), 4),
        "limit": round(limit, 4),
    }


def talk(done: int, total: int, what: str) -> None:
    """Progress as lines on stderr, about twenty a job."""
    if done % max(1, total // 20) == 0 or done == total:
        print(f"{done}/{total} {what}", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Build the shipped models; prints a JSON line a model."""
    parser = argparse.ArgumentParser(prog="python -m eigenface.pipelines.train_models", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the training pictures")
    parser.add_argument("--task", action="append", help="only this task, or `facespace`; may be repeated")
    parser.add_argument("--out", type=Path, default=SHIPPED.parent, help="where the models go")
    parser.add_argument("--search", action="store_true", help="search each grid instead of fitting what is recorded")
    parser.add_argument("--fresh", action="store_true", help="build what an earlier run has built already, too")
    options = parser.parse_args(argv)
    try:
        return run(options)
    except EigenfaceError as error:
        print(f"train_models: {error}", file=sys.stderr)
        return 2


def run(options: argparse.Namespace) -> int:
    wanted = options.task or ["facespace", *tasks()]
    jobs: dict[str, Any] = {}
    if "facespace" in wanted:
        jobs["facespace"] = functools.partial(build_face_space, options.data, options.out / SHIPPED.name, talk)
    for name in wanted:
        if name != "facespace":
            task = get_task(name)
            for variant in task.pipelines:
                jobs[task.model_name(variant)] = functools.partial(
                    build, task, variant, options.data, options.out, talk, searching=options.search
                )
    options.out.mkdir(parents=True, exist_ok=True)
    job = {"data": str(options.data), "search": options.search, "versions": versions()}
    with Journal(options.out / "train_models.journal", job, fresh=options.fresh) as journal:
        for name, build_it in jobs.items():
            if name not in journal:
                journal.record(name, build_it())
            print(json.dumps(journal[name]), flush=True)
        journal.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
