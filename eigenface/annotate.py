"""Drawing answers on pictures: a box and a plate with label and percentage a face, a question mark to look again."""

from __future__ import annotations

import functools
import io
import unicodedata
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
    taken: list[tuple[int, int, int, int]] = []
    colours = _class_colours(answer.faces)
    for face in answer.faces:
        colour = _REVIEW if face.needs_review else colours.get(face.label or "", _COLOURS[0])
        width = max(1, min(round(face.box.width / 40), round(max(picture.size) / 200) + 1))
        _draw_box(pen, face.box, colour, width)
        _draw_plate(pen, picture.size, face, colour, taken)
    return np.array(picture)


def png_bytes(pixels: Pixels) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
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
    taken: list[tuple[int, int, int, int]],
) -> None:
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
    x, y = _place(face.box, wide, high, size, taken)
    taken.append((x, y, x + wide, y + high))
    pen.rectangle((x, y, x + wide - 1, y + high - 1), fill=colour, outline="white")
    pen.text((x + pad - left, y + pad - top), text, font=font, fill=_ink(colour))


def _place(
    box: Box, wide: int, high: int, size: tuple[int, int], taken: Sequence[tuple[int, int, int, int]]
) -> tuple[int, int]:
    """Where the plate goes: above the box, below it, or inside, whichever is free; always within the picture."""
    x = round(min(max(0, box.x - 1), max(0, size[0] - wide)))
    tops = (box.y - high, box.y + box.height, box.y, box.y + box.height - high)
    places = [round(top) for top in tops if 0 <= top <= size[1] - high]
    for y in places:
        if not any(x < b[2] and b[0] < x + wide and y < b[3] and b[1] < y + high for b in taken):
            return x, y
    return x, places[0] if places else max(0, min(round(box.y), size[1] - high))


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
