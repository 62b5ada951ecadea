"""A labelled set of pictures: where each comes from, its label, its person; read one by one, from folder or zip."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from eigenface.datasets.annotation import SQUARE, BoxRule
from eigenface.errors import PictureError
from eigenface.image import Picture, load_picture
from eigenface.types import Box

_LARGEST_MEMBER = 200_000_000  # bytes that one picture in a zip may unpack to


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: its name below the data set, its label, the person if known, its size in bytes.

    Or one annotated face of a picture: then `box` is where somebody saw it, in pixels, and `picture` is the file it
    lies in, as `name` is the face's own.
    """

    name: str
    label: str
    group: str | None = None
    size: int = 0
    box: Box | None = None
    picture: str = ""

    @property
    def file(self) -> str:
        """The picture's file below the data set."""
        return self.picture or self.name


@dataclass(frozen=True)
class Dataset:
    """Labelled pictures, read when asked for.

    Parameters
    ----------
    name : str
        For people: the folder's or zip's name.
    root : path
        A folder, or a zip file; names of samples are below `prefix` in it.
    samples : tuple of Sample
    columns : mapping of str to array (n,)
        What else the data say of each picture, such as age.
    warnings : tuple of str
        What a user should know of the reading.
    pixels : uint8 array (n, rows, cols), optional
        The pictures themselves, grey, where the data are a table of face crops instead of files.
    rule : BoxRule
        How the detection's square follows from the samples' boxes.
    about : str
        Source, terms and traps, where the data are known.
    """

    name: str
    root: Path
    samples: tuple[Sample, ...]
    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    prefix: str = ""
    pixels: NDArray[np.uint8] | None = None
    rule: BoxRule = SQUARE
    about: str = ""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def labels(self) -> NDArray[np.str_]:
        """Label (n,) of every picture."""
        return np.array([sample.label for sample in self.samples], dtype=np.str_)

    @property
    def groups(self) -> NDArray[np.str_] | None:
        """Person (n,) of every picture, or None where persons are not known."""
        if any(sample.group is None for sample in self.samples):
            return None
        return np.array([sample.group for sample in self.samples], dtype=np.str_)

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels, each once, sorted."""
        return tuple(sorted({sample.label for sample in self.samples}))

    @property
    def whole(self) -> bool:
        """Whether every picture is known to be a face crop already."""
        return self.pixels is not None

    def opened(self) -> contextlib.AbstractContextManager[ZipFile | None]:
        """The zip that the pictures lie in, open; None where they lie in a folder or are here already."""
        return ZipFile(self.root) if self.pixels is None and not self.root.is_dir() else contextlib.nullcontext()

    def read(self, index: int, archive: ZipFile | None = None) -> Picture:
        """Decode picture `index`; an open `archive` of `root` saves opening it again.

        Raises
        ------
        PictureError
            Where the picture cannot be read.
        """
        name = self.samples[index].file
        if self.pixels is not None:
            return load_picture(self.pixels[index], name=name)
        if self.root.is_dir():
            return load_picture(self.root / self.prefix / name, name=name)
        if archive is None:
            with ZipFile(self.root) as opened:
                return self.read(index, opened)
        return load_picture(read_member(archive, self.prefix + name), name=name)

    def select(self, index: NDArray[Any]) -> Dataset:
        """The pictures at `index` (n,), in that order."""
        chosen = tuple(self.samples[int(i)] for i in index)
        columns = {key: values[index] for key, values in self.columns.items()}
        pixels = None if self.pixels is None else self.pixels[index]
        return replace(self, samples=chosen, columns=columns, pixels=pixels)

    def fingerprint(self) -> str:
        """SHA-256 of names, labels, groups, sizes and boxes: tells a journal whether the data are still the same."""
        digest = hashlib.sha256()
        for sample in self.samples:
            digest.update(repr((sample.name, sample.label, sample.group, sample.size)).encode())
            if sample.box:
                digest.update(repr((sample.box, self.rule)).encode())
        if self.pixels is not None:
            digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()


def read_member(archive: ZipFile, name: str, most: int | None = None) -> bytes:
    """Bytes of one file in a zip, or its first `most`; PictureError where it is damaged, encrypted or too large."""
    try:
        if archive.getinfo(name).file_size > _LARGEST_MEMBER:
            raise PictureError("too_many_bytes", f"{name}: unpacks to over 200 MB", "Shrink the picture.")
        with archive.open(name) as member:
            return member.read(-1 if most is None else most)
    except (BadZipFile, RuntimeError, EOFError, OSError, ValueError, KeyError, LZMAError, zlib.error) as error:
        raise PictureError("damaged", f"{name}: cannot be unpacked ({error})", "Make the zip again.") from None
