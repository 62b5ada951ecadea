"""Two photos compared and people enrolled, in a real browser: with and without scripts, and on a phone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from eigenface.datasets.drawn import draw_photo
from eigenface.embedding import FaceEmbedder
from eigenface.store import save_model
from eigenface.types import Pixels

pytestmark = pytest.mark.e2e

PHONE = {"width": 390, "height": 844}
WIDTH = "document.documentElement.scrollWidth"


def saved(folder: Path, name: str, pixels: Pixels) -> Path:
    path = folder / name
    Image.fromarray(pixels).save(path, quality=95)
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ada, the same photo darker and moved, somebody else, and a wall."""
    folder = tmp_path_factory.mktemp("people")
    ada, bo = (draw_photo(1, (300, 300), random_state=seed)[0] for seed in (3, 8))
    again = np.roll(np.rint(0.93 * ada).astype(np.uint8), 5, axis=1)
    wall = np.full((200, 300, 3), 99, np.uint8)
    named = {"ada": ada, "again": again, "bo": bo, "wall": wall}
    return {name: saved(folder, f"{name}.jpg", pixels) for name, pixels in named.items()}


@pytest.fixture(scope="module")
def people_server(embedder: FaceEmbedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server answers that keeps people, with a model that tells drawn ones apart."""
    folder = tmp_path_factory.mktemp("kept")
    model, gallery = folder / "identity.eigenface", folder / "people.gallery"
    save_model(embedder, model)
    process = subprocess.Popen(
        [sys.executable, "-m", "eigenface", "serve", "--port", "0", "--model", str(model), "--gallery", str(gallery)],
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    try:
        line = process.stderr.readline()
        assert "http://" in line, line + process.stderr.read()
        yield line.split(" at ")[1].split("/ ")[0]
    finally:
        process.terminate()
        process.wait(15)
        process.stderr.close()


@pytest.fixture
def seen(page: Page) -> Iterator[Page]:
    """A page; the test fails where the browser had anything to complain about."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.set_default_timeout(8000)
    yield page
    assert complaints == []


@pytest.fixture
def without_script(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled=False)
    yield context
    context.close()


def compare(page: Page, server: str, a: Path, b: Path) -> None:
    page.goto(f"{server}/compare")
    page.get_by_label("First photo").set_input_files(a)
    page.get_by_label("Second photo").set_input_files(b)
    page.get_by_role("button", name="Compare").click()


def enrol(page: Page, server: str, name: str, *photos: Path) -> None:
    page.goto(f"{server}/people")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label(re.compile("Choose photos")).set_input_files(photos)
    page.get_by_role("button", name="Enrol").click()


def forget_everybody(page: Page, server: str) -> None:
    page.goto(f"{server}/people")
    buttons = page.get_by_role("button", name=re.compile("^Forget "))
    while buttons.count():
        buttons.first.click()
        expect(page.get_by_text("is forgotten")).to_be_visible()


def test_two_photos_are_said_to_show_one_person_or_two(seen: Page, people_server: str, photos: dict[str, Path]) -> None:
    compare(seen, people_server, photos["ada"], photos["again"])
    expect(seen.locator("#said")).to_contain_text("The same person")
    sizes = seen.locator(".result img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert len(sizes) == 4
    assert min(sizes) > 0, "both photos and both faces are shown"
    compare(seen, people_server, photos["ada"], photos["bo"])
    expect(seen.locator("#said")).to_contain_text("Different people")


def test_a_photo_without_a_face_is_not_compared(seen: Page, people_server: str, photos: dict[str, Path]) -> None:
    compare(seen, people_server, photos["ada"], photos["wall"])
    expect(seen.locator("#said")).to_have_text("They could not be compared")
    expect(seen.locator(".result .warning")).to_contain_text("no face")


def test_somebody_is_enrolled_named_on_photos_listed_and_forgotten(
    seen: Page, people_server: str, photos: dict[str, Path]
) -> None:
    forget_everybody(seen, people_server)
    enrol(seen, people_server, "Ada", photos["ada"], photos["again"])
    expect(seen.locator("#enrolled")).to_have_text("2 pictures of Ada enrolled")
    expect(seen.get_by_role("heading", name="1 person enrolled")).to_be_visible()
    expect(seen.locator(".people li")).to_contain_text("2 pictures")
    seen.goto(people_server)
    seen.locator("input[name=task][value=gender]").uncheck()
    seen.locator("input[name=task][value=identity]").check()
    seen.set_input_files("#image", photos["again"])
    expect(seen.locator(".face h3")).to_contain_text("Ada")
    seen.set_input_files("#image", photos["bo"])
    expect(seen.locator(".face h3")).to_contain_text("unknown")
    seen.goto(f"{people_server}/people")
    seen.get_by_role("button", name="Forget Ada").click()
    expect(seen.get_by_text("Ada is forgotten, with 2 pictures.")).to_be_visible()
    expect(seen.get_by_role("heading", name="Nobody enrolled")).to_be_visible()
    expect(seen.locator(".people li")).to_have_count(0)


def test_a_photo_without_a_face_enrols_nobody(seen: Page, people_server: str, photos: dict[str, Path]) -> None:
    forget_everybody(seen, people_server)
    enrol(seen, people_server, "Wall", photos["wall"])
    expect(seen.locator("#enrolled")).to_have_text("Wall was not enrolled")
    expect(seen.get_by_role("heading", name="Nobody enrolled")).to_be_visible()


def test_both_pages_work_without_javascript(
    without_script: BrowserContext, people_server: str, photos: dict[str, Path]
) -> None:
    page = without_script.new_page()
    page.set_default_timeout(8000)
    compare(page, people_server, photos["ada"], photos["again"])
    expect(page.locator("#said")).to_contain_text("The same person")
    page.goto(f"{people_server}/compare")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#missing")).to_contain_text("Two photos are needed")
    forget_everybody(page, people_server)
    enrol(page, people_server, "Bo", photos["bo"])
    expect(page.locator(".people li")).to_contain_text("Bo")
    page.get_by_role("button", name="Forget Bo").click()
    expect(page.get_by_text("Bo is forgotten, with 1 picture.")).to_be_visible()


def test_neither_page_scrolls_sideways_on_a_phone(seen: Page, people_server: str, photos: dict[str, Path]) -> None:
    seen.set_viewport_size({"width": 390, "height": 844})
    forget_everybody(seen, people_server)
    assert seen.evaluate(WIDTH) <= PHONE["width"]
    enrol(seen, people_server, "A name that is as long as names of people get in one line" * 2, photos["ada"])
    expect(seen.locator(".people li")).to_have_count(1)
    assert seen.evaluate(WIDTH) <= PHONE["width"], "with somebody listed"
    seen.goto(f"{people_server}/compare")
    assert seen.evaluate(WIDTH) <= PHONE["width"]
    compare(seen, people_server, photos["ada"], photos["bo"])
    expect(seen.locator("#said")).to_be_visible()
    assert seen.evaluate(WIDTH) <= PHONE["width"], "with an answer"
    forget_everybody(seen, people_server)
