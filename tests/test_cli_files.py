"""Files that the command line reads and writes: nothing given is overwritten, nothing is answered by mistake."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from eigenface.cli import main
from eigenface.cli.answering import safe_name
from eigenface.datasets.drawn import draw_photo


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(draw_photo(1, random_state=3)[0]).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def leave(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[object, str]:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in arguments])
    return left.value.code, capfd.readouterr().err


def test_a_csv_never_replaces_a_picture(photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = photo.read_bytes()
    link = photo.with_name("link.csv")
    link.symlink_to(photo)
    for target in (photo, photo.with_name("new.zip"), link):
        status, said = leave(capfd, "predict", photo, "--csv", target)
        assert (status, "that is a picture" in said) == (2, True)
    assert photo.read_bytes() == before


def test_a_csv_has_its_header_where_there_is_no_face(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (60, 60)).save(tmp_path / "black.png")
    assert leave(capfd, "predict", tmp_path / "black.png", "--csv", tmp_path / "faces.csv")[0] == 0
    rows = list(csv.reader((tmp_path / "faces.csv").read_text().splitlines()))
    assert len(rows) == 1
    assert rows[0][:2] == ["source", "face"]


def test_what_is_called_zip_and_is_none_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.zip").write_text("no zip")
    status, said = leave(capfd, "detect", tmp_path / "a.zip")
    assert (status, "not a zip" in said) == (2, True)


def test_no_number_is_no_score(photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert leave(capfd, "detect", photo, "--min-score", "nan")[0] == 2


@pytest.mark.parametrize(
    ("source", "name"), [("a/b.jpg", "a/b.jpg"), ("/a/b.jpg", "a/b.jpg"), ("../../b.jpg", "_up/_up/b.jpg")]
)
def test_results_stay_below_their_folder(source: str, name: str) -> None:
    assert safe_name(source) == Path(name)


@pytest.mark.parametrize("arguments", [["--help"], ["tasks"], ["detect", "PHOTO"], ["predict", "PHOTO", "--json"]])
def test_answering_loads_nothing_that_learns_or_paints(arguments: list[str], photo: Path) -> None:
    code = (
        "import sys\nfrom eigenface.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        "heavy = {'sklearn', 'scipy', 'skops', 'joblib', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert '--help' not in sys.argv or 'numpy' not in sys.modules\n"
    )
    words = [str(photo) if word == "PHOTO" else word for word in arguments]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_no_text_is_answered_like_any_other(photo: Path) -> None:
    name = os.fsencode(photo.parent) + b"/bad\xff.png"
    photo.rename(os.fsdecode(name))
    script, table = Path(sys.executable).with_name("eigenface"), photo.parent / "faces.csv"
    command = [script, "predict", photo.parent, "--json", "--csv", table]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert os.fsencode(json.loads(done.stdout.decode("utf-8"))["source"]) == name
    assert b"bad\xff.png" in table.read_bytes()
