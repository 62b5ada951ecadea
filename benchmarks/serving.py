"""`python benchmarks/serving.py`: `eigenface serve` and the seeds' function behind Flask, under the same clients.

Clients send a drawn photo of one megapixel over and over, each on a connection kept alive. Then our server is told to
stop under load and started again at the same port: an answer that is missing is a lost request. A client that finds
nobody listening tries again. The clients need time of the same machine. Ratios compare.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from seeds import write_pickles

from eigenface.datasets.drawn import draw_photo, make_faces

MEGAPIXEL = (868, 1152)
_SEEDS = str(Path(__file__).with_name("seeds.py"))


@dataclass
class Load:
    """What clients met: seconds of every answer, requests without one, and of what kind these were."""

    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: int = 0
    began: float = field(default_factory=time.perf_counter)
    ended: float = 0
    worked: float = float("nan")

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return len(self.seconds) / (self.ended - self.began)

    def slowest(self, share: float) -> float:
        """Seconds within which that share of the answers came."""
        return float(np.quantile(self.seconds, share)) if self.seconds else float("nan")


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """CPU seconds that a process has used; not a number where the system does not say."""
    counted = Path(f"/proc/{process.pid}/stat")
    if not counted.exists():
        return float("nan")
    user, system = counted.read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Clients:
    """Threads that ask without a pause until the block ends."""

    def __init__(self, port: int, path: str, photo: bytes, count: int) -> None:
        self.load = Load()
        self._stop = threading.Event()
        self._where, self._path, self._photo = ("127.0.0.1", port), path, photo
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]

    def __enter__(self) -> Load:
        self.load.began = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self.load

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.load.ended = time.perf_counter()

    def _ask(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set():
            if connection is None:
                connection = http.client.HTTPConnection(*self._where, timeout=60)
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    self.load.refused += 1
                    connection = None
                    time.sleep(0.1)
                    continue
            began = time.perf_counter()
            try:
                connection.request("POST", self._path, self._photo, {"Content-Type": "image/jpeg"})
                answer = connection.getresponse()
                body = json.loads(answer.read())
                if answer.status != 200 or not body["faces"]:
                    self.load.lost.append(f"{answer.status}")
                if answer.getheader("Connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.load.lost.append(type(error).__name__)
                connection.close()
                connection = None
                continue
            self.load.seconds.append(time.perf_counter() - began)
        if connection:
            connection.close()


@contextlib.contextmanager
def ours(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`eigenface serve`, stopped as a service manager does it."""
    command = [sys.executable, "-m", "eigenface", "serve", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        line = process.stderr.readline()
        try:
            yield process, int(line.split("http://127.0.0.1:")[1].split("/")[0])
        finally:
            process.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def theirs() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The seeds' function, served."""
    with tempfile.TemporaryDirectory() as folder:
        write_pickles(make_faces(n_per_class=150), Path(folder))
        with subprocess.Popen([sys.executable, _SEEDS, folder], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                yield process, int(process.stdout.readline())
            finally:
                process.kill()


def ask(process: subprocess.Popen[str], port: int, path: str, photo: bytes, count: int, seconds: float) -> Load:
    """What `count` clients meet in that time, after a first answer that is not counted."""
    with Clients(port, path, photo, 1) as first:
        while not first.seconds and not first.lost:
            time.sleep(0.01)
    before = cpu_seconds(process)
    with Clients(port, path, photo, count) as load:
        time.sleep(seconds)
    load.worked = cpu_seconds(process) - before
    return load


def first_and_tenth(port: int, photo: bytes) -> tuple[float, float]:
    """Milliseconds of a fresh server's first answer, and the median of the nine after it."""
    with Clients(port, "/api/v1/predict", photo, 1) as load:
        while len(load.seconds) < 10 and not load.lost:
            time.sleep(0.01)
    return 1e3 * load.seconds[0], 1e3 * float(np.median(load.seconds[1:10]))


def restarted(photo: bytes, count: int, seconds: float) -> Load:
    """What clients meet while the server is stopped in the middle and started again at its port."""
    with contextlib.ExitStack() as stack:
        with ours() as (_, port):
            load = stack.enter_context(Clients(port, "/api/v1/predict", photo, count))
            time.sleep(seconds / 2)
        again = stack.pop_all()  # the clients go on
        with ours(port), again:
            time.sleep(seconds / 2)
    return load


def measure(count: int, seconds: float) -> tuple[Load, Load, Load]:
    """What clients meet of our server, of the seeds', and of ours while it is restarted."""
    photo = megapixel()
    with theirs() as (process, port):
        seed = ask(process, port, "/", photo, count, seconds)
    with ours() as (process, port):
        own = ask(process, port, "/api/v1/predict", photo, count, seconds)
    return own, seed, restarted(photo, count, seconds)


def megapixel() -> bytes:
    """A drawn photo of one megapixel with two faces, as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(draw_photo(2, MEGAPIXEL)[0]).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    own, seed, again = measure(options.clients, options.seconds)
    with ours() as (_, port):
        first, tenth = first_and_tenth(port, megapixel())
    print(f"{options.clients} clients, one megapixel")
    print("| | answers a second | CPU ms an answer | median | 99 % within | lost |\n|---|---|---|---|---|---|")
    for name, load in (("eigenface serve", own), ("the seeds' function", seed), ("eigenface, restarted", again)):
        times = f"{load.slowest(0.5):.2f} s | {load.slowest(0.99):.2f} s"
        work = f"{1e3 * load.worked / max(1, len(load.seconds)):.0f}" if load.worked == load.worked else ""
        print(f"| {name} | {load.a_second:.1f} | {work} | {times} | {len(load.lost)} |")
    ratio = own.a_second / seed.a_second
    print(f"{ratio:.1f} times the answers; the first upload took {first:.0f} ms, later ones {tenth:.0f} ms")
    print(f"restart: refused and tried again {again.refused} times; lost {sorted(set(again.lost)) or 'nothing'}")


if __name__ == "__main__":
    main()
