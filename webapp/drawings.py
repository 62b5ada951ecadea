"""Pictures that the page shows: answers as data URIs, and the models' own eigenfaces."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from eigenface.annotate import png_bytes
from eigenface.facespace import SIZE, load_face_space
from eigenface.model import FaceClassifier
from eigenface.types import Box, Detection

_CROP_SIDE = 128
_BOX = (0, 114, 178)
_DOUBT = (90, 90, 90)  # of boxes that are no answer


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture no larger than `side` pixels either way."""
    if max(pixels.shape[:2]) <= side:
        return pixels
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), reducing_gap=2.0)
    return np.asarray(picture)


def jpeg_uri(pixels: NDArray[np.uint8], side: int) -> str:
    """A picture as a data URI, at most `side` pixels either way."""
    buffer = io.BytesIO()
    Image.fromarray(shrunk(pixels, side)).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def boxed(pixels: NDArray[np.uint8], box: Box, side: int) -> NDArray[np.uint8]:
    """A picture no larger than `side` pixels either way, with a box of it drawn in."""
    shown = shrunk(pixels, side)
    scale = shown.shape[1] / pixels.shape[1]
    picture = Image.fromarray(shown)
    left, top = box.x * scale, box.y * scale
    corners = (left, top, left + box.width * scale - 1, top + box.height * scale - 1)
    width = max(2, round(box.width * scale / 40))
    pen = ImageDraw.Draw(picture)
    pen.rectangle([corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1], outline="white", width=width + 2)
    pen.rectangle(corners, outline=_BOX, width=width)
    return np.asarray(picture)


def dashed(pixels: NDArray[np.uint8], detections: Sequence[Detection]) -> NDArray[np.uint8]:
    """A copy of the picture with thin dashed boxes, each with its score inside."""
    picture = Image.fromarray(pixels)
    pen = ImageDraw.Draw(picture)
    dash, height = max(3, round(max(picture.size) / 160)), max(9, round(max(picture.size) / 90))
    font = ImageFont.load_default(height)
    for found in detections:
        left, top = found.box.x, found.box.y
        right, bottom = left + found.box.width - 1, top + found.box.height - 1
        for x in np.arange(left, right, 2 * dash):
            for y in (top, bottom):
                _stroke(pen, x, y, min(x + dash, right), y)
        for y in np.arange(top, bottom, 2 * dash):
            for x in (left, right):
                _stroke(pen, x, y, x, min(y + dash, bottom))
        place = (min(max(left, 0), picture.width - 2 * height) + 3, max(top, 0) + 2)
        pen.text(place, f"{found.score:.2f}", font=font, fill="white", stroke_width=2, stroke_fill=_DOUBT)
    return np.asarray(picture)


def _stroke(pen: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float) -> None:
    pen.line((left + 1, top + 1, right + 1, bottom + 1), fill="white")  # legible on any ground
    pen.line((left, top, right, bottom), fill=_DOUBT)


def crop_uri(pixels: NDArray[np.uint8]) -> str:
    """A small picture of a face as a data URI."""
    return jpeg_uri(pixels, _CROP_SIDE)


def data_uri(data: bytes, kind: str) -> str:
    """Bytes as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def stretched(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Values as grey, the most extreme black or white and zero in the middle."""
    largest = max(float(np.abs(values).max()), 1e-9)
    grey: NDArray[np.uint8] = np.rint(127.5 + 127.5 * values / largest).astype(np.uint8)
    return grey


def eigenface_png(model: FaceClassifier, number: int) -> bytes | None:
    """Eigenface `number` of a model of grey pixels (0: its mean face) as a PNG; None where it has none such."""
    names = [operation.name for operation in model.program.operations] if model.program else []
    if names[:1] != ["grey"] or "pca" not in names or model.program is None:
        return None
    operation = model.program.operations[names.index("pca")]
    mean = np.asarray(operation.arrays["mean"], np.float32)
    side = round(len(mean) ** 0.5)
    if side * side != len(mean) or not 0 <= number <= len(operation.arrays["components"]):
        return None
    if number == 0:
        return _png(np.clip(np.rint(mean * 255), 0, 255).astype(np.uint8).reshape(side, side))
    return _png(stretched(np.asarray(operation.arrays["components"])[number - 1]).reshape(side, side))


def space_png(number: int) -> bytes | None:
    """Eigenface `number` of the shared face space (0: the mean face) as a PNG; None beyond the last."""
    space = load_face_space()
    if number == 0:
        return _png(stretched(space.mean).reshape(SIZE, SIZE))
    if not 0 < number <= len(space.components):
        return None
    return _png(stretched(space.components[number - 1]).reshape(SIZE, SIZE))


def _png(grey: NDArray[np.uint8]) -> bytes:
    enlarged = Image.fromarray(grey).resize((128, 128), Image.Resampling.BICUBIC)
    return png_bytes(np.asarray(enlarged))
