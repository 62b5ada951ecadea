"""How long jobs tell how far they are: a plain callback, so that no job knows who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called with (parts done, parts in all, what is being done)."""


def silent(done: int, total: int, what: str) -> None:
    """Say nothing."""
