"""`eigenface detect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eigenface.cli.answering import answer_pictures
from eigenface.cli.options import as_options, picture_options


@click.command("detect")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a picture, a line each.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Also write a CSV, a row a face.")
@click.option("--annotate", type=click.Path(path_type=Path, file_okay=False), help="Also write annotated PNGs there.")
@picture_options
def command(photos: tuple[str, ...], as_json: bool, table: Path | None, annotate: Path | None, **given: Any) -> int:
    """Find the faces in each PHOTO (a picture, a folder or a zip): boxes in pixels, and scores from 0 to 1.

    The CSV has the columns source, x, y, width, height and score.
    """
    return answer_pictures(photos, [], as_options(**given), as_json=as_json, annotate=annotate, table=table)
