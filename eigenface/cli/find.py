"""`eigenface find`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from eigenface.cli.answering import SOME_REFUSED, json_line
from eigenface.cli.identity import load_embedder, model_option
from eigenface.cli.options import as_options, picture_options
from eigenface.cli.pictures import Found, Pictures
from eigenface.cli.table import aligned
from eigenface.cli.talk import note
from eigenface.errors import PictureError
from eigenface.likeness import Likeness, main_portrait, most_like
from eigenface.threads import ahead


@click.command("find")
@click.argument("photo")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
@click.option("--far", type=float, default=0.001, show_default=True, help="Share of other people's faces let through.")
@click.option("--whole", is_flag=True, help="All pictures are face crops already.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a picture, a line each.")
@model_option
@picture_options
def command(
    photo: str, folders: tuple[str, ...], far: float, whole: bool, as_json: bool, model: str, **given: Any
) -> int:
    """Find the pictures in each FOLDER that show the person of PHOTO, the most alike first.

    A FOLDER is a folder, a zip or a picture. Of PHOTO the main face counts, of the others every face.
    """
    embedder, options = load_embedder(model), as_options(whole=whole, **given)
    least = embedder.threshold_for(far)
    matches: list[tuple[str, Likeness]] = []
    refusals: list[tuple[str, PictureError]] = []
    pictures, looked = Pictures(folders), 0
    try:
        sought = main_portrait(photo, embedder, options, name=photo)
    except PictureError as error:
        if as_json:
            click.echo(json_line(_refused(photo, error)))
        note(f"eigenface: {error}")
        return SOME_REFUSED
    for warning in sought.warnings:
        note(f"{photo}: {warning}")
    row = embedder.embed([sought.crop])[0]

    def compared(found: Found) -> tuple[str, Likeness | PictureError | None]:
        if isinstance(found.picture, PictureError):
            return found.source, found.picture
        seen = replace(options, whole=whole or found.whole)
        try:
            return found.source, most_like(row, found.picture, embedder, seen, name=found.source)
        except PictureError as error:
            return found.source, error

    for source, likeness in ahead(compared, pictures):
        looked += 1
        if isinstance(likeness, PictureError):
            refusals.append((source, likeness))
        elif likeness and likeness.similarity >= least:
            matches.append((source, likeness))
    matches.sort(key=lambda match: -match[1].similarity)
    if as_json:
        for line in (*(_described(*one) for one in matches), *(_refused(*one) for one in refusals)):
            click.echo(json_line(line))
    elif matches:
        click.echo("\n".join(aligned([_cells(*match) for match in matches])))
    for _, refusal in refusals:
        note(str(refusal))
    note(f"{len(matches)} of {looked} pictures show this person.")
    if pictures.skipped:
        note(f"{pictures.skipped} other files skipped.")
    return SOME_REFUSED if refusals else 0


def _described(source: str, likeness: Likeness) -> dict[str, Any]:
    return {
        "source": source,
        "probability": round(likeness.probability, 6),
        "similarity": round(likeness.similarity, 6),
        "box": likeness.box.as_dict(),
        "error": None,
    }


def _refused(source: str, error: PictureError) -> dict[str, Any]:
    return {"source": source, "probability": None, "similarity": None, "box": None, "error": error.as_dict()}


def _cells(source: str, likeness: Likeness) -> list[str]:
    box = likeness.box.as_dict()
    place = f"at {box['x']},{box['y']} {box['width']}x{box['height']}"
    return [source, f"{likeness.probability:.1%}", f"similarity {likeness.similarity:.2f}", place]
