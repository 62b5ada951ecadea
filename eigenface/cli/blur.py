"""`eigenface blur`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from eigenface.blur import GROW, LOW_SCORE, STYLES, Wrapping, hide_faces, picture_bytes, wrapping_of
from eigenface.cli.answering import SOME_REFUSED, safe_name, write_file
from eigenface.cli.options import as_options, picture_options
from eigenface.cli.pictures import Found, Pictures
from eigenface.cli.talk import note
from eigenface.crops import whole_box
from eigenface.detection import get_detector
from eigenface.errors import RequestError


@click.command("blur")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the pictures.")
@click.option("--style", type=click.Choice(STYLES), default="blur", show_default=True, help="What hides a face.")
@click.option(
    "--grow",
    type=click.FloatRange(1, 4),
    default=GROW,
    show_default=True,
    help="How far beyond its box a face is hidden: side over side.",
)
@click.option("--keep-exif", is_flag=True, help="Keep place, time and camera in the file; thumbnails go all the same.")
@click.option("--force", is_flag=True, help="Overwrite pictures that are there already.")
@click.option("--go-on", is_flag=True, help="Leave pictures that are there already: a run that was stopped goes on.")
@picture_options
def command(
    photos: tuple[str, ...], out: Path, style: str, grow: float, keep_exif: bool, force: bool, go_on: bool, **given: Any
) -> int:
    """Make the faces in each PHOTO unrecognisable, and write the picture in its own format.

    It cannot be undone: at most 36 colours of a face are left, with `--style black` none. Without --min-score all is
    hidden that scores 0.15 or more, some of it no face: better one too many. A face that is not found stays as it
    is, so look at every picture before you show it.
    """
    options = as_options(**given)
    if options.min_score is None:
        options = replace(options, min_score=LOW_SCORE)
    detector = get_detector(options.detector)
    pictures = Pictures(photos)
    written = hidden = left = 0
    for found, picture in pictures.decoded(options.max_pixels):
        target = _target(found, out, force=force or go_on)
        if go_on and target.exists():
            left += 1
            continue
        wrapping = wrapping_of(found.picture) if isinstance(found.picture, Path | bytes) else Wrapping()
        if found.whole:
            boxes = [whole_box(picture.pixels)]
        else:  # all of them: `recognise.find` would leave out what is beyond the most that are answered
            score = options.min_score
            boxes = [one.box for one in detector.detect(picture.pixels, min_face=options.min_face, min_score=score)]
        blurred = hide_faces(picture.pixels, boxes, style=style, grow=grow)
        write_file(target, picture_bytes(blurred, wrapping, keep_exif=keep_exif))
        for said in (*picture.warnings, *wrapping.warnings, *([] if boxes else ["No face was found in it."])):
            note(f"{found.source}: {said}")
        written, hidden = written + 1, hidden + len(boxes)
    faces, done = f"{hidden} face{'s' * (hidden != 1)}", f"{written} picture{'s' * (written != 1)}"
    click.echo(f"{faces} hidden in {done}, written to {out}")
    note("Faces that are not found stay: look at every picture.")
    if left:
        note(f"{left} were there already, and were left as they are.")
    if pictures.skipped:
        note(f"{pictures.skipped} other files skipped.")
    return SOME_REFUSED if pictures.refused else 0


def _target(found: Found, out: Path, *, force: bool) -> Path:
    """Where the picture goes; never over itself, for what is hidden is lost."""
    target = out / safe_name(found.source)
    if not isinstance(found.picture, Path | bytes):
        target = target.with_name(f"{target.name}.png")
    if target.exists():
        if isinstance(found.picture, Path) and target.samefile(found.picture):
            raise RequestError("exists", f"{target}: is the picture itself", "Give another --out.")
        if not force:
            raise RequestError("exists", f"{target}: is there already", "Give another --out, --go-on or --force.")
    return target
