"""Tune a model by grid search: `python -m eigenface.pipelines.tune DATA --grid seed004 --out MODEL`.

Crops the faces, keeps some people aside, tries every candidate of the grid by cross-validation on the rest, and saves
the best, fitted on all faces and calibrated. Beside it: every candidate's scores as CSV, a heat map, the best
parameters as JSON. A search that is stopped, however, goes on when the same command is given again; only cropping is
done again, so cut a large set first with `python -m eigenface.pipelines.crop` and tune on the crops with --whole.

With --budget the search ends in time with the best found; with --halving it compares candidates on few faces first and
only the better on all; with --cluster the workers of a Dask cluster do the work.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.bundle import atomic_file
from eigenface.calibrate import folds_by_group
from eigenface.cli.talk import Bar, note
from eigenface.datasets import Dataset, load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.datasets.splits import split_by_group
from eigenface.durations import duration, seconds_of
from eigenface.errors import EigenfaceError, RequestError
from eigenface.evaluate import Evaluation, judge
from eigenface.fitting import describe, fit_model, judged_row
from eigenface.journal import refuse_other
from eigenface.progress import Progress, silent
from eigenface.search import Forecast, Grid, SearchResult, candidates_of, get_grid, search, write_csv
from eigenface.search.eigen.rungs import FACTOR
from eigenface.search.grids import NAMED, differing
from eigenface.search.identity import plan_of
from eigenface.store import save_model
from eigenface.tasks import task_for
from eigenface.tasks.task import Task
from eigenface.train import LARGEST_CROP, Trained, check_trainable
from eigenface.workers import Engine

SUFFIXES = (".eigenface", ".joblib")


@dataclass(frozen=True)
class Plan:
    """A checked request: which task, which of its pipelines, and the grid to search."""

    task: Task
    variant: str
    grid: Grid
    candidates: int


def main(argv: Sequence[str] | None = None) -> int:
    """Search, save, and print the best parameters and figures as one JSON object."""
    options = parser().parse_args(argv)
    options.folder = options.report or options.out.with_name(f"{options.out.stem}-tune")
    options.journal = options.out.with_name(f"{options.out.name}.journal")
    try:
        print(json.dumps(run(options), ensure_ascii=False), flush=True)
    except EigenfaceError as error:
        print(f"tune: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = f"what is done is kept in {options.journal}; " if options.journal.exists() else ""
        print(f"tune: stopped; {kept}the same command goes on", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The script's options."""
    made = argparse.ArgumentParser(prog="python -m eigenface.pipelines.tune", description=__doc__)
    made.add_argument(
        "data", type=Path, help="a folder with one sub-folder a class, or a folder or zip with labels.csv"
    )
    made.add_argument("--out", type=Path, required=True, help="model to write: .eigenface or .joblib")
    made.add_argument("--grid", help=f"{', '.join(NAMED)}, or a JSON or TOML file; without, the task's own grid")
    made.add_argument("--task", help="a task, or a name of your own; without, the model file's name")
    made.add_argument("--variant", help="`eigenfaces` (the default where the task has it) or `features`")
    made.add_argument("--whole", action="store_true", help="the pictures are face crops already")
    made.add_argument("--folds", type=_whole_number(2), default=5, help="folds, by person where known (5)")
    made.add_argument("--jobs", type=_whole_number(1), default=2, help="threads (2)")
    made.add_argument("--scoring", default="accuracy", help="what is compared: a scikit-learn scorer (accuracy)")
    made.add_argument("--sample", type=_whole_number(8), help="search on so many pictures, drawn at random")
    made.add_argument("--test-share", type=_share, default=0.2, help="share kept aside to judge by, 0 to 0.5 (0.2)")
    made.add_argument("--report", type=Path, help="folder of scores, heat map and report (MODEL-tune)")
    made.add_argument("--budget", help="stop searching after so long, such as 5m, with the best found until then")
    made.add_argument("--halving", action="store_true", help="compare on few faces first; a third goes on each time")
    made.add_argument("--cluster", metavar="ADDRESS", help="search on a Dask cluster, such as tcp://host:8786")
    again = made.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on where an interrupted search was (the default)")
    again.add_argument("--fresh", action="store_true", help="forget what an interrupted search left")
    return made


def _whole_number(least: int) -> Any:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text}: expected a whole number of {least} or more")
        return value

    return number


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"{text}: expected a share of 0 to 0.5")
    return value


def run(options: argparse.Namespace) -> dict[str, Any]:
    """What the script does, step by step; returns what it prints."""
    if options.out.suffix not in SUFFIXES:
        raise RequestError("unknown_suffix", f"{options.out}: a model is saved as .eigenface or .joblib", "Name it so.")
    if not options.out.parent.is_dir():
        raise RequestError("cannot_write", f"{options.out}: there is no folder {options.out.parent}", "Make it first.")
    budget = seconds_of(options.budget) if options.budget else None
    dataset = load_dataset(options.data.resolve() if options.cluster else options.data)
    for warning in dataset.warnings:
        note(warning)
    plan = make_plan(options, dataset)
    if not options.fresh:  # data are compared when they are cropped
        pipeline = plan.task.pipelines[plan.variant]()
        refuse_other(options.journal, plan_of(pipeline, candidates_of(pipeline, plan.grid)))
    if options.resume and not options.journal.exists():
        note(f"there is no {options.journal} to go on from: the search begins anew")
    if options.sample:
        dataset = sample(dataset, options.sample)
    fits = plan.candidates * options.folds
    then = f"as many as {duration(budget)} allow" if budget else "timing a few of them"
    note(f"{plan.candidates} candidates on {options.folds} folds: {fits} fits; cropping, then {then}")
    with Bar() as told:
        with engine_of(options, dataset) as engine:
            faces = crop_dataset(
                dataset,
                plan.task.crop,
                whole=options.whole,
                largest_side=LARGEST_CROP,
                progress=told,
                engine=engine,
            )
        check_trainable(faces, dataset.name)
        training, aside = split(faces, options.test_share)
        found = search(
            plan.task.pipelines[plan.variant](),
            plan.grid,
            training.crops,
            training.labels,
            folds=folds_by_group(training.labels, training.groups, options.folds),
            scoring=options.scoring,
            journal=options.journal,
            fresh=options.fresh,
            n_jobs=options.jobs,
            progress=told,
            forecast=announce,
            budget=budget,
            halving=FACTOR if options.halving else None,
            cluster=options.cluster,
        )
    tell(found)
    untried = found.left_out
    if untried:
        note(f"{untried}; the same command goes on, with as much time again" if budget else untried)
    options.folder.mkdir(parents=True, exist_ok=True)
    write_csv(found.cv_results, options.folder / "cv_results.csv")
    draw(found, options.folder / "grid.png")
    with Bar() as told:
        trained = finish(plan, found, faces, training, aside, options.out, dataset.name, progress=told)
    save_model(trained.model, options.out)
    if options.report:
        from eigenface.reporting import write_training_report

        with Bar() as told:
            note(f"report: {write_training_report(trained, options.report, progress=told)}")
    said = summary(found, trained, options)
    with atomic_file(options.folder / "best.json") as handle:
        handle.write(json.dumps(said, indent=1, ensure_ascii=False).encode() + b"\n")
    if not (budget and untried):  # more time, another day, may go on from there
        options.journal.unlink(missing_ok=True)
    return said


def engine_of(options: argparse.Namespace, dataset: Dataset) -> AbstractContextManager[Engine | None]:
    """The cluster that is asked for, once all its workers see the pictures."""
    if not options.cluster:
        return nullcontext()
    from eigenface.cluster import Cluster

    return Cluster(options.cluster, sees=[] if dataset.whole else [dataset.root])


def make_plan(options: argparse.Namespace, dataset: Dataset) -> Plan:
    """Task, pipeline and grid, checked before anything takes time."""
    task = task_for(options.task or options.out.stem, dataset.classes)
    if not task.classes:
        task = replace(task, classes=dataset.classes)
    variant = options.variant or ("eigenfaces" if "eigenfaces" in task.pipelines else "features")
    variant = "" if variant == "features" else variant
    if variant not in task.pipelines:
        known = ", ".join(name or "features" for name in task.pipelines)
        raise RequestError("unknown_variant", f"{task.name} has no variant {variant!r}", f"It has {known}.")
    if options.grid is None and variant not in task.grids:
        raise RequestError(
            "no_grid", f"{task.name} has no grid of its own", f"Give one: --grid {', '.join(NAMED)} or FILE."
        )
    grid = get_grid(options.grid) if options.grid else task.grids[variant]()
    return Plan(task, variant, grid, len(candidates_of(task.pipelines[variant](), grid)))


def sample(dataset: Dataset, size: int) -> Dataset:
    """`size` pictures drawn at random, always the same, in the data set's order; every class keeps its share."""
    if size >= len(dataset):
        return dataset
    labels, drawn = dataset.labels, np.random.default_rng(0).permutation(len(dataset))
    places = np.empty(len(dataset))
    for label in dataset.classes:
        members = drawn[labels[drawn] == label]
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    return dataset.select(np.sort(np.argsort(places, kind="stable")[:size]))


def split(faces: CroppedFaces, test_share: float) -> tuple[CroppedFaces, CroppedFaces | None]:
    """Faces to search on, and those kept aside, nobody on both sides."""
    if not test_share:
        return faces, None
    train_part, test_part = split_by_group(faces.labels, faces.groups, test_share=test_share)
    return faces.select(train_part), faces.select(test_part)


def finish(
    plan: Plan,
    found: SearchResult,
    faces: CroppedFaces,
    training: CroppedFaces,
    aside: CroppedFaces | None,
    out: Path,
    data: str,
    *,
    progress: Progress = silent,
) -> Trained:
    """The best candidate, judged on the faces kept aside, then fitted and calibrated on all."""
    pipeline = plan.task.pipelines[plan.variant]().set_params(**found.best_params)
    note("fitting the best, judging it, fitting it on all faces")
    evaluations: tuple[Evaluation, ...] = ()
    if aside is not None:
        progress(0, 3, "fitting the best")
        twin = fit_model(pipeline, training, plan.task, name=out.name)
        progress(1, 3, "judging it")
        evaluations = (judge(twin, aside, data=f"{data}, kept aside"),)
    progress(2, 3, "fitting it on all faces")
    model = fit_model(
        pipeline,
        faces,
        plan.task,
        name=out.name,
        described=[describe(faces, data)],
        judged=[judged_row(done) for done in evaluations],
        parameters=found.best_params,
    )
    return Trained(model, evaluations, found.best_params, faces, pipeline, found.cv_results)


def draw(found: SearchResult, path: Path) -> None:
    """The heat map of a search as PNG, by parameters that the best candidate has: others may have none in common."""
    from eigenface.report.tuning import grid_figure

    shown = {f"param_{name}" for name in found.best_params}
    results = {key: value for key, value in found.cv_results.items() if not key.startswith("param_") or key in shown}
    with atomic_file(path) as handle:
        grid_figure(results).savefig(handle, format="png", dpi=110)


def announce(forecast: Forecast) -> None:
    """The line that says how long it will take."""
    before = f" ({forecast.fits - forecast.left} done before)" if forecast.left < forecast.fits else ""
    note(
        f"{forecast.fits} fits{before}; about {duration(forecast.seconds)} on this machine; "
        "stop it any time with Ctrl-C, the same command goes on"
    )


def tell(found: SearchResult) -> None:
    """What was taken over, the best parameters, and what could not be fitted."""
    if found.reused:
        note(f"{found.reused} fits were done before and were not repeated")
    telling = differing(found.cv_results["params"])
    best = ", ".join(f"{name}={value}" for name, value in found.best_params.items() if name in telling)
    note(f"best {found.best_score:.4f}" + (f" with {best}" if best else ""))
    if found.failed:
        count, reason = len(found.failed), next(iter(found.failed.values()))
        note(f"{count} candidates of {len(found.cv_results['params'])} could not be fitted; the first: {reason}")


def summary(found: SearchResult, trained: Trained, options: argparse.Namespace) -> dict[str, Any]:
    """What is printed and kept as best.json."""
    judged = [judged_row(done) for done in trained.evaluations]
    return {
        "best_params": trained.model.meta["parameters"],
        "best_score": round(found.best_score, 6),
        "scoring": options.scoring,
        "candidates": len(found.cv_results["params"]),
        "folds": sum(name.startswith("split") for name in found.cv_results),
        "reused_fits": found.reused,
        "left_out": found.left_out,
        "judged": [{key: row[key] for key in ("data", "n", "accuracy", "low", "high", "roc_auc")} for row in judged],
        "model": str(options.out),
        "report": str(options.folder),
    }


if __name__ == "__main__":
    sys.exit(main())
