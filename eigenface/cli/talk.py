"""What is said beside results: notes and progress, on stderr, plain where nobody watches."""

from __future__ import annotations

import sys

from eigenface.progress import Bar

__all__ = ["Bar", "note"]


def note(text: str) -> None:
    """One line on stderr, above the bar where one is shown."""
    print(text, file=sys.stderr, flush=True)
