"""One checkpoint for every long job: finished parts are on disk at once, and a job started again skips them.

A journal is a text file of JSON lines. The first says what the job is; every other holds the result of one part. A
line cut short by a kill or a full disk is dropped when the journal is opened again.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from eigenface.errors import RequestError


class Journal:
    """Results of a job's finished parts by key, kept in a file.

    Parameters
    ----------
    path : path
        Where the journal lies.
    job : mapping
        What the job is, as JSON values: settings, a hash of the data, versions. A journal of another job is refused.
    fresh : bool
        Throw away what an earlier run left.
    sync : float
        Seconds between writes to the disk itself, for jobs of very many small parts: so much of it a power failure may
        undo. What is killed loses nothing: lines are with the system at once.

    Raises
    ------
    RequestError
        With code `other_job`, which names what differs, or `cannot_write`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Journal(Path(folder, "job"), {"grid": 3}) as journal:
    ...         journal.record("part 1", {"score": 0.5})
    ...     with Journal(Path(folder, "job"), {"grid": 3}) as journal:
    ...         journal.done
    {'part 1': {'score': 0.5}}
    """

    def __init__(self, path: str | Path, job: Mapping[str, Any], *, fresh: bool = False, sync: float = 0.0) -> None:
        self.path = Path(path)
        self.done: dict[str, Any] = {}
        self._sync, self._synced = sync, time.monotonic()
        self._job = json.loads(json.dumps(job))
        try:
            kept = "" if fresh or not self.path.exists() else self.path.read_text(encoding="utf-8", errors="replace")
            self._read(kept)
            self._write_all()
            self._handle: TextIO = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> RequestError:
        return RequestError(
            "cannot_write",
            f"{self.path}: no journal can be kept there ({error.strerror or error})",
            "Free the disk or give another path. What was recorded before stays.",
        )

    def _read(self, text: str) -> None:
        lines: list[Any] = []
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # cut short
                break
            if lines and not (isinstance(entry, dict) and {"key", "value"} <= entry.keys()):
                break  # somebody else's words
            lines.append(entry)
        if not text.strip():
            return
        before = lines[0].get("job") if lines and isinstance(lines[0], dict) else None
        if before != self._job:
            changed = ["its form"]
            if isinstance(before, dict):
                changed = [key for key in {*before, *self._job} if before.get(key) != self._job.get(key)]
            raise _other(self.path, changed)
        self.done = {entry["key"]: entry["value"] for entry in lines[1:]}

    def _write_all(self) -> None:
        lines = [{"job": self._job}, *({"key": key, "value": value} for key, value in self.done.items())]
        partial = self.path.with_name(self.path.name + ".partial")
        partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        partial.replace(self.path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was recorded stays."""
        with contextlib.suppress(OSError, ValueError):  # of one closed before
            os.fsync(self._handle.fileno())
        with contextlib.suppress(OSError):  # a line that the full disk refused is tried again, and lost for good
            self._handle.close()

    def __contains__(self, key: str) -> bool:
        return key in self.done

    def __getitem__(self, key: str) -> Any:
        return self.done[key]

    def record(self, key: str, value: Any) -> None:
        """Keep the result of a part, a JSON value; it is on disk when this returns, or within `sync` seconds.

        Raises
        ------
        RequestError
            With code `cannot_write`, where the disk is full.
        """
        try:
            self._handle.write(json.dumps({"key": key, "value": value}) + "\n")
            self._handle.flush()
            if time.monotonic() - self._synced >= self._sync:
                os.fsync(self._handle.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise self._unwritten(error) from None
        self.done[key] = value

    def finish(self) -> None:
        """The job is done: close the journal and remove it."""
        self.close()
        self.path.unlink(missing_ok=True)


def refuse_other(path: Path, known: Mapping[str, Any]) -> None:
    """Refuse the journal of another job by what is known of the job so far, before work is done to know the rest.

    Raises
    ------
    RequestError
        With code `other_job`, as opening the journal would.
    """
    try:
        with path.open(encoding="utf-8") as handle:
            before = json.loads(handle.readline())["job"]
        changed = [key for key, value in json.loads(json.dumps(known)).items() if before[key] != value]
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or it is none: opening it tells
        return
    if changed:
        raise _other(path, changed)


def _other(path: Path, changed: Iterable[str]) -> RequestError:
    return RequestError(
        "other_job",
        f"{path}: belongs to another job; what differs: {', '.join(sorted(changed))}",
        "Start afresh with --fresh (in Python, remove the file), or keep this one under another name.",
    )
