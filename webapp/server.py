"""Serving with waitress: uploads stay in memory, one BLAS thread, one line on where the page is."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from waitress.server import create_server

from eigenface.errors import RequestError
from eigenface.limits import MAX_REQUEST_BYTES
from eigenface.model import FaceClassifier
from eigenface.threads import one_blas_thread
from eigenface.vision import cv2
from eigenface.webapp.app import create_app
from eigenface.webapp.draining import Draining
from eigenface.webapp.service import FaceService

_THREADS = 4
_IN_MEMORY = 2 * MAX_REQUEST_BYTES  # waitress refuses above this; below it, the application says why it refuses
_AT_ONCE = 1 << 18  # bytes read from a connection: a photo in pieces of 8 kB keeps asking for Python's lock
_IDLE_SECONDS = 60
_GIVEN_BACK = 1.0  # seconds after an answer at which memory goes back to the system
_MALLOC = ((-8, 1), (-1, 1 << 28), (-3, 1 << 24))
"""Options of `mallopt`: one pool, from which so many bytes are not handed back at once, and which serves requests up to
so many bytes."""


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    models: Sequence[FaceClassifier] = (),
    gallery: str | Path | None = None,
) -> None:
    """Serve the page and the REST API until stopped; with a `gallery`, people can be enrolled in that file.

    Told to stop, it answers the requests that it has, and takes no more.

    Raises
    ------
    RequestError
        With code `cannot_listen`, where the address is taken or not this machine's.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a request waits a moment is no news
    service = FaceService(models, gallery=gallery)
    app = create_app(service=service)
    app.teardown_request(_Memory())
    cv2.setNumThreads(1)  # requests are served side by side; more threads a request only get in each other's way
    sockets: dict[int, Any] = {}
    try:
        server = create_server(
            app,
            map=sockets,
            host=host,
            port=port,
            threads=_THREADS,
            max_request_body_size=_IN_MEMORY,
            inbuf_overflow=_IN_MEMORY + 1,
            outbuf_overflow=_IN_MEMORY + 1,
            recv_bytes=_AT_ONCE,
            channel_timeout=_IDLE_SECONDS,
            ident="eigenface",
            clear_untrusted_proxy_headers=True,
        )
    except (OSError, socket.gaierror) as error:
        reason = error.strerror or str(error)
        raise RequestError(
            "cannot_listen", f"cannot listen on {host}:{port} ({reason})", "Give another --port or --host."
        ) from None
    draining = Draining(server, sockets)
    with one_blas_thread:
        service.warm()
        _Warming(service).run(server.task_dispatcher)
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        actual = server.effective_listen[0][1] if hasattr(server, "effective_listen") else server.effective_port
        print(f"eigenface is at http://{shown}:{actual}/ (Ctrl-C stops it)", file=sys.stderr, flush=True)
        draining.run()


class _Warming:
    """A task of waitress that every one of its threads does once: some of what an answer needs belongs to a thread."""

    def __init__(self, service: FaceService) -> None:
        self._service = service
        self._all = threading.Barrier(_THREADS + 1)  # nobody does it twice before all have

    def run(self, dispatcher: Any) -> None:
        for _ in range(_THREADS):
            dispatcher.add_task(self)
        self._all.wait()

    def service(self) -> None:
        try:
            self._service.warm()
        finally:
            self._all.wait()

    def cancel(self) -> None:
        """What waitress calls instead when it is told to stop."""


class _Memory:
    """Memory of pictures, where glibc is the C library: kept together while the server works, given back when it rests.

    Left alone, every thread has a pool of its own and hands what a picture took back at once, only to ask for it again:
    a third of the work. And what such pools do not hand back adds up.
    """

    def __init__(self) -> None:
        self._used = threading.Event()
        with contextlib.suppress(OSError, AttributeError, TypeError):
            library = ctypes.CDLL(None)
            self._trim = library.malloc_trim
            for option, value in _MALLOC:
                library.mallopt(option, value)
            threading.Thread(target=self._give_back, daemon=True).start()

    def __call__(self, _: BaseException | None) -> None:
        self._used.set()

    def _give_back(self) -> None:
        while self._used.wait():
            time.sleep(_GIVEN_BACK)
            self._used.clear()
            self._trim(0)
