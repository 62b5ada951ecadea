"""The page in a real browser: upload, drop, paste, sliders, keyboard, phone, dark, camera."""

from __future__ import annotations

import base64
import io
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from waitress.server import create_server

from eigenface.datasets.drawn import draw_photo
from eigenface.model import FaceClassifier
from eigenface.webapp.app import create_app
from eigenface.webapp.service import FaceService

playwright = pytest.importorskip("playwright.sync_api")

BROWSER = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
DROP = """([data, kind]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const bag = new DataTransfer();
  bag.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
  const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: bag, bubbles: true })
    : new DragEvent("drop", { dataTransfer: bag, bubbles: true });
  document.body.dispatchEvent(event);
}"""


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


TWO = png(draw_photo(2, random_state=5)[0])
BLANK = png(np.full((80, 90, 3), 128, np.uint8))


@pytest.fixture(scope="module")
def address(model: FaceClassifier) -> Iterator[str]:
    server = create_server(create_app(FaceService([model])), host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"  # type: ignore[union-attr]
    server.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.complaints = []
    opened.on("console", lambda message: message.type == "error" and opened.complaints.append(message.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    assert opened.complaints == []
    context.close()


def photo(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/png", "buffer": data}


def test_several_photos_are_answered_and_can_be_kept(page: Any, address: str, tmp_path: Path) -> None:
    page.goto(address)
    page.set_input_files("#image", [photo("two.png", TWO), photo("blank.png", BLANK)])
    page.wait_for_selector(".result:nth-of-type(2)")
    assert page.locator(".face").count() == 2
    assert "No face found" in page.inner_text("#results")
    with page.expect_download() as download:
        page.click("text=Answer as JSON >> nth=0")
    download.value.save_as(tmp_path / "a.json")
    assert len(json.loads((tmp_path / "a.json").read_text())["faces"]) == 2
    with page.expect_download() as download:
        page.click("text=Annotated PNG >> nth=0")
    download.value.save_as(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as drawn:
        assert drawn.size == (640, 480)


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_photo_may_be_dropped_or_pasted(page: Any, address: str, kind: str) -> None:
    page.goto(address)
    page.evaluate(DROP, [base64.b64encode(TWO).decode(), kind])
    page.wait_for_selector(".face")
    assert "dropped.png" in page.inner_text("#results")


def test_sliders_ask_again(page: Any, address: str) -> None:
    page.goto(address)
    page.set_input_files("#image", [photo("two.png", TWO)])
    page.wait_for_selector(".face")
    page.click("summary")
    page.locator("input[name=brightness]").fill("0")
    page.wait_for_selector("text=No face found")
    assert page.is_visible("#preview")
    page.locator("input[name=brightness]").fill("100")
    page.wait_for_selector(".face")


def test_it_works_without_javascript(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert not page.is_visible("text=or paste one")
    page.click("button[type=submit]")
    assert "No picture was chosen" in page.inner_text("main")
    page.set_input_files("#image", [photo("two.png", TWO)])
    page.click("button[type=submit]")
    assert page.locator(".face").count() == 2
    context.close()


def test_the_keyboard_is_enough(page: Any, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.id || document.activeElement.name || document.activeElement.type")
        )
    assert {"image", "task", "submit"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_in_light_and_dark(browser: Any, address: str, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    for path in ("/", "/how", "/camera", "/api", "/models/gender", "/nowhere"):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (int(light.split("(")[1].split(",")[0]) > 128) == (scheme == "light")
    page.goto(address)
    page.set_input_files("#image", [photo("two.png", TWO)])
    page.wait_for_selector(".face")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_the_camera_answers_several_times_a_second_one_request_at_a_time(page: Any, address: str) -> None:
    flying, most = 0, 0

    def sent(request: Any) -> None:
        nonlocal flying, most
        if "/api/" in request.url:
            flying += 1
            most = max(most, flying)

    def done(request: Any) -> None:
        nonlocal flying
        flying -= "/api/" in request.url

    page.on("request", sent)
    page.on("requestfinished", done)
    page.goto(f"{address}/camera")
    page.click("#start")
    page.wait_for_selector("#speed[data-answers]")
    before = int(page.get_attribute("#speed", "data-answers"))
    page.wait_for_timeout(2000)
    after = int(page.get_attribute("#speed", "data-answers"))
    assert after - before >= 6
    assert most == 1
    assert "no face found" in page.inner_text("#said")
    page.click("#pause")
    page.wait_for_timeout(300)
    paused = page.get_attribute("#speed", "data-answers")
    page.wait_for_timeout(500)
    assert page.get_attribute("#speed", "data-answers") == paused
    with page.expect_download() as download:
        page.click("#still")
    assert download.value.suggested_filename.endswith(".png")
    page.click("#start")
    assert "off" in page.inner_text("#message")
