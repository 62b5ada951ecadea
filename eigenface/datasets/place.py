"""Where a data set lies, a folder or a zip: its files without a system's clutter, and which of them are pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from eigenface.datasets.dataset import read_member
from eigenface.errors import DataError
from eigenface.image import SUFFIXES, looks_like_picture


@dataclass(frozen=True)
class Place:
    """A folder or zip: its files (name and size), and how to read one."""

    root: Path
    files: dict[str, int]
    read: Callable[[str], bytes]


def look(path: Path) -> Place:
    """The files of a folder or zip.

    Raises
    ------
    DataError
        Where it is neither, or a zip of which a file would leave it.
    """
    if path.is_dir():
        found = {
            file.relative_to(path).as_posix(): file.stat().st_size
            for file in sorted(path.rglob("*"))
            if file.is_file() and not _hidden(file.relative_to(path).as_posix())
        }
        return Place(path, found, lambda name: (path / name).read_bytes())
    if not path.exists():
        raise DataError("no_data", f"{path}: there is no such folder or zip", "Check the path.")
    try:
        with ZipFile(path) as archive:
            members = {
                member.filename: member.file_size
                for member in archive.infolist()
                if not member.is_dir() and not _hidden(member.filename)
            }
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            "not_a_dataset",
            f"{path}: neither a folder nor a whole zip ({error})",
            "Give a folder or a zip of pictures.",
        ) from None
    outside = [name for name in members if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if outside:
        raise DataError("path_outside", f"{path}: {outside[0]} leaves the zip", "Make the zip again.")

    def read(name: str) -> bytes:
        with ZipFile(path) as archive:
            return read_member(archive, name)

    return Place(path, dict(sorted(members.items())), read)


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts[:-1] or any(map(_is_clutter, parts))


def _is_clutter(name: str) -> bool:
    return (name.startswith(".") and name != "..") or name.lower() in ("thumbs.db", "desktop.ini")


def is_picture(place: Place, name: str) -> bool:
    """Whether a file claims to be a picture, or in a folder begins like one."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SUFFIXES:
        return True
    # Yale's pictures have the condition for a suffix: look inside where a suffix says nothing.
    return place.root.is_dir() and suffix not in (".csv", ".txt", ".md") and _begins_like_picture(place.root / name)


def _begins_like_picture(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return looks_like_picture(handle.read(16))
    except OSError:  # nobody said that it is a picture
        return False
