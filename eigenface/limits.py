"""The bounds that keep one picture, one upload or one saved model from taking the machine."""

from __future__ import annotations

MAX_PIXELS = 50_000_000
"""Pixels of one picture; `--max-pixels` raises it."""

MAX_PICTURE_BYTES = 30_000_000
"""Bytes of one picture in an upload."""

MAX_REQUEST_BYTES = 64_000_000
"""Bytes of one request to the server, all of its pictures together."""

MAX_REQUEST_PICTURES = 20
"""Pictures in one request to the server."""

MAX_FACES = 200
"""Faces answered in one picture: the largest are kept, and a warning says so."""

MAX_MODEL_BYTES = 100_000_000
"""Bytes that a saved model may unpack to."""

SMALLEST_FACE = 24
"""Side in pixels of the smallest face that is looked for; the frontal cascade's own window."""
