"""A served model and the system's Chromium for the tests of the page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture(scope="session")
def address(model: FaceClassifier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server with a small model of drawn faces answers."""
    saved: Path = tmp_path_factory.mktemp("e2e") / "looks.eigenface"
    save_model(model, saved)
    process = subprocess.Popen(
        [sys.executable, "-m", "eigenface", "serve", "--port", "0", "--model", str(saved)],
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
