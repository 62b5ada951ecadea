"""Training sets that do not fit into memory: crops and rows that lie in temporary files, worked on in stretches.

What lies in a file can be put out of memory by the system at any time; only a stretch of it has to be there. The files
have no name, so that they are gone when the process is, however it ends.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.types import Pixels

MEMORY = 4_000_000_000
"""Bytes that training may take unless told otherwise: a quarter for rows, a quarter for crops, half for a kernel."""

STRETCH = 512
"""Rows that are worked on at a time."""

_CHUNK = 64_000_000


def rows_in_file(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Room for float32 rows in a temporary file, where the system puts such files: TMPDIR says another place."""
    with tempfile.TemporaryFile() as handle:
        return np.memmap(handle, np.float32, "w+", shape=shape)


def in_file(rows: Any) -> bool:
    """Whether rows lie in a file."""
    return isinstance(rows, np.memmap)


def stretches(count: int, length: int = STRETCH) -> Iterator[slice]:
    """Slices that cover `count` rows."""
    return (slice(start, min(start + length, count)) for start in range(0, count, length))


def describe(head: Any, crops: list[Pixels], memory: int = MEMORY) -> NDArray[np.float32]:
    """Rows (n, d) of crops by steps that learn nothing; in a file where they would take a quarter of the memory."""
    head.fit(crops[:1])
    shape = len(crops), head.transform(crops[:1]).shape[1]
    rows = np.empty(shape, np.float32) if 4 * shape[0] * shape[1] <= memory // 4 else rows_in_file(shape)
    for part in stretches(len(crops)):
        rows[part] = head.transform(crops[part])
    return rows


def take(rows: NDArray[np.float32], index: NDArray[np.intp]) -> NDArray[np.float32]:
    """The rows at `index`; where they lie in a file, those do as well."""
    if not in_file(rows):
        return rows[index]
    taken = rows_in_file((len(index), rows.shape[1]))
    for part in stretches(len(index)):
        taken[part] = rows[index[part]]
    return taken


def join(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows below rows; in a file where the first lie in one."""
    if not in_file(first):
        return np.concatenate([first, second])
    both = rows_in_file((len(first) + len(second), first.shape[1]))
    for part in stretches(len(first)):
        both[part] = first[part]
    both[len(first) :] = second
    return both


def most_in_kernel(memory: int = MEMORY) -> int:
    """Faces whose kernel takes half of the memory: half of a matrix in float32."""
    return math.isqrt(memory // 4)


def drawn(count: int, memory: int = MEMORY) -> NDArray[np.intp]:
    """All of `count` faces, in order; of more than `most_in_kernel`, that many drawn at random."""
    most = most_in_kernel(memory)
    return np.sort(np.random.default_rng(0).permutation(count)[:most]) if count > most else np.arange(count)


def limit(pipeline: Any, count: int, memory: int = MEMORY) -> list[str]:
    """Let steps that compare all of `count` faces with each other learn from fewer; what there is to say of it."""
    most = most_in_kernel(memory)
    limited = [step for _, step in pipeline.steps if getattr(step, "faces", most) is None] if count > most else []
    for step in limited:
        step.set_params(faces=most)
    return [f"its kernel machine learned from {most} of them, drawn at random"] if limited else []


class CropRoom:
    """Keeps crops: so many bytes of them in memory, and what comes after in a temporary file.

    Parameters
    ----------
    memory : int
        Bytes that crops may take.
    """

    def __init__(self, memory: int) -> None:
        self._left = memory
        self._chunk: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._used = 0

    def keep(self, crop: Pixels) -> Pixels:
        """The crop itself, or the same pixels as they lie in the file."""
        self._left -= crop.nbytes
        if self._left >= 0:
            return crop
        if self._used + crop.nbytes > len(self._chunk):
            with tempfile.TemporaryFile() as handle:
                self._chunk = np.memmap(handle, np.uint8, "w+", shape=(max(_CHUNK, crop.nbytes),))
            self._used = 0
        kept = np.asarray(self._chunk[self._used : self._used + crop.nbytes]).reshape(crop.shape)
        kept[:] = crop
        self._used += crop.nbytes
        return kept
