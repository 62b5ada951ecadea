"""The page shows what the detector doubted when asked, and REST lets a program choose score and size."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from eigenface.annotate import png_bytes
from eigenface.datasets.drawn import draw_photo
from eigenface.model import FaceClassifier
from eigenface.types import Box, Detection
from eigenface.webapp.app import create_app
from eigenface.webapp.drawings import dashed
from eigenface.webapp.service import FaceService

ALL = "show every candidate"


@pytest.fixture(scope="module")
def client(model: FaceClassifier) -> FlaskClient:
    return create_app(FaceService([model])).test_client()


@pytest.fixture(scope="module")
def photo() -> bytes:
    return png_bytes(draw_photo(2, (300, 420))[0])


def page(client: FlaskClient, photo: bytes, **form: Any) -> str:
    data = {"image": (io.BytesIO(photo), "a.png"), "task": "looks", **form}
    return client.post("/", data=data, content_type="multipart/form-data").text


def annotated(text: str) -> np.ndarray:
    data = re.search(r'download="a.png.annotated.png" href="data:image/png;base64,([^"]+)"', text)
    assert data
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("RGB"))


def test_the_switch_stands_in_the_form_and_keeps_its_place(client: FlaskClient, photo: bytes) -> None:
    ticked = r'<input type="checkbox" name="candidates" value="1" checked>'
    assert 'name="candidates"' in client.get("/").text
    assert not re.search(ticked, page(client, photo))
    assert re.search(ticked, page(client, photo, candidates="1"))


def test_boxes_below_the_threshold_are_drawn_with_their_score(client: FlaskClient, photo: bytes) -> None:
    without = page(client, photo, min_score="1")
    shown = page(client, photo, min_score="1", candidates="1")
    assert "No face found" in shown
    assert "more candidate" not in without
    scores = re.search(r"(\d+) more candidates?, scores ([0-9., ]+)", shown)
    assert scores
    assert int(scores[1]) >= 2
    assert max(float(score) for score in re.findall(r"\d\.\d\d", scores[2])) > 0.9
    changed = (annotated(shown) != annotated(without)).any(axis=2)
    assert 0.001 < changed.mean() < 0.1  # thin lines, and the faces stay visible


def test_what_is_answered_is_no_candidate(client: FlaskClient, photo: bytes) -> None:
    everything = client.post("/api/v1/detect?min_score=0", data=photo, content_type="image/png").get_json()["faces"]
    answered = client.post("/api/v1/detect", data=photo, content_type="image/png").get_json()["faces"]
    assert len(answered) == 2
    text = page(client, photo, candidates="1")
    found = re.search(r"(\d+) more candidate", text)
    assert (int(found[1]) if found else 0) == len(everything) - 2
    assert found or "looked at nothing else" in text


def test_a_ready_made_crop_has_no_candidates(client: FlaskClient, photo: bytes) -> None:
    assert "candidates, scores" not in page(client, photo, whole="1", candidates="1")


@pytest.mark.parametrize("value", ["2", "yes", "<b>"])
def test_a_switch_is_on_or_off(client: FlaskClient, photo: bytes, value: str) -> None:
    text = page(client, photo, candidates=value)
    assert "It is 0 or 1" in text
    assert "<b>" not in text


@pytest.mark.parametrize("side", [10, 60, 400])
def test_dashes_leave_gaps_and_the_face_alone(side: int) -> None:
    pixels = np.full((200, 240, 3), 128, np.uint8)
    drawn = dashed(pixels, [Detection(Box(-5, 20, side, side), 0.3), Detection(Box(100, 120, 70, 70), 0.2)])
    assert (pixels == 128).all()
    changed = (drawn != pixels).any(axis=2)
    assert 0 < changed[120, 100:170].mean() < 0.95
    assert not changed[150:180, 110:160].any()


def test_rest_takes_score_and_size(client: FlaskClient, photo: bytes) -> None:
    def faces(query: str) -> Any:
        return client.post(f"/api/v1/detect?{query}", data=photo, content_type="image/png").get_json()

    found = faces("")["faces"]
    assert len(found) == 2
    assert len(faces("min_score=0")["faces"]) >= 2
    assert faces("min_score=1")["faces"] == []
    widths = sorted(face["box"]["width"] for face in found)
    assert len(faces(f"min_face={round(widths[0] * 1.5)}")["faces"]) <= 1
    for wrong in ("7", "10001", "-1", "1e3", "nan", "²", "99999999999999999999"):
        assert faces(f"min_face={wrong}")["code"] == "bad_value", wrong
    assert faces("min_score=2")["code"] == "bad_value"
