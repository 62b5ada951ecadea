"""`eigenface video`."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import click

from eigenface.blur import LOW_SCORE
from eigenface.cli.answering import SOME_REFUSED, write_file
from eigenface.cli.identity import IDENTITY, with_gallery
from eigenface.cli.options import as_options, load_models, picture_options
from eigenface.cli.talk import Bar, note


@click.command("video")
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--task", metavar="T[,T2]", help="A shipped task or several (see `eigenface tasks`).  [default: gender]")
@click.option("--model", metavar="FILE", help="A saved model instead: .eigenface, or .joblib with --trust.")
@click.option("--trust", is_flag=True, help="Read a .joblib model, which runs the code in it.")
@click.option("--gallery", metavar="FILE", type=click.Path(path_type=Path), help="The people that identity knows.")
@click.option("--far", type=float, help="Share of strangers whom a gallery may give a name.  [default: 0.05]")
@click.option(
    "--timeline",
    "timelines",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also a CSV, or .jsonl, a row a face; repeatable.",
)
@click.option("--faces", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Also a crop a track.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Answer every N-th frame only.")
@click.option("--blur", is_flag=True, help="Make the faces unrecognisable.")
@click.option("--chart", metavar="FILE", type=click.Path(path_type=Path), help="Also a PNG of who was seen when.")
@click.option("--resume", is_flag=True, help="Go on where an earlier run was stopped; needs --timeline.")
@picture_options
def command(
    source: str,
    out: Path,
    task: str | None,
    model: str | None,
    trust: bool,
    gallery: Path | None,
    far: float | None,
    timelines: tuple[Path, ...],
    faces: Path | None,
    every: int,
    blur: bool,
    chart: Path | None,
    resume: bool,
    **given: Any,
) -> int:
    """Follow the faces of the film IN, say what a task makes of each, and write it all into the film OUT (MP4)."""
    from eigenface.video.answering import answer_film
    from eigenface.video.outputs import Wanted

    models = with_gallery(load_models(task or (IDENTITY if gallery else None), model, trust), gallery, far)
    options = as_options(**given)
    if blur and options.min_score is None:
        options = replace(options, min_score=LOW_SCORE)
    wanted = Wanted(out, timelines=timelines, faces=faces, every=every, blur=blur, resume=resume)
    with Bar() as bar, _Stop() as stop:

        def progress(done: int, total: int, what: str) -> None:
            stop.check()
            bar(done, total, what)

        said = answer_film(source, wanted, models, options, progress=progress)
    for warning in said.warnings:
        note(f"{source}: {warning}")
    if not said.frames:
        click.echo(f"{out}: finished already, nothing is left to do")
        return 0
    if chart:
        from eigenface.report.spans import spans_figure
        from eigenface.report.style import png

        classes = [str(name) for name in models[0].classes_]
        write_file(chart, png(spans_figure(said.spans, classes, said.seconds)))
    if blur:
        note("Faces that are not found stay: look at the film before you show it.")
    before = f", {said.done_before} of them by an earlier run" if said.done_before else ""
    click.echo(f"{said.tracks} faces followed through {said.frames} frames{before}, written to {out}")
    return SOME_REFUSED if said.warnings else 0


class _Stop:
    """Ctrl-C and a polite kill take effect between frames, so that none is half written; a second Ctrl-C at once."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def check(self) -> None:
        if self._asked:
            raise KeyboardInterrupt
