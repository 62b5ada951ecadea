"""The optional compiled part: inner loops in C where a compiler was at hand, numpy otherwise, the same answers from both."""

from __future__ import annotations

import importlib
import os
from types import ModuleType


def compiled(name: str) -> ModuleType | None:
    """The module `eigenface._NAME` of `csrc/NAME.c`; None where it was not built or `EIGENFACE_PURE=1` asks to do without."""
    if os.environ.get("EIGENFACE_PURE") == "1":
        return None
    try:
        return importlib.import_module(f"eigenface._{name}")
    except ImportError:
        return None
