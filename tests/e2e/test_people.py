"""Two photos compared and people enrolled, in a real browser: with and without scripts, and on a phone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from eigenface.datasets.drawn import draw_photo
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


def test_two_photos_are_said_to_show_one_person_or_two(
    quiet: Page, people_server: str, photos: dict[str, Path]
) -> None:
    compare(quiet, people_server, photos["ada"], photos["again"])
    expect(quiet.locator("#said")).to_contain_text("The same person")
    sizes = quiet.locator(".result img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert len(sizes) == 4
    assert min(sizes) > 0, "both photos and both faces are shown"
    compare(quiet, people_server, photos["ada"], photos["bo"])
    expect(quiet.locator("#said")).to_contain_text("Different people")


def test_a_photo_without_a_face_is_not_compared(quiet: Page, people_server: str, photos: dict[str, Path]) -> None:
    compare(quiet, people_server, photos["ada"], photos["wall"])
    expect(quiet.locator("#said")).to_have_text("They could not be compared")
    expect(quiet.locator(".result .warning")).to_contain_text("no face")


def test_somebody_is_enrolled_named_on_photos_listed_and_forgotten(
    quiet: Page, people_server: str, photos: dict[str, Path]
) -> None:
    forget_everybody(quiet, people_server)
    enrol(quiet, people_server, "Ada", photos["ada"], photos["again"])
    expect(quiet.locator("#enrolled")).to_have_text("2 pictures of Ada enrolled")
    expect(quiet.get_by_role("heading", name="1 person enrolled")).to_be_visible()
    expect(quiet.locator(".people li")).to_contain_text("2 pictures")
    quiet.goto(people_server)
    quiet.locator("input[name=task][value=gender]").uncheck()
    quiet.locator("input[name=task][value=identity]").check()
    quiet.set_input_files("#image", photos["again"])
    expect(quiet.locator(".face h3")).to_contain_text("Ada")
    quiet.set_input_files("#image", photos["bo"])
    expect(quiet.locator(".face h3")).to_contain_text("unknown")
    quiet.goto(f"{people_server}/people")
    quiet.get_by_role("button", name="Forget Ada").click()
    expect(quiet.get_by_text("Ada is forgotten, with 2 pictures.")).to_be_visible()
    expect(quiet.get_by_role("heading", name="Nobody enrolled")).to_be_visible()
    expect(quiet.locator(".people li")).to_have_count(0)


def test_a_photo_without_a_face_enrols_nobody(quiet: Page, people_server: str, photos: dict[str, Path]) -> None:
    forget_everybody(quiet, people_server)
    enrol(quiet, people_server, "Wall", photos["wall"])
    expect(quiet.locator("#enrolled")).to_have_text("Wall was not enrolled")
    expect(quiet.get_by_role("heading", name="Nobody enrolled")).to_be_visible()


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


def test_neither_page_scrolls_sideways_on_a_phone(quiet: Page, people_server: str, photos: dict[str, Path]) -> None:
    quiet.set_viewport_size({"width": 390, "height": 844})
    forget_everybody(quiet, people_server)
    assert quiet.evaluate(WIDTH) <= PHONE["width"]
    enrol(quiet, people_server, "A name that is as long as names of people get in one line" * 2, photos["ada"])
    expect(quiet.locator(".people li")).to_have_count(1)
    assert quiet.evaluate(WIDTH) <= PHONE["width"], "with somebody listed"
    quiet.goto(f"{people_server}/compare")
    assert quiet.evaluate(WIDTH) <= PHONE["width"]
    compare(quiet, people_server, photos["ada"], photos["bo"])
    expect(quiet.locator("#said")).to_be_visible()
    assert quiet.evaluate(WIDTH) <= PHONE["width"], "with an answer"
    forget_everybody(quiet, people_server)
