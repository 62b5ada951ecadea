"""Files of arrays that ship with the package, or that a command of `pipelines` wrote: opened, or refused in a line."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from eigenface.errors import ModelError

_BROKEN = (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error)


@contextlib.contextmanager
def stored_arrays(path: Path, code: str, what: str, remedy: str) -> Iterator[NpzFile]:
    """An npz file, read without pickles; whatever is wrong with it, or with what is read in the block, is said at once.

    Parameters
    ----------
    path : Path
    code : str
        Of the error.
    what : str
        What the file is not, where it is refused: `no face space`.
    remedy : str
        What to do then.

    Raises
    ------
    ModelError
        With `code`.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            yield stored
    except _BROKEN as error:
        raise ModelError(code, f"{path}: {what} ({error})", remedy) from None
