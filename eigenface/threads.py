"""Work in threads: pieces beside each other, and what all threads share meanwhile, as one BLAS thread.

With more BLAS threads than one, a small product waits for threads to wake: ten times slower for a face.
"""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_CORES = min(4, os.cpu_count() or 1)


@functools.cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_CORES - 1)


def side_by_side(work: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
    """`work` of every piece, in their order, on the cores there are: most of an answer needs no lock of Python's.

    The caller's thread begins at once and others help, if they wake in time: on a busy machine, or where one is asked
    that helps already, it does all alone.
    """
    if len(pieces) < 2 or _CORES == 1:
        return [work(piece) for piece in pieces]
    done: dict[int, R] = {}
    left = iter(enumerate(pieces))  # what is drawn by one thread no other draws

    def help_out() -> None:
        for number, piece in left:
            done[number] = work(piece)

    helping = [_helpers().submit(help_out) for _ in range(min(_CORES, len(pieces)) - 1)]
    try:
        help_out()
    finally:
        begun = [one for one in helping if not one.cancel()]
        wait(begun)
    for one in begun:
        one.result()
    return [done[number] for number in range(len(pieces))]


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
