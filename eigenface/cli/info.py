"""`eigenface info`."""

from __future__ import annotations

import json
from typing import Any

import click

from eigenface.engine import described

DETECTOR = "detector"
"""What `info` calls the detector, which is no model of a task."""


@click.command("info")
@click.argument("model", metavar="MODEL|TASK|detector")
@click.option("--trust", is_flag=True, help="Read a .joblib model, which runs the code in it.")
@click.option("--card", is_flag=True, help="The model's card, in Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
def command(model: str, trust: bool, card: bool, as_json: bool) -> None:
    """Say what a MODEL (or `detector`) is, what it learned from, how it answers and how often it is wrong."""
    if model == DETECTOR:
        click.echo(json.dumps(_detector()) if as_json else _detector()["card"])
        return
    from eigenface.cli.table import aligned
    from eigenface.model import FaceClassifier
    from eigenface.store import load_model

    loaded = load_model(model, trust=trust)
    if card:
        click.echo(loaded.card or "This model has no card.")
        return
    said = _said(loaded)
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    assert isinstance(loaded, FaceClassifier)
    rows = [[key, value if isinstance(value, str) else _words(value)] for key, value in said.items()]
    click.echo("\n".join(aligned(rows)))


def _detector() -> dict[str, Any]:
    from eigenface.detection.boosted import load_detector

    detector = load_detector()
    trees = {name: len(forest.features) for name, forest in detector.forests.items()}
    return {
        "name": detector.name,
        "trees": trees,
        "min_score": detector.min_score,
        "inner loops": described(),
        "card": detector.card,
    }


def _said(model: Any) -> dict[str, Any]:
    hidden = ("arrays", "sha256", "program", "card", "format")
    said = {key: value for key, value in model.meta.items() if key not in hidden and value}
    said["inner loops"] = described()
    said["operations"] = [operation.name for operation in model.program.operations] if model.program else []
    if model.program:
        said["engine"] = "a folded program of numpy and OpenCV"
    else:
        from eigenface.fold import unfoldable_step

        said["engine"] = f"scikit-learn, because {unfoldable_step(model.pipeline_)} has no folding rule"
    return said


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items() if key != "subgroups")
    if isinstance(value, list):
        return (
            "; ".join(_words(inner) for inner in value)
            if value and isinstance(value[0], dict)
            else ", ".join(map(str, value))
        )
    return str(value)
