"""A served model and the system's Chromium for the tests of the page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from eigenface.embedding import FaceEmbedder
from eigenface.model import FaceClassifier
from eigenface.store import save_model

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return {"executable_path": found, "args": list(_ARGUMENTS), "headless": True}


@pytest.fixture(scope="session")
def base_url(address: str) -> str:
    return address


@contextmanager
def serving(*arguments: object) -> Iterator[str]:
    """Where `eigenface serve` with these arguments answers, as long as it is needed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "eigenface", "serve", "--port", "0", *map(str, arguments)],
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


@pytest.fixture(scope="session")
def address(model: FaceClassifier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server with a small model of drawn faces answers."""
    saved: Path = tmp_path_factory.mktemp("e2e") / "looks.eigenface"
    save_model(model, saved)
    with serving("--model", saved) as where:
        yield where


@pytest.fixture(scope="session")
def people_server(embedder: FaceEmbedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server answers that keeps people, with a model that tells drawn ones apart."""
    folder = tmp_path_factory.mktemp("kept")
    save_model(embedder, folder / "identity.eigenface")
    with serving("--model", folder / "identity.eigenface", "--gallery", folder / "people.gallery") as where:
        yield where


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
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
