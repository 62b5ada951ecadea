"""`eigenface watch`: events as they happen, alerts that stay, are told once and handed on; a source that comes back."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from command_line import Run
from PIL import Image
from video_scenes import Scene, write_film

from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.store import save_model
from eigenface.types import Box, Verdict
from eigenface.video.alarm import Alarm
from eigenface.video.camera import Camera
from eigenface.video.delivery import Delivery
from eigenface.video.tracks import Track

SIZE = (240, 180)


def labelled(label: str, number: int = 1, probability: float = 0.9) -> Track:
    other = "with_mask" if label != "with_mask" else "without_mask"
    verdict = Verdict(label, {label: probability, other: 1 - probability})
    return Track(number, Box(0, 0, 40, 40), 0.9, {"mask": verdict})


def test_an_alert_is_given_once_when_a_label_has_stayed() -> None:
    alarm = Alarm(["without_mask"], stay=1.0, dead_time=0)
    given = [(t / 10, alert) for t in range(40) for alert in alarm.see([labelled("without_mask")], t / 10)]
    assert [(time, alert.label, alert.told) for time, alert in given] == [(1.0, "without_mask", True)]


def test_a_label_that_comes_and_goes_or_is_unsure_gives_no_alert() -> None:
    alarm = Alarm(["without_mask"], stay=1.0)
    for t in range(60):
        label = "without_mask" if t % 8 else "with_mask"
        assert not alarm.see([labelled(label), labelled("without_mask", 2, probability=0.55)], t / 10)


def test_within_the_dead_time_alerts_are_logged_but_not_told() -> None:
    alarm = Alarm(["without_mask"], stay=0.5, dead_time=10)
    told = []
    for t in range(200):
        number = t // 20 + 1  # somebody else every two seconds
        told += [(alert.told, t / 10) for alert in alarm.see([labelled("without_mask", number)], t / 10)]
    assert [yes for yes, _ in told] == [True, *[False] * 4, True, *[False] * 4]


def test_other_labels_give_none() -> None:
    alarm = Alarm(["without_mask"], stay=0)
    assert not alarm.see([labelled("with_mask")], 5.0)
    assert len(alarm.see([labelled("without_mask")], 6.0)) == 1


def test_a_film_that_is_written_anew_comes_back(tmp_path: Path) -> None:
    frames = [pixels for _, pixels, _ in Scene([], 0.2, size=SIZE)]
    path = write_film(tmp_path / "a.mp4", frames)
    said: list[str] = []

    def again() -> None:
        while "lost" not in said:
            time.sleep(0.01)
        path.unlink()
        time.sleep(0.1)
        write_film(tmp_path / "b.mp4", frames[:3]).replace(path)

    writer = threading.Thread(target=again)
    writer.start()
    seen = list(Camera(str(path), patience=2.0, on_change=said.append))
    writer.join()
    assert said == ["lost", "back", "lost"]
    assert [frame.number for frame in seen] == list(range(len(frames) + 3))
    assert all(a.time < b.time for a, b in itertools.pairwise(seen))


def test_without_patience_a_film_is_over_at_its_end(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", [pixels for _, pixels, _ in Scene([], 0.2, size=SIZE)])
    said: list[str] = []
    assert len(list(Camera(str(path), patience=0, on_change=said.append))) == 5
    assert not said


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    got: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x", got
        server.shutdown()
        thread.join()


def test_alerts_reach_a_command_and_an_address(hook: tuple[str, list[Any]], tmp_path: Path) -> None:
    address, got = hook
    script = tmp_path / "run.py"
    script.write_text(
        "import os, pathlib, sys\n"
        f"pathlib.Path({str(tmp_path / 'said')!r}).write_text(sys.stdin.read() + os.environ['EIGENFACE_LABEL'])\n"
    )
    failed: list[str] = []
    delivery = Delivery(f"{sys.executable} {script}", address, failed.append)
    delivery.send({"event": "alert", "label": "blood", "track": 3})
    delivery.close()
    assert got == [{"event": "alert", "label": "blood", "track": 3}]
    assert (tmp_path / "said").read_text() == json.dumps(got[0]) + "blood"
    assert not failed


def test_what_cannot_be_handed_on_is_said_and_stops_nothing() -> None:
    failed: list[str] = []
    delivery = Delivery(f"{sys.executable} -c 'import sys; sys.exit(\"no\")'", "http://127.0.0.1:9/", failed.append)
    delivery.send({"event": "alert"})
    delivery.close()
    assert ["left with 1 (no)" in failed[0], "--webhook" in failed[1]] == [True, True]


@pytest.mark.parametrize(
    ("command", "webhook"), [("no-such-program-anywhere x", None), ("'open", None), (None, "ftp://a")]
)
def test_commands_and_addresses_that_cannot_work_are_refused(command: str | None, webhook: str | None) -> None:
    with pytest.raises(RequestError):
        Delivery(command, webhook, print)


def test_watching_tells_who_came_and_alerts_with_a_picture(
    model: FaceClassifier, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save_model(model, tmp_path / "looks.eigenface")
    scene = Scene([lambda t: (80 + 20 * t, 90) if t < 1.4 else None], 3.2, size=SIZE)
    film = write_film(tmp_path / "a.mp4", [pixels for _, pixels, _ in scene])
    words = ["watch", film, "--model", tmp_path / "looks.eigenface", "--detector", "haar"]
    alerts = ["--alert", "female", "--alert", "male", "--stay", "0.5", "--save", tmp_path / "seen"]
    run = Run(capfd, *words, *alerts, "--log", tmp_path / "log.jsonl")
    assert run.status == 0, run.err
    events = run.json
    assert [event["event"] for event in events] == ["started", "appeared", "alert", "left", "stopped"]
    alert = events[2]
    assert alert["told"]
    assert alert["track"] == 1
    assert alert["seconds"] - events[1]["seconds"] == pytest.approx(0.5, abs=0.06)
    with Image.open(alert["picture"]) as picture:
        assert picture.size == SIZE
    assert Path(alert["picture"]).parent == tmp_path / "seen"
    assert (tmp_path / "log.jsonl").read_text() == run.out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--alert", "mask"], "There are female, male"),
        (["--webhook", "x"], "no web address"),
        (["--log", "/no/such/folder/log"], "cannot be written"),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    model: FaceClassifier, tmp_path: Path, capfd: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    save_model(model, tmp_path / "looks.eigenface")
    film = write_film(tmp_path / "a.mp4", [pixels for _, pixels, _ in Scene([], 0.1, size=SIZE)])
    run = Run(capfd, "watch", film, "--model", tmp_path / "looks.eigenface", "--detector", "haar", *more)
    assert (run.status, said in run.err, run.out) == (2, True, "")


def test_a_camera_that_never_was_is_refused(
    model: FaceClassifier, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save_model(model, tmp_path / "looks.eigenface")
    for source in ("77", "rtsp://127.0.0.1:9/x", str(tmp_path / "no.mp4")):
        run = Run(capfd, "watch", source, "--model", tmp_path / "looks.eigenface", "--detector", "haar")
        assert (run.status, source in run.err, run.err.count("\n")) == (2, True, 1)
