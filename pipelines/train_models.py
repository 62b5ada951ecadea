"""Build every shipped model from the data folder: `python -m eigenface.pipelines.train_models DATA [--task T]`.

Fits the recorded parameters; `--search` searches each task's grid first and prints what it would choose. A run that is
stopped goes on where it was: finished models are in the journal.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eigenface.calibrate import folds_by_group
from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.twins import twins_together, with_and_without_twins
from eigenface.errors import EigenfaceError, RequestError
from eigenface.evaluate import Evaluation, judge
from eigenface.facespace import SHIPPED as FACE_SPACE
from eigenface.features.blood import SHIPPED as BLOOD_MAP
from eigenface.features.fisher import SHIPPED as VOCABULARIES
from eigenface.fitting import describe, fit_model, judged_row, versions
from eigenface.journal import Journal
from eigenface.model import FaceClassifier
from eigenface.pipelines.models.blood import build_blood_parts
from eigenface.pipelines.models.identity import build_identity
from eigenface.pipelines.models.shared import build_face_space, build_vocabularies
from eigenface.pipelines.models.sources import Sources, cap_persons
from eigenface.search import search
from eigenface.store import save_model
from eigenface.tasks import tasks
from eigenface.tasks.task import Task


def build(task: Task, variant: str, sources: Sources, out: Path, *, searching: bool) -> dict[str, Any]:
    """Fit, judge and save one model; returns its figures."""
    parts = [(source, *sources.parts(source, task.crop, task.test_share)) for source in task.sources]
    paths = [source.path for source in task.sources]
    learned = CroppedFaces.joined([cap_persons(training, task.most_a_person) for _, training, _ in parts], paths)
    learned = twins_together(learned)[0]
    pipeline, chosen = task.pipelines[variant](), dict[str, Any]()
    if searching:
        found = search(
            pipeline,
            task.grids[variant](),
            learned.crops,
            learned.labels,
            folds=folds_by_group(learned.labels, learned.groups),
            journal=out / f"{task.name}-{variant or 'best'}.journal",
            progress=sources.progress,
        )
        chosen = dict(found.best_params)
        pipeline.set_params(**chosen)
    name = task.model_name(variant)
    twin = fit_model(pipeline, learned, task, name=name)
    evaluations = []
    for source, _, aside in parts:
        kept = with_and_without_twins(aside, learned, source.name) if source.aside else {source.name: aside}
        evaluations += [judge(twin, faces, data=said) for said, faces in kept.items() if len(faces)]
    whole = [(source, sources.learned(source, task.crop)) for source in task.sources]
    everything = CroppedFaces.joined([cap_persons(faces, task.most_a_person) for _, faces in whole], paths)
    model = fit_model(
        pipeline,
        twins_together(everything)[0],
        task,
        name=name,
        described=[describe(faces, source.name) for source, faces in whole],
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


def talk(done: int, total: int, what: str) -> None:
    """Progress as lines on stderr, about twenty a job."""
    if done % max(1, total // 20) == 0 or done == total:
        print(f"{done}/{total} {what}", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Build the shipped models; prints a JSON line a model."""
    parser = argparse.ArgumentParser(prog="python -m eigenface.pipelines.train_models", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the training pictures")
    parser.add_argument(
        "--task",
        action="append",
        help="only this task, model (`TASK:VARIANT`), `facespace`, `vocabularies` or `bloodmap`; may be repeated",
    )
    parser.add_argument("--out", type=Path, default=FACE_SPACE.parent, help="where the models go")
    parser.add_argument("--search", action="store_true", help="search each grid instead of fitting what is recorded")
    parser.add_argument("--fresh", action="store_true", help="build what an earlier run has built already, too")
    options = parser.parse_args(argv)
    try:
        return run(options)
    except EigenfaceError as error:
        print(f"train_models: {error}", file=sys.stderr)
        return 2


def run(options: argparse.Namespace) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    job = {"data": str(options.data), "search": options.search, "versions": versions()}
    with Journal(options.out / "train_models.journal", job, fresh=options.fresh) as journal:
        jobs = all_jobs(Sources(options.data, talk, journal), options.out, searching=options.search)
        families = {name.split(":")[0] for name in jobs}
        wanted = set(options.task or families)
        if unknown := sorted(wanted - families - set(jobs)):
            raise RequestError("unknown_task", f"there is no model {unknown[0]!r}", f"There are {', '.join(jobs)}.")
        for name, build_it in jobs.items():
            if {name, name.split(":")[0]} & wanted:
                if name not in journal:
                    journal.record(name, build_it())
                print(json.dumps(journal[name]), flush=True)
        journal.finish()
    return 0


def all_jobs(sources: Sources, out: Path, *, searching: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """What builds each shipped model, by its name, in the order in which they need one another."""
    jobs: dict[str, Callable[[], dict[str, Any]]] = {
        "facespace": functools.partial(build_face_space, sources, out / FACE_SPACE.name),
        "vocabularies": functools.partial(build_vocabularies, sources, out / VOCABULARIES.name),
        "bloodmap": functools.partial(build_blood_parts, sources, out / BLOOD_MAP.name),
    }
    for task in tasks().values():
        if task.kind == "open":
            jobs[task.name] = functools.partial(build_identity, task, sources, out)
            continue
        for variant in (name for name in task.pipelines if name not in task.unshipped):
            jobs[task.model_name(variant)] = functools.partial(build, task, variant, sources, out, searching=searching)
    return jobs


if __name__ == "__main__":
    sys.exit(main())
