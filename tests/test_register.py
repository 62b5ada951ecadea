"""The file of a gallery survives kills and crowds, and what is forgotten is no longer in it."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from unit_rows import unit_rows

from eigenface.errors import RequestError
from eigenface.register import Register, checked_name


def test_what_is_forgotten_is_no_longer_in_the_file(tmp_path: Path) -> None:
    register, rows = Register(tmp_path / "g", create=True), unit_rows(40)
    register.add("Somebody Secret", rows[:20], model="m", model_hash="h")
    register.add("Else", rows[20:], model="m", model_hash="h")
    kept = [row.tobytes() for row in rows.astype("<f2")]
    data = (tmp_path / "g").read_bytes()
    assert all(row in data for row in kept)
    assert b"Somebody Secret" in data
    assert register.forget("Somebody Secret") == 20
    data = (tmp_path / "g").read_bytes()
    assert not any(row in data or row[:40] in data for row in kept[:20])
    assert all(row in data for row in kept[20:])
    assert b"Secret" not in data
    assert [path.name for path in tmp_path.iterdir()] == ["g"]


def test_forgetting_leaves_nothing_even_where_the_file_cannot_shrink(tmp_path: Path) -> None:
    register, rows = Register(tmp_path / "g", create=True), unit_rows(6)
    register.add("Ada", rows[:3], model="m", model_hash="h")
    register.add("Bo", rows[3:], model="m", model_hash="h")
    with contextlib.closing(sqlite3.connect(tmp_path / "g")) as reading:
        reading.execute("pragma secure_delete = off")
        reading.execute("vacuum")
    register._connect = lambda: _without_vacuum(Register._connect(register))  # type: ignore[method-assign]
    register.forget("Ada")
    data = (tmp_path / "g").read_bytes()
    assert not any(row.tobytes()[:40] in data for row in rows[:3].astype("<f2"))


class _Refusing(sqlite3.Connection):
    def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
        if sql == "vacuum":
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *more)


def _without_vacuum(connection: sqlite3.Connection) -> sqlite3.Connection:
    path = connection.execute("pragma database_list").fetchone()[2]
    connection.close()
    refusing = sqlite3.connect(path, isolation_level=None, factory=_Refusing)
    refusing.execute("pragma secure_delete = on")
    return refusing


WRITER = """
import sys, numpy as np
from eigenface.register import Register
register = Register(sys.argv[1], create=True)
rng = np.random.default_rng(int(sys.argv[2]))
for number in range(100000):
    rows = rng.normal(size=(int(sys.argv[3]), 256)).astype(np.float32)
    register.add(f"person {sys.argv[2]} {number}", rows, model="m", model_hash="h")
    print(number, flush=True)
"""


@pytest.mark.parametrize("rows", [1, 4000])
def test_a_killed_process_leaves_what_it_said_was_kept(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "g"
    for turn in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(turn), str(rows)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        process.stdout.readline()  # it is at work
        time.sleep(0.05 + 0.07 * turn)
        process.send_signal(signal.SIGKILL)
        said = 1 + process.stdout.read().count("\n")
        process.wait()
        process.stdout.close()
        known = {person.name: person.pictures for person in Register(path).people()}
        assert all(known[f"person {turn} {number}"] == rows for number in range(said))
        assert set(known.values()) == {rows}, "an enrolment is whole or was not"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


def test_processes_and_threads_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "g"
    script = WRITER.replace("100000", "15")
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), str(turn), "2"], stdout=subprocess.DEVNULL)
        for turn in range(2)
    ]
    register = Register(path, create=True)

    def work(number: int) -> int:
        register.add(f"thread {number}", unit_rows(2, 256, number), model="m", model_hash="h")
        return len(register.means("h")[1])

    with ThreadPoolExecutor(4) as pool:
        assert min(pool.map(work, range(12))) > 0
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(register.people()) == 12 + 2 * 15


def test_rows_of_two_lengths_are_damage(tmp_path: Path) -> None:
    register = Register(tmp_path / "g", create=True)
    register.add("Ada", unit_rows(1, 8), model="m", model_hash="h")
    register.add("Bo", unit_rows(1, 9), model="m", model_hash="h")
    with pytest.raises(RequestError) as refusal:
        register.means("h")
    assert refusal.value.code == "not_a_gallery"


def test_names_are_one_however_an_accent_is_typed() -> None:
    assert checked_name("Ame\u0301lie") == "Am\u00e9lie"
