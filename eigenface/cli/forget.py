"""`eigenface forget`."""

from __future__ import annotations

from pathlib import Path

import click

from eigenface.cli.answering import json_line
from eigenface.cli.identity import gallery_option
from eigenface.register import Register, checked_name


@click.command("forget")
@click.argument("name")
@gallery_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(name: str, gallery: Path, as_json: bool) -> None:
    """Remove the person called NAME from a gallery, with all that was kept of their pictures.

    What is removed is overwritten in the file. Copies of the file made before, such as backups, still hold it.
    """
    name = checked_name(name)
    pictures = Register(gallery).forget(name)
    if as_json:
        click.echo(json_line({"name": name, "pictures": pictures}))
    else:
        click.echo(f"{name} is forgotten, with {pictures} {'picture' if pictures == 1 else 'pictures'}")
