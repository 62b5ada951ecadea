"""Faces made unrecognisable for good, and the picture saved again in its own format.

A light blur can be undone, and mosaics of many cells are still recognised (McPherson, Shokri and Shmatikov, Defeating
image obfuscation with deep learning, 2016, arXiv:1609.00408). So whatever the style, at most 36 mean colours of a face
are left, however large it is: what stands in its place is made of those and of nothing else.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from eigenface.crops import CropSpec
from eigenface.types import Box, Pixels, check_pixels
from eigenface.vision import cv2

STYLES = ("blur", "pixels", "black")
"""What stands in a face's place: soft patches of colour, squares of colour, or nothing."""

GROW = 1.3
"""Side of what is hidden over side of the detection's square, which goes from brows to chin."""

LOW_SCORE = 0.15
"""Detection score from which a face is hidden: better one patch too many than one face too few."""

_CELLS = 6  # each way
_LEAST_CELL = 4  # pixels, in small faces
_QUALITY = 92
_SAVED: dict[str, dict[str, Any]] = {  # by Pillow's name of the format
    "JPEG": {"quality": _QUALITY},
    "WEBP": {"quality": _QUALITY},
    "AVIF": {"quality": _QUALITY},
    "TIFF": {"compression": "tiff_lzw"},
}
_WITH_EXIF = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
_KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
_MOST_BYTES = 1000  # of one value: nothing that long is about the picture, and a thumbnail is longer


def hide_faces(pixels: Pixels, boxes: Sequence[Box], *, style: str = "blur", grow: float = GROW) -> Pixels:
    """A copy of a picture in which nobody can be recognised by what lies in the boxes.

    Parameters
    ----------
    pixels : uint8 array (rows, cols, 3), RGB
    boxes : sequence of Box
        Detections' squares in pixels; they may reach beyond the picture.
    style : {"blur", "pixels", "black"}
    grow : float
        How much larger than its box a face is taken to be, 1..4.

    Returns
    -------
    uint8 array (rows, cols, 3), RGB
        With `black` nothing of a face is left, otherwise 6 times 6 mean colours.

    Raises
    ------
    ValueError
        Of an unknown style, or where `grow` is out of its range.

    Examples
    --------
    >>> hidden = hide_faces(np.full((40, 40, 3), 200, np.uint8), [Box(10, 10, 20, 20)], style="black", grow=1)
    >>> int((hidden == 0).all(axis=2).sum())
    400
    """
    check_pixels(pixels)
    if style not in STYLES or not 1 <= grow <= 4:
        raise ValueError(f"hide: expected a style of {', '.join(STYLES)} and grow in 1..4, got {style!r} and {grow}")
    hidden = pixels.copy()
    for box in boxes:
        square = CropSpec(grow).around(box)
        down = _edges(square.y, square.height, pixels.shape[0])
        across = _edges(square.x, square.width, pixels.shape[1])
        if len(down) > 1 and len(across) > 1:
            part = hidden[down[0] : down[-1], across[0] : across[-1]]
            part[:] = (
                0 if style == "black" else _patches(_means(part, down, across), down, across, soft=style == "blur")
            )
    return hidden


def _edges(start: float, length: float, limit: int) -> NDArray[np.intp]:
    """Borders of cells along one side, in whole pixels within the picture.

    The cells are laid over the whole square: one that is half outside has as few a face's width as any other.
    """
    cells = max(1, min(_CELLS, int(length / _LEAST_CELL)))
    edges = np.linspace(start, start + length, cells + 1)
    edges[0], edges[-1] = np.floor(edges[0]), np.ceil(edges[-1])
    return np.unique(np.clip(np.rint(edges), 0, limit).astype(np.intp))


def _means(part: Pixels, down: NDArray[np.intp], across: NDArray[np.intp]) -> Pixels:
    """The mean colour of every cell (cells down, cells across, 3)."""
    sums = np.add.reduceat(part, down[:-1] - down[0], axis=0, dtype=np.int64)
    sums = np.add.reduceat(sums, across[:-1] - across[0], axis=1)
    areas = np.diff(down)[:, None, None] * np.diff(across)[None, :, None]
    means: Pixels = np.rint(sums / areas).astype(np.uint8)
    return means


def _patches(means: Pixels, down: NDArray[np.intp], across: NDArray[np.intp], *, soft: bool) -> Pixels:
    """The cells as large as they were, `soft` or with sharp borders."""
    drawn: Pixels = np.repeat(np.repeat(means, np.diff(down), axis=0), np.diff(across), axis=1)
    if soft:
        drawn = cv2.GaussianBlur(drawn, (0, 0), max(np.diff(across).max(), np.diff(down).max()) / 2)
    return drawn


@dataclass(frozen=True)
class Wrapping:
    """What a picture's file is beside its pixels: format, whether it is grey, EXIF and colour profile.

    Parameters
    ----------
    format : str
        Pillow's name of it.
    grey : bool
        One value a pixel.
    exif : bytes
        What may be kept of its EXIF data; empty where there are none, or none that can be read.
    profile : bytes
        Its ICC profile, empty without.
    warnings : tuple of str
        What a picture saved again will lack.
    """

    format: str = "PNG"
    grey: bool = False
    exif: bytes = b""
    profile: bytes = b""
    warnings: tuple[str, ...] = field(default=())


def wrapping_of(source: str | os.PathLike[str] | bytes) -> Wrapping:
    """How the file of a picture (its path or its bytes), which `load_picture` could read, is wrapped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whatever Pillow thinks of it was answered when it was decoded
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            said = []
            if _is_film(image):
                said.append("It has several frames or pages: only the first is kept.")
            if image.has_transparency_data:
                said.append("Transparent parts become white.")
            if image.mode[0] in "IF":
                said.append("Of its finer levels 256 are kept.")
            profile = image.info.get("icc_profile") or b""
            grey = image.mode in ("1", "L", "F") or image.mode.startswith("I")
            return Wrapping(
                format="JPEG" if image.format == "MPO" else str(image.format),
                grey=grey,
                exif=_harmless(image),
                profile=profile if profile[16:20] == (b"GRAY" if grey else b"RGB ") else b"",
                warnings=tuple(said),
            )


def _is_film(image: Image.Image) -> bool:
    if image.format == "MPO":  # a telephone's JPEG that holds a second picture, such as a depth map
        return False
    try:
        return int(getattr(image, "n_frames", 1)) > 1
    except Exception:  # frames are counted by reading them, and damaged ones raise whatever their bytes lead to
        return True


def _harmless(image: Image.Image) -> bytes:
    """EXIF data without anything that may hold a picture: thumbnails, previews, a maker's notes; and without a turn."""
    try:
        found, kept = image.getexif(), Image.Exif()
        for tag in _KEPT_TAGS:
            if tag in found:
                kept[tag] = found[tag]
        for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            values = _short(found.get_ifd(part))
            if values:
                kept[part] = values
        return kept.tobytes() if len(kept) else b""
    except Exception:  # damaged EXIF data raise whatever their bytes lead to
        return b""


def _short(values: Mapping[int, Any]) -> dict[int, Any]:
    dropped = (
        ExifTags.Base.MakerNote,
        ExifTags.IFD.Interop,
        ExifTags.Base.ExifImageWidth,
        ExifTags.Base.ExifImageHeight,
    )
    return {
        tag: value
        for tag, value in values.items()
        if tag not in dropped and not (isinstance(value, bytes | str) and len(value) > _MOST_BYTES)
    }


def picture_bytes(pixels: Pixels, wrapping: Wrapping, *, keep_exif: bool = False) -> bytes:
    """The picture as a file of its own format.

    Parameters
    ----------
    pixels : uint8 array (rows, cols, 3), RGB
        Upright: the EXIF turn is applied already.
    wrapping : Wrapping
    keep_exif : bool
        Keep place, time and camera; never a thumbnail, and never the turn.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]) if wrapping.grey else pixels)
    options = dict(_SAVED.get(wrapping.format, {}))
    if wrapping.profile:
        options["icc_profile"] = wrapping.profile
    if keep_exif and wrapping.exif and wrapping.format in _WITH_EXIF:
        options["exif"] = wrapping.exif
    buffer = io.BytesIO()
    image.save(buffer, wrapping.format, **options)
    return buffer.getvalue()
