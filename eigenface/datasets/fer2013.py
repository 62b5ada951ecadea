"""FER2013 and tables like it: a CSV whose rows are grey faces of 48x48 pixels, plain or packed by gzip, bzip2 or xz.

Columns are `pixels` (2,304 numbers 0..255 between spaces, row by row), and where they are known `emotion` (0..6) and
`Usage` (Training, PublicTest, PrivateTest): the parts that the makers of the data meant for learning and for judging.

References
----------
Goodfellow et al., Challenges in representation learning: a report on three machine learning contests, 2013,
doi:10.1007/978-3-642-42051-1_16.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from eigenface.datasets.dataset import Dataset, Sample
from eigenface.errors import DataError, PictureError

SIDE = 48
"""Side of the faces in pixels."""

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Names of the codes 0..6."""

USAGE = "Usage"
"""The column that names the part a row belongs to."""

_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
_BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error)
_LONGEST = 65_536  # bytes of a line; a row of FER2013 has about 9,000
_TOLD = 3  # damaged rows that are told one by one
_CODES = {str(code): name for code, name in enumerate(EMOTIONS)} | {name: name for name in EMOTIONS}


@dataclass(frozen=True, slots=True)
class PixelRow:
    """A row of a table: its number, counted from 0 below the header; its face, or what is wrong; its other columns."""

    number: int
    pixels: NDArray[np.uint8] | PictureError
    fields: Mapping[str, str]


def is_pixel_table(path: Path) -> bool:
    """Whether a file is a table, packed or not, with a column `pixels`."""
    if not path.is_file():
        return False
    try:
        with _opened(path) as handle:
            return "pixels" in _columns(handle)[0]
    except _BROKEN:
        return False


def pixel_rows(path: Path, name: str | None = None) -> Iterator[PixelRow]:
    """The rows of a table one by one; `name` is what messages call the table.

    Raises
    ------
    DataError
        Where there is no such column, or the file ends in its middle.
    """
    name = name or str(path)
    number = -1
    try:
        with _opened(path) as handle:
            columns, separator = _columns(handle)
            if "pixels" not in columns:
                raise DataError("no_pixels", f"{name}: has no column pixels", "It has emotion,pixels,Usage.")
            for line in _lines(handle):
                number += 1
                yield _row(line, columns, separator, number, name)
    except _BROKEN as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(
            "damaged", f"{name}: cannot be read to its end, {number + 1} rows came ({why})", "Copy the file again."
        ) from None


def load_fer2013(path: Path) -> Dataset:
    """The labelled faces of a table; without a column `emotion` their labels are "".

    Raises
    ------
    DataError
        Where it is no such table, or holds no row that can be used.
    """
    held, samples, columns = bytearray(), list[Sample](), dict[str, list[str]]()
    damaged: list[str] = []
    for row in pixel_rows(path):
        label = _CODES.get(row.fields.get("emotion", "").strip().lower()) if "emotion" in row.fields else ""
        if isinstance(row.pixels, PictureError):
            damaged.append(row.pixels.message)
        elif label is None:
            damaged.append(f"{path}/{row.number}: emotion {row.fields['emotion']!r:.20}, allowed are 0..6")
        else:
            held += row.pixels.tobytes()
            samples.append(Sample(str(row.number), label, None, row.pixels.size))
            for key, value in row.fields.items():
                if key != "emotion":
                    columns.setdefault(key, []).append(value)
    if not samples:
        why = f"; {damaged[0]}" if damaged else ""
        raise DataError("no_pictures", f"{path}: no row that can be used{why}", "A row is emotion,pixels,Usage.")
    said = [f"{what}: left out." for what in damaged[:_TOLD]]
    if len(damaged) > _TOLD:
        said.append(f"{path}: {len(damaged)} damaged rows are left out in all.")
    return Dataset(
        path.name.split(".")[0],
        path,
        tuple(samples),
        {key: np.array(values, dtype=np.str_) for key, values in columns.items()},
        tuple(said),
        pixels=np.frombuffer(held, np.uint8).reshape(-1, SIDE, SIDE),
    )


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as handle:
        head = handle.read(6)
    for start, opener in _PACKED:
        if head.startswith(start):
            return cast(BinaryIO, opener(path, "rb"))
    return path.open("rb")


def _columns(handle: BinaryIO) -> tuple[list[str], str]:
    """Names of the columns and what stands between them; `Usage` as the makers write it, the others as they stand."""
    header = handle.readline(_LONGEST).decode("utf-8-sig", errors="replace").strip()
    separator = max(",;\t", key=header.count)
    names = [name.strip().strip('"') for name in header.split(separator)]
    usual = {known.lower(): known for known in ("emotion", "pixels", USAGE)}
    return [usual.get(name.lower(), name) for name in names], separator


def _lines(handle: BinaryIO) -> Iterator[str]:
    """Lines that are not blank; of one beyond all measure only the beginning."""
    while line := handle.readline(_LONGEST):
        rest = line
        while len(rest) == _LONGEST and not rest.endswith(b"\n"):
            rest = handle.readline(_LONGEST)
        if text := line.decode("latin-1").strip():
            yield text


def _row(line: str, columns: list[str], separator: str, number: int, name: str) -> PixelRow:
    values = [value.strip().strip('"') for value in line.split(separator)]
    fields = dict(zip(columns, values + [""] * (len(columns) - len(values)), strict=False))
    what = f"{name}/{number}"
    try:
        numbers = [int(value) for value in fields.pop("pixels").split()]
    except ValueError:
        return PixelRow(number, _damaged(f"{what}: pixels that are not whole numbers"), fields)
    if len(numbers) != SIDE * SIDE:
        return PixelRow(number, _damaged(f"{what}: {len(numbers)} pixels, expected {SIDE * SIDE}"), fields)
    if min(numbers) < 0 or max(numbers) > 255:
        return PixelRow(number, _damaged(f"{what}: pixels outside 0..255"), fields)
    return PixelRow(number, np.frombuffer(bytes(numbers), np.uint8).reshape(SIDE, SIDE), fields)


def _damaged(message: str) -> PictureError:
    return PictureError("damaged", message, f"A face is {SIDE * SIDE} numbers 0..255 between spaces.")
