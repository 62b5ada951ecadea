"""Films: a queue in which each is answered in a process of its own, and whose files are deleted a while after.

A film needs files. They stand in one folder in the system's place for temporary files, which only this user may read,
and go when their time is over, when the server ends, or when the next one starts.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from eigenface.blur import LOW_SCORE
from eigenface.errors import MissingExtraError, RequestError
from eigenface.limits import MAX_FILM_PIXELS, MAX_FILMS
from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.webapp.films.job import Job
from eigenface.webapp.films.scratch import Scratch
from eigenface.webapp.films.work import Order

KEPT = 15 * 60.0
"""Seconds that an answered film is kept after somebody last looked at it."""

MOST_KEPT = 60 * 60.0
"""Seconds that an answered film is kept at most."""

_LONGEST_LOOK, _LONGEST_WORK = 30.0, 3600.0  # seconds that a process may take
_IDLE = 60.0  # seconds after which an answered film makes room for another
_TICK = 20.0  # seconds between two looks for films whose time is over


class Films:
    """The queue of a server; its thread and its folder are made with the first film.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._change = threading.Condition()
        self._scratch = Scratch()
        self._worker: threading.Thread | None = None
        self._closed = self._registered = False

    @staticmethod
    def missing() -> MissingExtraError | None:
        """What has to be installed before films are answered; None where all is there."""
        if find_spec("av"):
            return None
        return MissingExtraError(
            "no_video", "films are read with PyAV, which is not installed here", "pip install 'eigenface[video]'"
        )

    def submit(
        self, film: IO[bytes], name: str, models: Sequence[FaceClassifier], options: Options, *, blur: bool = False
    ) -> dict[str, Any]:
        """Take in a film; its state.

        Raises
        ------
        FilmError, RequestError, MissingExtraError
            Where it is no film that can be read, too large or too long, or there are too many; nothing is kept then.
        """
        if missing := self.missing():
            raise missing
        if blur and options.min_score is None:
            options = replace(options, min_score=LOW_SCORE)
        options = replace(options, whole=False, max_pixels=MAX_FILM_PIXELS)
        job = self._enter(Order(name, tuple(models), options, blur))
        try:
            job.keep(film)
            job.run(Order(name, (), options), _LONGEST_LOOK)
            if job.error:
                raise RequestError(**job.error)
        except BaseException:
            with contextlib.suppress(RequestError):  # deleted already
                self.delete(job.token)
            raise
        with self._change:
            job.status, job.looked = "waiting", self._clock()
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="films", daemon=True)
                self._worker.start()
                threading.Thread(target=self._tidy, name="films kept", daemon=True).start()
            self._change.notify_all()
            return self._state(job)

    def state(self, token: str) -> dict[str, Any]:
        """How far a film is, as JSON has it; RequestError with code `no_film` where there is none."""
        with self._change:
            return self._state(self._job(token))

    def file(self, token: str, name: str) -> Path:
        """One of the files of an answered film.

        Raises
        ------
        RequestError
            With code `no_film` or `not_done`; or that for which the film was refused.
        """
        with self._change:
            job = self._job(token)
            if job.error:
                raise RequestError(**job.error)
            if job.status != "done":
                raise RequestError("not_done", f"{job.order.name}: is not answered yet", "Ask for its state.")
            if name not in job.files:
                raise RequestError("no_film", f"{job.order.name}: has no {name[:40]!r}", "Its state names its files.")
            return job.folder / name

    def delete(self, token: str) -> None:
        """Cancel a film where it is worked on, and delete all of it."""
        with self._change:
            job = self._job(token)
            del self._jobs[token]
            job.cancel()
            if job.status != "working":  # else the thread that waits for the process does it
                shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Cancel everything and delete all files."""
        with self._change:
            self._closed = True
            for token in list(self._jobs):
                self.delete(token)
            self._change.notify_all()
        if self._worker:
            self._worker.join(5)
        self._scratch.close()

    def _job(self, token: str) -> Job:
        job = self._jobs.get(token)
        if job is None:
            raise RequestError("no_film", "there is no such film, or it was deleted", "Send it again.")
        job.looked = self._clock()
        return job

    def _enter(self, order: Order) -> Job:
        with self._change:
            self._sweep()
            if len(self._jobs) >= MAX_FILMS:
                over = [one for one in self._jobs.values() if one.ended and self._clock() - one.looked > _IDLE]
                if not over:
                    raise RequestError("too_many_films", f"{MAX_FILMS} films are here already", "Try again later.")
                self.delete(min(over, key=lambda one: one.looked).token)
            token = secrets.token_urlsafe(16)
            if not self._registered:
                atexit.register(self.close)
                self._registered = True
            job = self._jobs[token] = Job(token, order, self._scratch.make(token), self._clock())
            return job

    def _state(self, job: Job) -> dict[str, Any]:
        line = [one for one in self._jobs.values() if one.status in ("waiting", "working")]
        now, before = self._clock(), line.index(job) if job.status == "waiting" else 0
        kept = min(job.looked + KEPT, job.ended + MOST_KEPT) - now if job.ended else None
        return job.state(before=before, now=now, kept=kept)

    def _work(self) -> None:
        while True:
            with self._change:
                if self._closed:
                    return
                job = next((one for one in self._jobs.values() if one.status == "waiting"), None)
                if job is None:
                    self._change.wait()
                    continue
                job.status, job.began = "working", self._clock()
            try:
                job.run(job.order, _LONGEST_WORK)
            except Exception:  # a bug, such as a model that does not travel; the next film is another one
                logging.getLogger(__name__).exception("a film failed")
                job.fail()
            with self._change:
                if job.deleted:
                    shutil.rmtree(job.folder, ignore_errors=True)
                    continue
                job.status = "failed" if job.error else "done"
                job.ended = job.looked = self._clock()
                for path in job.folder.iterdir():  # the upload goes at once
                    if path.name not in job.files:
                        path.unlink(missing_ok=True)

    def _tidy(self) -> None:
        with self._change:
            while not self._closed:
                self._sweep()
                self._change.wait(_TICK)

    def _sweep(self) -> None:
        now = self._clock()
        for job in list(self._jobs.values()):
            if job.ended and (now - job.looked > KEPT or now - job.ended > MOST_KEPT):
                self.delete(job.token)
