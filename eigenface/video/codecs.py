"""The one place that imports PyAV, and says what to install where it is missing."""

from __future__ import annotations

import logging

from eigenface.errors import MissingExtraError

try:
    import av
except ImportError as error:
    raise MissingExtraError(
        "no_video", f"films are read with PyAV, which cannot be imported ({error})", "pip install 'eigenface[video]'"
    ) from error

logging.getLogger("libav").setLevel(logging.CRITICAL)  # a damaged film says so a hundred times; we say it once

__all__ = ["av"]
