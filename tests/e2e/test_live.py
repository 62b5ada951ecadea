"""The camera page in a real browser with a known picture before the camera: boxes, speed, alert, lost and back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Playwright, Request, Response, Route, expect

from eigenface.datasets.drawn import draw_photo

pytestmark = pytest.mark.e2e

ROOM, (FACE,) = draw_photo(1, (480, 640), random_state=3)
DRAWN = """() => {
  const canvas = document.getElementById("overlay");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
}"""
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
ANSWERS = "Number(document.getElementById('speed').dataset.answers)"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn face that trembles a little, as a camera's film for Chromium."""
    path = tmp_path_factory.mktemp("clip") / "room.mjpeg"
    frames = io.BytesIO()
    for shift in (0, 1, 2, 1) * 8:
        Image.fromarray(np.roll(ROOM, shift, axis=1)).save(frames, "JPEG", quality=90)
    path.write_bytes(frames.getvalue())
    return path


@pytest.fixture
def live(playwright: Playwright, browser_type_launch_args: dict[str, Any], clip: Path, address: str) -> Iterator[Page]:
    """The camera page, started."""
    more = [f"--use-file-for-fake-video-capture={clip}"]
    browser = playwright.chromium.launch(
        **browser_type_launch_args | {"args": [*browser_type_launch_args["args"], *more]}
    )
    page = browser.new_page()
    page.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)
    page.goto(f"{address}/camera")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#said")).to_contain_text("%")
    yield page
    expect.set_options(timeout=5000)
    browser.close()


def test_a_box_lies_on_the_face_and_stays_there(live: Page) -> None:
    seen: list[dict[str, Any]] = []

    def answered(response: Response) -> None:
        if "/cameras/" in response.url and response.request.method == "POST" and len(seen) < 40:
            seen.append(response.json())

    live.on("response", answered)
    before = live.evaluate(ANSWERS)
    live.wait_for_timeout(3000)
    assert (live.evaluate(ANSWERS) - before) / 3 > 3, "ten on two idle cores"
    assert len(seen) > 5
    boxes = [track["box"] for answer in seen for track in answer["tracks"]]
    assert len(boxes) == len(seen), "one face in every frame"
    assert {track["track"] for answer in seen for track in answer["tracks"]} == {1}
    assert len({track["label"] for answer in seen for track in answer["tracks"]}) == 1
    for box in boxes:
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        assert abs(x - FACE.centre[0]) < 0.25 * FACE.width
        assert abs(y - FACE.centre[1]) < 0.25 * FACE.width
    assert np.ptp([box["x"] for box in boxes]) < 0.15 * FACE.width
    assert np.ptp([box["width"] for box in boxes]) < 0.15 * FACE.width
    lag = float(live.locator("#speed").get_attribute("data-lag") or "nan")
    assert 0 < lag < 1000, "below 100 on two idle cores"
    assert live.evaluate(DRAWN)


def test_a_chosen_class_that_stays_gives_an_alert_and_another_takes_it_back(live: Page) -> None:
    said = (live.locator("#said").text_content() or "").split()[0]
    expect(live.locator("#alarm")).to_be_hidden()
    live.locator("#beep").check()
    live.locator("#alert").select_option(said)
    expect(live.locator("#alarm")).to_have_text(f"face 1: {said}")
    live.locator("input[value='gender:eigenfaces']").check()
    expect(live.locator("#alarm")).to_be_hidden()
    assert live.locator("#alert option").all_text_contents() == ["nothing", "female", "male"]


def test_a_lost_connection_is_said_and_found_again(live: Page) -> None:
    live.context.set_offline(True)
    expect(live.locator("#message")).to_contain_text("connection is lost")
    assert not live.evaluate(DRAWN), "no box stays over a picture that nobody looked at"
    expect(live.locator("#speed")).to_be_empty()
    live.context.set_offline(False)
    expect(live.locator("#message")).to_be_empty()
    expect(live.locator("#said")).to_contain_text("%")
    assert live.evaluate(DRAWN)


def test_a_refusal_is_said_in_its_own_words_and_tried_again(live: Page) -> None:
    body = '{"detail": "16 cameras are on already"}'

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/problem+json", body=body)

    live.route("**/cameras/**", refuse)
    expect(live.locator("#message")).to_have_text("Refused: 16 cameras are on already")
    live.unroute("**/cameras/**")
    expect(live.locator("#message")).to_be_empty()


def test_a_hidden_page_sends_nothing_and_is_forgotten(live: Page) -> None:
    sent: list[Request] = []
    live.on("request", lambda request: sent.append(request))
    live.evaluate(HIDE, True)
    live.wait_for_timeout(700)
    ended = [request.method for request in sent].index("DELETE")
    assert not live.evaluate(DRAWN)
    live.wait_for_timeout(700)
    assert len(sent) == ended + 1
    live.evaluate(HIDE, False)
    expect(live.locator("#said")).to_contain_text("%")
    token = sent[ended].url.rsplit("/", 1)[1]
    assert token not in sent[-1].url, "another token, which nobody followed"


def test_a_camera_that_goes_away_is_said_and_starts_again_when_it_is_back(live: Page) -> None:
    live.evaluate("document.getElementById('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(live.locator("#message")).to_contain_text("went away")
    assert not live.evaluate(DRAWN)
    live.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    expect(live.locator("#said")).to_contain_text("%")
    expect(live.locator("#message")).to_be_empty()
