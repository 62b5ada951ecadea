"""Work on a cluster that Dask runs: tasks go to its workers, and those of a worker that dies to the others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from eigenface import __version__
from eigenface.errors import MissingExtraError, RequestError
from eigenface.threads import one_blas_thread
from eigenface.workers import WorkerDiedError

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

_PATIENCE = 30.0  # seconds until a scheduler has answered and has a worker
_AHEAD = 2  # tasks that each thread of the cluster has at hand, so that none waits
_TRIES = 5  # how often a task is sent again whose data were lost with a worker


class Cluster:
    """An engine, as `eigenface.workers.Engine` describes it, of the workers of a Dask scheduler.

    Use it in a `with`. What all tasks read goes to every worker, so that nothing is lost with one of them; a task
    that was running on it is run again by another.

    Parameters
    ----------
    address : str
        Such as `tcp://host:8786`.
    sees : sequence of path
        Files and folders that every worker has to have.

    Raises
    ------
    MissingExtraError
        Where `distributed` is not installed.
    RequestError
        With code `no_cluster`, where no scheduler answers or it has no workers; `other_version`, where workers have
        another eigenface; `not_shared`, where one lacks a path; `cluster_lost`, where the scheduler goes away.
    """

    def __init__(self, address: str, *, sees: Sequence[Path] = ()) -> None:
        try:
            self._dask: Any = import_module("distributed")
        except ImportError:
            raise MissingExtraError(
                "no_cluster",
                "--cluster needs dask.distributed, which is not installed",
                "pip install 'eigenface[cluster]'",
            ) from None
        self._address = address
        try:
            self._client: Any = self._dask.Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise RequestError(
                "no_cluster",
                f"{address}: no Dask scheduler answers there ({' '.join(str(error).split())[:120]})",
                "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`; docs/cluster.md tells more.",
            ) from None
        try:
            self._check_workers()
            self._check_sees(sees)
        except BaseException:
            self.close()
            raise

    def _check_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise RequestError(
                "no_cluster",
                f"{self._address}: the scheduler has no workers",
                f"Start some: dask worker {self._address}",
            ) from None
        try:
            others = {str(version) for version in self._client.run(_version).values()} - {__version__}
        except Exception as error:  # whatever Dask makes of a worker that cannot even read the question
            raise RequestError(
                "other_version",
                f"{self._address}: a worker cannot run eigenface ({' '.join(str(error).split())[:120]})",
                "Install the same version everywhere.",
            ) from None
        if others:
            raise RequestError(
                "other_version",
                f"{self._address}: workers have eigenface {', '.join(sorted(others))}, not {__version__}",
                "Install the same version everywhere.",
            )

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; it runs on."""
        self._client.close()

    @property
    def width(self) -> int:
        """Threads of all workers."""
        threads: int = sum(self._client.nthreads().values())
        return max(1, threads)

    def _check_sees(self, paths: Sequence[Path]) -> None:
        for path in paths:
            blind = [worker for worker, sees in self._client.run(_sees, str(path)).items() if not sees]
            if blind:
                raise RequestError(
                    "not_shared",
                    f"{path}: not there for {len(blind)} of the cluster's workers, such as {blind[0]}",
                    "Give a folder that all machines share, under the same path.",
                )

    def each(
        self, work: Callable[[S, T], R], shared: S, tasks: Iterable[T], *, most: int = 0
    ) -> Iterator[tuple[T, R | Exception]]:
        """`work(shared, task)` of every task as it is done, or what it raised.

        `most` is about one machine's room and means nothing here: a worker has its own.
        """
        left = iter(tasks)
        flying: dict[Any, _Sent[T]] = {}
        queue = self._dask.as_completed(loop=self._client.loop)
        there, copies = self._everywhere(shared), 1
        ahead = self.width * _AHEAD

        def send(task: T, tries: int = 0) -> None:
            future = self._client.submit(_run, work, there, task, pure=False)
            flying[future] = _Sent(task, tries, copies)
            queue.add(future)

        try:
            for task in left:
                send(task)
                if len(flying) >= ahead:
                    break
            while flying:
                future = next(queue)
                sent = flying.pop(future)
                result = self._result(future)
                if isinstance(result, _Lost):
                    if self._client.status != "running" or sent.tries >= _TRIES:
                        raise self._gone()
                    if sent.copies == copies:  # what it reads may be lost as well
                        there, copies = self._everywhere(shared), copies + 1
                    send(sent.task, sent.tries + 1)
                    continue
                yield sent.task, result
                for task in left:
                    send(task)
                    break
        finally:
            self._client.cancel(list(flying))

    def _result(self, future: Any) -> Any:
        """What came of a task: its result, what it raised, or that it went with a worker."""
        try:
            return future.result()  # what a task raises is its result
        except self._dask.KilledWorker as error:
            return WorkerDiedError(str(error))
        except Exception as error:
            return error if future.status == "error" and not isinstance(error, CancelledError) else _Lost()

    def _everywhere(self, shared: Any) -> Any:
        """What all tasks read, on every worker; tried again where one dies meanwhile."""
        for _ in range(_TRIES):
            with contextlib.suppress(OSError, TimeoutError, CancelledError):
                self._client.wait_for_workers(1, timeout=_PATIENCE)
                return self._client.scatter([shared], broadcast=True, hash=False)[0]
        raise self._gone()

    def _gone(self) -> RequestError:
        return RequestError(
            "cluster_lost",
            f"{self._address}: the cluster went away",
            "What was done is kept; start it again and give the same command.",
        )


class _Sent(NamedTuple, Generic[T]):
    """A task under way: how often it was lost before, and with which copy of what it reads it was sent."""

    task: T
    tries: int
    copies: int


class _Lost:
    """What came of a task whose worker died after it was done, or of which the data are gone."""


def _version() -> str:
    """On a worker: its eigenface."""
    return __version__


def _sees(path: str) -> bool:
    return Path(path).exists()


def _run(work: Callable[[Any, Any], Any], shared: Any, task: Any) -> Any:
    """On a worker: do a task; what it raises is its result, so that errors of the cluster are told from it."""
    with one_blas_thread:
        try:
            return work(shared, task)
        except Exception as error:
            return error
