"""Where the tasks of a long job run: threads of this process, or (`eigenface.cluster`) the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class WorkerDiedError(Exception):
    """A task took the process down that ran it."""


class Engine(Protocol):
    """Something that runs tasks beside each other."""

    @property
    def width(self) -> int:
        """How many tasks it runs at a time."""

    def each(
        self, work: Callable[[S, T], R], shared: S, tasks: Iterable[T], *, most: int = 0
    ) -> Iterator[tuple[T, R | Exception]]:
        """`work(shared, task)` of every task as it is done, or what it raised; `WorkerDiedError` where it killed.

        Parameters
        ----------
        work : function of a module
        shared : object
            What all tasks read.
        tasks : iterable
            Drawn when a place is about to be free.
        most : int
            Tasks at a time that the room allows; 0 for any number.
        """


class Threads:
    """Tasks in threads that share what they read.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self.width = count

    def each(
        self, work: Callable[[S, T], R], shared: S, tasks: Iterable[T], *, most: int = 0
    ) -> Iterator[tuple[T, R | Exception]]:
        """As `Engine.each`."""
        count = min(self.width, most) if most else self.width
        left = iter(tasks)
        with ThreadPoolExecutor(count) as pool:
            flying: dict[Future[R], Any] = {}
            try:
                while True:
                    for task in left:
                        flying[pool.submit(work, shared, task)] = task
                        if len(flying) > count:
                            break
                    if not flying:
                        return
                    for future in wait(flying, return_when=FIRST_COMPLETED).done:
                        task = flying.pop(future)
                        try:
                            result: R | Exception = future.result()
                        except Exception as error:  # whatever a task raises is its result
                            result = error
                        yield task, result
            finally:
                for future in flying:
                    future.cancel()
