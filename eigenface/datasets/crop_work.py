"""Cropping a data set into files, in this process or several: one bad picture never stops the work."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from eigenface.annotate import png_bytes
from eigenface.bundle import atomic_file
from eigenface.crops import CropSpec, whole_box
from eigenface.datasets.cropping import cut_face
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.duplicates import Signature, signature
from eigenface.errors import PictureError
from eigenface.image import Picture
from eigenface.types import Detection, Pixels
from eigenface.vision import cv2
from eigenface.workers import Engine, WorkerDiedError

_QUEUED_A_WORKER = 3  # pictures handed out ahead, so that no worker waits
_AT_A_TIME = 16  # pictures in one task of a cluster
_CRASHED = "the process that read it was killed or ran out of memory"


@dataclass(frozen=True, slots=True)
class Shot:
    """What became of one picture: its crop's `file`, box in whole pixels and score; or the `reason` why there is none.

    The signature is the picture's own (the crop's where the face had a box), None where it could not be read.
    """

    file: str = ""
    reason: str = ""
    box: tuple[int, ...] = ()
    score: float | None = None
    signature: Signature | None = None


class Cutter:
    """Cuts picture after picture of a data set into files `out/names[i]`."""

    def __init__(
        self, dataset: Dataset, spec: CropSpec, out: Path, names: Sequence[str], *, whole: bool, detector: str
    ) -> None:
        self.dataset, self.spec, self.out, self.names = dataset, spec, out, names
        self.whole, self.detector = whole or dataset.whole, detector
        self._archive: ZipFile | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_archive": None}  # each process opens its own

    def cut(self, index: int, archive: ZipFile | None = None) -> Shot:
        """Crop picture `index`, write the crop.

        Raises
        ------
        ModelError, OSError
            Where the crop cannot be written: no other could be, either.
        """
        try:
            shot, crop = self._look(index, archive)
        except PictureError as error:
            return Shot(reason=error.message)
        except Exception as error:  # whatever one strange picture leads to must not end hours of work
            return Shot(reason=f"cannot be used ({type(error).__name__}: {error})")
        if crop is not None:
            with atomic_file(self.out / shot.file) as handle:
                handle.write(png_bytes(crop))
        return shot

    def _look(self, index: int, archive: ZipFile | None) -> tuple[Shot, Pixels | None]:
        picture = self.dataset.read(index, archive)
        boxed = self.dataset.samples[index].box is not None
        mark = None if boxed else signature(picture.pixels)
        try:
            found, crop = self._cut(index, picture, boxed=boxed)
        except PictureError as error:
            return Shot(reason=error.message, signature=mark), None
        mark = mark or signature(crop)  # of several faces in one picture each is told by its own looks
        box = tuple(found.box.as_dict().values())
        return Shot(self.names[index], "", box, round(found.score, 4), mark), crop

    def _cut(self, index: int, picture: Picture, *, boxed: bool) -> tuple[Detection, Pixels]:
        if self.whole and not boxed:  # gathered as it is: whoever trains on it frames it
            return Detection(whole_box(picture.pixels), 1.0), picture.pixels
        return cut_face(self.dataset, index, picture, self.spec, whole=self.whole, detector=self.detector)

    def opened(self) -> contextlib.AbstractContextManager[ZipFile | None]:
        """The data set's zip, open; None for a folder."""
        return self.dataset.opened()

    def cut_some(self, indices: Sequence[int]) -> list[Shot]:
        """What became of several pictures; the data set's zip stays open for the next."""
        if self._archive is None:
            self._archive = self.opened().__enter__()
        return [self.cut(index, self._archive) for index in indices]


def cut_all(
    cutter: Cutter, indices: Sequence[int], *, workers: int = 1, engine: Engine | None = None
) -> Iterator[tuple[int, Shot]]:
    """Cut every picture of `indices`; yields each as soon as it is done, (index, what became of it).

    In `workers` processes of this machine, or on an `engine`. A picture that kills its process is tried once more on
    its own, and rejected if it does so again.
    """
    if engine is not None:
        yield from _on_engine(engine, cutter, indices)
        return
    if workers == 1:
        with cutter.opened() as archive:
            for index in indices:
                yield index, cutter.cut(index, archive)
        return
    left = deque(indices)
    while left:
        lost: list[int] = []
        yield from _in_processes(cutter, left, lost, workers)
        for index in lost:
            alone: list[int] = []
            yield from _in_processes(cutter, deque([index]), alone, 1)
            if alone:
                yield index, Shot(reason=_CRASHED)


def _on_engine(engine: Engine, cutter: Cutter, indices: Sequence[int]) -> Iterator[tuple[int, Shot]]:
    parts = [indices[start : start + _AT_A_TIME] for start in range(0, len(indices), _AT_A_TIME)]
    while parts:
        lost: list[int] = []
        for part, shots in engine.each(_cut_some, cutter, parts):
            if isinstance(shots, WorkerDiedError):
                if len(part) == 1:
                    yield part[0], Shot(reason=_CRASHED)
                else:
                    lost += part
            elif isinstance(shots, Exception):
                raise shots
            else:
                yield from zip(part, shots, strict=True)
        parts = [[index] for index in lost]


def _cut_some(cutter: Cutter, indices: Sequence[int]) -> list[Shot]:
    cv2.setNumThreads(1)
    return cutter.cut_some(indices)


def _in_processes(cutter: Cutter, left: deque[int], lost: list[int], workers: int) -> Iterator[tuple[int, Shot]]:
    """Empty `left`; ends early where a process dies, with the pictures that were being read in `lost`."""
    context = multiprocessing.get_context("spawn")  # forked copies of OpenCV's and BLAS's threads may hang
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(cutter,)) as pool:
        running: deque[tuple[int, Future[Shot]]] = deque()
        try:
            while left or running:
                while left and len(running) < workers * _QUEUED_A_WORKER:
                    running.append((left[0], pool.submit(_cut, left[0])))
                    left.popleft()
                yield running[0][0], running[0][1].result()
                running.popleft()
        except BrokenProcessPool:
            lost += [index for index, _ in running]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_mine: list[tuple[Cutter, ZipFile | None]] = []  # of this worker process


def _start(cutter: Cutter) -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process: the parent ends its workers
    _mine.append((cutter, cutter.opened().__enter__()))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _cut(index: int) -> Shot:
    cutter, archive = _mine[0]
    return cutter.cut(index, archive)
