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

MAX_CAMERAS = 16
"""Cameras that the server follows at once."""

MAX_FRAME_PIXELS = 2_100_000
"""Pixels of a camera's frame: full HD."""

MAX_FILM_BYTES = 100_000_000
"""Bytes of a film sent to the server."""

MAX_FILM_SECONDS = 600
"""Length of a film sent to the server."""

MAX_FILM_FRAMES = 36_000
"""Frames of a film sent to the server: the longest at 60 a second."""

MAX_FILM_PIXELS = 9_000_000
"""Pixels of one of its frames: 4K."""

MAX_FILM_OUTPUT_BYTES = 400_000_000
"""Bytes of one file that the server makes of a film."""

MAX_FILMS = 8
"""Films that the server has at once: waiting, worked on, or answered and not deleted yet."""

MAX_FACES = 200
"""Faces answered in one picture: the largest are kept, and a warning says so."""

MAX_MODEL_BYTES = 100_000_000
"""Bytes that a saved model may unpack to."""

SMALLEST_FACE = 24
"""Side in pixels of the smallest face that is looked for; the frontal cascade's own window."""
