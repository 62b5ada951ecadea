"""Alerts handed on: to a command, to a web address; one after the other, beside the watching, never instead of it."""

from __future__ import annotations

import json
import os
import queue
import shlex
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from eigenface.errors import RequestError

_SECONDS = 30.0  # that a command or an address may take
_WAITING = 32  # alerts that wait for a slow one; more are given up


class Delivery:
    """Hands events to a command and a web address.

    Parameters
    ----------
    command : str, optional
        Run once an event, without a shell, the event as JSON on its standard input and its parts in EIGENFACE_LABEL,
        EIGENFACE_TRACK and EIGENFACE_PICTURE.
    webhook : str, optional
        Gets the event as JSON by POST.
    on_failure : callable
        Called with one sentence where an event could not be handed on.

    Raises
    ------
    RequestError
        With code `bad_command` or `bad_webhook`.
    """

    def __init__(self, command: str | None, webhook: str | None, on_failure: Callable[[str], None]) -> None:
        self._words = _words(command) if command else None
        self._webhook = webhook
        if webhook is not None and not webhook.startswith(("http://", "https://")):
            raise RequestError("bad_webhook", f"--webhook {webhook}: no web address", "Give one with http(s)://.")
        self._on_failure = on_failure
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue(_WAITING)
        self._worker: threading.Thread | None = None
        if self._words or webhook:
            self._worker = threading.Thread(target=self._work, daemon=True)
            self._worker.start()

    def send(self, event: dict[str, Any]) -> None:
        """Hand an event on, soon."""
        if self._worker is None:
            return
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self._on_failure("an alert was given up: those before it are still being handed on")

    def close(self) -> None:
        """Wait a moment for what is under way."""
        if self._worker is not None:
            try:
                self._events.put(None, timeout=_SECONDS)
            except queue.Full:
                return
            self._worker.join(_SECONDS)

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            if self._words:
                self._run(self._words, event)
            if self._webhook:
                self._post(self._webhook, event)

    def _run(self, words: list[str], event: dict[str, Any]) -> None:
        told = {f"EIGENFACE_{key.upper()}": str(event.get(key) or "") for key in ("label", "track", "picture")}
        try:
            done = subprocess.run(
                words,
                input=json.dumps(event),
                text=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=os.environ | told,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = f"took over {_SECONDS:.0f} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
            self._on_failure(f"--run {words[0]}: {why}")
            return
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["nothing on stderr"])[-1]
            self._on_failure(f"--run {words[0]}: left with {done.returncode} ({last})")

    def _post(self, address: str, event: dict[str, Any]) -> None:
        asked = urllib.request.Request(
            address, json.dumps(event).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(asked, timeout=_SECONDS):
                pass
        except (urllib.error.URLError, OSError, ValueError) as error:
            self._on_failure(f"--webhook {address}: {error}")


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise RequestError("bad_command", f"--run {command}: cannot be read ({error})", "Close its quotes.") from None
    if not words or shutil.which(words[0]) is None:
        raise RequestError(
            "bad_command", f"--run {command}: there is no such command", "Give a program's name or path; no shell."
        )
    return words
