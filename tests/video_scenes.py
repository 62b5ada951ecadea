"""Drawn films whose truth is known: people who walk, meet, hide behind each other and put masks on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eigenface.datasets.drawn import draw_photo
from eigenface.types import Box, Detection, Pixels

av = pytest.importorskip("av")

Way = Callable[[float], tuple[float, float] | None]
"""Where the middle of a person's face is at a time, in pixels; None while there is nobody."""

RATE = 25
SIZE = (360, 240)  # width and height
_SIDE = 90  # of a person as drawn


@dataclass
class Scene:
    """People on a wall, each as light as their shade (1: as drawn). The last of them stands in front.

    Iterating gives (time, pixels, boxes): a box a person, None where they are away or hidden.
    """

    people: Sequence[Way]
    seconds: float
    labels: Sequence[str] = ()
    shades: Sequence[float] = ()
    size: tuple[int, int] = SIZE
    now: list[Box | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        wide, high = self.size
        self._wall, _ = draw_photo(0, (high, wide), random_state=9)
        self._portraits = []
        for number in range(len(self.people)):
            label = self.labels[number] if self.labels else ""
            pixels, (box,) = draw_photo(1, (_SIDE + 30, _SIDE + 30), label=label, random_state=20 + number)
            shade = self.shades[number] if self.shades else 1.0
            self._portraits.append(((pixels * shade).astype(np.uint8), box))

    def __iter__(self) -> Iterator[tuple[float, Pixels, list[Box | None]]]:
        for number in range(round(self.seconds * RATE)):
            time = number / RATE
            picture = self._wall.copy()
            boxes: list[Box | None] = []
            for place, (pixels, box) in zip(self.people, self._portraits, strict=True):
                middle = place(time)
                boxes.append(None if middle is None else _pasted(picture, pixels, box, middle))
            for i, mine in enumerate(boxes):
                behind = (other for other in boxes[i + 1 :] if other is not None)
                if mine is not None and any(mine.shared(other) > 0.4 * mine.area for other in behind):
                    boxes[i] = None
            self.now = boxes
            yield time, picture, boxes


@dataclass
class Told:
    """A detector that is told where the faces of a scene are."""

    scene: Scene
    score: float = 0.95
    blind: Callable[[], bool] = lambda: False
    calls: int = 0
    name: str = "told"
    min_score: float = 0.6

    def detect(self, pixels: Pixels, *, min_face: int = 24, min_score: float | None = None) -> list[Detection]:
        self.calls += 1
        return [] if self.blind() else [Detection(box, self.score) for box in self.scene.now if box is not None]


def _pasted(picture: Pixels, portrait: Pixels, box: Box, middle: tuple[float, float]) -> Box:
    x, y = round(middle[0] - box.x - box.width / 2), round(middle[1] - box.y - box.height / 2)
    rows, cols = portrait.shape[:2]
    high, wide = picture.shape[:2]
    top, left, bottom, right = max(0, y), max(0, x), min(high, y + rows), min(wide, x + cols)
    if bottom > top and right > left:
        head = _head(portrait, box)[top - y : bottom - y, left - x : right - x]
        part = picture[top:bottom, left:right]
        part[head] = portrait[top - y : bottom - y, left - x : right - x][head]
    return Box(x + box.x, y + box.y, box.width, box.height)


def noisy(frames: Iterable[Pixels], *, spread: float = 8.0) -> list[Pixels]:
    """The frames as a poor camera sees them, so that each takes about as many bytes as the others."""
    rng = np.random.default_rng(0)
    return [np.clip(pixels + rng.normal(0, spread, pixels.shape), 0, 255).astype(np.uint8) for pixels in frames]


def _head(portrait: Pixels, box: Box) -> NDArray[np.bool_]:
    """Where a person is in their portrait: hair and chin, a little wider and higher than the box."""
    rows, cols = np.mgrid[: portrait.shape[0], : portrait.shape[1]]
    x, y = box.centre
    inside: NDArray[np.bool_] = ((cols - x) / (0.75 * box.width)) ** 2 + ((rows - y) / (0.9 * box.height)) ** 2 < 1
    return inside


def write_film(
    path: Path, frames: Sequence[Pixels], *, times: Sequence[float] = (), sound: str = "", **more: Any
) -> Path:
    """A film of frames as any program may write one; `sound` names a codec."""
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream(str(more.get("codec", "libx264")), rate=RATE)
        track.height, track.width = frames[0].shape[:2]
        track.pix_fmt = "yuv420p"
        track.bit_rate = 4_000_000
        if "turn" in more:
            track.set_display_rotation(more["turn"])
        voice: Any = out.add_stream(sound, rate=44_100) if sound else None
        if voice is not None:
            voice.codec_context.layout = "mono"
        ticks = Fraction(1, 90_000)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times:
                track.codec_context.time_base = ticks
                frame.pts, frame.time_base = round(times[number] / ticks), ticks
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
        if voice is not None:
            wave = np.sin(np.arange(round(len(frames) / RATE * 44_100)) / 20).astype(np.float32)
            for start in range(0, len(wave) - 1023, 1024):
                part = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
                part.sample_rate, part.pts = 44_100, start
                out.mux(voice.encode(part))
            out.mux(voice.encode(None))
    return path
