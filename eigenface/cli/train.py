"""`eigenface train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eigenface.cli.options import data_options, labelled_data
from eigenface.cli.talk import Bar, note
from eigenface.errors import RequestError


@click.command("train")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model to write: .eigenface or .joblib.")
@click.option("--task", help="A task that comes with the package, or a name of your own.  [default: the file's name]")
@click.option("--variant", default="", help="`eigenfaces` for the plain model: grey, resize, PCA, SVC.")
@click.option("--whole", is_flag=True, help="The pictures are face crops already.")
@click.option("--grid", help="What to search: a grid's name, a JSON or TOML file, or none.  [default: the task's]")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Write a report there.")
@click.option("--test-share", type=click.FloatRange(0, 0.5), default=0.2, help="Share kept aside to judge by.")
@click.option("--jobs", type=click.IntRange(1), default=2, help="Threads of the search.")
@click.option("--memory", type=click.FloatRange(0.1), default=4, show_default=True, help="Gigabytes to work in.")
@click.option("--budget", help="Stop searching after so long, such as 5m, with the best found until then.")
@click.option("--fresh", is_flag=True, help="Forget what an interrupted search left.")
@data_options
def command(
    data: Path,
    out: Path,
    task: str | None,
    variant: str,
    whole: bool,
    grid: str | None,
    report: Path | None,
    test_share: float,
    jobs: int,
    memory: float,
    budget: str | None,
    fresh: bool,
    **reading: Any,
) -> None:
    """Train a model on DATA: a folder with one sub-folder a class, or a folder or zip with labels.csv.

    Part of the faces (of the people, where known) is kept aside and judged. A search that is stopped goes on when the
    same command is given again. Of more faces than --memory holds, crops and features lie in temporary files.
    """
    if out.suffix not in (".eigenface", ".joblib"):
        raise RequestError("unknown_suffix", f"{out}: a model is saved as .eigenface or .joblib", "Name it so.")
    if not out.parent.is_dir():
        raise RequestError("cannot_write", f"{out}: there is no folder {out.parent}", "Make it first.")
    from eigenface.durations import seconds_of
    from eigenface.search.grids import get_grid
    from eigenface.store import save_model
    from eigenface.tasks import task_for
    from eigenface.train import train

    dataset = labelled_data(data, **reading)
    wanted = task_for(task or out.stem, dataset.classes)
    if wanted.classes and set(wanted.classes) != set(dataset.classes):
        note(f"{wanted.name} asks for {', '.join(wanted.classes)}; this learns {', '.join(dataset.classes)}.")
    chosen = wanted.grid(variant, len(dataset)) if grid is None else None
    journal = out.with_name(out.name + ".journal")
    with Bar() as bar:
        trained = train(
            dataset,
            task=wanted,
            whole=whole,
            variant=variant,
            grid=get_grid(grid) if grid and grid != "none" else chosen,
            name=out.name,
            test_share=test_share,
            journal=journal,
            fresh=fresh,
            n_jobs=jobs,
            memory=int(memory * 1e9),
            budget=seconds_of(budget) if budget else None,
            progress=bar,
        )
    save_model(trained.model, out)
    if trained.left_out:
        note(f"{trained.left_out}; the same command with more time goes on.")
    else:
        journal.unlink(missing_ok=True)
    if trained.parameters:
        note("chosen: " + ", ".join(f"{name}={value}" for name, value in trained.parameters.items()))
    if report:
        from eigenface.reporting import write_training_report

        note(f"report: {write_training_report(trained, report)}")
    for evaluation in trained.evaluations:
        scores = evaluation.scores
        click.echo(
            f"{evaluation.data}: accuracy {scores.accuracy.value:.3f} {scores.accuracy.interval} on {scores.n} faces; "
            f"{evaluation.baseline_name} {scores.baseline.accuracy.value if scores.baseline else 0:.3f}"
        )
    click.echo(f"saved: {out} ({out.stat().st_size / 1e6:.2f} MB)")
