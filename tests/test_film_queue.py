"""The queue of films: answers go when their time is over, a server that ends or is killed leaves nothing."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from film_files import PATH, files, until

from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.webapp.films.job import FILES, Job
from eigenface.webapp.films.queue import KEPT, MOST_KEPT, Films
from eigenface.webapp.films.scratch import Scratch
from eigenface.webapp.films.work import Order

av = pytest.importorskip("av")

pytestmark = pytest.mark.usefixtures("place")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def films(model: FaceClassifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Films, Clock, Callable[[], str]]]:
    """A queue whose films are answered without work, its clock, and what adds one."""

    def work(self: Job, order: Order, longest: float) -> None:
        for name in FILES if order.models else ():
            (self.folder / name).write_bytes(b"x")

    monkeypatch.setattr(Job, "run", work)
    clock = Clock()
    made = Films(clock=clock)

    def add() -> str:
        token: str = made.submit(io.BytesIO(b"film"), "walk.mp4", [model], Options())["id"]
        until(lambda: made.state(token)["status"] == "done")
        return token

    yield made, clock, add
    made.close()


def test_answers_go_a_while_after_the_last_look_and_some_day_anyway(
    films: tuple[Films, Clock, Callable[[], str]], place: Path
) -> None:
    queue, clock, add = films
    watched, left = add(), add()
    for _ in range(round(MOST_KEPT / KEPT * 2) - 1):
        clock.now += KEPT / 2
        assert queue.state(watched)["kept_seconds"] > 0
    queue._sweep()
    assert [path.name for path in place.glob("*/*") if path.is_dir()] == [watched]
    assert left not in queue._jobs
    clock.now += KEPT / 2 + 1
    queue._sweep()
    with pytest.raises(RequestError, match="deleted"):
        queue.state(watched)
    queue.close()
    assert list(place.iterdir()) == []


def test_an_answer_that_nobody_looks_at_makes_room(
    films: tuple[Films, Clock, Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenface.webapp.films.queue.MAX_FILMS", 1)
    queue, clock, add = films
    first = add()
    with pytest.raises(RequestError, match="already"):
        add()
    clock.now += 61
    add()
    with pytest.raises(RequestError, match="deleted"):
        queue.state(first)


@pytest.mark.skipif(os.name == "nt", reason="signals and file locks")
def test_what_a_killed_server_left_goes_with_the_next_and_what_is_used_stays(place: Path) -> None:
    script = (
        "import os, signal\nfrom eigenface.webapp.films.scratch import Scratch\n"
        "(Scratch().make('a') / 'film.mp4').write_bytes(b'x')\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(place)})
    assert done.returncode == -signal.SIGKILL
    assert files(place) == {"film.mp4"}
    one = Scratch()
    assert list(place.iterdir()) == []
    (one.make("b") / "mine").write_bytes(b"x")
    Scratch()
    assert files(place) == {"mine"}
    shutil.rmtree(next(place.iterdir()))  # as a system does that clears old files away
    assert one.make("c").is_dir()
    one.close()
    assert list(place.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_server_that_ends_takes_its_film_along(looks_server: Any, endless: bytes, place: Path) -> None:
    process, ask = looks_server
    token = ask("POST", PATH, endless)["id"]
    until(lambda: ask("GET", f"{PATH}/{token}")["done"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert process.stderr.read() == ""
    assert list(place.iterdir()) == []


@pytest.fixture
def looks_server(model: FaceClassifier, place: Path, tmp_path: Path) -> Iterator[Any]:
    import urllib.request

    from eigenface.store import save_model

    save_model(model, tmp_path / "looks.eigenface")
    command = [sys.executable, "-m", "eigenface", "serve", "--port", "0", "--model", str(tmp_path / "looks.eigenface")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(place)})
    assert process.stderr
    try:
        address = process.stderr.readline().split(" at ")[1].split("/ ")[0]

        def ask(method: str, path: str, body: bytes | None = None) -> Any:
            kind = {"Content-Type": "video/mp4"} if body else {}
            request = urllib.request.Request(address + path, body, kind, method=method)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)

        yield process, ask
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
