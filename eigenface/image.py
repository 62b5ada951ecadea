"""The only decoder: whatever a user hands over becomes an upright RGB picture, or one clear PictureError.

Training and serving both read through `load_picture`, so that a model never meets pixels decoded another way.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from eigenface.errors import PictureError
from eigenface.limits import MAX_PIXELS
from eigenface.threads import Shared
from eigenface.types import Pixels, check_pixels
from eigenface.vision import cv2

PictureSource = str | os.PathLike[str] | bytes | NDArray[np.generic]
"""A path, the bytes of a picture file, or an array."""

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".jp2", ".avif", ".svg"}
)
"""Suffixes (lower case) of files that claim to be pictures. SVG claims it too and is refused with a reason."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF")
_READERS = {"WEBP": "WebP", "DIB": "Bmp", "JPEG2000": "Jpeg2K"}  # names of Pillow's modules where they differ
_SIGNATURES = (
    (b"\xff\xd8\xff", b""),
    (b"\x89PNG\r\n\x1a\n", b""),
    (b"GIF8", b""),
    (b"BM", b""),
    (b"II*\0", b""),
    (b"MM\0*", b""),
    (b"RIFF", b"WEBP"),
    (b"\0\0\0\x0cjP  ", b""),
    (b"\xff\x4f\xff\x51", b""),
)
_LEAST_SHARE_READ = 1 / 2  # of the rows of a picture cut short, for an answer to be fair

for _format in _FORMATS:  # Pillow registers a reader when its module is first imported
    import_module(f"PIL.{_READERS.get(_format, _format.capitalize())}ImagePlugin")


@contextlib.contextmanager
def _without_warnings_of_pillow() -> Iterator[None]:
    """Our own limit on pixels is stricter than Pillow's; damaged data are answered with a warning of our own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


_quiet = Shared(_without_warnings_of_pillow)  # filters are the process's: what it set stands again when the last is out


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: upright RGB pixels, the name it came under, and what a user should know of its reading."""

    pixels: Pixels
    source: str
    warnings: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def looks_like_picture(head: bytes) -> bool:
    """Whether the first 16 bytes of a file are those of a picture format that is read here."""
    if any(head.startswith(start) and after in head[: 16 if after else None] for start, after in _SIGNATURES):
        return True
    portable = len(head) > 2 and head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace()
    return portable or head[4:12] in (b"ftypavif", b"ftypavis")


def load_picture(source: PictureSource, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a picture to upright 8-bit RGB.

    16-bit greys are scaled, transparency is laid on white, the EXIF turn is obeyed, of several frames the first counts.

    Parameters
    ----------
    source : path, bytes, or array
        An array is (rows, cols), (rows, cols, 3) RGB or (rows, cols, 4) RGBA, uint8.
    name : str, optional
        What messages and answers call it; the path, or `picture`.
    max_pixels : int
        Width times height above which nothing is decoded.

    Returns
    -------
    Picture

    Raises
    ------
    PictureError
        With code `not_found`, `empty`, `not_a_picture`, `unsupported_format`, `too_many_pixels`, `zero_size`
        or `damaged`.

    Examples
    --------
    >>> load_picture(np.full((2, 3), 255, np.uint8)).pixels.shape
    (2, 3, 3)
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, name or "array", max_pixels)
    if isinstance(source, bytes):
        with _quiet:
            return _decode(io.BytesIO(source), source[:512], len(source), name or "picture", max_pixels)
    path = Path(source)
    name = name or str(source)
    if "\0" in str(path):
        raise PictureError("not_found", f"{name!r}: no file has such a name", "Check the path.")
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode):  # opening a pipe would wait for somebody to write into it
            reason = "is a folder" if stat.S_ISDIR(kind.st_mode) else "is not a file but a device or a pipe"
            raise PictureError("not_found", f"{name}: {reason}", "Give a picture file.")
        with path.open("rb") as handle, _quiet:
            head = handle.read(512)
            handle.seek(0)
            return _decode(handle, head, kind.st_size, name, max_pixels)
    except (FileNotFoundError, NotADirectoryError):
        raise PictureError("not_found", f"{name}: there is no such file", "Check the path.") from None
    except OSError as error:  # no permission, a name too long, a failing disk
        raise PictureError("not_found", f"{name}: may not be read ({error.strerror})", "Give a picture file.") from None


def _from_array(array: NDArray[np.generic], name: str, max_pixels: int) -> Picture:
    shape = array.shape
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 3, 4)):
        raise PictureError(
            "not_a_picture",
            f"{name}: {array.dtype} array of shape {shape}",
            "A picture is a uint8 array (rows, cols), (rows, cols, 3) RGB or (rows, cols, 4) RGBA.",
        )
    _check_size(shape[1], shape[0], name, max_pixels)
    pixels: NDArray[np.uint8] = array.astype(np.uint8, copy=False)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _on_white(Image.fromarray(pixels, "RGBA"))
    elif pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = np.repeat(pixels.reshape(*shape[:2], 1), 3, axis=2)
    return Picture(check_pixels(np.ascontiguousarray(pixels), name), name)


def _check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise PictureError(
            "zero_size", f"{name}: a picture of {width}x{height} pixels", "It needs at least one pixel each way."
        )
    if width * height > max_pixels:
        raise PictureError(
            "too_many_pixels",
            f"{name}: {width}x{height} pixels; the limit is {max_pixels / 1e6:g} megapixels",
            "Shrink it; on the command line --max-pixels raises the limit.",
        )


def _decode(handle: BinaryIO, head: bytes, size: int, name: str, max_pixels: int) -> Picture:
    if size == 0:
        raise PictureError("empty", f"{name}: the file is empty", "Save or send it again.")
    try:
        image: Image.Image = Image.open(handle, formats=_FORMATS)
    except Image.DecompressionBombError:
        raise PictureError(
            "too_many_pixels",
            f"{name}: far more pixels than the limit of {max_pixels / 1e6:g} megapixels",
            "Shrink it.",
        ) from None
    except Exception as error:  # Pillow's readers raise a dozen kinds of error on damaged bytes
        raise _unreadable(head, name) from error
    with image:
        _check_size(image.width, image.height, name, max_pixels)
        said: list[str] = []
        try:
            image.load()
        except Exception as error:  # as above
            _keep_what_was_read(image, name, error)
            said.append("The file is damaged or cut short: only the part that could be read was judged.")
            _check_share_read(image, name)
        try:
            upright, turned = _upright(image)
            if not turned:
                said.append("The EXIF data are damaged: the picture is judged as it is stored.")
            pixels = _to_rgb(upright)
        except PictureError:
            raise
        except Exception as error:  # as above
            raise PictureError(
                "damaged", f"{name}: cannot be decoded ({error})", "Save it again as JPEG or PNG."
            ) from error
    return Picture(pixels, name, tuple(said))


def _unreadable(head: bytes, name: str) -> PictureError:
    """Say what the bytes are, as far as they tell."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in start):
        return PictureError("unsupported_format", f"{name}: an SVG drawing holds no pixels", "Export it as PNG first.")
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1"):
        return PictureError("unsupported_format", f"{name}: HEIC pictures are not read", "Export it as JPEG first.")
    if looks_like_picture(head):
        return PictureError(
            "damaged", f"{name}: starts like a picture, but its header cannot be read", "Send the whole file again."
        )
    return PictureError(
        "not_a_picture",
        f"{name}: not a picture that can be read",
        "JPEG, PNG, WebP, GIF, BMP, TIFF, PGM, PPM, JPEG 2000 and AVIF are.",
    )


def _keep_what_was_read(image: Image.Image, name: str, error: Exception) -> None:
    """Let Pillow hand out the rows decoded before the damage: without tiles left it takes the picture as loaded."""
    image.tile = []  # type: ignore[attr-defined]  # every image that Image.open returns has tiles
    try:
        image.load()
    except Exception:  # nothing was decoded at all
        raise PictureError(
            "damaged", f"{name}: damaged or cut short ({error})", "Send the whole file again."
        ) from error


def _check_share_read(image: Image.Image, name: str) -> None:
    """Refuse a picture of which next to nothing was read: the rest has one colour, down to the last row as stored."""
    values = np.asarray(image)
    filled = (values == values[-1, -1]).reshape(len(values), -1).all(axis=1)
    read = len(filled) - int(np.argmin(filled[::-1])) if not filled.all() else 0
    if read < len(filled) * _LEAST_SHARE_READ:
        raise PictureError(
            "damaged",
            f"{name}: damaged or cut short, {read} of {len(filled)} rows could be read",
            "Send the whole file again.",
        )


def _upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """The picture after its EXIF turn, and whether that turn could be read."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image, True  # it copies what needs no turn
    except Exception:  # damaged EXIF data raise whatever their bytes lead to; the pixels are still good
        return image, False


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16") or image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        grey = values >> 8 if image.mode != "I" or values.max() > 255 else values
        return _stack(np.clip(grey, 0, 255))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image))
        return _stack(np.clip(values * 255 if values.max() <= 1 else values, 0, 255))
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    return _unpacked(image if image.mode == "RGB" else image.convert("RGB"))


def _unpacked(image: Image.Image) -> Pixels:
    """Pixels of an RGB picture.

    Pillow keeps a fourth byte with each. Taking it off where they lie costs a quarter of what numpy takes, for which
    they are written into many small strings, and those put together.
    """
    try:
        _, array = image.__arrow_c_array__()
    except ValueError:  # a large picture lies in several pieces
        return np.array(image)
    about = _Arrow.from_address(_address_in(array, b"arrow_array"))
    values = about.children[0].contents if about.n_children == 1 else about
    if values.n_buffers != 2 or values.length != 4 * image.width * image.height:
        return np.array(image)
    first = ctypes.cast(values.buffers[1], ctypes.POINTER(ctypes.c_uint8))
    pixels: Pixels = cv2.cvtColor(np.ctypeslib.as_array(first, (image.height, image.width, 4)), cv2.COLOR_RGBA2RGB)
    return pixels


class _Arrow(ctypes.Structure):
    """An array of the Arrow C data interface, as far as it is read here."""


_Arrow._fields_ = [
    *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Arrow))),
]
_address_in = ctypes.pythonapi.PyCapsule_GetPointer
_address_in.restype, _address_in.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def _stack(grey: NDArray[np.generic]) -> Pixels:
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)


def _on_white(image: Image.Image) -> Pixels:
    ground = Image.new("RGBA", image.size, "white")
    return _unpacked(Image.alpha_composite(ground, image).convert("RGB"))
