"""The switch that shows what the detector doubted, in a real browser with and without its script."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from eigenface.datasets.drawn import draw_photo

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "two.jpg"
    Image.fromarray(draw_photo(2, (300, 420))[0]).save(path, quality=92)
    return path


def test_the_switch_asks_again_with_the_photo_that_was_chosen(page: Page, address: str, photo: Path) -> None:
    page.set_default_timeout(8000)
    page.goto(address)
    page.set_input_files("#image", photo)
    expect(page.locator(".face")).to_have_count(2)
    expect(page.locator("#results")).not_to_contain_text("the detector is that a box")
    for on in (True, False):
        page.get_by_label("show every candidate").set_checked(on)
        expect(page.locator(".result > .fine")).to_have_count(int(on))
        expect(page.locator(".face")).to_have_count(2)


def test_the_switch_works_without_javascript(browser: Browser, address: str, photo: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(8000)
    page.goto(address)
    page.set_input_files("#image", photo)
    page.get_by_label("show every candidate").check()
    page.get_by_role("button", name="Find faces").click()
    expect(page.locator(".result > .fine")).to_have_count(1)
    expect(page.get_by_label("show every candidate")).to_be_checked()
    context.close()
