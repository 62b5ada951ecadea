"""The crop script: a data set in, a data set of crops out; killed, it goes on; faults are one line."""

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
from PIL import Image

from eigenface.crops import CropSpec
from eigenface.datasets import load_dataset
from eigenface.datasets.crop_work import Cutter, cut_all
from eigenface.datasets.cropping import crop_dataset
from eigenface.datasets.drawn import draw_photo
from eigenface.pipelines.crop import main
from eigenface.tasks import get_task

resource = pytest.importorskip("resource")  # full disks and kills are made as POSIX systems have them


def photos(folder: Path, n: int = 3, *, faults: bool = False) -> Path:
    """`n` photos in each of two class folders; with faults, also one unreadable, one without a face, one twice."""
    for number in range(2 * n):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_photo(1, (120, 160), random_state=number)[0]).save(path)
    if faults:
        (folder / "a/bad.jpg").write_bytes(b"not a picture")
        Image.fromarray(np.full((60, 60, 3), 99, np.uint8)).save(folder / "a/empty.png")
        (folder / "b/twin.png").write_bytes((folder / "a/0.png").read_bytes())
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    assert main([str(part) for part in argv]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert said.startswith("crop: ")
    return said


def test_crops_are_a_data_set_with_exactly_the_faces_that_training_cuts(tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in"), tmp_path / "out"
    assert main([str(source), "--out", str(out), "--task", "gender"]) == 0
    made = crop_dataset(load_dataset(out), CropSpec(), whole=True)
    wanted = crop_dataset(load_dataset(source), get_task("gender").crop)
    assert made.labels.tolist() == wanted.labels.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(made.crops, wanted.crops, strict=True))
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "duplicates.csv", "labels.csv", "rejected.csv"]


def test_tables_tell_sources_boxes_rejections_and_twins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = photos(tmp_path / "in", faults=True), tmp_path / "out"
    assert main([str(source), "--out", str(out), "--scale", "1.4", "--shift", "0.1"]) == 0
    labels = rows(out / "labels.csv")
    assert list(labels[0]) == ["file", "label", "group", "source", "x", "y", "width", "height", "score"]
    assert [row["source"] for row in labels[:3]] == ["a/0.png", "a/2.png", "a/4.png"]
    assert all((out / row["file"]).exists() and 0 < float(row["score"]) <= 1 for row in labels)
    box = draw_photo(1, (120, 160), random_state=0)[1][0]
    assert abs(float(labels[0]["x"]) - box.x) < 0.2 * box.width
    assert [row["file"] for row in rows(out / "rejected.csv")] == ["a/bad.jpg", "a/empty.png"]
    (pair,) = rows(out / "duplicates.csv")
    assert (pair["first"], pair["second"], pair["exact"]) == ("a/0.png", "b/twin.png", "yes")
    assert (pair["first_label"], pair["second_label"]) == ("a", "b")
    said = capsys.readouterr().out
    assert said.startswith(f"7 crops of 9 pictures in {out}")
    assert "1 no face, 1 unreadable" in said
    assert "1 exact pairs, 0 near ones, 1 with different labels" in said


def test_persons_and_other_columns_are_kept_and_odd_labels_become_safe_folders(tmp_path: Path) -> None:
    source = photos(tmp_path / "in", 1)
    (source / "labels.csv").write_text("file,label,group,age,score\na/0.png,x/../../y,p,30,best\nb/1.png,å b,q,40,no\n")
    assert main([str(source), "--out", str(tmp_path / "out"), "--whole"]) == 0
    first, second = rows(tmp_path / "out/labels.csv")
    assert (first["label"], first["group"], first["age"], first["data_score"]) == ("x/../../y", "p", "30", "best")
    assert (first["x"], first["width"], first["height"], first["score"]) == ("0", "160", "120", "1.0")
    assert second["file"].startswith("å_b/")
    assert load_dataset(tmp_path / "out").labels.tolist() == ["x/../../y", "å b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_several_processes_cut_the_same_and_outlive_a_picture_that_kills_one(tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in"), tmp_path / "out"
    dataset = load_dataset(source)
    names = [f"{number}.png" for number in range(len(dataset))]
    out.mkdir()
    cutter = Deadly(dataset, CropSpec(), out, names, whole=False, detector="default")
    shots = dict(cut_all(cutter, range(len(dataset)), workers=2))
    assert sorted(shots) == list(range(len(dataset)))
    assert shots[1].reason == "the process that read it was killed or ran out of memory"
    alone = dict(cut_all(Cutter(dataset, CropSpec(), out, names, whole=False, detector="default"), [0, 2, 3, 4, 5]))
    assert {index: shots[index] for index in alone} == alone


class Deadly(Cutter):
    """Picture 1 ends the process that reads it."""

    def cut(self, index: int, archive: object = None) -> object:  # type: ignore[override]
        if index == 1:
            os._exit(9)
        return super().cut(index)


def start(source: Path, out: Path, *more: str, limit: int = 0) -> subprocess.Popen[str]:
    def bound() -> None:
        if limit:  # no file may grow beyond it: writing fails as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "eigenface.pipelines.crop", str(source), "--out", str(out), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=bound)


def done(journal: Path) -> int:
    return journal.read_text().count("\n") - 1 if journal.exists() else 0


def test_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in", 40), tmp_path / "out"
    running = start(source, out)
    journal, until = out / "crop.journal", time.monotonic() + 60
    while done(journal) < 5 and time.monotonic() < until:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    before = done(journal)
    assert 5 <= before < 80
    assert not (out / "labels.csv").exists()
    kept = {json.loads(line)["value"]["file"] for line in journal.read_text().splitlines()[1 : before + 1]}
    stamps = {name: (out / name).stat().st_mtime_ns for name in kept if name}
    (out / "a" / ".000001_x.png.half").write_bytes(b"half")
    running = start(source, out)
    said, talk = running.communicate()
    assert running.returncode == 0, talk
    assert f"{before} pictures were done before." in talk
    assert said.startswith(f"{len(rows(out / 'labels.csv'))} crops of 80 pictures")
    assert {name: (out / name).stat().st_mtime_ns for name in stamps} == stamps
    assert not list(out.rglob(".*"))
    assert not journal.exists()


def test_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in", 3), tmp_path / "out"
    running = start(source, out, limit=2500)
    _, talk = running.communicate()
    assert running.returncode == 2, talk
    assert talk.startswith("crop: ")
    assert talk.count("\n") == 1
    assert not [path for path in out.rglob("*") if path.suffix != ".journal" and path.is_file() and path.stat().st_size]
    assert main([str(source), "--out", str(out)]) == 0
    assert all(load_dataset(out).read(i).pixels.size for i in range(6))


def test_finished_output_is_not_overwritten_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = photos(tmp_path / "in", 2), tmp_path / "out"
    assert main([str(source), "--out", str(out)]) == 0
    (out / "a/mine.txt").write_text("mine")
    capsys.readouterr()
    assert "is there already" in refused(capsys, source, "--out", out)
    (source / "a/0.png").unlink()
    assert main([str(source), "--out", str(out), "--fresh"]) == 0
    assert len(list(out.rglob("*.png"))) == len(rows(out / "labels.csv")) == 3
    assert (out / "a/mine.txt").read_text() == "mine"


def test_journal_of_other_settings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = photos(tmp_path / "in", 1), tmp_path / "out"
    assert main([str(source), "--out", str(out)]) == 0
    (out / "labels.csv").unlink()
    (out / "crop.journal").write_text('{"job": {"crop": {"scale": 9}}}\n')
    assert "another job" in refused(capsys, source, "--out", out)


def test_no_face_anywhere_leaves_with_1(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "in" / name).mkdir(parents=True)
        Image.fromarray(np.full((40, 40, 3), 200, np.uint8)).save(tmp_path / "in" / name / "1.png")
    assert main([str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    assert len(rows(tmp_path / "out/rejected.csv")) == 2


def test_wrong_requests_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = photos(tmp_path / "in", 1), tmp_path / "out"
    assert "no such folder or zip" in refused(capsys, tmp_path / "absent", "--out", out)
    assert "lies in" in refused(capsys, source, "--out", source / "crops")
    assert "expected scale in 0.5..4" in refused(capsys, source, "--out", out, "--scale", "9")
    assert "Give one of them" in refused(capsys, source, "--out", out, "--task", "gender", "--scale", "2")
    assert "--whole takes pictures as they are" in refused(capsys, source, "--out", out, "--whole", "--task", "gender")
    assert "there is no task 'hat'" in refused(capsys, source, "--out", out, "--task", "hat")
    assert "there is no detector 'x'" in refused(capsys, source, "--out", out, "--detector", "x")
    assert "too few" in refused(capsys, source, "--out", out, "--workers", "0")
    assert not out.exists()
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(capsys, source, "--out", tmp_path / "file")
