"""A labelled set of pictures: where each comes from, its label, its person; read one by one, from folder or zip."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from eigenface.errors import PictureError
from eigenface.image import Picture, load_picture

_LARGEST_MEMBER = 200_000_000  # bytes that one picture in a zip may unpack to


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: its name below the data set, its label, the person if known, its size in bytes."""

    name: str
    label: str
    group: str | None = None
    size: int = 0


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
    """

    name: str
    root: Path
    samples: tuple[Sample, ...]
    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    prefix: str = ""

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

    def read(self, index: int, archive: ZipFile | None = None) -> Picture:
        """Decode picture `index`; an open `archive` of `root` saves opening it again.

        Raises
        ------
        PictureError
            Where the picture cannot be read.
        """
        name = self.samples[index].name
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
        return Dataset(self.name, self.root, chosen, columns, self.warnings, self.prefix)

    def fingerprint(self) -> str:
        """SHA-256 of names, labels, groups and sizes: tells a journal whether the data are still the same."""
        digest = hashlib.sha256()
        for sample in self.samples:
            digest.update(repr((sample.name, sample.label, sample.group, sample.size)).encode())
        return digest.hexdigest()


def read_member(archive: ZipFile, name: str) -> bytes:
    """Bytes of one picture in a zip; PictureError where it is damaged, encrypted or absurdly large."""
    try:
        if archive.getinfo(name).file_size > _LARGEST_MEMBER:
            raise PictureError("too_many_bytes", f"{name}: unpacks to over 200 MB", "Shrink the picture.")
        return archive.read(name)
    except (BadZipFile, RuntimeError, EOFError, OSError, ValueError, LZMAError, zlib.error) as error:
        raise PictureError("damaged", f"{name}: cannot be unpacked ({error})", "Make the zip again.") from None
