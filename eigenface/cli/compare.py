"""`eigenface compare`."""

from __future__ import annotations

from typing import Any

import click

from eigenface.cli.answering import SOME_REFUSED, json_line
from eigenface.cli.identity import load_embedder, model_option
from eigenface.cli.options import as_options, picture_options
from eigenface.cli.table import aligned
from eigenface.errors import PictureError
from eigenface.likeness import Portrait, compare_rows, main_portrait


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--whole", is_flag=True, help="The pictures are face crops already.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@model_option
@picture_options
def command(a: str, b: str, whole: bool, as_json: bool, model: str, **given: Any) -> int:
    """Say whether photos A and B show the same person, and how probable that is.

    Of a photo with several faces the main one is compared. The probability is for two photos as likely of one person
    as of two; where look-alikes were sought out, it is less.
    """
    embedder, options, photos = load_embedder(model), as_options(whole=whole, **given), (a, b)
    faces: list[Portrait | PictureError] = []
    for photo in photos:
        try:
            faces.append(main_portrait(photo, embedder, options, name=photo))
        except PictureError as error:
            faces.append(error)
    portraits = [face for face in faces if isinstance(face, Portrait)]
    said = None
    if len(portraits) == 2:
        rows = embedder.embed([face.crop for face in portraits])
        said = compare_rows(rows, (portraits[0].box, portraits[1].box), embedder)
    if as_json:
        words = {"same": said and said.same, "probability": said and round(said.probability, 6)}
        refusal = next((face.as_dict() for face in faces if isinstance(face, PictureError)), None)
        words |= {"similarity": said and round(said.similarity, 6)}
        described = [_described(photo, face) for photo, face in zip(photos, faces, strict=True)]
        click.echo(json_line({**words, "faces": described, "error": refusal}))
        return 0 if said else SOME_REFUSED
    if said:
        verdict = "same person" if said.same else "different people"
        click.echo(f"{verdict}  probability of one person {said.probability:.1%}  similarity {said.similarity:.2f}")
    click.echo("\n".join(aligned([_cells(photo, face) for photo, face in zip(photos, faces, strict=True)])))
    return 0 if said else SOME_REFUSED


def _described(photo: str, face: Portrait | PictureError) -> dict[str, Any]:
    if isinstance(face, PictureError):
        return {"source": photo, "width": None, "height": None, "box": None, "warnings": [], "error": face.as_dict()}
    size = {"width": face.picture.width, "height": face.picture.height}
    return {"source": photo, **size, "box": face.box.as_dict(), "warnings": list(face.warnings), "error": None}


def _cells(photo: str, face: Portrait | PictureError) -> list[str]:
    if isinstance(face, PictureError):
        return [f"  {photo}", "refused", f"{face.message}. {face.hint}"]
    box = face.box.as_dict()
    return [f"  {photo}", f"at {box['x']},{box['y']}", f"{box['width']}x{box['height']} {' '.join(face.warnings)}"]
