"""`eigenface people`."""

from __future__ import annotations

from pathlib import Path

import click

from eigenface.cli.answering import json_line
from eigenface.cli.identity import gallery_option
from eigenface.cli.table import aligned
from eigenface.register import Register


@click.command("people")
@gallery_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a person, a line each.")
def command(gallery: Path, as_json: bool) -> None:
    """Say who is enrolled in a gallery, from how many pictures, and when the last was added."""
    people = Register(gallery).people()
    if as_json:
        for person in people:
            click.echo(json_line(person.as_dict()))
        return
    rows = [["NAME", "PICTURES", "LAST ADDED"]]
    click.echo("\n".join(aligned([*rows, *([one.name, str(one.pictures), one.added] for one in people)])))
