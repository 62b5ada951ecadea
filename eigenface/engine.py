"""The optional compiled part: inner loops in C where a compiler was at hand, numpy otherwise, the same from both."""

from __future__ import annotations

import functools
import importlib
import os
from types import ModuleType


def compiled(name: str) -> ModuleType | None:
    """The module `eigenface._NAME` of `csrc/NAME.c`; None where it was not built, or with `EIGENFACE_PURE=1`."""
    return None if os.environ.get("EIGENFACE_PURE") == "1" else _built(name)


@functools.cache  # asked for with every face
def _built(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"eigenface._{name}")
    except ImportError:
        return None


def described() -> str:
    """What the inner loops run on, for people."""
    return "compiled" if compiled("boosted") is not None else "numpy (the compiled part is not built, or not wanted)"
