"""Two photos compared and people enrolled, on the page and over REST; nothing is kept where no gallery is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from PIL import Image
from test_web_pages import Elements, pictures
from werkzeug.test import TestResponse

from eigenface.datasets.drawn import draw_photo
from eigenface.embedding import FaceEmbedder
from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.webapp.app import create_app
from eigenface.webapp.service import FaceService


def jpeg(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


ADA_PIXELS = draw_photo(1, (300, 300), random_state=3)[0]
ADA, ADA_AGAIN = jpeg(ADA_PIXELS), jpeg(np.roll(np.rint(0.93 * ADA_PIXELS).astype(np.uint8), 5, axis=1))
BO, THREE = (jpeg(draw_photo(n, (300, 300 * n), random_state=seed)[0]) for n, seed in ((1, 8), (3, 3)))
NOBODY = jpeg(np.full((90, 90, 3), 99, np.uint8))


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    return tmp_path / "people.gallery"


@pytest.fixture
def client(model: FaceClassifier, embedder: FaceEmbedder, gallery: Path) -> FlaskClient:
    return create_app(FaceService([model, embedder], gallery=gallery)).test_client()


@pytest.fixture
def plain(model: FaceClassifier, embedder: FaceEmbedder) -> FlaskClient:
    """A server without a gallery."""
    return create_app(FaceService([model, embedder])).test_client()


def files(*data: bytes) -> list[tuple[io.BytesIO, str]]:
    return [(io.BytesIO(one), f"{number}.jpg") for number, one in enumerate(data)]


def post(client: FlaskClient, path: str, **form: Any) -> TestResponse:
    return client.post(path, data=form, content_type="multipart/form-data")


def compare(client: FlaskClient, path: str, a: bytes, b: bytes) -> TestResponse:
    return post(client, path, a=files(a)[0], b=(io.BytesIO(b), "second.jpg"))


def test_two_photos_are_compared_over_rest(plain: FlaskClient) -> None:
    said = compare(plain, "/api/v1/compare", ADA, ADA_AGAIN).get_json()
    assert said["same"] is True
    assert said["probability"] > 0.9
    assert [face["source"] for face in said["faces"]] == ["0.jpg", "second.jpg"]
    assert all(face["box"]["width"] > 50 and face["width"] == 300 for face in said["faces"])
    assert compare(plain, "/api/v1/compare", ADA, BO).get_json()["same"] is False
    whole = compare(plain, "/api/v1/compare?whole=1", NOBODY, NOBODY).get_json()
    assert whole["faces"][0]["box"] == {"x": 0, "y": 0, "width": 90, "height": 90}


def test_what_cannot_be_compared_is_a_problem(plain: FlaskClient) -> None:
    for a, b, status, code in (
        (ADA, NOBODY, 422, "no_face"),
        (b"words", ADA, 400, "not_a_picture"),
    ):
        answer = compare(plain, "/api/v1/compare", a, b)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        assert answer.get_json()["code"] == code
    answer = post(plain, "/api/v1/compare", a=files(ADA)[0])
    assert (answer.status_code, answer.get_json()["code"]) == (422, "missing_field")
    answer = plain.post("/api/v1/compare", data=ADA, content_type="image/jpeg")
    assert answer.status_code == 422


def test_a_picture_too_large_is_not_decoded(plain: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eigenface.webapp.service.MAX_PICTURE_BYTES", 1000)
    answer = compare(plain, "/api/v1/compare", ADA, BO)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_many_bytes")


def test_the_page_shows_both_faces_and_what_it_cannot_do(plain: FlaskClient) -> None:
    form = plain.get("/compare")
    assert form.status_code == 200
    assert "no proof of who somebody is" in form.text
    page = compare(plain, "/compare", ADA, ADA_AGAIN).text
    assert "The same person" in page
    shown = pictures(page)
    assert set(shown) == {
        "First photo with the compared face framed",
        "Second photo with the compared face framed",
        "First face as the model sees it",
        "Second face as the model sees it",
    }
    assert shown["First photo with the compared face framed"].size == (300, 300)
    framed = np.asarray(shown["First photo with the compared face framed"]).astype(int)
    assert (np.abs(framed - ADA_PIXELS).max(axis=2) > 60).mean() > 0.003, "the box is drawn"
    assert "Different people" in compare(plain, "/compare", ADA, BO).text
    refused = compare(plain, "/compare", ADA, NOBODY).text
    assert "could not be compared" in refused
    assert "no face was found" in refused
    assert "3 faces; the main one was taken" in compare(plain, "/compare", ADA, THREE).text
    missing = post(plain, "/compare", a=files(ADA)[0])
    assert missing.status_code == 422
    assert "Choose both" in missing.text


def test_people_are_enrolled_listed_recognised_and_forgotten_over_rest(client: FlaskClient) -> None:
    assert client.get("/api/v1/people").get_json() == {"people": []}
    said = post(client, "/api/v1/people/Ada%20L", image=files(ADA, NOBODY)).get_json()
    assert (said["name"], said["added"]) == ("Ada L", 1)
    assert [picture["error"] and picture["error"]["code"] for picture in said["pictures"]] == [None, "no_face"]
    answer = client.post("/api/v1/people/Bo", data=BO, content_type="image/jpeg")
    assert answer.get_json()["added"] == 1
    assert [(one["name"], one["pictures"]) for one in client.get("/api/v1/people").get_json()["people"]] == [
        ("Ada L", 1),
        ("Bo", 1),
    ]
    asked = "/api/v1/predict?task=identity,looks"
    (face,) = client.post(asked, data=ADA_AGAIN, content_type="image/jpeg").get_json()["faces"]
    assert face["label"] == "Ada L"
    assert list(face["probabilities"]) == ["Ada L", "Bo", "unknown"]
    assert list(face["answers"]) == ["identity", "looks"]
    (entry,) = (one for one in client.get("/api/v1/tasks").get_json()["tasks"] if one["name"] == "identity")
    assert entry["classes"] == ["Ada L", "Bo", "unknown"]
    assert client.delete("/api/v1/people/Ada%20L").get_json() == {"name": "Ada L", "pictures": 1}
    answer = client.delete("/api/v1/people/Ada%20L")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_person")


@pytest.mark.parametrize("name", ["a/b", "安娜", "O'Hara", "50%", "a?b#c", "<script>x</script>"])
def test_any_name_travels(client: FlaskClient, name: str) -> None:
    address = f"/api/v1/people/{quote(name, safe='')}"
    assert client.post(address, data=ADA, content_type="image/jpeg").get_json()["name"] == name
    page = client.get("/people").text
    assert "<script>x" not in page
    (hidden,) = (field for field in Elements(page).of("input") if field.get("type") == "hidden")
    assert hidden["value"] == name
    assert "is forgotten" in post(client, "/people/forget", name=name).text
    assert client.get("/api/v1/people").get_json() == {"people": []}


def test_a_person_is_enrolled_and_forgotten_on_the_page(client: FlaskClient) -> None:
    assert "Nobody" in client.get("/people").text
    page = post(client, "/people", name=" Ada ", image=files(ADA, ADA_AGAIN, b"words")).text
    assert "2 pictures of Ada enrolled" in page
    assert "1 person enrolled" in page
    assert len(pictures(page)) == 2
    assert page.count('class="warning"') == 1
    assert 'value="identity"' in client.get("/").text, "the photo page can ask who somebody is"
    assert "Ada was enrolled from this picture before" in post(client, "/people", name="Ada", image=files(ADA)).text
    assert "Ada was not enrolled" in post(client, "/people", name="Ada", image=files(NOBODY)).text
    photo = post(client, "/", task="identity", image=files(ADA_AGAIN)).text
    assert "<h3>Ada" in photo
    page = post(client, "/people/forget", name="Ada").text
    assert "Ada is forgotten, with 2 pictures" in page
    assert "Nobody" in page
    assert post(client, "/people/forget", name="Ada").status_code == 404


@pytest.mark.parametrize(
    ("form", "said"), [({"name": ""}, "characters"), ({"name": "unknown"}, "strangers"), ({"name": "Ada"}, "image")]
)
def test_a_form_half_filled_comes_back(client: FlaskClient, form: dict[str, str], said: str) -> None:
    sent = form if said == "image" else form | {"image": files(ADA)}
    answer = post(client, "/people", **sent)
    assert answer.status_code == 422
    assert said in answer.text
    (field,) = (one for one in Elements(answer.text).of("input") if one.get("name") == "name")
    assert field["value"] == form["name"]


def test_without_a_gallery_nothing_is_kept_and_it_is_said(plain: FlaskClient, embedder: FaceEmbedder) -> None:
    for answer in (
        plain.get("/api/v1/people"),
        plain.post("/api/v1/people/Ada", data=ADA, content_type="image/jpeg"),
        plain.delete("/api/v1/people/Ada"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    answer = plain.post("/api/v1/predict?task=identity", data=ADA, content_type="image/jpeg")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "no_gallery")
    assert "--gallery" in answer.get_json()["hint"]
    assert plain.get("/people").status_code == 404
    home = plain.get("/").text
    assert 'href="/people"' not in home
    assert 'href="/compare"' in home
    assert 'value="identity"' not in home, "who somebody is cannot be answered"
    assert "Nothing is stored" in home
    first = create_app(FaceService([embedder])).test_client()
    assert "checked" in first.get("/").text, "what is asked by default can be answered"


def test_with_a_gallery_the_pages_say_what_is_kept(client: FlaskClient) -> None:
    home = client.get("/").text
    assert "Nothing is stored" not in home
    assert 'href="/people"' in home
    page = client.get("/people").text
    assert "people.gallery" in page
    assert "biometric" in page


def test_pages_are_whole_and_accessible(client: FlaskClient) -> None:
    texts = [
        client.get("/compare").text,
        compare(client, "/compare", ADA, NOBODY).text,
        client.get("/people").text,
        post(client, "/people", name="Ada", image=files(ADA)).text,
        post(client, "/people", name="", image=files(ADA)).text,
    ]
    for text in texts:
        elements = Elements(text)
        assert len(elements.of("h1")) == 1
        assert all("alt" in image for image in elements.of("img"))
        assert all("style" not in attributes for _, attributes in elements.found)
        names = [str(attributes["id"]) for _, attributes in elements.found if "id" in attributes]
        assert len(names) == len(set(names))
        assert not elements.of("script"), "works without JavaScript"


def test_other_sites_cannot_enrol_or_forget(client: FlaskClient, gallery: Path) -> None:
    client.post("/api/v1/people/Ada", data=ADA, content_type="image/jpeg")
    before = gallery.read_bytes()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        for path in ("/people", "/people/forget", "/compare", "/api/v1/compare", "/api/v1/people/Bo"):
            answer = client.post(path, data={"name": "Ada", "image": files(ADA)}, headers=headers)
            assert answer.status_code == 403, path
        assert client.delete("/api/v1/people/Ada", headers=headers).status_code == 403
    assert gallery.read_bytes() == before


def test_a_gallery_of_another_model_stops_the_server_in_one_line(
    client: FlaskClient, embedder: FaceEmbedder, gallery: Path
) -> None:
    client.post("/api/v1/people/Ada", data=ADA, content_type="image/jpeg")
    meta = {**embedder.meta, "crop": {"scale": 1.4}, "odds": embedder.odds.as_dict()}
    with pytest.raises(RequestError, match="another model"):
        FaceService([type(embedder)(meta, program=embedder.program)], gallery=gallery)


def test_many_people_are_shown_as_a_few(client: FlaskClient) -> None:
    for number in range(14):
        client.post(f"/api/v1/people/p{number}", data=BO, content_type="image/jpeg")
    page = post(client, "/", task="identity", image=files(BO)).text
    assert "6 others" in page
    assert sum(float(str(bar["width"])) for bar in Elements(page).of("rect")) == pytest.approx(100, abs=0.1)


def test_the_description_knows_the_routes(client: FlaskClient, plain: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    validate(document)
    assert set(document["paths"]["/api/v1/people/{name}"]) == {"post", "delete"}
    assert "get" in document["paths"]["/api/v1/people"]
    without = plain.get("/openapi.json").get_json()
    validate(without)
    assert "/api/v1/compare" in without["paths"]
