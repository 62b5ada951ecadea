"""A long job that was killed goes on where it was, and a journal of another job is never mistaken for its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eigenface.errors import RequestError
from eigenface.journal import Journal, refuse_other

JOB = {"grid": [1, 2], "data": "abc"}


def done(path: Path) -> dict[str, object]:
    with Journal(path, JOB) as journal:
        return journal.done


@pytest.mark.parametrize("sync", [0, 3600])
def test_what_was_recorded_is_there_after_a_kill(tmp_path: Path, sync: int) -> None:
    path = tmp_path / "job"
    code = (
        "import os, signal, sys\nfrom eigenface.journal import Journal\n"
        f"j = Journal(sys.argv[1], {JOB!r}, sync={sync})\n"
        "for i in range(5): j.record(str(i), i * i)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Journal(path, JOB) as journal:
        assert journal.done == {str(i): i * i for i in range(5)}
        assert "3" in journal
        assert journal["3"] == 9


@pytest.mark.parametrize(("sync", "written"), [(0.0, [1, 2, 3, 4]), (3600.0, [0, 0, 0, 1])])
def test_lines_are_forced_to_the_disk_as_often_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: float, written: list[int]
) -> None:
    forced: list[int] = []
    monkeypatch.setattr("os.fsync", forced.append)
    seen = []
    with Journal(tmp_path / "job", JOB, sync=sync) as journal:
        for number in range(3):
            journal.record(str(number), number)
            seen.append(len(forced))
    assert [*seen, len(forced)] == written


def test_a_line_cut_short_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "job"
    with Journal(path, JOB) as journal:
        journal.record("a", 1)
        journal.record("b", {"x": [1, 2]})
    path.write_bytes(path.read_bytes()[:-7])
    with Journal(path, JOB) as journal:
        assert journal.done == {"a": 1}
        journal.record("b", 2)
    assert done(path) == {"a": 1, "b": 2}


def test_another_job_is_refused_unless_fresh(tmp_path: Path) -> None:
    path = tmp_path / "job"
    with Journal(path, JOB) as journal:
        journal.record("a", 1)
    with pytest.raises(RequestError, match="what differs: data"):
        Journal(path, JOB | {"data": "other"})
    assert done(path) == {"a": 1}
    with Journal(path, JOB | {"data": "other"}, fresh=True) as journal:
        assert journal.done == {}
    path.write_text("somebody's notes\n")
    with pytest.raises(RequestError, match="its form"):
        Journal(path, JOB)
    assert path.read_text() == "somebody's notes\n"


def test_what_somebody_else_wrote_among_the_lines_ends_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "job"
    with Journal(path, JOB) as journal:
        journal.record("a", 1)
    for words in ("12", "[]", "null", '{"key": 1}', "\0\0\0", "\ud7ff"):
        path.write_text(path.read_text() + words + "\n")
        assert done(path) == {"a": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_is_told_and_what_was_recorded_stays(tmp_path: Path) -> None:
    path = tmp_path / "job"
    code = (
        "import resource, signal, sys\nfrom eigenface.errors import RequestError\n"
        "from eigenface.journal import Journal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        f"try:\n    with Journal(sys.argv[1], {JOB!r}) as journal:\n"
        "        for i in range(1000): journal.record(str(i), i)\n"
        "except RequestError as error: print(error.code, len(journal.done))"
    )
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "cannot_write"
    assert len(done(path)) == int(said[1]) > 10


def test_a_finished_job_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "job", JOB)
    journal.record("a", 1)
    journal.finish()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RequestError, match="no journal can be kept"):
        Journal(tmp_path / "job", JOB)


def test_a_path_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no journal can be kept"):
        Journal(tmp_path / "none" / "job", JOB)


def test_what_is_known_of_a_job_is_compared_before_the_rest_is(tmp_path: Path) -> None:
    path = tmp_path / "job"
    refuse_other(path, {"grid": 3})  # there is none
    path.write_text("no journal\n")
    refuse_other(path, {"grid": 3})
    with Journal(path, {"grid": 3, "pipeline": [1], "data": "x"}, fresh=True):
        pass
    refuse_other(path, {"grid": 3, "pipeline": (1,)})
    with pytest.raises(RequestError, match="what differs: grid, pipeline") as caught:
        refuse_other(path, {"grid": 4, "pipeline": [2]})
    assert caught.value.code == "other_job"
