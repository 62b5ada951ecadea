"""`eigenface video`: an annotated film, its timeline, its faces; refusals in one line; stopped and gone on with."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from PIL import Image
from video_scenes import RATE, Scene, noisy, write_film

from eigenface.model import FaceClassifier
from eigenface.store import save_model
from eigenface.video.film import GROWING
from eigenface.video.fragments import make_plain
from eigenface.video.frames import Film
from eigenface.video.timeline import COLUMNS

av = pytest.importorskip("av")

SIZE = (240, 180)


@pytest.fixture(scope="module")
def looks(model: FaceClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "looks.eigenface"
    save_model(model, path)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = Scene([lambda t: (80 + 50 * t, 90)], 1.2, size=SIZE)
    return write_film(tmp_path_factory.mktemp("film") / "walk.mp4", [p for _, p, _ in scene], sound="aac")


def using(model: Path) -> list[str | Path]:
    """The small model, and the detector that drawn faces are drawn for."""
    return ["--model", model, "--detector", "haar"]


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_a_film_is_answered_drawn_on_and_timed(
    film: Path, looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, line, faces, chart = (tmp_path / name for name in ("out.mp4", "line.csv", "faces", "chart.png"))
    run = Run(capfd, "video", film, out, *using(looks), "--timeline", line, "--faces", faces, "--chart", chart)
    assert run.status == 0, run.err
    assert "1 faces followed through 30 frames" in run.out
    found = rows(line)
    assert line.read_text().splitlines()[0].split(",") == list(COLUMNS)
    assert len(found) >= 29
    assert {row["track"] for row in found} == {"1"}
    assert {row["label"] for row in found} <= {"female", "male"}
    assert [int(row["frame"]) for row in found] == sorted({int(row["frame"]) for row in found})
    assert float(found[-1]["time"]) == pytest.approx(29 / RATE, abs=2e-3)
    assert float(found[-1]["x"]) > float(found[0]["x"]) + 35
    with av.open(str(out)) as made:
        assert [stream.codec_context.name for stream in made.streams] == ["h264", "aac"]
    with Film(str(out)) as made, Film(str(film)) as source:
        changed = [np.abs(a.pixels.astype(int) - b.pixels).mean() for a, b in zip(made, source, strict=True)]
    assert min(changed) > 1  # a box is drawn
    assert [path.name for path in faces.iterdir()] == ["track_0001.jpg"]
    with Image.open(chart) as drawn:
        assert drawn.width > 600


def test_a_film_without_faces_has_a_header_and_nothing_drawn(
    looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wall = write_film(tmp_path / "wall.mp4", [p for _, p, _ in Scene([], 0.4, size=SIZE)])
    run = Run(capfd, "video", wall, tmp_path / "o.mp4", *using(looks), "--timeline", tmp_path / "t.csv")
    assert (run.status, "0 faces followed through 10 frames" in run.out) == (0, True)
    assert (tmp_path / "t.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_one_frame_is_a_film(looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, pixels, _ = next(iter(Scene([lambda t: (100, 90)], 0.1, size=SIZE)))
    still = write_film(tmp_path / "one.mp4", [pixels])
    assert Run(capfd, "video", still, tmp_path / "o.mp4", *using(looks), "--timeline", tmp_path / "t.csv").status == 0
    assert len(rows(tmp_path / "t.csv")) == 1


def test_every_nth_frame_keeps_its_number_and_time(
    film: Path, looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    line, out = tmp_path / "t.jsonl", tmp_path / "o.mp4"
    assert Run(capfd, "video", film, out, *using(looks), "--every", 5, "--timeline", line).status == 0
    said = [json.loads(text) for text in line.read_text().splitlines()]
    assert said
    assert all(one["frame"] % 5 == 0 and one["time"] == pytest.approx(one["frame"] / RATE, abs=2e-3) for one in said)
    assert set(said[0]["probabilities"]) == {"female", "male"}
    with Film(str(out)) as made:
        assert [frame.time for frame in made] == pytest.approx(np.arange(0, 30, 5) / RATE, abs=2e-3)


def test_blurred_faces_are_gone(film: Path, looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert Run(capfd, "video", film, tmp_path / "o.mp4", *using(looks), "--blur").status == 0
    with Film(str(tmp_path / "o.mp4")) as made, Film(str(film)) as source:
        for blurred, sharp in zip(made, source, strict=True):
            inside = (slice(75, 105), slice(80 + 2 * sharp.number - 15, 80 + 2 * sharp.number + 15))
            assert blurred.pixels[inside].std() < 0.8 * sharp.pixels[inside].std()


def test_refusals_write_nothing_and_name_the_film(
    film: Path, looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.mp4").write_text("words")
    (tmp_path / "notes.txt").write_text("time flies")
    (tmp_path / "mine.mp4").write_bytes(film.read_bytes())
    out, line = tmp_path / "out.mp4", tmp_path / "t.csv"
    for source, to, said in (
        (tmp_path / "no.mp4", out, "no.mp4"),
        (tmp_path / "gone.mp4", out, "gone.mp4"),
        (film, tmp_path / "out.gif", "out.gif"),
        (film, tmp_path / "nowhere" / "out.mp4", "no such folder"),
        (film, film, "is the film itself"),
        (film, tmp_path / "mine.mp4", "is not of ours"),
    ):
        run = Run(capfd, "video", source, to, *using(looks), "--timeline", line)
        assert (run.status, said in run.err, run.err.count("\n")) == (2, True, 1), run.err
    run = Run(capfd, "video", film, out, *using(looks), "--timeline", tmp_path / "notes.txt")
    assert (run.status, "is not of ours" in run.err) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.mp4", "no.mp4", "notes.txt"]
    assert film.read_bytes() == (tmp_path / "mine.mp4").read_bytes()


def test_the_readable_part_is_answered_and_the_exit_says_so(
    looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    frames = noisy(p for _, p, _ in Scene([lambda t: (120, 90)], 1, size=SIZE))
    whole = write_film(tmp_path / "a.avi", frames, codec="mpeg4")
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 7 // 10])
    run = Run(capfd, "video", whole, tmp_path / "o.mp4", *using(looks), "--timeline", tmp_path / "t.csv")
    assert (run.status, "damaged or cut short" in run.err) == (1, True)
    assert len(rows(tmp_path / "t.csv")) > 5


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_stopped_it_leaves_a_film_that_plays_and_goes_on_from_there(looks: Path, tmp_path: Path, stop: int) -> None:
    scene = Scene([lambda t: (80 + 8 * t, 90)], 8.0, size=SIZE)
    source = write_film(tmp_path / "long.mp4", [p for _, p, _ in scene])
    out, line = tmp_path / "o.mp4", tmp_path / "t.csv"
    words = [sys.executable, "-m", "eigenface", "video", source, out, *using(looks), "--timeline", line]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    while time.monotonic() - began < 30 and not (line.exists() and len(line.read_bytes().splitlines()) > 75):
        time.sleep(0.01)
    running.send_signal(stop)
    _, said = running.communicate(timeout=30)
    assert running.returncode == (130 if stop == signal.SIGINT else -stop)
    assert "Traceback" not in said
    with Film(str(out)) as film:
        left = len(list(film))
    assert 30 < left < 200
    done = subprocess.run([*words, "--resume"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "by an earlier run" in done.stdout) == (0, True), done.stderr
    with Film(str(out)) as film:
        assert [frame.time for frame in film] == pytest.approx(np.arange(200) / RATE, abs=2e-3)
    found = rows(line)
    assert {row["track"] for row in found} == {"1"}
    assert [int(row["frame"]) for row in found] == list(range(int(found[0]["frame"]), 200))
    again = subprocess.run([*words, "--resume"], capture_output=True, text=True, check=False, timeout=60)
    assert "finished already" in again.stdout
    other = subprocess.run([*words, "--resume", "--blur"], capture_output=True, text=True, check=False, timeout=60)
    assert (other.returncode, "another job" in other.stderr) == (2, True)


def test_stopped_at_its_very_end_it_knows_who_was_who(
    film: Path, looks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, line = tmp_path / "o.mp4", tmp_path / "t.csv"
    assert Run(capfd, "video", film, out, *using(looks), "--timeline", line).status == 0
    before = rows(line)
    with av.open(str(out)) as made:
        job = made.metadata["comment"]
    make_plain(out, job + GROWING)  # as a disk leaves it that was full just then
    run = Run(capfd, "video", film, out, *using(looks), "--timeline", line, "--resume")
    assert (run.status, "25 of them by an earlier run" in run.out) == (0, True), run.out + run.err
    assert [(row["frame"], row["track"]) for row in rows(line)] == [(row["frame"], row["track"]) for row in before]


@pytest.mark.skipif(os.name == "nt", reason="file size limits")
def test_a_full_disk_leaves_what_was_written(looks: Path, tmp_path: Path) -> None:
    frames = noisy((p for _, p, _ in Scene([], 2, size=SIZE)), spread=40)
    source, out = write_film(tmp_path / "a.mp4", frames), tmp_path / "o.mp4"
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (450_000, 450_000))\n"
        "from eigenface.cli import main; main(sys.argv[1:])"
    )
    words = [sys.executable, "-c", code, "video", source, out, *using(looks), "--timeline", tmp_path / "t.csv"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True), done.stderr
    with Film(str(out)) as film:
        assert 5 < len(list(film)) < len(frames)
        assert not film.warnings  # nor a half fragment at its end


def test_it_loads_nothing_that_learning_needs(film: Path, looks: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom eigenface.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as left: assert not left.code\n"
        "print(sorted(m for m in ('sklearn', 'scipy', 'matplotlib', 'joblib', 'skops') if m in sys.modules))"
    )
    words = [sys.executable, "-c", code, "video", film, tmp_path / "o.mp4", *using(looks), "--every", "10"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
