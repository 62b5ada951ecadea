"""The command line keeps its contract: what is printed where, in which form, and with which exit status."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from PIL import Image

from eigenface.cli import COMMANDS
from eigenface.datasets.drawn import draw_photo
from eigenface.model import FaceClassifier
from eigenface.store import save_model


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number, count in enumerate((1, 2)):
        (folder / "deep").mkdir(exist_ok=True)
        pixels, _ = draw_photo(count, random_state=number + 1)
        Image.fromarray(pixels).save(folder / ("deep/b.PNG" if number else "a.png"), "PNG")
    Image.fromarray(np.full((80, 90, 3), 120, np.uint8)).save(folder / "none.jpg")
    shutil.copy(folder / "a.png", folder / "suffixless")
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def saved(model: FaceClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "looks.eigenface"
    save_model(model, path)
    save_model(model, path.with_suffix(".joblib"))
    return path


def test_a_folder_gives_a_json_line_a_picture_in_order(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, "predict", photos, "--json")
    assert run.status == 0
    names = ["a.png", "deep/b.PNG", "none.jpg", "suffixless"]
    assert [line["source"] for line in run.json] == [f"{photos}/{name}" for name in names]
    fields = ["source", "task", "model", "width", "height", "seconds", "warnings", "faces", "error"]
    assert all(list(line) == fields for line in run.json)
    assert [len(line["faces"]) for line in run.json] == [1, 2, 0, 1]
    face = run.json[0]["faces"][0]
    assert set(face) == {"box", "score", "label", "probabilities", "needs_review", "reasons"}
    assert face["label"] in face["probabilities"]
    assert "1 other files skipped" in run.err


def test_a_zip_is_walked_as_a_folder_is(photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("deep/b.PNG", "a.png", "notes.txt"):
            archive.write(photos / name, name)
        archive.writestr("__MACOSX/a.png", b"junk")
    run = Run(capfd, "detect", path, "--json")
    assert [line["source"] for line in run.json] == [f"{path}/a.png", f"{path}/deep/b.PNG"]
    assert all(line["task"] is None and line["model"] is None for line in run.json)
    assert set(run.json[0]["faces"][0]) == {"box", "score"}


def test_some_refused_leaves_with_1_and_the_rest_answered(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    run = Run(capfd, "predict", tmp_path / "text.jpg", photos / "a.png", tmp_path / "gone.jpg", "--json")
    assert run.status == 1
    assert [line["error"] and line["error"]["code"] for line in run.json] == ["not_a_picture", None, "not_found"]
    refused = run.json[0]
    assert (refused["width"], refused["height"], refused["faces"]) == (None, None, [])
    assert set(refused["error"]) == {"code", "message", "hint"}  # type: ignore[call-overload]
    for_people = Run(capfd, "predict", tmp_path / "text.jpg")
    assert for_people.status == 1
    assert "refused" in for_people.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predct"], "Did you mean predict?"),
        (["predict"], "PHOTO..."),
        (["predict", "a.jpg", "--tsk", "gender"], "--task"),
        (["predict", "a.jpg", "--task", "gendre"], "there is no model 'gendre'"),
        (["predict", "a.jpg", "--task", "gender,gender"], "or one twice"),
        (["predict", "a.jpg", "--model", "none.eigenface"], "no such model file"),
        (["predict", "a.jpg", "--detector", "cnn"], "no detector 'cnn'"),
        (["predict", "a.jpg", "--min-score", "7"], "--min-score"),
        (["train", "nowhere", "--out", "m.eigenface"], "no such folder or zip"),
        (["train", ".", "--out", "m.pth"], ".eigenface or .joblib"),
        (["evaluate", "gender", "nowhere"], "no such folder or zip"),
        (["info", "nothing"], "there is no model"),
    ],
)
def test_a_wrong_request_gets_one_line_and_leaves_with_2(
    arguments: list[str], said: str, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = Run(capfd, *[str(photos / "a.png") if word == "a.jpg" else word for word in arguments])
    assert run.status == 2
    assert run.out == ""
    assert said in run.err
    assert len(run.err.strip().splitlines()) == 1
    assert run.err.startswith("eigenface: ")


def test_an_empty_folder_is_a_wrong_request(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, "predict", tmp_path)
    assert (run.status, run.out) == (2, "")
    assert "no pictures" in run.err


def test_tables_csv_and_annotated_pictures(photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(capfd, "predict", photos, "--csv", tmp_path / "faces.csv", "--annotate", tmp_path / "out")
    assert "no face found" in run.out
    assert "2 faces" in run.out
    rows = list(csv.DictReader(io.StringIO((tmp_path / "faces.csv").read_text())))
    assert len(rows) == 4
    assert {"source", "face", "x", "label", "probability", "needs_review"} <= set(rows[0])
    written = sorted(path.name for path in (tmp_path / "out").rglob("*.png"))
    assert written == ["a.png.png", "b.PNG.png", "none.jpg.png", "suffixless.png"]
    original, marked = (
        np.asarray(Image.open(path).convert("RGB"))
        for path in (photos / "a.png", next((tmp_path / "out").rglob("a.png.png")))
    )
    assert original.shape == marked.shape
    assert (original != marked).any()


def test_models_of_ones_own_answer(saved: Path, drawn_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    crop = next((drawn_folder / "female").iterdir())
    own = Run(capfd, "predict", crop, "--model", saved, "--whole", "--json").json[0]["faces"][0]
    assert own["score"] == 1
    assert set(own["probabilities"]) == {"female", "male"}
    pickled = Run(capfd, "predict", crop, "--model", saved.with_suffix(".joblib"), "--whole", "--json")
    assert pickled.status == 2
    assert "--trust" in pickled.err
    trusted = Run(capfd, "predict", crop, "--model", saved.with_suffix(".joblib"), "--trust", "--whole", "--json")
    assert trusted.json[0]["faces"][0]["probabilities"] == own["probabilities"]
    both = Run(capfd, "predict", crop, "--task", "gender", "--model", saved, "--whole", "--json")
    assert both.status == 0
    assert "answers looks" in both.err


def test_crops_answer_as_their_photo_does(photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert Run(capfd, "crop", photos, "--out", tmp_path / "faces", "--task", "gender").status == 0
    index = list(csv.DictReader(io.StringIO((tmp_path / "faces" / "crops.csv").read_text())))
    assert len(index) == 4
    for row in index[:2]:
        whole = Run(capfd, "predict", tmp_path / "faces" / row["file"], "--whole", "--json").json[0]["faces"][0]
        photo = Run(capfd, "predict", row["source"], "--json").json[0]["faces"]
        same = next(face for face in photo if face["box"]["x"] == int(row["x"]))  # type: ignore[attr-defined]
        assert whole["probabilities"]["male"] == pytest.approx(same["probabilities"]["male"], abs=1e-3)
    again = Run(capfd, "crop", photos, "--out", tmp_path / "faces")
    assert again.status == 2
    assert "--force" in again.err


def test_train_evaluate_info_and_predict_go_together(
    drawn_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "grid.json").write_text('{"svc__C": [1, 3], "pca__n_components": [8]}')
    out, report = tmp_path / "mine.eigenface", tmp_path / "report"
    grid = ["--grid", tmp_path / "grid.json", "--variant", "eigenfaces", "--jobs", 1]
    run = Run(capfd, "train", drawn_folder, "--whole", "--out", out, "--report", report, *grid)
    assert run.status == 0, run.err
    assert "accuracy" in run.out
    assert {path.name for path in tmp_path.iterdir()} == {"grid.json", "mine.eigenface", "report"}
    assert (report / "report.html").stat().st_size > 50_000
    figures = json.loads((report / "report.json").read_text())
    assert {"scores", "grid_search", "learning_curve", "eigenfaces"} <= set(figures)
    judged = Run(capfd, "evaluate", out, drawn_folder, "--whole", "--json")
    assert judged.json[0]["scores"]["accuracy"]["value"] > 0.8
    assert "Accuracy" in Run(capfd, "evaluate", out, drawn_folder, "--whole").out
    info = Run(capfd, "info", out, "--json").json[0]
    assert info["engine"] == "a folded program of numpy and OpenCV"
    assert info["parameters"]["svc__C"] in (1, 3)
    assert "# mine.eigenface" in Run(capfd, "info", out, "--card").out
    unknown = Run(capfd, "train", drawn_folder, "--whole", "--out", out, "--grid", _grid(tmp_path, '{"svc__Q": [1]}'))
    assert (unknown.status, "svc__Q" in unknown.err) == (2, True)
    assert out.exists()


def _grid(folder: Path, text: str) -> Path:
    (folder / "wrong.json").write_text(text)
    return folder / "wrong.json"


def test_tasks_are_listed_with_their_figures(capfd: pytest.CaptureFixture[str]) -> None:
    listed = Run(capfd, "tasks", "--json").json
    assert {"gender", "gender:eigenfaces", "blood"} <= {entry["name"] for entry in listed}
    assert all(entry["judged"] for entry in listed)
    assert "gender:eigenfaces" in Run(capfd, "tasks").out


def test_help_names_every_command_and_every_command_helps(capfd: pytest.CaptureFixture[str]) -> None:
    top = Run(capfd, "--help")
    assert all(name in top.out for name in COMMANDS)
    for name in COMMANDS:
        assert Run(capfd, name, "--help").status == 0
    for shell in ("bash", "zsh", "fish"):
        assert "_EIGENFACE_COMPLETE" in Run(capfd, "completion", shell).out


def test_a_reader_that_has_seen_enough_is_no_error(photos: Path) -> None:
    script = Path(sys.executable).with_name("eigenface")
    line = f"'{script}' predict '{photos}' '{photos}' '{photos}' --json | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)
    assert "Traceback" not in done.stderr
