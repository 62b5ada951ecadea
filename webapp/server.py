"""Serving with waitress: uploads stay in memory, one BLAS thread, one line on where the page is."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import socket
import sys
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
_IDLE_SECONDS = 60
_GIVEN_BACK = 1.0  # seconds between two times that memory goes back to the system


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
    app.teardown_request(_Returning())
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
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        actual = server.effective_listen[0][1] if hasattr(server, "effective_listen") else server.effective_port
        print(f"eigenface is at http://{shown}:{actual}/ (Ctrl-C stops it)", file=sys.stderr, flush=True)
        draining.run()


class _Returning:
    """Gives the memory of pictures that are answered back to the system, where the C library would keep it."""

    def __init__(self) -> None:
        self._last = 0.0
        self._trim = None
        with contextlib.suppress(OSError, AttributeError, TypeError):  # glibc's alone
            self._trim = ctypes.CDLL(None).malloc_trim

    def __call__(self, _: BaseException | None) -> None:
        now = time.monotonic()
        if self._trim and now - self._last > _GIVEN_BACK:
            self._last = now
            self._trim(0)
