"""A waitress server that ends without losing a request: it stops listening, answers what it has, then goes.

waitress itself cancels what waits in its queue when it is told to stop.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

ANSWER_SECONDS = 9
"""Within this time after a stop the requests that had come are answered: service managers wait ten and more."""

UPLOAD_SECONDS = 5
"""How long a request may still take to come in after a stop."""

_QUIET_SECONDS = 0.3  # a connection kept alive is closed after this time without a request


class Draining:
    """Runs the servers of a socket map until SIGTERM or Ctrl-C, then until their requests are answered.

    From now on these signals stop it; a second one ends it at once.

    Parameters
    ----------
    server : what `waitress.server.create_server` gives
    sockets : dict
        The map it was given.
    """

    def __init__(self, server: Any, sockets: dict[int, Any]) -> None:
        self._server, self._sockets = server, sockets
        self._stopping = threading.Event()
        for listener in self._listeners():
            listener.channel_class = _channel_of(self._stopping)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def run(self) -> None:
        """Serve until stopped."""
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=self._sockets, count=1)
        self._drain()
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._sockets)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            raise SystemExit(0)
        self._stopping.set()
        for listener in self._listeners()[:1]:
            listener.pull_trigger()  # wakes the loop

    def _listeners(self) -> list[Any]:
        return [one for one in self._sockets.values() if isinstance(one, BaseWSGIServer)]

    def _drain(self) -> None:
        began = time.time()
        for listener in self._listeners():
            _accept_all(listener)
            wasyncore.dispatcher.close(listener)  # its trigger stays: channels wake the loop with it
        while (now := time.time()) - began < ANSWER_SECONDS:
            wasyncore.loop(timeout=0.05, map=self._sockets, count=1)  # first: what has come counts as activity
            channels = [one for one in self._sockets.values() if isinstance(one, HTTPChannel)]
            if not channels:
                return
            for channel in channels:
                if channel.requests or channel.total_outbufs_len:
                    continue
                coming = channel.request is not None
                channel.will_close |= now > (
                    began + UPLOAD_SECONDS if coming else max(began, channel.last_activity) + _QUIET_SECONDS
                )


def _accept_all(listener: Any) -> None:
    """Take the connections that wait to be accepted: the system would reset them with the listening socket."""
    known = -1
    while len(listener.active_channels) > known:
        known = len(listener.active_channels)
        listener.handle_accept()


def _channel_of(stopping: threading.Event) -> type[HTTPChannel]:
    """Connections that end with the answer that they get while the server stops, and say so."""

    class Channel(HTTPChannel):  # type: ignore[misc]
        def service(self) -> None:
            if stopping.is_set():
                self.requests[0].headers["CONNECTION"] = "close"
            super().service()

    return Channel
