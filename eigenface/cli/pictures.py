"""From PHOTO arguments to pictures: files, folders walked in order, zips, tables of pixels; the rest is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, is_zipfile

import numpy as np
from numpy.typing import NDArray

from eigenface.cli.talk import note
from eigenface.datasets.dataset import read_member
from eigenface.datasets.fer2013 import is_pixel_table, pixel_rows
from eigenface.errors import DataError, PictureError, RequestError
from eigenface.image import SUFFIXES, Picture, load_picture, looks_like_picture


@dataclass
class Found:
    """A picture to be read: its `source` name, and a path, bytes, pixels, or why it cannot be had.

    `whole`: it is known to be a face crop already.
    """

    source: str
    picture: Path | bytes | NDArray[np.uint8] | PictureError
    whole: bool = False


@dataclass
class Pictures:
    """Pictures of the command line's arguments, in order.

    After they were walked `skipped` counts other files, `refused` pictures that `decoded` could not read.
    """

    arguments: Sequence[str]
    skipped: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[Found]:
        for argument in self.arguments:
            path = Path(argument)
            if path.is_dir():
                yield from self._folder(argument, path)
            elif path.is_file() and path.suffix.lower() not in SUFFIXES and is_zipfile(path):
                yield from self._zip(argument, path)
            elif path.is_file() and path.suffix.lower() == ".zip" and path.stat().st_size:
                raise RequestError("bad_zip", f"{argument}: not a zip, or a damaged one", "Make it again.")
            elif path.suffix.lower() not in SUFFIXES and is_pixel_table(path):
                yield from self._table(argument, path)
            else:
                yield Found(argument, path)  # one that is not there is answered with its error

    def decoded(self, max_pixels: int) -> Iterator[tuple[Found, Picture]]:
        """Those that can be read, with their pixels; of each other one a note says why."""
        for found in self:
            try:
                if isinstance(found.picture, PictureError):
                    raise found.picture
                yield found, load_picture(found.picture, name=found.source, max_pixels=max_pixels)
            except PictureError as error:
                note(str(error))
                self.refused += 1

    def _folder(self, argument: str, folder: Path) -> Iterator[Found]:
        pictures = 0
        for path in sorted(folder.rglob("*")):
            below = path.relative_to(folder)
            if any(part.startswith(".") or part == "__MACOSX" for part in below.parts) or not path.is_file():
                continue
            if path.suffix.lower() in SUFFIXES or _begins_like_picture(path):
                pictures += 1
                yield Found(_below(argument, below.as_posix()), path)
            else:
                self.skipped += 1
        if not pictures:
            raise RequestError("no_pictures", f"{argument}: no pictures in this folder", "Give a folder with pictures.")

    def _table(self, argument: str, path: Path) -> Iterator[Found]:
        try:
            for row in pixel_rows(path, argument):
                yield Found(f"{argument}/{row.number}", row.pixels, whole=True)
        except DataError as error:
            raise RequestError(error.code, error.message, error.hint) from None

    def _zip(self, argument: str, path: Path) -> Iterator[Found]:
        pictures = 0
        try:
            with ZipFile(path) as archive:
                for name in sorted(member.filename for member in archive.infolist() if not member.is_dir()):
                    parts = PurePosixPath(name).parts
                    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
                        continue
                    if PurePosixPath(name).suffix.lower() not in SUFFIXES and not _member_begins(archive, name):
                        self.skipped += 1
                        continue
                    pictures += 1
                    yield _from_zip(archive, argument, name)
        except (BadZipFile, OSError) as error:
            raise RequestError("bad_zip", f"{argument}: the zip cannot be read ({error})", "Make it again.") from None
        if not pictures:
            raise RequestError("no_pictures", f"{argument}: no pictures in this zip", "Give a zip with pictures.")


def _from_zip(archive: ZipFile, argument: str, name: str) -> Found:
    source = _below(argument, name)
    try:
        return Found(source, read_member(archive, name))
    except PictureError as error:
        return Found(source, error)


def _below(argument: str, name: str) -> str:
    return f"{argument.rstrip('/')}/{name}" if argument != "/" else f"/{name}"


def _begins_like_picture(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return looks_like_picture(handle.read(16))
    except OSError:
        return False


def _member_begins(archive: ZipFile, name: str) -> bool:
    try:
        with archive.open(name) as handle:
            return looks_like_picture(handle.read(16))
    except (BadZipFile, RuntimeError, NotImplementedError, OSError):
        return False
