"""A folder for temporary files that nobody else may read, and that goes with the server, or with the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from eigenface.errors import RequestError

try:
    import fcntl
except ImportError:  # Windows: what a killed server left there stays until the system's own cleaning
    fcntl = None  # type: ignore[assignment]

_PREFIX = "eigenface-films-"
_OWNER = "owner"  # a file that is locked as long as its server lives


class Scratch:
    """One folder, made when first needed; made anew, it first removes those of servers that were killed."""

    def __init__(self) -> None:
        self._root: Path | None = None
        self._owner: IO[bytes] | None = None
        _remove_leftovers()

    def make(self, name: str) -> Path:
        """A new folder inside.

        Raises
        ------
        RequestError
            With code `cannot_write`.
        """
        try:
            if self._root is None or not self._root.is_dir():  # some systems clear old files away under a server
                self.close()
                self._root = Path(tempfile.mkdtemp(prefix=_PREFIX))
                self._owner = (self._root / _OWNER).open("wb")
                if fcntl:
                    fcntl.flock(self._owner, fcntl.LOCK_EX)
            folder = self._root / name
            folder.mkdir()
        except OSError as error:
            raise RequestError(
                "cannot_write",
                f"the server cannot write temporary files ({error.strerror})",
                "Start it with TMPDIR at a folder that it may write to.",
            ) from None
        return folder

    def close(self) -> None:
        """Remove everything."""
        if self._owner:
            self._owner.close()
        if self._root:
            shutil.rmtree(self._root, ignore_errors=True)
        self._root = self._owner = None


def _remove_leftovers() -> None:
    try:
        found = list(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"))
    except OSError:  # there is no such place
        return
    for folder in found:
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether a folder is of this user's and its server is gone."""
    if fcntl is None:
        return False
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        with (folder / _OWNER).open("rb") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked; or made this moment, before its owner was
        return False
    return True
