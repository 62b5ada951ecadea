"""The pages say what is true, without JavaScript too."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from eigenface.datasets.drawn import draw_photo
from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.webapp.adjust import Adjustment
from eigenface.webapp.app import create_app
from eigenface.webapp.markdown import card_html
from eigenface.webapp.service import FaceService

PHOTO, _ = draw_photo(2, random_state=5)


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def client(model: FaceClassifier) -> FlaskClient:
    return create_app(FaceService([model])).test_client()


def upload(client: FlaskClient, *pictures: tuple[bytes, str], **fields: str) -> str:
    data = {"image": [(io.BytesIO(data), name) for data, name in pictures], **fields}
    answer = client.post("/", data=data)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/", "/how", "/camera", "/api", "/models/looks", "/models/gender"])
def test_every_page_is_there_and_loads_nothing_from_elsewhere(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert "<title>" in page
    assert 'lang="en"' in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert not address.startswith(("http:", "https:", "//"))
        if address.startswith(("/static", "/faces")):
            with client.get(address) as answer:
                assert answer.status_code == 200, address
    assert not re.search(r"<script(?![^>]*src=)|style=|onclick=", page)
    assert all("alt=" in tag for tag in re.findall(r"<img[^>]*>", page))


def test_a_photo_is_answered_with_a_row_a_face(client: FlaskClient) -> None:
    page = upload(client, (png(PHOTO), "two.png"), task="looks")
    assert "2 faces" in page
    assert page.count('<section class="face"') == 2
    assert page.count("<meter") == 4
    said = json.loads(base64.b64decode(re.search(r"data:application/json;base64,([^\"]+)", page)[1]))  # type: ignore[index]
    assert len(said["faces"]) == 2
    drawn = base64.b64decode(re.search(r"data:image/png;base64,([^\"]+)", page)[1])  # type: ignore[index]
    assert Image.open(io.BytesIO(drawn)).size == PHOTO.shape[1::-1]


def test_no_face_a_refusal_and_a_missing_file_are_told(client: FlaskClient) -> None:
    page = upload(client, (png(np.full((50, 60, 3), 70, np.uint8)), "flat.png"), (b"text", "<b>.jpg"), task="looks")
    assert "No face found" in page
    assert "does not mean there is none" in page
    assert "This picture was refused" in page
    assert "<b>" not in page.replace("&lt;b&gt;", "")
    assert "No picture was chosen" in client.post(
        "/", data={"task": "looks"}, content_type="multipart/form-data"
    ).get_data(as_text=True)


def test_a_face_that_needs_review_has_a_question_mark_and_a_reason(client: FlaskClient) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    page = upload(client, (png(noise), "noise.png"), task="looks", whole="1")
    assert 'class="ask"' in page
    assert "hardly looks like a face" in page


def test_part_of_a_page_is_sent_to_the_script(client: FlaskClient) -> None:
    data = {"image": (io.BytesIO(png(PHOTO)), "two.png"), "task": "looks"}
    part = client.post("/", data=data, headers={"X-Part": "results"}).get_data(as_text=True)
    assert "<html" not in part
    assert "2 faces" in part


def test_adjusting_changes_the_picture_as_css_filters_would() -> None:
    picture = np.array([[[100, 150, 200]]], np.uint8)
    assert Adjustment().apply(picture) is picture
    assert Adjustment(brightness=50).apply(picture).tolist() == [[[50, 75, 100]]]
    assert Adjustment(contrast=0).apply(picture).tolist() == [[[128, 128, 128]]]
    assert np.ptp(Adjustment(colour=0).apply(picture)) == 0
    checks = np.indices((40, 40)).sum(axis=0)[..., None].repeat(3, axis=2) % 2 * 255
    assert np.ptp(Adjustment(blur=4).apply(checks.astype(np.uint8))) < 10
    for wrong in ({"brightness": "x"}, {"blur": "99"}, {"contrast": "-5"}):
        with pytest.raises(RequestError, match="whole number"):
            Adjustment.read(wrong)


def test_an_adjusted_picture_is_what_is_judged(client: FlaskClient) -> None:
    assert "No face found" in upload(client, (png(PHOTO), "two.png"), task="looks", brightness="0")


def test_cards_are_escaped() -> None:
    page = card_html("# A <script>\n\n- one & two\n\n| a | b |\n|---|---|\n| <i> | 2 |\n\nplain")
    assert page == (
        "<h2>A &lt;script&gt;</h2>\n<ul><li>one &amp; two</li></ul>\n"
        '<div class="wide"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>'
        "<tr><td>&lt;i&gt;</td><td>2</td></tr></tbody></table></div>\n<p>plain</p>"
    )


def test_lost_people_get_a_page_not_a_trace(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Back to the photo page" in answer.get_data(as_text=True)
    assert client.get("/models/nobody").status_code == 404
    assert client.get("/faces/gender/3.png").status_code == 404  # a model without grey eigenfaces
