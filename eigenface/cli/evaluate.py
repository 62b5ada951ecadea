"""`eigenface evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from eigenface.cli.options import data_options, labelled_data
from eigenface.cli.talk import Bar, note


@click.command("evaluate")
@click.argument("model", metavar="MODEL|TASK")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--whole", is_flag=True, help="The pictures are face crops already.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Write a report there.")
@click.option("--trust", is_flag=True, help="Read a .joblib model, which runs the code in it.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
@data_options
def command(
    model: str, data: Path, whole: bool, report: Path | None, trust: bool, as_json: bool, **reading: Any
) -> None:
    """Judge a MODEL or shipped TASK on labelled DATA that it never saw."""
    from eigenface.datasets.duplicates import say_twins
    from eigenface.evaluate import evaluate
    from eigenface.reporting import evaluation_text, write_evaluation_report
    from eigenface.store import load_model

    loaded = load_model(model, trust=trust)
    dataset = labelled_data(data, **reading)
    with Bar() as bar:
        evaluation = evaluate(loaded, dataset, whole=whole, progress=bar)
    for said in say_twins(evaluation.faces):
        note(said)
    if report:
        note(f"report: {write_evaluation_report(evaluation, report)}")
    click.echo(json.dumps(evaluation.as_dict()) if as_json else evaluation_text(evaluation))
