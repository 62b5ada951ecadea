"""Films sent to the server: answered in their turn, in files that go again; what is no film is refused at once."""

from __future__ import annotations

import csv
import io
import json
import os
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from film_files import PATH, files, until
from flask.testing import FlaskClient
from PIL import Image
from video_scenes import Scene, noisy, write_film
from werkzeug.test import TestResponse

from eigenface import limits
from eigenface.model import FaceClassifier
from eigenface.webapp import live, server
from eigenface.webapp.app import create_app
from eigenface.webapp.films.job import FILES
from eigenface.webapp.films.queue import KEPT, MOST_KEPT
from eigenface.webapp.films.work import Order, written
from eigenface.webapp.service import FaceService

av = pytest.importorskip("av")

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    scene = Scene([lambda t: (80 + 50 * t, 90)], 1.0, size=(240, 180))
    return write_film(tmp_path_factory.mktemp("film") / "walk.mp4", [p for _, p, _ in scene], sound="aac").read_bytes()


@pytest.fixture
def service(model: FaceClassifier, place: Path) -> Iterator[FaceService]:
    made = FaceService([model])
    yield made
    made.films.close()
    assert list(place.iterdir()) == [], "nothing is left on the disk"


@pytest.fixture
def client(service: FaceService) -> FlaskClient:
    return create_app(service).test_client()


def send(client: FlaskClient, film: bytes, query: str = "?name=walk.mp4", **more: Any) -> TestResponse:
    return client.post(PATH + query, data=film, content_type="video/mp4", **more)


def over(client: FlaskClient, token: str) -> dict[str, Any]:
    def look() -> Any:
        said = client.get(f"{PATH}/{token}").get_json()
        return said if said["status"] in ("done", "failed") else None

    said: dict[str, Any] = until(look)
    return said


def code(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, json.loads(answer.data)["code"]


def test_a_film_is_answered_played_and_deleted(
    client: FlaskClient, walk: bytes, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = send(client, walk)
    said = answer.get_json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"{PATH}/{said['id']}")
    assert (said["source"], said["task"], said["status"], said["before"]) == ("walk.mp4", "looks", "waiting", 0)
    done = over(client, said["id"])
    assert done["status"] == "done", done
    assert done["answer"] == {
        "frames": 25,
        "tracks": 1,
        "seconds": 0.96,
        "warnings": [],
        "portraits": ["track_0001.jpg"],
    }
    assert (done["done"], done["expected"], done["error"]) == (25, 25, None)
    assert files(place) == {*FILES, "track_0001.jpg"}, "the upload is gone already"
    with Image.open(io.BytesIO(client.get(done["files"]["track_0001.jpg"], buffered=True).data)) as portrait:
        assert min(portrait.size) > 40
    for name, kind in FILES.items():
        got = client.get(done["files"][name], buffered=True)
        assert (got.status_code, got.mimetype, got.headers["Cache-Control"]) == (200, kind, "no-store")
        assert f"walk.mp4.{name}" in got.headers["Content-Disposition"]
    part = client.get(done["files"]["film.mp4"], headers={"Range": "bytes=4-7"}, buffered=True)
    assert (part.status_code, part.data) == (206, b"ftyp")
    monkeypatch.setattr("eigenface.webapp.api._PART", 10)
    part = client.get(done["files"]["film.mp4"], headers={"Range": "bytes=4-"}, buffered=True)
    assert (part.status_code, len(part.data)) == (206, 10), "a player asks again for the rest"
    assert part.headers["Content-Range"].startswith("bytes 4-13/")
    rows = list(csv.DictReader(client.get(done["files"]["timeline.csv"], buffered=True).text.splitlines()))
    lines = [json.loads(line) for line in client.get(done["files"]["timeline.jsonl"], buffered=True).text.splitlines()]
    assert [(int(row["frame"]), row["label"]) for row in rows] == [(line["frame"], line["label"]) for line in lines]
    assert len(rows) > 20
    with av.open(io.BytesIO(client.get(done["files"]["film.mp4"], buffered=True).data)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        assert film.streams.audio
        assert sum(1 for _ in film.decode(video=0)) == 25
    assert client.delete(f"{PATH}/{said['id']}").get_json() == {"deleted": said["id"]}
    assert files(place) == set()
    assert code(client.get(f"{PATH}/{said['id']}")) == (404, "no_film")
    assert code(client.get(done["files"]["film.mp4"])) == (404, "no_film")


@pytest.mark.skipif(os.name == "nt", reason="modes of folders")
def test_the_folder_is_the_servers_alone(client: FlaskClient, walk: bytes, place: Path) -> None:
    send(client, walk)
    assert [path.stat().st_mode & 0o077 for path in place.iterdir()] == [0]


@pytest.mark.parametrize(
    ("film", "status", "refusal", "said"),
    [
        (b"", 400, "empty", "odd.mp4"),
        (b"words, not a film " * 20, 400, "not_a_film", "odd.mp4"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), 400, "not_a_film", "odd.mp4"),
        (b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n", 400, "not_a_film", "odd.mp4"),
    ],
)
def test_what_is_no_film_is_refused_at_once(
    client: FlaskClient, place: Path, film: bytes, status: int, refusal: str, said: str
) -> None:
    answer = send(client, film, "?name=odd.mp4")
    assert code(answer) == (status, refusal)
    assert said in json.loads(answer.data)["message"]
    assert str(place) not in answer.text
    assert "upload" not in answer.text
    assert files(place) == set()


def test_sound_alone_and_a_film_without_its_index_are_refused(
    client: FlaskClient, walk: bytes, tmp_path: Path, place: Path
) -> None:
    with wave.open(str(tmp_path / "sound.wav"), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(8000))
    assert code(send(client, (tmp_path / "sound.wav").read_bytes())) == (400, "no_pictures")
    assert code(send(client, walk[: len(walk) // 2])) == (400, "not_a_film")
    assert files(place) == set()


def test_a_film_broken_half_way_is_answered_up_to_there(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene([lambda t: (80, 90)], 2.0, size=(240, 180))
    whole = write_film(tmp_path / "walk.mkv", noisy([p for _, p, _ in scene])).read_bytes()
    done = over(client, send(client, whole[: len(whole) // 2], "?name=walk.mkv").get_json()["id"])
    assert done["status"] == "done"
    assert 5 < done["answer"]["frames"] < 50
    assert "cut short" in done["answer"]["warnings"][0]


def test_too_many_bytes_are_refused(client: FlaskClient, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.MAX_FILM_BYTES < server._IN_MEMORY, "or the server would refuse without a word"
    monkeypatch.setattr("eigenface.webapp.uploads.MAX_FILM_BYTES", 1000)
    monkeypatch.setattr("eigenface.webapp.films.job.MAX_FILM_BYTES", 1000)
    assert code(send(client, bytes(1001))) == (413, "too_many_bytes")
    assert code(send(client, bytes(200_000))) == (413, "too_many_bytes")
    form = {"film": (io.BytesIO(bytes(1001)), "a.mp4")}
    assert code(client.post(PATH, data=form, content_type="multipart/form-data")) == (413, "too_many_bytes")
    assert files(place) == set()


def test_a_film_too_long_is_refused(client: FlaskClient, tmp_path: Path, place: Path) -> None:
    frames = [p for _, p, _ in Scene([], 0.08, size=(64, 48))]
    film = write_film(tmp_path / "long.mp4", frames, times=[0.0, 700.0]).read_bytes()
    assert code(send(client, film)) == (413, "film_too_long")
    assert files(place) == set()


def test_requests_that_make_no_sense_are_refused(client: FlaskClient, walk: bytes, place: Path) -> None:
    assert code(send(client, walk, "?task=height")) == (404, "unknown_task")
    assert code(send(client, walk, "?blur=perhaps")) == (422, "bad_value")
    assert code(client.post(PATH, data=walk, content_type="text/plain")) == (415, "unsupported_type")
    assert code(client.post(PATH, data={"other": "x"}, content_type="multipart/form-data")) == (422, "missing_field")
    assert code(client.get(f"{PATH}/nobodys")) == (404, "no_film")
    assert code(client.delete(f"{PATH}/nobodys")) == (404, "no_film")
    assert client.post(PATH, data=walk, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert list(place.iterdir()) == []


def test_films_wait_for_their_turn_are_cancelled_and_bounded(
    client: FlaskClient, walk: bytes, endless: bytes, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenface.webapp.films.queue.MAX_FILMS", 2)
    first, second = (send(client, film).get_json()["id"] for film in (endless, walk))
    working = until(lambda: (said := client.get(f"{PATH}/{first}").get_json())["done"] and said)
    assert (working["status"], working["expected"], working["files"]) == ("working", 1200, {})
    assert working["seconds_left"] > 0
    waiting = client.get(f"{PATH}/{second}").get_json()
    assert (waiting["status"], waiting["before"]) == ("waiting", 1)
    assert code(client.get(f"{PATH}/{first}/film.mp4")) == (409, "not_done")
    assert code(send(client, walk)) == (503, "too_many_films")
    assert client.delete(f"{PATH}/{first}").status_code == 200
    assert over(client, second)["status"] == "done"
    assert files(place) == {*FILES, "track_0001.jpg"}, "of the cancelled one nothing is left"
    assert code(client.get(f"{PATH}/{second}/upload")) == (404, "no_film")


def test_a_film_that_breaks_its_reader_breaks_nothing_else(
    client: FlaskClient, service: FaceService, endless: bytes, place: Path
) -> None:
    token = send(client, endless).get_json()["id"]
    until(lambda: client.get(f"{PATH}/{token}").get_json()["done"])
    process = service.films._jobs[token]._process
    assert process
    process.kill()
    failed = over(client, token)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "film_failed")
    assert code(client.get(f"{PATH}/{token}/film.mp4")) == (422, "film_failed")
    assert files(place) == set()


def test_without_pyav_one_line_says_what_to_install(
    client: FlaskClient, walk: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eigenface.webapp.films.queue.find_spec", lambda name: None)
    answer = send(client, walk)
    assert code(answer) == (501, "no_video")
    assert "pip install 'eigenface[video]'" in json.loads(answer.data)["hint"]
    page = client.get("/films").text
    assert "pip install" in page
    assert "<form" not in page


def test_the_pages_work_without_a_script(client: FlaskClient, walk: bytes, place: Path) -> None:
    page = client.get("/films").text
    assert 'enctype="multipart/form-data"' in page
    assert "15 minutes after you close" in page
    form = {"film": (io.BytesIO(walk), "<b>walk.mp4"), "task": "looks", "blur": "1"}
    sent = client.post("/films", data=form, content_type="multipart/form-data")
    assert sent.status_code == 303
    address = sent.headers["Location"]
    assert 'http-equiv="refresh"' in client.get(address).text
    over(client, address.rsplit("/", 1)[1])
    page = client.get(address).text
    assert "1 face followed" in page
    assert "&lt;b&gt;walk.mp4" in page
    assert "<b>" not in page
    for name in FILES:
        assert f"{address.replace('/films', PATH)}/{name}" in page
    with av.open(io.BytesIO(client.get(f"{address.replace('/films', PATH)}/film.mp4", buffered=True).data)) as film:
        hidden = [frame.to_ndarray(format="gray").astype(float) for frame in film.decode(video=0)][-1]
    with av.open(io.BytesIO(walk)) as film:
        plain = [frame.to_ndarray(format="gray").astype(float) for frame in film.decode(video=0)][-1]
    inside = (slice(70, 110), slice(108, 148))  # of the face in the last frame
    assert "track_0001" not in page, "nobody who is hidden is shown beside the film"
    assert hidden[inside].std() < 0.5 * plain[inside].std()
    gone = client.post(f"{address}/delete")
    assert gone.status_code == 303
    assert "are deleted" in client.get(gone.headers["Location"]).text
    assert client.get(address).status_code == 404
    assert files(place) == set()
    assert client.post("/films", data={}, content_type="multipart/form-data").status_code == 422
    refused = client.post("/films", data={"film": (io.BytesIO(b"words"), "a.mp4")}, content_type="multipart/form-data")
    assert refused.status_code == 400
    assert "not a film" in refused.text


def test_a_model_that_does_not_travel_fails_its_film_alone(
    client: FlaskClient,
    service: FaceService,
    walk: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(order: Order) -> bytes:
        if order.models:
            raise TypeError("cannot pickle this")
        return written(order)

    monkeypatch.setattr("eigenface.webapp.films.job.written", fails)
    said = over(client, send(client, walk).get_json()["id"])
    assert (said["status"], said["answer"], said["error"]["code"]) == ("failed", None, "film_failed")
    assert "cannot pickle" in caplog.text
    assert service.films._worker
    assert service.films._worker.is_alive(), "the next film is answered"


def test_the_documents_name_the_limits_and_times() -> None:
    docs = Path(__file__).parents[1] / "docs"
    texts = [(docs / f"{name}.md").read_text(encoding="utf-8") for name in ("deploy", "rest", "video")]
    deploy, rest, video = (" ".join(text.split()) for text in texts)
    size, minutes = f"{limits.MAX_FILM_BYTES // 10**6} MB", limits.MAX_FILM_SECONDS // 60
    frames = f"{limits.MAX_FILM_FRAMES:,}"
    for words in (rest, video):
        assert f"{size}" in words
        assert f"{minutes} minutes" in words
        assert f"{KEPT / 60:.0f} minutes after" in words
        assert f"{live.KEPT:.0f} seconds" in words
    assert f"{size}, {minutes} minutes, {frames} frames and {limits.MAX_FILM_PIXELS // 10**6} million pixels" in rest
    assert f"{limits.MAX_CAMERAS} cameras can be on" in rest
    assert limits.MAX_FILMS == 8, "eight are there at most"
    assert MOST_KEPT == 3600, "an hour"
    for row in (
        f"| bytes of a film | {size} |",
        f"| length of a film | {minutes} minutes, {frames} frames |",
        f"| pixels of a film's frame | {limits.MAX_FILM_PIXELS // 10**6} million |",
        f"| bytes of a file made of a film | {limits.MAX_FILM_OUTPUT_BYTES // 10**6} MB |",
        f"| films at once | {limits.MAX_FILMS}, one of them worked on |",
        f"| cameras at once | {limits.MAX_CAMERAS}, each",
        f"| pixels of a camera's frame | {limits.MAX_FRAME_PIXELS / 1e6} million |",
    ):
        assert row in deploy
