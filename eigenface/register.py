"""Register: names and rows of numbers in one SQLite file, changed in transactions; every failure is told in one line.

A process killed in the middle of a change leaves the file as it was before. Several may read and write at once.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.errors import RequestError
from eigenface.people import UNKNOWN
from eigenface.types import Rows

LONGEST_NAME = 200
_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")  # Unicode's categories of signs that nobody sees
_JOINERS = "\u200c\u200d"  # of them, what Persian and Indian names are written with

_MARK = 0x65_66_67_31  # `efg1`, where SQLite keeps what a file is of
_SCHEMA = (
    "create table about (key text primary key, value text not null)",
    "create table people (id integer primary key, name text not null unique)",
    "create table pictures (person integer not null, row blob not null, added text not null)",
    "create index whose on pictures (person, substr(row, 1, 16))",  # enough of a row to find its equal
    f"pragma application_id = {_MARK}",
)
_STORED = np.dtype("<f2")  # cosines of rows stored so differ by less than 0.001
_AT_A_TIME = 4096  # rows read at once: bounds memory
_PATIENCE = 20.0  # seconds to wait for another process's transaction


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A person of the register, from how many pictures, and when the last was added (ISO 8601, UTC)."""

    name: str
    pictures: int
    added: str

    def as_dict(self) -> dict[str, Any]:
        """The person as JSON has it."""
        return {"name": self.name, "pictures": self.pictures, "added": self.added}


class Register:
    """The file of a gallery. A connection lasts as long as one question, which keeps threads and forks safe.

    Parameters
    ----------
    path : path
    create : bool
        Make the file where there is none, readable by its owner alone.

    Raises
    ------
    RequestError
        With code `no_gallery`, `not_a_gallery` or `cannot_write`.
    """

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        self.path = Path(path)
        try:
            if "\0" in str(path) or self.path.is_dir():
                raise RequestError("not_a_gallery", f"{str(path)!r}: no file can be there", "Give the path of a file.")
            if not self.path.exists():
                if not create:
                    raise RequestError(
                        "no_gallery", f"{path}: there is no gallery", "Enrol somebody first, with eigenface enroll."
                    )
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))  # faces are nobody else's to read
            empty = self.path.stat().st_size == 0
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from None
        if empty:
            with self._changed() as connection:
                if not _mark(connection):  # nobody was faster
                    for statement in _SCHEMA:
                        connection.execute(statement)
        with self._opened() as connection:
            if _mark(connection) != _MARK:
                raise RequestError("not_a_gallery", f"{path}: a database, but no gallery", "Give another path.")

    def add(self, name: str, rows: Rows, *, model: str, model_hash: str) -> int:
        """Add rows (n, d) of one person, made by one model; how many were new: none is kept twice.

        Raises
        ------
        RequestError
            With code `bad_name`, `other_model`, `gallery_busy` or `cannot_write`.
        """
        name, now = checked_name(name), datetime.now(UTC).isoformat(timespec="seconds")
        with self._changed() as connection:
            self._same_model(connection, model_hash)
            about = [("model", model), ("model_hash", model_hash)]
            connection.executemany("insert or replace into about values (?, ?)", about)
            connection.execute("insert or ignore into people (name) values (?)", (name,))
            (person,) = connection.execute("select id from people where name = ?", (name,)).fetchone()
            before = connection.total_changes
            connection.executemany(
                "insert into pictures select ?1, ?2, ?3"
                " where not exists (select 1 from pictures"
                " where person = ?1 and substr(row, 1, 16) = substr(?2, 1, 16) and row = ?2)",
                [(person, row.tobytes(), now) for row in rows.astype(_STORED)],
            )
            return connection.total_changes - before

    def forget(self, name: str) -> int:
        """Remove a person and all that was kept of their pictures from the file; how many pictures they had.

        Raises
        ------
        RequestError
            With code `bad_name`, `unknown_person`, `gallery_busy` or `cannot_write`.
        """
        name = checked_name(name)
        with self._changed() as connection:
            found = connection.execute("select id from people where name = ?", (name,)).fetchone()
            if found is None:
                known = [row[0] for row in connection.execute("select name from people")]
                near = difflib.get_close_matches(name, known, 1)
                hint = f"Did you mean {near[0]}?" if near else "Give a name as it was enrolled, letter by letter."
                raise RequestError("unknown_person", f"{self.path}: nobody is called {name!r} there", hint)
            pictures = connection.execute("delete from pictures where person = ?", found).rowcount
            connection.execute("delete from people where id = ?", found)
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(self._connect()) as connection:
            connection.execute("pragma temp_store = memory")  # of no row a copy in a temporary file
            connection.execute("vacuum")  # gives room back; what was deleted has been overwritten already
        return pictures

    def people(self) -> list[Enrolled]:
        """Everybody in the register, by name."""
        with self._opened() as connection:
            rows = connection.execute(
                "select name, count(*), max(added) from people join pictures on person = id group by id order by name"
            )
            return [Enrolled(*row) for row in rows]

    def revision(self) -> str:
        """A word that is another one after every change."""
        with self._opened() as connection:
            return _about(connection, "revision")

    def means(self, model_hash: str) -> tuple[str, list[str], Rows]:
        """Revision, names (n,) and the mean row (n, d) of each person's pictures, all of one moment.

        Raises
        ------
        RequestError
            With code `other_model`, where the rows are another model's.
        """
        with self._opened() as connection:
            connection.execute("begin")
            self._same_model(connection, model_hash)
            least, most = connection.execute("select min(length(row)), max(length(row)) from pictures").fetchone()
            if least != most or (least or 0) % _STORED.itemsize:
                raise RequestError("not_a_gallery", f"{self.path}: a damaged gallery", "Enrol its people again.")
            people = connection.execute(
                "select id, name from people where id in (select person from pictures) order by name"
            ).fetchall()
            place = {person: number for number, (person, _) in enumerate(people)}
            sums: Rows = np.zeros((len(people), (least or 0) // _STORED.itemsize), np.float32)
            counts = np.zeros(len(people), np.float32)
            cursor = connection.execute("select person, row from pictures join people on person = id order by person")
            while part := cursor.fetchmany(_AT_A_TIME):
                rows = np.frombuffer(b"".join(row for _, row in part), _STORED).reshape(len(part), -1)
                whose = np.array([place[person] for person, _ in part])
                first = np.flatnonzero(np.diff(whose, prepend=-1))
                sums[whose[first]] += np.add.reduceat(rows.astype(np.float32), first, axis=0)
                counts += np.bincount(whose, minlength=len(people)).astype(np.float32)
            return _about(connection, "revision"), [name for _, name in people], sums / counts[:, None]

    def _same_model(self, connection: sqlite3.Connection, model_hash: str) -> None:
        if _about(connection, "model_hash") in ("", model_hash):
            return
        if connection.execute("select 1 from pictures limit 1").fetchone():
            name = _about(connection, "model")
            raise RequestError(
                "other_model",
                f"{self.path}: its people were enrolled with another model (called {name}) than this one",
                "Use the model that they were enrolled with, or enrol them again in a new file.",
            )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from."""
        with self._told(), contextlib.closing(self._connect()) as connection:
            yield connection

    @contextlib.contextmanager
    def _changed(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction, which is undone by an error and on disk when this ends."""
        with self._told(), contextlib.closing(self._connect()) as connection:
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("insert or replace into about values ('revision', ?)", (os.urandom(8).hex(),))
                connection.execute("commit")
            finally:
                if connection.in_transaction:
                    connection.execute("rollback")

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise RequestError("no_gallery", f"{self.path}: the gallery is gone", "Put it back, or enrol people again.")
        address = self.path.absolute().as_uri() + "?mode=rw"
        connection = sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)
        connection.execute("pragma secure_delete = on")  # what is deleted is overwritten with zeros
        return connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as one line each."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise RequestError(
                    "not_a_gallery", f"{self.path}: no gallery, or a damaged one ({error})", "Give another path."
                ) from None
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise RequestError(
                    "gallery_busy", f"{self.path}: another process keeps it locked", "Try again in a moment."
                ) from None
            if isinstance(error, sqlite3.OperationalError):
                raise self._unusable(str(error)) from None
            raise

    def _unusable(self, reason: str) -> RequestError:
        return RequestError(
            "cannot_write", f"{self.path}: the gallery cannot be used ({reason})", "Free the disk or give another path."
        )


def _mark(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma application_id").fetchone()[0])


def _about(connection: sqlite3.Connection, key: str) -> str:
    found = connection.execute("select value from about where key = ?", (key,)).fetchone()
    return str(found[0]) if found else ""


def checked_name(name: str) -> str:
    """A person's name without spaces around it.

    Raises
    ------
    RequestError
        With code `bad_name`.

    Examples
    --------
    >>> checked_name("  Ada Lovelace ")
    'Ada Lovelace'
    """
    trimmed = unicodedata.normalize("NFC", name).strip()  # an é typed elsewhere is the same é
    if not 1 <= len(trimmed) <= LONGEST_NAME:
        raise RequestError(
            "bad_name", f"a name of {len(trimmed)} characters", f"Give one of 1 to {LONGEST_NAME} characters."
        )
    if any(unicodedata.category(sign) in _STEERING and sign not in _JOINERS for sign in trimmed):
        raise RequestError("bad_name", f"the name {trimmed[:40]!r} holds control characters", "Leave them out.")
    if trimmed.casefold() == UNKNOWN:
        raise RequestError("bad_name", f"{trimmed!r} is what strangers are called", "Give another name.")
    return trimmed
