"""`eigenface detect` and `crop`: a table a row a face, and the point on the curve asked for."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from PIL import Image

from eigenface.datasets.drawn import draw_photo

COLUMNS = ["source", "x", "y", "width", "height", "score"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(draw_photo(3, random_state=5)[0]).save(tmp_path / "three.png")
    return tmp_path / "three.png"


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle))


def test_the_table_says_what_the_json_says(photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, "detect", photo, "--json", "--csv", tmp_path / "faces.csv")
    assert run.status == 0
    faces = run.json[0]["faces"]
    assert len(faces) == 3
    rows = read(tmp_path / "faces.csv")
    assert rows[0] == COLUMNS
    assert rows[1:] == [[str(photo), *(str(v) for v in face["box"].values()), str(face["score"])] for face in faces]


def test_a_picture_without_a_face_leaves_the_header(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (60, 60)).save(tmp_path / "black.png")
    assert Run(capfd, "detect", tmp_path / "black.png", "--csv", tmp_path / "faces.csv").status == 0
    assert read(tmp_path / "faces.csv") == [COLUMNS]


def test_a_run_that_is_cut_short_keeps_its_rows_and_leaves_no_scraps(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "out" / "faces.csv"
    table.parent.mkdir()
    (tmp_path / "b.zip").write_text("no zip")
    assert Run(capfd, "detect", photo, tmp_path / "b.zip", "--csv", table).status == 2
    assert [path.name for path in table.parent.iterdir()] == ["faces.csv"]
    assert len(read(table)) == 1 + len(Run(capfd, "detect", photo, "--json").json[0]["faces"]) > 1


@pytest.mark.parametrize("target", ["folder", "missing/faces.csv"])
def test_a_table_that_cannot_be_written_is_refused_before_the_work(
    target: str, photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    run = Run(capfd, "detect", photo, "--csv", tmp_path / target)
    assert (run.status, run.out) == (2, "")
    assert "cannot be written" in run.err


def test_what_a_link_points_to_is_written_and_the_link_stays(
    photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    link, real = tmp_path / "link.csv", tmp_path / "real.csv"
    real.write_text("old")
    link.symlink_to(real)
    assert Run(capfd, "detect", photo, "--csv", link).status == 0
    assert link.is_symlink()
    assert read(real)[0] == COLUMNS


def test_score_and_size_choose_among_the_faces(photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    faces = Run(capfd, "detect", photo, "--json", "--min-score", "0").json[0]["faces"]
    assert len(faces) >= 3
    assert Run(capfd, "detect", photo, "--json", "--min-score", "1").json[0]["faces"] == []
    assert Run(capfd, "detect", photo, "--json", "--min-face", "1000").json[0]["faces"] == []
    run = Run(capfd, "detect", photo, "--detector", "nobody")
    assert (run.status, "There are" in run.err) == (2, True)


def test_ready_made_faces_are_cropped_as_they_are(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (2, 48 * 48))
    rows = "\n".join(f"0,{' '.join(map(str, row))},Training" for row in values)
    (tmp_path / "faces.csv").write_text(f"emotion,pixels,Usage\n{rows}\n")
    for number, words in enumerate(([], ["--task", "gender"])):
        out = tmp_path / f"out{number}"
        run = Run(capfd, "crop", tmp_path / "faces.csv", "--out", out, *words)
        assert (run.status, run.out.split()[0]) == (0, "2"), run.err
        crops = [np.asarray(Image.open(path)) for path in sorted(out.rglob("*.png"))]
        assert [(crop[..., 0].ravel() == row).all() for crop, row in zip(crops, values, strict=True)] == [True, True]
