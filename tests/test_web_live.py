"""A camera's frames are answered with tracks: steady numbers, boxes and labels, alerts, bounded sessions."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from eigenface.datasets.drawn import draw_photo
from eigenface.errors import RequestError
from eigenface.limits import MAX_CAMERAS, MAX_FRAME_PIXELS
from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.types import Pixels
from eigenface.webapp.app import create_app
from eigenface.webapp.live import KEPT, STAY, Cameras
from eigenface.webapp.service import FaceService
from eigenface.webapp.uploads import Upload

TOKEN = "a-page-made-this-one"
ROOM, (FACE,) = draw_photo(1, (240, 320), label="male")


def jpeg(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Line:
    """A camera in front of a drawn room, ten frames a second."""

    def __init__(self, model: FaceClassifier) -> None:
        self.clock, self.models = Clock(), [model]
        self.cameras = Cameras(threading.Semaphore(3), clock=self.clock)

    def see(self, pixels: Pixels = ROOM, *, frames: int = 1, token: str = TOKEN, **more: Any) -> dict[str, Any]:
        said = {}
        for _ in range(frames):
            self.clock.now += 0.1
            said = self.cameras.see(token, Upload("frame", jpeg(pixels)), self.models, Options(), **more)
        return said


@pytest.fixture
def line(model: FaceClassifier) -> Line:
    return Line(model)


@pytest.fixture(scope="module")
def client(model: FaceClassifier) -> FlaskClient:
    return create_app(FaceService([model])).test_client()


def send(client: FlaskClient, data: bytes, query: str = "", token: str = TOKEN) -> TestResponse:
    return client.post(f"/api/v1/cameras/{token}{query}", data=data, content_type="image/jpeg")


def code(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, json.loads(answer.data)["code"]


def test_a_face_keeps_its_number_and_its_box_goes_along(line: Line) -> None:
    assert line.see()["tracks"] == [], "one look is not enough"
    first = line.see(frames=4)["tracks"]
    moved = [line.see(np.roll(ROOM, -shift, axis=1))["tracks"] for shift in (2, 4, 6, 8)][-1]
    assert [track["track"] for track in first] == [track["track"] for track in moved] == [1]
    assert abs(first[0]["box"]["x"] - FACE.x) < 0.25 * FACE.width
    assert first[0]["box"]["x"] - moved[0]["box"]["x"] == pytest.approx(8, abs=3)
    assert moved[0]["label"] == max(moved[0]["probabilities"], key=moved[0]["probabilities"].get)


def test_two_cameras_know_nothing_of_each_other(line: Line) -> None:
    line.see(frames=5)
    assert line.see(token="b-page-made-this-one")["tracks"] == []
    assert len(line.see()["tracks"]) == 1


def test_a_label_that_stays_gives_one_alert_and_not_before_its_time(line: Line) -> None:
    label = line.see(frames=5)["tracks"][0]["label"]
    rounds = [line.see(label=label)["alerts"] for _ in range(round(20 * STAY))]
    given = [place for place, alerts in enumerate(rounds) if alerts]
    assert len(given) == 1
    assert given[0] >= round(10 * STAY) - 1
    assert rounds[given[0]] == [{"track": 1, "label": label, "told": True}]
    other = next(name for name in line.models[0].classes_ if name != label)
    assert not any(line.see(label=str(other))["alerts"] for _ in range(round(20 * STAY)))


def test_a_label_that_nobody_has_is_refused(line: Line) -> None:
    with pytest.raises(RequestError, match="female"):
        line.see(label="purple")


def test_a_camera_that_is_silent_is_forgotten(line: Line) -> None:
    line.see(frames=5)
    line.clock.now += KEPT + 1
    line.see(token="b-page-made-this-one")  # whoever comes next clears up
    assert line.see()["tracks"] == []


def test_a_camera_that_is_off_is_forgotten_at_once(line: Line) -> None:
    line.see(frames=5)
    assert line.cameras.end(TOKEN)
    assert not line.cameras.end(TOKEN)
    assert line.see()["tracks"] == []


def test_another_task_begins_anew(line: Line, model: FaceClassifier) -> None:
    line.see(frames=5)
    line.models = []
    assert line.see()["tracks"] == []
    bare = line.see(frames=5)["tracks"]
    assert set(bare[0]) == {"track", "box", "score"}


def test_cameras_are_bounded_and_make_room(line: Line) -> None:
    for number in range(MAX_CAMERAS):
        line.see(token=f"camera-number-{number:04d}")
    with pytest.raises(RequestError) as refused:
        line.see(token="one-camera-too-many")
    assert refused.value.code == "too_many_cameras"
    line.see(token="camera-number-0000")  # those that are on go on
    line.clock.now += KEPT + 1
    line.see(token="one-camera-too-many")


def test_one_frame_at_a_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.see()
    monkeypatch.setattr("eigenface.webapp.live._WAIT", 0.05)
    with line.cameras._turn(TOKEN), pytest.raises(RequestError) as refused:
        line.see()
    assert refused.value.code == "camera_busy"
    line.see()


def test_over_rest(client: FlaskClient) -> None:
    frame = jpeg(ROOM)
    answers = [send(client, frame) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200}
    said = answers[-1].get_json()
    assert list(said) == ["task", "model", "width", "height", "seconds", "tracks", "alerts"]
    assert (said["task"], said["width"], said["height"]) == ("looks", 320, 240)
    assert client.delete(f"/api/v1/cameras/{TOKEN}").get_json() == {"ended": True}
    assert client.delete(f"/api/v1/cameras/{TOKEN}").get_json() == {"ended": False}


def test_what_is_wrong_is_a_problem_and_the_camera_goes_on(client: FlaskClient) -> None:
    frame = jpeg(ROOM)
    assert code(send(client, b"no picture")) == (400, "not_a_picture")
    assert code(send(client, b"")) == (422, "missing_field")
    assert code(send(client, frame, token="short")) == (422, "bad_value")
    assert code(send(client, frame, token="x" * 65)) == (422, "bad_value")
    assert code(send(client, frame, "?task=height")) == (404, "unknown_task")
    assert code(send(client, frame, "?alert=purple")) == (422, "bad_value")
    wide = io.BytesIO()
    Image.new("L", (MAX_FRAME_PIXELS // 1000 + 1, 1000)).save(wide, "PNG")
    assert code(send(client, wide.getvalue())) == (413, "too_many_pixels")
    assert send(client, frame).status_code == 200


def test_another_sites_page_cannot_send_or_end(client: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(f"/api/v1/cameras/{TOKEN}", data=jpeg(ROOM), headers=headers).status_code == 403
    assert client.delete(f"/api/v1/cameras/{TOKEN}", headers=headers).status_code == 403
