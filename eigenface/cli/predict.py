"""`eigenface predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eigenface.cli.answering import answer_pictures
from eigenface.cli.identity import IDENTITY, with_gallery
from eigenface.cli.options import as_options, load_models, picture_options
from eigenface.cli.talk import note


@click.command("predict")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--task", metavar="T[,T2]", help="A shipped task or several (see `eigenface tasks`).  [default: gender]")
@click.option("--model", metavar="FILE", help="A saved model instead: .eigenface, or .joblib with --trust.")
@click.option("--trust", is_flag=True, help="Read a .joblib model, which runs the code in it.")
@click.option("--gallery", metavar="FILE", type=click.Path(path_type=Path), help="The people that identity knows.")
@click.option("--far", type=float, help="Share of strangers whom a gallery may give a name.  [default: 0.05]")
@click.option("--whole", is_flag=True, help="The pictures are face crops already.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a picture, a line each.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Also write a CSV, a row a face.")
@click.option("--annotate", type=click.Path(path_type=Path, file_okay=False), help="Also write annotated PNGs there.")
@picture_options
def command(
    photos: tuple[str, ...],
    task: str | None,
    model: str | None,
    trust: bool,
    gallery: Path | None,
    far: float | None,
    whole: bool,
    as_json: bool,
    table: Path | None,
    annotate: Path | None,
    **given: Any,
) -> int:
    """Find the faces in each PHOTO and say what a task makes of them.

    A PHOTO is a picture, a folder or a zip of pictures, or a CSV of faces as FER2013 has it. A question mark means
    that a person should look.
    """
    models = with_gallery(load_models(task or (IDENTITY if gallery else None), model, trust), gallery, far)
    if model and task and task != models[0].task:
        note(f"{model} answers {models[0].task}, not {task}.")
    return answer_pictures(
        photos, models, as_options(whole=whole, **given), as_json=as_json, annotate=annotate, table=table
    )
