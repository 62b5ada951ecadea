"""The pages work without JavaScript, say honestly what happened, and escape what others wrote."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from PIL import Image
from werkzeug.test import TestResponse

from eigenface.annotate import png_bytes
from eigenface.datasets.drawn import draw_photo
from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.webapp.adjust import Adjustment
from eigenface.webapp.app import create_app
from eigenface.webapp.markdown import card_html
from eigenface.webapp.service import FaceService

PAGES = ("/", "/camera", "/films", "/how", "/api", "/models/looks")


@pytest.fixture(scope="module")
def client(model: FaceClassifier) -> FlaskClient:
    return create_app(FaceService([model])).test_client()


@pytest.fixture(scope="module")
def photo() -> bytes:
    return png_bytes(draw_photo(2, (300, 420))[0])


def send(client: FlaskClient, *pictures: tuple[bytes, str], **form: Any) -> TestResponse:
    files = [(io.BytesIO(data), name) for data, name in pictures]
    return client.post("/", data={"image": files, "task": "looks", **form}, content_type="multipart/form-data")


def jpeg_bytes(picture: Image.Image) -> bytes:
    """Small enough that the test's own client spills nothing."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


class Elements(HTMLParser):
    """Every element of a page as (tag, attributes)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == tag]


def pictures(page: str) -> dict[str, Image.Image]:
    """The pictures that a page holds as data URIs, by their alternative text."""
    found = {}
    for image in Elements(page).of("img"):
        if str(image.get("src")).startswith("data:"):
            data = base64.b64decode(str(image["src"]).split(",")[1])
            found[str(image["alt"])] = Image.open(io.BytesIO(data))
    return found


def download(page: str, ending: str) -> bytes:
    link = next(a for a in Elements(page).of("a") if str(a.get("download", "")).endswith(ending))
    return base64.b64decode(str(link["href"]).split(",")[1])


def test_pages_are_whole_and_accessible(client: FlaskClient, photo: bytes) -> None:
    texts = [client.get(path).text for path in PAGES] + [
        client.get("/nothing").text,
        send(client, (photo, "a.png")).text,
    ]
    for text in texts:
        elements = Elements(text)
        assert elements.of("html")[0]["lang"] == "en"
        assert len(elements.of("h1")) == 1, text[:400]
        assert len(elements.of("main")) == 1
        assert elements.of("title")
        assert any(meta.get("name") == "viewport" for meta in elements.of("meta"))
        assert all("alt" in image for image in elements.of("img"))
        assert all("style" not in attributes for _, attributes in elements.found), "the security policy forbids it"
        assert all(script.get("src") for script in elements.of("script")), "the security policy forbids it"
        names = [str(attributes["id"]) for _, attributes in elements.found if "id" in attributes]
        assert len(names) == len(set(names))


def test_every_link_and_picture_of_the_pages_is_there(client: FlaskClient) -> None:
    asked = set()
    for path in PAGES:
        elements = Elements(client.get(path).text)
        for _, attributes in elements.found:
            for address in (attributes.get("href"), attributes.get("src")):
                if address and address.startswith("/"):
                    asked.add(address)
    assert len(asked) > 20
    assert [address for address in asked if client.get(address, buffered=True).status_code != 200] == []


def test_a_photo_gives_both_pictures_and_a_row_a_face(client: FlaskClient, photo: bytes) -> None:
    answer = send(client, (photo, "group.png"))
    assert answer.status_code == 200
    page = answer.text
    assert "2 faces" in page
    assert "group.png" in page
    shown = pictures(page)
    assert {"The picture as it was judged", "The picture with 2 faces marked"} <= set(shown)
    assert {f"Face {n} rebuilt from 100 eigenfaces" for n in (1, 2)} <= set(shown)
    said = json.loads(download(page, "group.png.json"))
    assert len(said["faces"]) == 2
    for face in said["faces"]:
        assert f"{100 * face['probabilities'][face['label']]:.1f} %" in page
        assert all(str(escape(reason)) in page for reason in face["reasons"])
    marked = np.asarray(Image.open(io.BytesIO(download(page, ".annotated.png"))).convert("RGB"))
    assert marked.shape == (300, 420, 3)
    plain = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))
    assert (marked != plain).any()
    shares = [float(str(bar["width"])) for bar in Elements(page).of("rect")]
    assert len(shares) == 4
    assert sum(shares) == pytest.approx(200, abs=0.1)


def test_a_large_photo_is_judged_whole_and_shown_small(client: FlaskClient) -> None:
    large = Image.fromarray(draw_photo(1, (400, 560))[0]).resize((2240, 1600))
    page = send(client, (jpeg_bytes(large), "large.jpg")).text
    said = json.loads(download(page, ".json"))
    assert (said["width"], said["height"]) == (2240, 1600)
    assert "1 face" in page
    marked = np.asarray(Image.open(io.BytesIO(download(page, ".annotated.png"))).convert("RGB")).astype(int)
    assert max(marked.shape) == 1280
    box = said["faces"][0]["box"]
    edge = marked[round((box["y"] + box["height"] / 2) * 1280 / 2240), round(box["x"] * 1280 / 2240)]
    assert np.abs(edge - marked[5, 5]).max() > 40, "the box is drawn where the face is"


def test_several_pictures_give_a_result_each(client: FlaskClient, photo: bytes) -> None:
    page = send(client, (photo, "a.png"), (b"words", "b.png")).text
    assert page.count('class="result"') == 2
    assert "This picture was refused" in page


def test_no_face_is_said_in_words(client: FlaskClient) -> None:
    page = send(client, (png_bytes(np.full((120, 160, 3), 128, np.uint8)), "flat.png")).text
    assert "No face found" in page
    assert "does not mean there is none" in page


def test_a_refused_picture_says_why(client: FlaskClient) -> None:
    page = send(client, (b"words", "letter.jpg")).text
    assert "This picture was refused" in page
    assert "letter.jpg" in page


def test_a_missing_picture_brings_the_form_back(client: FlaskClient) -> None:
    answer = client.post("/", data={"task": "looks", "blur": "3"}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "No picture was chosen" in answer.text
    slider = next(e for e in Elements(answer.text).of("input") if e.get("name") == "blur")
    assert slider["value"] == "3"


def test_the_adjusted_picture_is_the_one_judged(client: FlaskClient, photo: bytes) -> None:
    page = send(client, (photo, "a.png"), brightness="0").text
    assert "No face found" in page
    assert np.asarray(pictures(page)["The picture as it was judged"]).max() < 10


@pytest.mark.parametrize("value", ["-1", "301", "much", "1.5", "9" * 5000, "٣"])
def test_adjustments_out_of_range_are_refused(client: FlaskClient, photo: bytes, value: str) -> None:
    answer = send(client, (photo, "a.png"), brightness=value)
    assert answer.status_code == 422
    assert "from 0 to 300" in answer.text


def test_the_part_that_the_script_asks_for_has_results_alone(client: FlaskClient, photo: bytes) -> None:
    data = {"image": [(io.BytesIO(photo), "a.png")], "task": "looks"}
    page = client.post("/", data=data, headers={"X-Part": "results"}).text
    assert "<html" not in page
    assert "2 faces" in page


def test_what_others_wrote_is_escaped(client: FlaskClient, photo: bytes) -> None:
    name = "<script>alert(1)</script>.png".replace("/", "")
    for data in (photo, b"words"):
        page = send(client, (data, name)).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
    assert "<script>x" not in client.get("/models/<script>x").text


@pytest.mark.parametrize("text", ["# {}", "- {}", "{}", "| a | b |\n|---|---|\n| {} | 2 |"])
def test_cards_are_escaped(text: str) -> None:
    page = card_html(text.format("<script>alert(1)</script> & {0}"))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {0}" in page


def test_a_card_becomes_headings_lists_and_tables() -> None:
    page = card_html("# Gender\n\nWho.\nWhat.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    tags = [tag for tag, _ in Elements(page).found]
    assert [tag for tag in tags if tag in ("h1", "p", "li", "th", "td")] == [
        "h1",
        "p",
        "li",
        "li",
        "th",
        "th",
        "td",
        "td",
    ]


def test_refusals_are_pages_for_people(client: FlaskClient, model: FaceClassifier) -> None:
    for answer, status in [
        (client.get("/nothing"), 404),
        (client.get("/models/nothing"), 404),
        (client.put("/how"), 405),
    ]:
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert "Back to the photo page" in answer.text
    small = create_app(FaceService([model]))
    small.config["MAX_CONTENT_LENGTH"] = 1000
    answer = send(small.test_client(), (b"x" * 2000, "a.png"))
    assert (answer.status_code, answer.mimetype) == (413, "text/html")


def test_eigenfaces_are_pictures_and_others_are_not_found(client: FlaskClient) -> None:
    for address in ("/faces/space/0.png", "/faces/space/100.png", "/faces/looks/0.png", "/faces/looks/10.png"):
        answer = client.get(address)
        assert Image.open(io.BytesIO(answer.data)).size == (128, 128), address
    for address in ("/faces/space/101.png", "/faces/looks/11.png", "/faces/gender/1.png", "/faces/none/1.png"):
        assert client.get(address).status_code == 404, address


def test_brightness_contrast_colour_and_blur_do_what_they_say() -> None:
    pixels = np.random.default_rng(0).integers(60, 180, (40, 50, 3), np.uint8)

    def after(**values: int) -> Any:
        adjusted = Adjustment(**values).apply(pixels)
        assert (adjusted.shape, adjusted.dtype) == (pixels.shape, np.uint8)
        return adjusted.astype(float)

    assert (after() == pixels).all()
    assert after(brightness=150).mean() == pytest.approx(1.5 * pixels.mean(), rel=0.03)
    assert after(contrast=50).std() == pytest.approx(0.5 * pixels.std(), rel=0.03)
    assert (after(contrast=0) == pytest.approx(127.5, abs=1)) is True
    assert np.ptp(after(colour=0), axis=2).max() <= 1
    assert after(blur=3).std() < 0.2 * pixels.std()
    assert after(blur=3).mean() == pytest.approx(pixels.mean(), abs=1)
    with pytest.raises(RequestError, match="blur"):
        Adjustment.read({"blur": "21"})


def test_the_examples_of_the_api_page_run(model: FaceClassifier, photo: bytes, tmp_path: Any) -> None:
    from threading import Thread

    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, create_app(FaceService([model])), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        (tmp_path / "photo.jpg").write_bytes(photo)
        client = server.app.test_client()
        page = client.get("/api", headers={"Host": f"127.0.0.1:{server.port}"}).text
        blocks = [
            re.sub(r"<.*?>", "", block) for block in re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)
        ]
        codes = [block.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&") for block in blocks]
        curl, asking, local, films = codes
        assert all(f"http://127.0.0.1:{server.port}/" in code for code in (curl, films))
        for code in (asking, local):
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
            assert len(done.stdout.splitlines()) == 2
        run = subprocess.run(["sh", "-ec", curl], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        if run.returncode != 127:  # no curl here
            assert run.returncode == 0, run.stderr
            answers = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
            assert [len(answer.get("faces", [])) for answer in answers][:2] == [2, 2]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
