"""`eigenface serve` as a process: nothing on the disk, two clients at once, a clean end."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import io
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from eigenface.datasets.drawn import draw_photo
from eigenface.limits import MAX_REQUEST_BYTES
from eigenface.model import FaceClassifier
from eigenface.store import save_model

SERVE = [sys.executable, "-m", "eigenface", "serve", "--host", "127.0.0.1"]


@dataclass
class Server:
    process: subprocess.Popen[str]
    port: int
    folder: Path

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body or None, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(model: FaceClassifier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(model, tmp_path_factory.mktemp("serving")) as started:
        yield started


@contextlib.contextmanager
def serving(model: FaceClassifier, place: Path) -> Iterator[Server]:
    saved, folder = place / "looks.eigenface", place / "empty"
    save_model(model, saved)
    folder.mkdir()
    process = subprocess.Popen(
        [*SERVE, "--port", "0", "--model", str(saved)],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr
        line = process.stderr.readline()
        assert "http://127.0.0.1:" in line, line + process.stderr.read()
        yield Server(process, int(line.split("http://127.0.0.1:")[1].split("/")[0]), folder)
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


@pytest.fixture(scope="module")
def photo() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_photo(2, (300, 420))[0]).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def form(data: bytes) -> tuple[bytes, str]:
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return head + data + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


def test_the_saved_model_answers_by_default(server: Server, photo: bytes) -> None:
    status, body = server.ask("POST", "/api/v1/predict", photo, "image/jpeg")
    said = json.loads(body)
    assert (status, said["task"], len(said["faces"])) == (200, "looks", 2)


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs Linux to see what a process writes")
def test_an_upload_of_five_megabytes_passes_through_no_file(server: Server, photo: bytes) -> None:
    def written() -> int:
        counts = dict(line.split(": ") for line in Path(f"/proc/{server.process.pid}/io").read_text().splitlines())
        return int(counts["write_bytes"])

    before = written()
    large = photo + bytes(5_000_000)
    for path in ("/api/v1/predict", "/"):
        status, _ = server.ask("POST", path, *form(large))
        assert status == 200
    assert server.ask("POST", "/api/v1/detect", large, "image/jpeg")[0] == 200
    assert written() - before < 500_000
    assert list(server.folder.iterdir()) == []


def test_two_clients_are_answered_at_once(server: Server, photo: bytes) -> None:
    waiting = socket.create_connection(("127.0.0.1", server.port))  # a client that never finishes its request
    try:
        waiting.sendall(b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            asked = [clients.submit(server.ask, "POST", "/api/v1/predict", photo, "image/jpeg") for _ in range(8)]
            answers = [future.result() for future in asked]
        assert [status for status, _ in answers] == [200] * 8
        faces = {json.dumps(json.loads(body)["faces"]) for _, body in answers}
        assert len(faces) == 1
    finally:
        waiting.close()


def test_a_request_over_the_limit_gets_a_problem_document(server: Server) -> None:
    status, body = server.ask("POST", "/api/v1/predict", bytes(MAX_REQUEST_BYTES + 1), "image/jpeg")
    assert (status, json.loads(body)["code"]) == (413, "too_many_bytes")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("POST", "/api/v1/predict")  # far above it: refused before anything is sent
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders(b"x")
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc, which can be told to give memory back")
@pytest.mark.slow
def test_the_memory_of_large_pictures_goes_back_when_the_server_rests(server: Server) -> None:
    def resident() -> int:
        pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000

    def rested(pictures: int, cols: int, rows: int) -> int:
        buffer = io.BytesIO()
        Image.new("RGB", (cols, rows), (90, 120, 60)).save(buffer, "JPEG")
        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            asked = [clients.submit(server.ask, "POST", "/api/v1/predict", buffer.getvalue()) for _ in range(pictures)]
            assert {one.result()[0] for one in asked} == {200}
        time.sleep(1.5)
        return resident()

    before = rested(1, 300, 200)
    assert max(rested(16, 1200, 900), rested(16, 2000, 1500)) < before + 12


def test_a_taken_port_gives_one_line_and_2(server: Server) -> None:
    done = subprocess.run([*SERVE, "--port", str(server.port)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
    assert f"127.0.0.1:{server.port}" in done.stderr
    assert "--port" in done.stderr


def test_serving_loads_no_scikit_learn(server: Server) -> None:
    maps = Path(f"/proc/{server.process.pid}/maps")
    if not maps.exists():
        pytest.skip("needs Linux to see what a process has loaded")
    assert "sklearn" not in maps.read_text()


def test_requests_that_came_before_a_stop_are_answered_and_later_ones_refused(
    model: FaceClassifier, photo: bytes, tmp_path: Path
) -> None:
    with serving(model, tmp_path) as stopped:
        lines = [socket.create_connection(("127.0.0.1", stopped.port), timeout=30) for _ in range(12)]
        head = b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
        for line in lines:
            line.sendall(head % len(photo) + photo)
        stopped.process.send_signal(signal.SIGTERM)
        answers = []
        for line in lines:
            answer = http.client.HTTPResponse(line)
            answer.begin()
            answers.append((answer.status, answer.getheader("Connection"), len(json.loads(answer.read())["faces"])))
            line.close()
        assert {(status, faces) for status, _, faces in answers} == {(200, 2)}
        assert answers[-1][1] == "close"
        assert stopped.process.wait(10) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", stopped.port), timeout=5)


def test_a_stop_ends_it_quickly_and_quietly(server: Server) -> None:
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert time.monotonic() - began < 6
    assert server.process.stderr
    assert server.process.stderr.read() == ""
