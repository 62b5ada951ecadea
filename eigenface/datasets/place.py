"""Where a data set lies, a folder or a zip: its files without a system's clutter, and which of them are pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from eigenface.datasets.dataset import read_member
from eigenface.errors import DataError, PictureError
from eigenface.image import SUFFIXES, looks_like_picture

_TEXTS = (".csv", ".txt", ".md", ".xml", ".json", ".html", ".py")
_HEAD = 16  # bytes


@dataclass(frozen=True)
class Place:
    """A folder or zip and its files: their names below it, and their sizes in bytes."""

    root: Path
    files: dict[str, int]

    def where(self, name: str) -> str:
        """What messages call a file."""
        return f"{self.root}/{name}" if self.root.is_dir() else f"{self.root}: {name}"

    def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of one file, or its first `most`."""
        return next(self.contents([name], most))[1]

    def contents(self, names: Iterable[str], most: int | None = None) -> Iterator[tuple[str, bytes]]:
        """Files one by one with their bytes, or their first `most`; a zip is opened once for all.

        Raises
        ------
        DataError
            Where one cannot be read.
        """
        try:
            if self.root.is_dir():
                for name in names:
                    yield name, _first_bytes(self.root / name, most)
                return
            with ZipFile(self.root) as archive:
                for name in names:
                    yield name, read_member(archive, name, most)
        except PictureError as error:  # of a zip's member
            raise DataError("damaged", error.message, error.hint) from None
        except OSError as error:
            raise DataError(
                "cannot_read",
                f"{error.filename or self.root}: cannot be read ({error.strerror})",
                "Check its permissions.",
            ) from None


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
        return Place(path, found)
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
    return Place(path, dict(sorted(members.items())))


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts[:-1] or any(map(_is_clutter, parts))


def _is_clutter(name: str) -> bool:
    return (name.startswith(".") and name != "..") or name.lower() in ("thumbs.db", "desktop.ini")


def picture_names(place: Place) -> list[str]:
    """The files that claim to be pictures by their suffix, or begin like one where it says nothing.

    Yale's pictures have the light or the mood for a suffix.
    """
    suffixes = {name: PurePosixPath(name).suffix.lower() for name in place.files}
    unsure = [name for name, suffix in suffixes.items() if suffix not in SUFFIXES and suffix not in _TEXTS]
    found = {name for name, head in _heads(place, unsure) if looks_like_picture(head)}
    return [name for name, suffix in suffixes.items() if suffix in SUFFIXES or name in found]


def _heads(place: Place, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """First bytes of files; of those that cannot be read none, for nobody said that they are pictures."""
    with nullcontext() if place.root.is_dir() else ZipFile(place.root) as archive:
        for name in names:
            with suppress(OSError, PictureError):
                head = read_member(archive, name, _HEAD) if archive else _first_bytes(place.root / name, _HEAD)
                yield name, head


def _first_bytes(path: Path, most: int | None) -> bytes:
    with path.open("rb") as handle:
        return handle.read(-1 if most is None else most)
