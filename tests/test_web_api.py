"""The REST API answers as the command line does, and refuses with problem documents."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from PIL import Image
from werkzeug.test import TestResponse

from eigenface.annotate import png_bytes
from eigenface.datasets.drawn import draw_photo
from eigenface.errors import RequestError
from eigenface.limits import MAX_PICTURE_BYTES, MAX_REQUEST_PICTURES
from eigenface.model import FaceClassifier
from eigenface.webapp.app import create_app
from eigenface.webapp.service import FaceService

PREDICT, DETECT = "/api/v1/predict", "/api/v1/detect"
ANSWER = ["source", "task", "model", "width", "height", "seconds", "warnings", "faces", "error"]
SECURITY = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self)",
}


@pytest.fixture(scope="module")
def client(model: FaceClassifier) -> FlaskClient:
    return create_app(FaceService([model])).test_client()


@pytest.fixture(scope="module")
def photo() -> bytes:
    return png_bytes(draw_photo(2, (300, 420))[0])


@pytest.fixture(scope="module")
def crop(drawn: Any) -> bytes:
    return png_bytes(drawn.crops[0])


def send(client: FlaskClient, path: str, *pictures: tuple[bytes, str], **more: Any) -> TestResponse:
    form = {"image": [(io.BytesIO(data), name) for data, name in pictures]}
    return client.post(path, data=form, content_type="multipart/form-data", **more)


def check_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    document: dict[str, Any] = json.loads(answer.data)
    assert document["status"] == status
    assert document["code"] == code
    assert document["message"]
    assert document["title"]
    assert document["message"] in document["detail"]
    return document


def test_one_picture_gives_the_object_of_the_contract(client: FlaskClient, photo: bytes) -> None:
    answer = send(client, PREDICT, (photo, "group.png"))
    assert answer.status_code == 200
    said = answer.get_json()
    assert list(said) == ANSWER
    assert (said["source"], said["task"], said["model"]) == ("group.png", "looks", "looks")
    assert (said["width"], said["height"], said["error"], said["warnings"]) == (420, 300, None, [])
    assert len(said["faces"]) == 2
    for face in said["faces"]:
        assert list(face) == ["box", "score", "label", "probabilities", "needs_review", "reasons"]
        assert set(face["box"]) == {"x", "y", "width", "height"}
        assert 0 <= face["score"] <= 1
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert face["label"] == max(face["probabilities"], key=face["probabilities"].get)


def test_a_crop_is_answered_whole(client: FlaskClient, crop: bytes) -> None:
    said = send(client, f"{PREDICT}?whole=1", (crop, "crop.png")).get_json()
    box = {"x": 0, "y": 0, "width": said["width"], "height": said["height"]}
    assert [(face["box"], face["score"]) for face in said["faces"]] == [(box, 1)]


def test_detect_gives_boxes_alone(client: FlaskClient, photo: bytes) -> None:
    said = send(client, DETECT, (photo, "group.png")).get_json()
    assert (said["task"], said["model"]) == (None, None)
    assert [set(face) for face in said["faces"]] == [{"box", "score"}] * 2


def test_a_high_score_asked_for_leaves_fewer_faces(client: FlaskClient, photo: bytes) -> None:
    assert send(client, f"{DETECT}?min_score=1", (photo, "a.png")).get_json()["faces"] == []


def test_several_pictures_give_an_answer_each_with_its_own_error(client: FlaskClient, photo: bytes) -> None:
    answer = send(client, PREDICT, (photo, "a.png"), (b"", "empty.jpg"), (b"no picture at all", "text.jpg"))
    assert answer.status_code == 200
    pictures = answer.get_json()["pictures"]
    assert [(p["source"], (p["error"] or {}).get("code"), len(p["faces"])) for p in pictures] == [
        ("a.png", None, 2),
        ("empty.jpg", "empty", 0),
        ("text.jpg", "not_a_picture", 0),
    ]
    refused = pictures[1]
    assert list(refused) == ANSWER
    assert (refused["width"], refused["height"]) == (None, None)
    assert set(refused["error"]) == {"code", "message", "hint"}


def test_several_tasks_answer_side_by_side(client: FlaskClient, crop: bytes) -> None:
    said = send(client, f"{PREDICT}?whole=1&task=looks,gender:eigenfaces", (crop, "a.png")).get_json()
    face = said["faces"][0]
    assert list(face["answers"]) == ["looks", "gender:eigenfaces"]
    assert {name: face[name] for name in face["answers"]["looks"]} == face["answers"]["looks"]


def test_a_raw_body_is_a_picture_without_a_name(client: FlaskClient, photo: bytes) -> None:
    for kind in ("image/png", "image/jpeg", "application/octet-stream", None):
        said = client.post(PREDICT, data=photo, content_type=kind).get_json()
        assert (said["source"], len(said["faces"])) == ("picture", 2), kind


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        (r"C:\\Users\\me\\a b.png", "a b.png"),
        ("/tmp/ö.png", "ö.png"),
        ("folder/", "picture"),
        ("a" * 1000, "a" * 255),
    ],
)
def test_a_source_is_the_file_name_without_folders(client: FlaskClient, photo: bytes, given: str, source: str) -> None:
    assert send(client, DETECT, (photo, given)).get_json()["source"] == source


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "empty"),
        (b"just words", 400, "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", 415, "unsupported_format"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3P\0\0\xc3P\1\0\0\0\0", None, None),
    ],
)
def test_what_is_no_picture_is_refused(client: FlaskClient, data: bytes, status: int | None, code: str | None) -> None:
    answer = send(client, PREDICT, (data, "odd.jpg"))
    if status is None:  # a header alone: damaged or too large, as the decoder sees it first
        assert answer.status_code in (400, 413)
        assert answer.mimetype == "application/problem+json"
    else:
        check_problem(answer, status, code or "")


def test_a_picture_of_too_many_bytes_is_refused_alone(
    client: FlaskClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(photo) < MAX_PICTURE_BYTES
    monkeypatch.setattr("eigenface.webapp.service.MAX_PICTURE_BYTES", len(photo))
    check_problem(send(client, DETECT, (photo + b"\0", "a.png")), 413, "too_many_bytes")
    pictures = send(client, DETECT, (photo + b"\0", "a.png"), (photo, "b.png")).get_json()["pictures"]
    assert [bool(picture["error"]) for picture in pictures] == [True, False]


def test_too_many_pixels_are_refused(client: FlaskClient) -> None:
    wide = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(wide, "PNG")
    check_problem(send(client, DETECT, (wide.getvalue(), "wide.png")), 413, "too_many_pixels")


def test_too_many_pictures_or_bytes_are_refused(client: FlaskClient, model: FaceClassifier) -> None:
    pictures = [(b"x", f"{i}.png") for i in range(MAX_REQUEST_PICTURES + 1)]
    check_problem(send(client, DETECT, *pictures), 413, "too_many_pictures")
    small = create_app(FaceService([model]))
    small.config["MAX_CONTENT_LENGTH"] = 1000
    check_problem(send(small.test_client(), DETECT, (b"x" * 2000, "a.png")), 413, "too_many_bytes")


def test_wrong_requests_are_refused(client: FlaskClient, photo: bytes) -> None:
    picture = (photo, "a.png")
    unknown = check_problem(send(client, f"{PREDICT}?task=height", picture), 404, "unknown_task")
    assert "looks" in unknown["hint"]
    check_problem(send(client, f"{PREDICT}?task=,", picture), 404, "unknown_task")
    check_problem(client.post(PREDICT), 422, "missing_field")
    check_problem(client.post(PREDICT, data={"other": (io.BytesIO(photo), "a.png")}), 422, "missing_field")
    check_problem(
        client.post(PREDICT, data={"image": "words"}, content_type="multipart/form-data"), 422, "missing_field"
    )
    check_problem(client.post(PREDICT, json={"image": "x"}), 415, "unsupported_type")
    for query in ("min_score=2", "min_score=nan", "min_score=much", "whole=maybe"):
        check_problem(send(client, f"{PREDICT}?{query}", picture), 422, "bad_value")
    check_problem(client.get("/api/v1/nothing"), 404, "not_found")
    wrong = client.get(PREDICT)
    check_problem(wrong, 405, "wrong_method")
    assert "POST" in wrong.headers["Allow"]


def test_broken_forms_never_make_a_server_error(client: FlaskClient, photo: bytes) -> None:
    edge = b'--e\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + photo
    for body, kind in [
        (edge, "multipart/form-data; boundary=e"),
        (edge, "multipart/form-data"),
        (b"", "multipart/form-data; boundary=e"),
        (b"--e\r\n\r\n\r\n--e--", "multipart/form-data; boundary=e"),
    ]:
        assert 400 <= client.post(PREDICT, data=body, content_type=kind).status_code < 500, kind


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
    ],
)
def test_posts_of_other_sites_are_refused(client: FlaskClient, photo: bytes, headers: dict[str, str]) -> None:
    check_problem(send(client, PREDICT, (photo, "a.png"), headers=headers), 403, "cross_site")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}])
def test_posts_of_the_own_page_and_of_programs_pass(client: FlaskClient, photo: bytes, headers: dict[str, str]) -> None:
    assert send(client, DETECT, (photo, "a.png"), headers=headers).status_code == 200


def test_every_answer_has_the_security_headers(client: FlaskClient, photo: bytes) -> None:
    answers = [
        client.get(path, buffered=True)
        for path in ("/", "/how", "/healthz", "/static/style.css", "/api/v1/nothing", "/nothing")
    ]
    answers += [
        client.post(PREDICT),
        client.post("/", headers={"Origin": "null"}),
        send(client, DETECT, (photo, "a.png")),
    ]
    for answer in answers:
        for name, start in SECURITY.items():
            assert answer.headers[name].startswith(start), (answer.request.path, name)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answers[-1].headers["Cache-Control"] == "no-store"


def test_tasks_lists_what_is_served(client: FlaskClient) -> None:
    listed = {task["name"]: task for task in client.get("/api/v1/tasks").get_json()["tasks"]}
    assert listed["looks"]["classes"] == ["female", "male"]
    assert "gender" in listed


def test_health_is_told(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json()["status"] == "ok"


def test_the_description_is_valid_and_has_every_route(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    validate(document)
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(("/api/", "/healthz"))
    }
    assert routes == {(path, method) for path, methods in document["paths"].items() for method in methods}


def test_the_description_shows_the_fields_that_are_answered(client: FlaskClient, photo: bytes) -> None:
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    said = send(client, PREDICT, (photo, "a.png")).get_json()
    assert list(schemas["Answer"]["properties"]) == list(said)
    assert set(said["faces"][0]) <= set(schemas["Face"]["properties"])
    problem = json.loads(client.post(PREDICT).data)
    assert set(problem) == set(schemas["Problem"]["properties"])


def test_a_bug_is_a_problem_document_without_its_details(
    client: FlaskClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("eigenface.webapp.service.recognise", fails)
    answer = send(client, PREDICT, (photo, "a.png"))
    check_problem(answer, 500, "internal")
    assert "secret" not in answer.text


def test_two_models_of_one_name_are_refused(model: FaceClassifier) -> None:
    with pytest.raises(RequestError, match="looks"):
        FaceService([model, model])


def test_a_wide_picture_keeps_its_warnings(client: FlaskClient, photo: bytes) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert send(client, PREDICT, (png_bytes(whole), "noise.png")).get_json()["warnings"] == []
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo)).convert("RGB").save(buffer, "JPEG", quality=95)
    cut = buffer.getvalue()[:-200]
    answer = send(client, PREDICT, (cut, "cut.jpg"))
    if answer.status_code == 200:
        assert answer.get_json()["warnings"]
    else:
        check_problem(answer, 400, "damaged")
