"""`eigenface crop`."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from eigenface.cli.answering import SOME_REFUSED, safe_name, write_file
from eigenface.cli.options import as_options, picture_options
from eigenface.cli.pictures import Pictures
from eigenface.cli.talk import note
from eigenface.errors import RequestError


@click.command("crop")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the faces.")
@click.option("--task", help="Frame faces as this task's model wants them.  [default: the detection's own square]")
@click.option("--force", is_flag=True, help="Overwrite faces that are there already.")
@picture_options
def command(photos: tuple[str, ...], out: Path, task: str | None, force: bool, **given: Any) -> int:
    """Cut the faces out of each PHOTO into PNG files, with an index crops.csv.

    `eigenface predict --whole` on a crop made with --task answers as it does on the photo.
    """
    from eigenface.annotate import png_bytes
    from eigenface.crops import CropSpec
    from eigenface.locating import framed
    from eigenface.recognise import find
    from eigenface.store import load_model

    spec = load_model(task).crop if task else CropSpec()
    options = as_options(**given)
    index = io.StringIO()
    writer = csv.writer(index)
    writer.writerow(["file", "source", "x", "y", "width", "height", "score"])
    written = 0
    pictures = Pictures(photos)
    for found, picture in pictures.decoded(options.max_pixels):
        faces, said = find(picture, replace(options, whole=found.whole))
        for words in (*picture.warnings, *said):
            note(f"{found.source}: {words}")
        for number, face in enumerate(faces, start=1):
            name = safe_name(found.source)
            target = out / name.with_name(f"{name.name}_{number}.png")
            if target.exists() and not force:
                raise RequestError("exists", f"{target}: is there already", "Give another --out, or --force.")
            write_file(target, png_bytes(framed(picture.pixels, face, spec, whole=found.whole)[1]))
            writer.writerow([target.relative_to(out), found.source, *face.box.as_dict().values(), round(face.score, 4)])
            written += 1
    write_file(out / "crops.csv", index.getvalue().encode())
    click.echo(f"{written} faces written to {out}")
    if pictures.skipped:
        note(f"{pictures.skipped} other files skipped.")
    return SOME_REFUSED if pictures.refused else 0
