"""The best picture of every track, as files in a folder: a contact sheet of who was seen."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from eigenface.crops import CropSpec, crop_face
from eigenface.errors import RequestError
from eigenface.types import Pixels
from eigenface.video.tracks import Track

_FRAME = CropSpec(1.6, 0.1)  # hair and chin
_SIDE = 320  # pixels of the largest portrait kept
_BETTER = 1.05  # times as good as the one before
_PATIENCE = 500  # frames without a track, after which its portrait is written and let go


class Portraits:
    """Keeps a portrait a track and writes it as `track_0001.jpg` once the track is over.

    Parameters
    ----------
    folder : Path
        Made when the first portrait is written.
    replace : bool
        Write over portraits that are there.
    """

    def __init__(self, folder: Path, *, replace: bool = True) -> None:
        self._folder, self._replace = folder, replace
        self._best: dict[int, tuple[float, Pixels]] = {}
        self._last: dict[int, int] = {}
        self._frames = 0

    def see(self, pixels: Pixels, tracks: Sequence[Track]) -> None:
        """Keep a crop of a frame (rows, cols, 3) where it is better than the one before: larger, and surer a face."""
        self._frames += 1
        for track in tracks:
            self._last[track.number] = self._frames
            worth = track.score * min(track.box.width, _SIDE)
            if worth > _BETTER * self._best.get(track.number, (0.0, pixels))[0]:
                self._best[track.number] = worth, _small(crop_face(pixels, track.box, _FRAME))
        for number in [n for n, last in self._last.items() if self._frames - last > _PATIENCE]:
            self._write(number)

    def close(self) -> None:
        """Write all that is kept."""
        for number in list(self._best):
            self._write(number)

    def _write(self, number: int) -> None:
        del self._last[number]
        _, pixels = self._best.pop(number)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", quality=92)
        path = self._folder / f"track_{number:04d}.jpg"
        if path.exists() and not self._replace:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.getvalue())
        except OSError as error:
            raise RequestError(
                "cannot_write", f"{path}: cannot be written ({error.strerror})", "Free the disk or give another folder."
            ) from None


def _small(pixels: Pixels) -> Pixels:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    return np.array(picture)
