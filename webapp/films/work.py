"""One film, answered in a process of its own: a film that breaks its reader breaks no page, and can be cancelled.

The server starts `python -m eigenface.webapp.films.work` in the film's folder and sends an Order over standard input,
which it then leaves open: its end tells that the server is gone. Answers are lines of JSON on standard output.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from eigenface.errors import EigenfaceError, RequestError
from eigenface.limits import MAX_FILM_FRAMES, MAX_FILM_OUTPUT_BYTES, MAX_FILM_SECONDS
from eigenface.model import FaceClassifier
from eigenface.program import Program
from eigenface.recognise import Options

UPLOAD, FILM, CSV, JSON, CHART = "upload", "film.mp4", "timeline.csv", "timeline.jsonl", "chart.png"
"""Names of the files in a film's folder."""

_LOCK = type(threading.Lock())
_NICE = 5  # how far a film steps back for requests

Told = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Order:
    """What is to be done with the upload in the folder; without `models` it is only looked into.

    `name` is what its owner calls the film.
    """

    name: str
    models: tuple[FaceClassifier, ...]
    options: Options
    blur: bool = False


class _Pickler(pickle.Pickler):
    """Takes models along, whose programs are functions and whose locks are nobody else's."""

    def reducer_override(self, thing: object) -> Any:
        if isinstance(thing, Program):
            return Program, (thing.operations,)
        if isinstance(thing, _LOCK):
            return threading.Lock, ()
        return NotImplemented


def written(order: Order) -> bytes:
    """An order as it is sent, its length before it."""
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(order)
    return len(buffer.getvalue()).to_bytes(8, "big") + buffer.getvalue()


def look(order: Order) -> dict[str, Any]:
    """Frames that the film's header promises; FilmError or RequestError where it is not answered."""
    from eigenface.video.frames import Film

    with Film(UPLOAD, max_pixels=order.options.max_pixels) as film:
        if (film.length or 0) > MAX_FILM_SECONDS:
            raise _too_long(f"{film.length:.0f} seconds")
        if (film.expected or 0) > MAX_FILM_FRAMES:
            raise _too_long(f"{film.expected} frames")
        return {"expected": film.expected or 0}


def answer(order: Order, tell: Told) -> dict[str, Any]:
    """Answer the upload into the folder's other files; what became of it."""
    from eigenface.report.spans import spans_figure
    from eigenface.report.style import png
    from eigenface.video.answering import answer_film
    from eigenface.video.outputs import Wanted

    def progress(done: int, total: int, what: str) -> None:
        if done > MAX_FILM_FRAMES:  # whatever its header said
            raise _too_long(f"more than {MAX_FILM_FRAMES} frames")
        tell({"done": done, "expected": total})

    here = Path()
    faces = None if order.blur else here  # who is hidden in the film is not shown beside it
    wanted = Wanted(Path(FILM), timelines=(Path(CSV), Path(JSON)), faces=faces, blur=order.blur)
    said = answer_film(UPLOAD, wanted, order.models, order.options, progress=progress)
    classes = [str(name) for name in order.models[0].classes_]
    Path(CHART).write_bytes(png(spans_figure(said.spans, classes, said.seconds)))
    return {
        "frames": said.frames,
        "tracks": said.tracks,
        "seconds": round(said.seconds, 3),
        "warnings": said.warnings,
        "portraits": sorted(path.name for path in here.glob("track_*.jpg")),
    }


def _too_long(what: str) -> RequestError:
    return RequestError(
        "film_too_long",
        f"{UPLOAD}: {what}; the limit is {MAX_FILM_SECONDS // 60} minutes and {MAX_FILM_FRAMES} frames",
        "Cut it, or use `eigenface video`.",
    )


def _bound_files() -> None:
    """Let no file of this process grow beyond its limit, where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILM_OUTPUT_BYTES, MAX_FILM_OUTPUT_BYTES))


def _end_with(server: BinaryIO) -> None:
    os.read(server.fileno(), 1)  # past the buffer, whose lock would be held for ever
    os._exit(1)


def main() -> None:
    """Carry out the order on standard input."""
    server, answers = sys.stdin.buffer, sys.stdout
    order: Order = pickle.loads(server.read(int.from_bytes(server.read(8), "big")))  # from the server that started this
    threading.Thread(target=_end_with, args=(server,), daemon=True).start()

    def tell(said: dict[str, Any]) -> None:
        answers.write(json.dumps(said) + "\n")
        answers.flush()

    _bound_files()
    try:
        if order.models:
            with contextlib.suppress(AttributeError, OSError):
                os.nice(_NICE)
            tell(answer(order, tell))
        else:  # somebody waits
            tell(look(order))
    except EigenfaceError as error:
        tell({"error": {**error.as_dict(), "message": error.message.replace(UPLOAD, order.name, 1)}})


if __name__ == "__main__":
    main()
