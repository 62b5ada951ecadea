"""The bar of a long job, and how long it has to go: on a terminal, and where there is none."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from eigenface.progress import Bar, Pace


def test_the_pace_leaves_out_what_came_before_the_first_part(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("eigenface.progress.time.monotonic", lambda: clock[0])
    pace, told = Pace(), []
    for part in range(11):
        told.append(pace.left(part, 10))
        clock[0] += 100 if part == 0 else 2  # what all share took 98 seconds
    assert told[:5] == [None] * 5
    assert told[5:] == [10, 8, 6, 4, 2, 0]
    assert pace.left(0, 10) is None  # the next round


def test_where_there_is_no_terminal_a_line_now_and_then_tells_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("eigenface.progress.time.monotonic", lambda: clock[0])
    with Bar() as bar:
        for part in range(13):
            bar(part, 12, "searching")
            clock[0] += 2
    assert capsys.readouterr().err == "5/12 searching; 14 seconds left\n10/12 searching; 4 seconds left\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_of_80_columns_has_numbers_in_full_and_notes_above_the_bar() -> None:
    import fcntl
    import pty
    import struct
    import termios

    code = (
        "from eigenface.cli.talk import Bar, note\n"
        "with Bar() as bar:\n"
        "    bar(100, 7200, 'searching')\n"
        "    note('a line of its own')\n"
        "    bar(3600, 7200, 'best so far 0.9312 with n_components=150, C=31.6228, gamma=[0.00316228], kernel=rbf')\n"
        "    bar._bar.refresh()\n"
    )
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color"}
    environment.pop("COLUMNS", None)
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment) as running:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # it has closed
                break
            if not part:
                break
            said += part
    os.close(ours)
    assert running.returncode == 0
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", said.decode()))
    assert "a line of its own" in lines
    last = [line for line in lines if "best so far 0.9312 with " in line][-1]
    assert " 3600/7200 " in last
    assert len(last) <= 80
    assert last.endswith("…")
