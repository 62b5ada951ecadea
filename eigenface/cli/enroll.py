"""`eigenface enroll`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from eigenface.cli.answering import SOME_REFUSED, json_line
from eigenface.cli.identity import gallery_option, load_embedder, model_option
from eigenface.cli.options import as_options, picture_options
from eigenface.cli.pictures import Pictures
from eigenface.cli.talk import note
from eigenface.errors import PictureError
from eigenface.gallery import Gallery
from eigenface.likeness import Portrait, main_portrait
from eigenface.register import checked_name


@click.command("enroll")
@click.argument("name")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@gallery_option
@click.option("--whole", is_flag=True, help="The pictures are face crops already.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a picture, a line each.")
@model_option
@picture_options
def command(
    name: str, photos: tuple[str, ...], gallery: Path, whole: bool, as_json: bool, model: str, **given: Any
) -> int:
    """Add a person called NAME to a gallery, from the main face of each PHOTO.

    The file is made where there is none. Of a picture it keeps the name, some hundred numbers and the time. More
    pictures may follow at any time; `eigenface predict --task identity --gallery FILE` then knows the person.
    """
    name, embedder, options = checked_name(name), load_embedder(model), as_options(whole=whole, **given)
    kept, refused, pictures = Gallery(gallery, embedder), 0, Pictures(photos)
    for found in pictures:
        face: Portrait | PictureError
        new = False
        try:
            if isinstance(found.picture, PictureError):
                raise found.picture
            seen = replace(options, whole=whole or found.whole)
            face = main_portrait(found.picture, embedder, seen, name=found.source)
            new = kept.enroll(name, [face.crop]) > 0
        except PictureError as error:
            face = error
            refused += 1
        if as_json:
            click.echo(json_line(_described(name, found.source, face, new)))
        elif isinstance(face, PictureError):
            click.echo(f"{found.source}  refused\n  {face.message}. {face.hint}")
        else:
            said = f"enrolled as {name}" if new else f"is there already as {name}"
            click.echo("\n".join([f"{found.source}  {said}", *(f"  ! {warning}" for warning in face.warnings)]))
    if pictures.skipped:
        note(f"{pictures.skipped} other files skipped.")
    return SOME_REFUSED if refused else 0


def _described(name: str, source: str, face: Portrait | PictureError, new: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"source": source, "name": name, "enrolled": new}
    if isinstance(face, PictureError):
        return {**said, "width": None, "height": None, "box": None, "warnings": [], "error": face.as_dict()}
    size = {"width": face.picture.width, "height": face.picture.height}
    return {**said, **size, "box": face.box.as_dict(), "warnings": list(face.warnings), "error": None}
