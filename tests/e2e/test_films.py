"""The film page in a real browser: sent with progress, played, cancelled, deleted, with and without its script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

pytest.importorskip("av")

from video_scenes import Scene, write_film

pytestmark = pytest.mark.e2e

SECONDS = 60_000  # a machine may be busy; on an idle one it is two


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = Scene([lambda t: (80 + 50 * t, 90)], 1.0, size=(240, 180))
    return write_film(tmp_path_factory.mktemp("film") / "a walk.mp4", [p for _, p, _ in scene])


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = [p for _, p, _ in Scene([lambda t: (80, 90)], 0.4, size=(240, 180))]
    return write_film(tmp_path_factory.mktemp("film") / "long.avi", frames * 200, codec="mpeg4")


@pytest.fixture
def seen(quiet: Page, address: str) -> Page:
    quiet.set_default_timeout(SECONDS)
    quiet.goto(f"{address}/films")
    return quiet


def test_a_film_is_sent_answered_played_and_deleted(seen: Page, film: Path) -> None:
    seen.set_input_files("#film", film)
    seen.get_by_role("button", name="Follow the faces").click()
    seen.wait_for_url(re.compile("/films/[^/]{20,}$"))
    expect(seen.get_by_role("heading", level=1)).to_contain_text("1 face followed", timeout=SECONDS)
    played = seen.evaluate("""async () => {
      const film = document.querySelector("video");
      film.muted = true;
      await film.play();
      await new Promise((done) => { film.onended = done; });
      return [film.videoWidth, film.videoHeight, film.duration];
    }""")
    assert played[:2] == [240, 180]
    assert played[2] == pytest.approx(1.0, abs=0.1)
    assert seen.evaluate("document.querySelector('.chart img').naturalWidth") > 300
    with seen.expect_download() as kept:
        seen.get_by_role("link", name="Timeline as CSV").click()
    assert kept.value.suggested_filename == "a walk.mp4.timeline.csv"
    assert len(kept.value.path().read_text(encoding="utf-8").splitlines()) > 20
    for scheme, width in (("light", 390), ("dark", 390), ("dark", 1200)):
        seen.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        seen.set_viewport_size({"width": width, "height": 844})
        assert seen.evaluate("document.documentElement.scrollWidth") <= width
    address = seen.url
    seen.get_by_role("button", name="Delete it now").click()
    expect(seen.get_by_role("status").first).to_contain_text("are deleted")
    answer = seen.request.get(address)
    assert answer.status == 404


def test_progress_is_shown_and_a_film_can_be_cancelled(seen: Page, endless: Path) -> None:
    seen.set_input_files("#film", endless)
    seen.get_by_role("button", name="Follow the faces").click()
    expect(seen.locator("#words")).to_have_text(re.compile(r"\d+ of 2000 frames, about"), timeout=SECONDS)
    before, first = (seen.locator("#progress").evaluate("bar => bar.value"), seen.locator("#words").text_content())
    expect(seen.locator("#words")).not_to_have_text(first or "")
    assert seen.locator("#progress").evaluate("bar => bar.value") > before
    seen.get_by_role("button", name="Cancel").click()
    expect(seen.get_by_role("status").first).to_contain_text("are deleted")


def test_what_is_refused_is_said_beside_the_button(page: Page, address: str) -> None:
    page.goto(f"{address}/films")
    page.set_input_files("#film", FilePayload(name="letter.mp4", mimeType="video/mp4", buffer=b"words " * 50))
    page.get_by_role("button", name="Follow the faces").click()
    expect(page.locator("#status")).to_contain_text("letter.mp4: not a film", timeout=SECONDS)
    expect(page.get_by_role("button", name="Follow the faces")).to_be_enabled()
    page.evaluate("document.getElementById('ask').dataset.most = '10'")
    page.get_by_role("button", name="Follow the faces").click()
    expect(page.locator("#status")).to_contain_text("the limit is")


def test_it_works_without_javascript(without_script: BrowserContext, address: str, film: Path) -> None:
    page = without_script.new_page()
    page.set_default_timeout(SECONDS)
    page.goto(f"{address}/films")
    page.get_by_role("button", name="Follow the faces").click()
    expect(page.locator("#missing")).to_be_visible()
    page.set_input_files("#film", film)
    page.get_by_role("button", name="Follow the faces").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 face followed", timeout=SECONDS)
    page.get_by_role("button", name="Delete it now").click()
    expect(page.locator(".done")).to_be_visible()
