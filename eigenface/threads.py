"""Work in threads: pieces beside each other, and what all threads share meanwhile, as one BLAS thread.

With more BLAS threads than one, a small product waits for threads to wake: ten times slower for a face.
"""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_CORES = min(4, os.cpu_count() or 1)


def side_by_side(work: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
    """`work` of every piece, in their order, on the cores there are: most of an answer needs no lock of Python's."""
    if len(pieces) < 2 or _CORES == 1:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(min(_CORES, len(pieces))) as threads:
        return list(threads.map(work, pieces))


def ahead(work: Callable[[T], R], pieces: Iterable[T]) -> Generator[R]:
    """`work` of every piece, in their order, the next ones begun before they are asked for.

    What `pieces` raises comes last. Whoever stops asking waits for those that are being worked on, and no others.
    """
    threads, begun, left = ThreadPoolExecutor(_CORES), deque[Future[R]](), iter(pieces)
    wrong: Exception | None = None
    more = True
    try:
        while more or begun:
            if more and len(begun) <= 2 * _CORES:
                try:
                    begun.append(threads.submit(work, next(left)))
                except StopIteration:
                    more = False
                except Exception as error:  # whatever: pieces that came before it are done first
                    more, wrong = False, error
            else:
                yield begun.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
    if wrong:
        raise wrong


class Shared:
    """A context manager of the whole process that threads enter at will: the first in opens it, the last out closes it.

    Parameters
    ----------
    make : callable
        Gives the context manager to open.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Any]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._inside = 0
        self._open: AbstractContextManager[Any] | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._open = self._make()
                self._open.__enter__()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._open is not None:
                self._open.__exit__(None, None, None)
                self._open = None


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


one_blas_thread = Shared(lambda: _controller().limit(limits=1, user_api="blas"))
