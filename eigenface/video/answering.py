"""From a film to an annotated film and its timeline: frames in, tracks, frames out, whatever the length."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.progress import Progress, silent
from eigenface.recognise import Options
from eigenface.video.film import OURS, SUFFIXES
from eigenface.video.frames import Film, Frame
from eigenface.video.lookback import Answered, LookBack
from eigenface.video.outputs import Outputs, Wanted
from eigenface.video.resume import PREROLL, Earlier, Numbers, cut_timeline, earlier_run, is_ours
from eigenface.video.spans import Span, Spans
from eigenface.video.timeline import is_timeline
from eigenface.video.tracks import SEARCH, Tracker

_TICK = 0.001  # seconds: times in a timeline are rounded to this


@dataclass
class Said:
    """What became of a film: frames written, tracks shown, seconds to the last frame, what was not read, spans.

    `done_before`: so many of the frames were written by an earlier run.
    """

    frames: int = 0
    tracks: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    spans: tuple[Span, ...] = field(default=(), repr=False)
    done_before: int = 0


def answer_film(
    source: str,
    wanted: Wanted,
    models: Sequence[FaceClassifier],
    options: Options | None = None,
    *,
    progress: Progress = silent,
) -> Said:
    """Annotate a film. Stopped by an exception, it leaves a film that plays and its timeline up to there.

    Parameters
    ----------
    source : str
        Path of the film.
    wanted : Wanted
    models : sequence of FaceClassifier
    options : Options, optional
    progress : callable

    Raises
    ------
    FilmError
        Where the film cannot be read; nothing is written then.
    RequestError
        With code `cannot_write`, `bad_suffix`, `exists` or `other_job`.
    """
    options = options or Options()
    _check(source, wanted)
    with Film(source, max_pixels=options.max_pixels) as film:
        job = _job(source, wanted, models, options)
        earlier = earlier_run(wanted.out, job) if wanted.resume else Earlier()
        if earlier.finished:
            return Said(done_before=film.expected or 0)
        spans, numbers = Spans(), Numbers()
        begin = earlier.time - _TICK  # by time, not by number: a run stopped within a frame may lack that one
        if earlier.frames:
            first, *others = wanted.timelines
            numbers = cut_timeline(first, begin, lambda row: spans.see(row.track, row.label, row.time))
            for path in others:
                cut_timeline(path, begin)
        tracker, waiting = Tracker(models, options), LookBack(models)
        with Outputs(film, wanted, models, job, earlier, spans) as outputs:
            last: Frame | None = None

            def put(done: Answered) -> None:
                if done.frame.time < begin:
                    numbers.learn(done)
                else:
                    outputs.add(numbers.renumber(done))

            try:
                for frame in film:
                    if frame.number % wanted.every or frame.time < begin - PREROLL:
                        continue
                    for done in waiting.add(frame, tracker.update(frame.pixels, frame.time)):
                        put(done)
                    last = frame
                    progress(frame.number + 1, max(film.expected or 0, frame.number + 1), "frames")
            finally:  # what waits is answered already: a stopped film goes on to its last frame
                for done in waiting.rest(tracker.update(last.pixels, last.time + SEARCH) if last else ()):
                    put(done)
        seen = {span.track for span in spans.all}
        frames = earlier.frames + outputs.frames
        return Said(frames, len(seen), outputs.seconds, tuple(film.warnings), tuple(spans.all), earlier.frames)


def _check(source: str, wanted: Wanted) -> None:
    """Refuse files that could not be written, before an hour of work and not after it."""
    out = wanted.out
    if out.suffix.lower() not in SUFFIXES:
        raise RequestError(
            "bad_suffix", f"{out}: films are written as MP4", f"Give a name that ends in {', '.join(SUFFIXES)}."
        )
    for path in (out, *wanted.timelines):
        if path.exists() and Path(source).exists() and path.samefile(source):
            raise RequestError("exists", f"{path}: is the film itself", "Give another name.")
        if path.is_dir() or not path.parent.is_dir():
            why = "a folder" if path.is_dir() else "no such folder"
            raise RequestError("cannot_write", f"{path}: cannot be written ({why})", "Give another path.")
    for path, made_here in ((out, is_ours), *((path, is_timeline) for path in wanted.timelines)):
        if path.is_file() and path.stat().st_size and not made_here(path):
            raise RequestError("exists", f"{path}: is there already, and is not of ours", "Give another name.")
    if wanted.resume and not wanted.timelines:
        raise RequestError(
            "no_timeline", "--resume without --timeline: only a timeline says which face is which", "Give both."
        )


def _job(source: str, wanted: Wanted, models: Sequence[FaceClassifier], options: Options) -> str:
    """A comment for the film that is another one for another source, task or option, and tells nothing of them."""
    asked = {"every": wanted.every, "blur": wanted.blur} | asdict(options)
    named = [(model.name, model.classes_.tolist(), model.meta.get("versions")) for model in models]
    described = repr((Path(source).name, Path(source).stat().st_size, named, sorted(asked.items())))
    return f"{OURS}, job {hashlib.sha256(described.encode()).hexdigest()[:16]}"
