"""One film of the queue: its upload, the process that answers it, and how far it is."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from eigenface.errors import RequestError
from eigenface.limits import MAX_FILM_BYTES
from eigenface.webapp.films.work import CHART, CSV, FILM, JSON, UPLOAD, Order, written
from eigenface.webapp.uploads import too_large

FILES = {FILM: "video/mp4", CSV: "text/csv", JSON: "application/jsonl", CHART: "image/png"}
"""What every answered film can be asked for, and its type; beside these, a portrait of each face."""

_CHUNK = 1 << 20


@dataclass(eq=False)
class Job:
    """A film in a folder of its own. Who knows its token owns it.

    Parameters
    ----------
    token : str
    order : Order
    folder : Path
    looked : float
        When somebody last asked for it, in seconds of the queue's clock, as `began` and `ended` are.
    """

    token: str
    order: Order
    folder: Path
    looked: float
    status: str = "arriving"  # then waiting, working, and done or failed
    done: int = 0
    expected: int = 0
    began: float = 0.0
    ended: float = 0.0
    said: dict[str, Any] = field(default_factory=dict)
    error: dict[str, str] | None = None
    deleted: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def files(self) -> list[str]:
        """What there is of it to be asked for."""
        return [*FILES, *self.said.get("portraits", ())] if self.status == "done" else []

    def keep(self, film: IO[bytes]) -> None:
        """Copy an upload into its folder.

        Raises
        ------
        RequestError
            With code `too_many_bytes` or `cannot_write`.
        """
        name, size = self.order.name, 0
        try:
            with (self.folder / UPLOAD).open("wb") as handle:
                while chunk := film.read(_CHUNK):
                    size += len(chunk)
                    if size > MAX_FILM_BYTES:
                        raise too_large(name, size)
                    handle.write(chunk)
        except OSError as error:
            raise RequestError(
                "cannot_write", f"{name}: the server cannot keep it ({error.strerror})", "Try again later."
            ) from None

    def run(self, order: Order, longest: float) -> None:
        """Have a process carry out the order within so many seconds; `said` or `error` is what came of it."""
        try:
            with self._lock:
                if self.deleted:
                    return
                self._process = process = _started(self.folder)
        except OSError:  # too many processes, or no memory
            self.fail()
            return
        clock = threading.Timer(longest, process.kill)
        clock.start()
        assert process.stdin
        assert process.stdout
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(written(order))
                process.stdin.flush()
            for line in process.stdout:
                if line.endswith(b"\n"):  # else it was killed in the middle of it
                    self._hear(json.loads(line))
            process.wait()
        finally:
            clock.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        if process.returncode:
            self.fail()

    def fail(self) -> None:
        """Note that its process came to nothing."""
        message, hint = f"{self.order.name}: could not be worked through", "Try another copy of it, or a shorter one."
        self.error = {"code": "film_failed", "message": message, "hint": hint}

    def cancel(self) -> None:
        """End its process, and let no other begin."""
        with self._lock:
            self.deleted = True
            if self._process:
                self._process.kill()

    def state(self, *, before: int, now: float, kept: float | None) -> dict[str, Any]:
        """How far it is, as JSON has it; `before`: films that come first, `kept`: seconds until it is deleted."""
        expected, left = max(self.expected, self.done), None
        if self.status == "working" and self.done:
            left = round((now - self.began) * (expected - self.done) / self.done, 1)
        return {
            "id": self.token,
            "source": self.order.name,
            "task": self.order.models[0].task,
            "model": self.order.models[0].name,
            "status": self.status,
            "before": before,
            "done": self.done,
            "expected": expected,
            "seconds_left": left,
            "kept_seconds": None if kept is None else round(kept),
            "answer": self.said if self.status == "done" else None,
            "files": {name: f"/api/v1/films/{self.token}/{name}" for name in self.files},
            "error": self.error,
        }

    def _hear(self, said: dict[str, Any]) -> None:
        self.done, self.expected = said.get("done", self.done), said.get("expected", self.expected)
        self.said, self.error = said, said.get("error")


def _started(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "eigenface.webapp.films.work"]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
