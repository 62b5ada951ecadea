"""Drawing answers on pictures: a box and a plate with label and percentage a face, a question mark to look again."""

from __future__ import annotations

import functools
import io
import unicodedata
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from eigenface.types import Answer, Box, Face, Pixels

_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
"""Colours that people who confuse red and green can tell apart: Okabe and Ito, 2008."""

_REVIEW = (90, 90, 90)
_PAD = 0.35  # of the text's height, around it
_ILLEGIBLE, _NOTICED = 2, 0.1  # a plate hides a face, or worse, another plate; so little of its area is not noticed
_WIDER_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arialuni.ttf", "arial.ttf")
"""Fonts with more than Pillow's ASCII, where the machine or matplotlib has one."""

_EASTERN_FONTS = ("NotoSansCJK-Regular.ttc", "msyh.ttc", "PingFang.ttc", "wqy-zenhei.ttc")


def annotate(pixels: Pixels, answer: Answer) -> Pixels:
    """A copy of the picture with every face of `answer` drawn in.

    Parameters
    ----------
    pixels : uint8 array (rows, cols, 3), RGB
        The picture as shown, after its EXIF turn.
    answer : Answer
        What was said of it. Without tasks the plates show the detection's score.

    Returns
    -------
    uint8 array (rows, cols, 3), RGB
    """
    picture = Image.fromarray(pixels)
    pen = ImageDraw.Draw(picture)
    faces, taken = [face.box for face in answer.faces], list[Box]()
    named = _class_colours(answer.faces)
    colours = [_REVIEW if face.needs_review else named.get(face.label or "", _COLOURS[0]) for face in answer.faces]
    for box, colour in zip(faces, colours, strict=True):
        _draw_box(pen, box, colour, max(1, min(round(box.width / 40), round(max(picture.size) / 200) + 1)))
    for face, colour in zip(answer.faces, colours, strict=True):  # above all boxes
        taken.append(_draw_plate(pen, picture.size, face, colour, faces, taken))
    return np.array(picture)


def png_bytes(pixels: Pixels) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    # Of photos, runs are all that can be made short: no larger than with a search for more, in half the time.
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def plate_text(face: Face) -> str:
    """What a plate says: label and percentage of every task, a question mark where a person should look."""
    if not face.answers:
        return f"{face.score:.2f}"
    parts = []
    for verdict in face.answers.values():
        percentage = f" {verdict.probabilities[verdict.label]:.0%}" if verdict.label in verdict.probabilities else ""
        parts.append(f"{verdict.label}{percentage}{' ?' if verdict.needs_review else ''}")
    return "\n".join(parts)  # one line a task: a long plate would hide the neighbours


def _class_colours(faces: Sequence[Face]) -> dict[str, tuple[int, int, int]]:
    """A colour a class, the same in every picture: by the class's place among the task's classes."""
    names = {name: None for face in faces for name in face.probabilities}
    return {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}


def _draw_box(pen: ImageDraw.ImageDraw, box: Box, colour: tuple[int, int, int], width: int) -> None:
    corners = (box.x, box.y, box.x + box.width - 1, box.y + box.height - 1)
    outer = (corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1)
    pen.rectangle(outer, outline="white", width=width + 2)  # legible on any ground
    pen.rectangle(corners, outline=colour, width=width)


def _draw_plate(
    pen: ImageDraw.ImageDraw,
    size: tuple[int, int],
    face: Face,
    colour: tuple[int, int, int],
    faces: Sequence[Box],
    plates: Sequence[Box],
) -> Box:
    text, file = _drawable(plate_text(face))
    height = max(10, min(round(face.box.height / 7), round(max(size) / 30)))
    font = _font(height, file)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    while right - left > size[0] and height > 7:  # a long label on a small picture
        height -= 1
        font = _font(height, file)
        left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    pad = max(1, round(height * _PAD))
    wide, high = round(right - left) + 2 * pad, round(bottom - top) + 2 * pad
    plate = _place(face.box, wide, high, size, faces, plates)
    x, y = plate.x, plate.y
    pen.rectangle((x, y, x + wide - 1, y + high - 1), fill=colour, outline="white")
    pen.text((x + pad - left, y + pad - top), text, font=font, fill=_ink(colour))
    return plate


def _place(box: Box, wide: int, high: int, size: tuple[int, int], faces: Sequence[Box], plates: Sequence[Box]) -> Box:
    """Where the plate of a face goes, always within the picture: where it hides least of faces and of other plates.

    Of places as good, the first: above the box, below it, beside it, in it.
    """
    start, end = box.x - 1, box.x + box.width + 1 - wide
    above, below, top, bottom = box.y - high, box.y + box.height, box.y, box.y + box.height - high
    before, behind = box.x - wide, box.x + box.width
    corners = [(x, y) for y in (above, below) for x in (start, end)]
    corners += [(x, y) for y in (top, bottom) for x in (behind, before)] + [(start, top), (start, bottom)]
    most_x, most_y = max(0, size[0] - wide), max(0, size[1] - high)
    places = [Box(round(min(max(0, x), most_x)), round(min(max(0, y), most_y)), wide, high) for x, y in corners]

    def hidden(place: Box) -> int:
        shared = sum(map(place.shared, faces)) + _ILLEGIBLE * sum(map(place.shared, plates))
        return round(shared / place.area / _NOTICED)

    return min(places, key=hidden)


def _ink(ground: tuple[int, int, int]) -> str:
    """Black or white, whichever stands out more from the ground (contrast as WCAG 2 counts it)."""
    linear = [(value / 255) ** 2.2 for value in ground]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


@functools.lru_cache(maxsize=256)
def _drawable(text: str) -> tuple[str, str | None]:
    """The text as it can be drawn here, and the font file for it (None: Pillow's own, which knows ASCII).

    Where no font has a character, accents go first; what is left is written as its code, never as an empty box.
    """
    if text.isascii():
        return text, None
    folder = find_spec("matplotlib")  # located, not imported: its font files are all that is wanted
    own = Path(folder.origin).parent / "mpl-data" / "fonts" / "ttf" if folder and folder.origin else None
    for name in (*([str(own / "DejaVuSans.ttf")] if own else []), *_WIDER_FONTS, *_EASTERN_FONTS):
        if _has_all(name, text):
            return text, name
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return plain.encode("ascii", "backslashreplace").decode(), None


def _has_all(file: str, text: str) -> bool:
    """Whether a font draws every character of the text as something else than its mark for missing ones."""
    try:
        font = ImageFont.truetype(file, 24)
    except OSError:
        return False
    missing = bytes(font.getmask("\U0010fffe"))
    return all(bytes(font.getmask(char)) != missing for char in set(text) if not char.isspace())


@functools.lru_cache(maxsize=32)
def _font(height: int, file: str | None) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(height) if file is None else ImageFont.truetype(file, height)
