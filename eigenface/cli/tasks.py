"""`eigenface tasks`."""

from __future__ import annotations

import json

import click


@click.command("tasks")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a model, a line each.")
def command(as_json: bool) -> None:
    """List the tasks and models that come with the package, and how often each is right."""
    from eigenface.catalogue import catalogue
    from eigenface.cli.table import aligned

    entries = catalogue()
    if as_json:
        for entry in entries:
            click.echo(json.dumps(entry.as_dict(), ensure_ascii=False))
        return
    rows = [["MODEL", "CLASSES", "ACCURACY ON PEOPLE KEPT ASIDE", "MB"]]
    for entry in entries:
        judged = ", ".join(f"{row['data']} {row['accuracy']:.3f}" for row in entry.judged)
        rows.append([entry.name, ", ".join(entry.classes), judged, f"{entry.megabytes:.1f}"])
    click.echo("\n".join(aligned(rows)))
