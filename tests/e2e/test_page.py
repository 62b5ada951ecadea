"""The page in a real browser: every way in, every control, phone and keyboard, dark mode, camera."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, Page, Request, expect

from eigenface.datasets.drawn import draw_photo

pytestmark = pytest.mark.e2e

PAGES = ("/", "/camera", "/films", "/how", "/api", "/models/looks", "/models/gender", "/nothing")


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "two people.jpg"
    Image.fromarray(draw_photo(2, (300, 420))[0]).save(path, quality=92)
    return path


@pytest.fixture
def seen(quiet: Page, address: str) -> Page:
    """The photo page."""
    quiet.goto(address)
    return quiet


def put(page: Page, kind: str, photo: Path) -> None:
    """Let `photo` fall on the page, or paste it."""
    script = """([kind, data, name]) => {
      const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
      const bag = new DataTransfer();
      bag.items.add(new File([bytes], name, { type: "image/jpeg" }));
      document.body.dispatchEvent(kind === "drop"
        ? new DragEvent("drop", { dataTransfer: bag, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: bag, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(script, [kind, base64.b64encode(photo.read_bytes()).decode(), photo.name])


def test_a_chosen_photo_is_answered_at_once_and_can_be_kept(seen: Page, photo: Path) -> None:
    seen.set_input_files("#image", photo)
    expect(seen.locator(".result h2").first).to_contain_text("2 faces")
    expect(seen.locator("#status")).to_have_text("2 faces")
    expect(seen.locator(".face")).to_have_count(2)
    sizes = seen.locator(".result img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert len(sizes) == 6
    assert min(sizes) > 0, "every picture of the result is shown"
    with seen.expect_download() as kept:
        seen.get_by_role("link", name="Answer as JSON").click()
    said = json.loads(kept.value.path().read_text(encoding="utf-8"))
    assert (said["source"], len(said["faces"])) == (photo.name, 2)
    with seen.expect_download() as kept:
        seen.get_by_role("link", name="Annotated PNG").click()
    assert kept.value.suggested_filename.endswith(".png")
    with Image.open(kept.value.path()) as picture:
        assert picture.size == (420, 300)


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_photo_can_be_dropped_and_pasted(seen: Page, photo: Path, kind: str) -> None:
    put(seen, kind, photo)
    expect(seen.locator(".result h2").first).to_contain_text("2 faces")
    assert seen.locator("#image").evaluate("field => field.files[0].name") == photo.name


def test_several_pictures_at_once(seen: Page, photo: Path) -> None:
    text = FilePayload(name="letter.jpg", mimeType="image/jpeg", buffer=b"words")
    flat = FilePayload(name="b.jpg", mimeType="image/jpeg", buffer=photo.read_bytes())
    seen.set_input_files("#image", [flat, text])
    expect(seen.locator(".result")).to_have_count(2)
    expect(seen.locator(".result").last).to_contain_text("refused")
    expect(seen.locator("#status")).to_have_text("2 pictures: 2 faces; this picture was refused")


def test_sliders_and_tasks_ask_again(seen: Page, photo: Path) -> None:
    seen.set_input_files("#image", photo)
    expect(seen.locator(".face")).to_have_count(2)
    seen.get_by_text("Adjust the picture first").click()
    seen.locator("input[name=brightness]").fill("0")
    expect(seen.locator(".result h2").first).to_contain_text("No face found")
    expect(seen.locator("#preview")).to_be_visible()
    assert "brightness(0%)" in (seen.locator("#preview").get_attribute("style") or "")
    seen.locator("input[name=brightness]").fill("100")
    expect(seen.locator(".face")).to_have_count(2)
    seen.locator("input[value='gender:eigenfaces']").check()
    expect(seen.locator(".face h3")).to_have_count(4)


def test_the_form_works_without_javascript(without_script: BrowserContext, address: str, photo: Path) -> None:
    page = without_script.new_page()
    page.goto(address)
    page.set_input_files("#image", photo)
    page.get_by_role("button", name="Find faces").click()
    expect(page.locator(".result h2").first).to_contain_text("2 faces")
    page.goto(address)
    page.get_by_role("button", name="Find faces").click()
    expect(page.locator("#missing")).to_be_visible()
    page.goto(f"{address}/camera")
    expect(page.get_by_text("needs JavaScript")).to_be_visible()


def test_the_keyboard_reaches_everything(seen: Page, photo: Path) -> None:
    seen.keyboard.press("Tab")
    expect(seen.get_by_text("Skip to the content")).to_be_focused()
    reached = []
    for _ in range(30):
        seen.keyboard.press("Tab")
        reached.append(seen.evaluate("document.activeElement.name || document.activeElement.innerText.trim()"))
    for wanted in ("Photo", "Camera", "image", "task", "Adjust the picture first", "Find faces"):
        assert wanted in reached, reached
    seen.set_input_files("#image", photo)
    expect(seen.locator(".face")).to_have_count(2)
    seen.locator("summary").first.focus()
    seen.keyboard.press("Enter")
    slider = seen.locator("input[name=contrast]")
    slider.focus()
    seen.keyboard.press("Home")
    assert slider.input_value() == "0"
    expect(seen.locator(".result h2").first).to_contain_text("No face found")
    seen.get_by_role("button", name="Find faces").focus()
    with seen.expect_response(re.compile("/$")):
        seen.keyboard.press("Enter")


def test_no_page_scrolls_sideways_on_a_phone(seen: Page, address: str, photo: Path) -> None:
    seen.set_viewport_size({"width": 390, "height": 844})
    wide = "document.documentElement.scrollWidth"
    seen.set_input_files("#image", photo)
    expect(seen.locator(".face")).to_have_count(2)
    assert seen.evaluate(wide) <= 390
    plain = seen.context.new_page()
    plain.set_viewport_size({"width": 390, "height": 844})
    for path in PAGES:
        plain.goto(address + path)
        assert plain.evaluate(wide) <= 390, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(seen: Page, address: str, photo: Path, scheme: str) -> None:
    seen.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    seen.set_input_files("#image", photo)
    expect(seen.locator(".face")).to_have_count(2)
    ratios = seen.evaluate("""() => {
      const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
          .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = (element) => {
        for (; element; element = element.parentElement) {
          const colour = getComputedStyle(element).backgroundColor;
          if (!colour.endsWith(", 0)")) return colour;
        }
        return "rgb(255, 255, 255)";
      };
      return [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility()
        && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())).map((element) => {
          const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
          return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML.slice(0, 80)];
        });
    }""")
    assert len(ratios) > 20
    assert [entry for entry in ratios if entry[0] < 4.5] == []
    ground = seen.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (int(ground.split("(")[1].split(",")[0]) < 60) == (scheme == "dark")


def test_the_camera_answers_pauses_and_keeps_a_still(seen: Page, address: str) -> None:
    asked = {"now": 0, "most": 0, "all": 0}

    def began(request: Request) -> None:
        if "/cameras/" in request.url and request.method == "POST":
            asked["now"] += 1
            asked["all"] += 1
            asked["most"] = max(asked["most"], asked["now"])

    def ended(request: Request) -> None:
        if "/cameras/" in request.url and request.method == "POST":
            asked["now"] -= 1

    seen.on("request", began)
    seen.on("requestfinished", ended)
    seen.on("requestfailed", ended)
    seen.goto(f"{address}/camera")
    seen.get_by_role("button", name="Start the camera").click()
    expect(seen.locator("#speed")).to_contain_text("answers a second")
    count = "Number(document.getElementById('speed').dataset.answers)"
    before = seen.evaluate(count)
    seen.wait_for_timeout(2000)
    assert (seen.evaluate(count) - before) / 2 > 3
    for _ in range(6):  # on and off faster than answers come
        seen.locator("#pause").click()
    seen.wait_for_timeout(500)
    assert asked["most"] == 1
    seen.get_by_role("button", name="Pause", exact=True).click()
    seen.wait_for_timeout(400)
    paused = asked["all"]
    seen.wait_for_timeout(600)
    assert asked["all"] == paused
    with seen.expect_download() as kept:
        seen.get_by_role("button", name="Save a still").click()
    with Image.open(kept.value.path()) as still:
        assert still.format == "PNG"
        assert still.width >= 640
    seen.get_by_role("button", name="Go on").click()
    seen.wait_for_timeout(500)
    assert asked["all"] > paused
    seen.get_by_role("button", name="Stop the camera").click()
    expect(seen.get_by_text("The camera is off.")).to_be_visible()
    seen.wait_for_timeout(300)
