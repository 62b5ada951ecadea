"""What tests of films sent to a server share: where they are sent, waiting for an answer, what lies on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATH = "/api/v1/films"


def until(asked: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first answer that is something."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if said := asked():
            return said
        time.sleep(0.05)
    raise AssertionError(f"nothing within {seconds} seconds")


def files(place: Path) -> set[str]:
    return {path.name for path in place.rglob("*") if path.is_file()} - {"owner"}
