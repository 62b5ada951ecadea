"""`eigenface watch`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

import click

from eigenface.cli.answering import json_line
from eigenface.cli.identity import IDENTITY, with_gallery
from eigenface.cli.options import as_options, load_models, picture_options
from eigenface.cli.talk import note
from eigenface.errors import RequestError


@click.command("watch")
@click.argument("source")
@click.option("--task", metavar="T[,T2]", help="A shipped task or several (see `eigenface tasks`).  [default: gender]")
@click.option("--model", metavar="FILE", help="A saved model instead: .eigenface, or .joblib with --trust.")
@click.option("--trust", is_flag=True, help="Read a .joblib model, which runs the code in it.")
@click.option("--gallery", metavar="FILE", type=click.Path(path_type=Path), help="The people that identity knows.")
@click.option("--far", type=float, help="Share of strangers whom a gallery may give a name.  [default: 0.05]")
@click.option("--alert", "labels", multiple=True, metavar="LABEL", help="Alert when a face has this label; repeatable.")
@click.option(
    "--stay", type=click.FloatRange(0), default=1.0, show_default=True, help="Seconds that the label must stay."
)
@click.option(
    "--dead-time", type=click.FloatRange(0), default=30.0, show_default=True, help="Seconds between alerts of a label."
)
@click.option("--save", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="A picture an alert.")
@click.option("--run", "run", metavar="COMMAND", help="Run on alert, without a shell; the event comes on its stdin.")
@click.option("--webhook", metavar="URL", help="POST the event there on alert, as JSON.")
@click.option("--log", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Append the events there.")
@click.option(
    "--patience",
    type=click.FloatRange(0),
    help="Seconds to wait for a source that is gone.  [default: for ever; a film: 0]",
)
@picture_options
def command(
    source: str,
    task: str | None,
    model: str | None,
    trust: bool,
    gallery: Path | None,
    far: float | None,
    labels: tuple[str, ...],
    stay: float,
    dead_time: float,
    save: Path | None,
    run: str | None,
    webhook: str | None,
    log: Path | None,
    patience: float | None,
    **given: Any,
) -> int:
    """Follow the faces that SOURCE shows and print what happens, a JSON object a line; Ctrl-C ends it.

    SOURCE is a camera's number, a device, an address (rtsp://, http:// ...) or a film. A camera that disappears is
    waited for.
    """
    from eigenface.video.camera import is_file
    from eigenface.video.delivery import Delivery
    from eigenface.video.watching import Event, Watch, watch

    models = with_gallery(load_models(task or (IDENTITY if gallery else None), model, trust), gallery, far)
    if patience is None:
        patience = 0.0 if is_file(source) else float("inf")
    wanted = Watch(labels, stay=stay, dead_time=dead_time, save=save, patience=patience)
    kept = _opened(log) if log else None
    delivery = Delivery(run, webhook, note)

    def tell(event: Event) -> None:
        line = json_line(event)
        click.echo(line)
        sys.stdout.flush()
        if kept is not None:
            kept.write(line + "\n")
            kept.flush()
        if event.get("told"):
            delivery.send(event)

    try:
        watch(source, wanted, models, as_options(**given), on_event=tell)
    finally:
        delivery.close()
        if kept is not None:
            kept.close()
    return 0


def _opened(log: Path) -> TextIO:
    try:
        return log.open("a", encoding="utf-8")
    except OSError as error:
        raise RequestError(
            "cannot_write", f"--log {log}: cannot be written ({error.strerror})", "Give another path."
        ) from None
