"""compare, enroll, people, forget, find and predict --gallery: what is printed, and with which exit status."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from PIL import Image

from eigenface.datasets.drawn import draw_photo
from eigenface.embedding import FaceEmbedder
from eigenface.model import FaceClassifier
from eigenface.store import load_model, save_model

Call = Callable[..., Run]


@pytest.fixture
def call(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, embedder: FaceEmbedder, model: FaceClassifier
) -> Call:
    """The command line, where `identity` and `looks` are small models of drawn faces."""

    def load(name: str, *, trust: bool = False) -> FaceClassifier:
        return {"identity": embedder, "looks": model}.get(str(name)) or load_model(name, trust=trust)

    monkeypatch.setattr("eigenface.cli.identity.load_model", load)
    monkeypatch.setattr("eigenface.cli.options.load_model", load)
    return lambda *arguments: Run(capfd, *arguments)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of one person, one of another, of three people, of none; letters that claim to be a picture."""
    folder = tmp_path_factory.mktemp("photos")
    ada, _ = draw_photo(1, (300, 300), random_state=3)
    darker = np.roll(np.rint(0.93 * ada).astype(np.uint8), 5, axis=1)
    for name, pixels in (
        ("ada.png", ada),
        ("ada again.png", darker),
        ("bo.png", draw_photo(1, (300, 300), random_state=8)[0]),
        ("three.png", draw_photo(3, (300, 600), random_state=3)[0]),
        ("none.png", np.full((90, 90, 3), 99, np.uint8)),
    ):
        Image.fromarray(pixels).save(folder / name)
    (folder / "letter.jpg").write_text("words")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_two_photos_of_one_person_and_of_two(call: Call, photos: Path) -> None:
    run = call("compare", photos / "ada.png", photos / "ada again.png")
    assert run.status == 0
    assert run.out.startswith("same person  probability of one person 9")
    assert run.err == ""
    (said,) = call("compare", photos / "ada.png", photos / "bo.png", "--json").json
    assert said["same"] is False
    assert said["probability"] < 0.5
    assert -1 <= said["similarity"] <= 1
    assert said["error"] is None
    assert [face["source"] for face in said["faces"]] == [str(photos / "ada.png"), str(photos / "bo.png")]
    assert all(set(face["box"]) == {"x", "y", "width", "height"} for face in said["faces"])
    assert "different people" in call("compare", photos / "ada.png", photos / "bo.png").out
    several = call("compare", photos / "three.png", photos / "bo.png")
    assert "3 faces; the main one was taken" in several.out


def test_a_photo_without_a_face_is_refused(call: Call, photos: Path) -> None:
    run = call("compare", photos / "none.png", photos / "letter.jpg")
    assert run.status == 1
    assert run.out.count("refused") == 2
    run = call("compare", photos / "ada.png", photos / "none.png", "--json")
    assert run.status == 1
    (said,) = run.json
    assert (said["same"], said["probability"], said["similarity"]) == (None, None, None)
    assert said["error"]["code"] == "no_face"
    assert said["faces"][0]["error"] is None
    run = call("compare", photos / "ada.png", photos / "gone.png")
    assert run.status == 1
    assert "no such file" in run.out
    whole = call("compare", photos / "none.png", photos / "none.png", "--whole", "--json").json[0]
    assert whole["faces"][0]["box"] == {"x": 0, "y": 0, "width": 90, "height": 90}


def test_people_are_enrolled_known_listed_and_forgotten(call: Call, photos: Path, tmp_path: Path) -> None:
    gallery = tmp_path / "people.gallery"
    run = call("enroll", " Ada ", photos / "ada.png", "--gallery", gallery)
    assert (run.status, run.err) == (0, "")
    assert run.out == f"{photos / 'ada.png'}  enrolled as Ada\n"
    again = call("enroll", "Ada", photos / "ada.png", photos / "ada again.png", "--gallery", gallery, "--json").json
    assert [(line["name"], line["enrolled"]) for line in again] == [("Ada", False), ("Ada", True)]
    call("enroll", "Bo", photos / "bo.png", "--gallery", gallery)

    run = call("predict", photos / "ada again.png", photos / "bo.png", "--gallery", gallery, "--json")
    assert run.status == 0
    for line, name in zip(run.json, ("Ada", "Bo"), strict=True):
        assert (line["task"], line["model"]) == ("identity", "identity")
        (face,) = line["faces"]
        assert face["label"] == name
        assert list(face["probabilities"]) == ["Ada", "Bo", "unknown"]
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    both = call("predict", photos / "bo.png", "--task", "looks,identity", "--gallery", gallery, "--json").json[0]
    assert list(both["faces"][0]["answers"]) == ["looks", "identity"]

    assert call("people", "--gallery", gallery).out.splitlines()[1].split()[:2] == ["Ada", "2"]
    assert [line["name"] for line in call("people", "--gallery", gallery, "--json").json] == ["Ada", "Bo"]
    assert call("forget", "Ada", "--gallery", gallery).out == "Ada is forgotten, with 2 pictures\n"
    assert call("forget", "Bo", "--gallery", gallery, "--json").json == [{"name": "Bo", "pictures": 1}]
    (face,) = call("predict", photos / "ada.png", "--task", "identity", "--gallery", gallery, "--json").json[0]["faces"]
    assert (face["label"], face["probabilities"]) == ("unknown", {"unknown": 1})


def test_the_main_face_of_several_is_enrolled_and_said(call: Call, photos: Path, tmp_path: Path) -> None:
    gallery = tmp_path / "g"
    (line,) = call("enroll", "Cleo", photos / "three.png", "--gallery", gallery, "--json").json
    assert "3 faces; the main one was taken" in line["warnings"][0]
    assert line["error"] is None
    faces = call("predict", photos / "three.png", "--gallery", gallery, "--json").json[0]["faces"]
    assert [face["label"] for face in faces if face["box"] == line["box"]] == ["Cleo"]


def test_a_folder_is_enrolled_but_what_is_refused(call: Call, photos: Path, tmp_path: Path) -> None:
    run = call("enroll", "All", photos, "--gallery", tmp_path / "g")
    assert run.status == 1
    assert run.out.count("refused") == 2
    assert "1 other files skipped" in run.err
    assert call("people", "--gallery", tmp_path / "g", "--json").json[0]["pictures"] == 4


def test_pictures_of_a_person_are_found_best_first(call: Call, photos: Path) -> None:
    run = call("find", photos / "ada.png", photos, "--json")
    assert run.status == 1, "the letter is refused"
    found = [line for line in run.json if line["error"] is None]
    names = [Path(line["source"]).name for line in found]
    assert names[0] == "ada.png"
    assert set(names) == {"ada.png", "ada again.png", "three.png"}, "she is one of the three"
    shares = [line["similarity"] for line in found]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= line["probability"] <= 1 for line in found)
    assert [Path(line["source"]).name for line in run.json if line["error"]] == ["letter.jpg"]
    assert f"{len(found)} of 6 pictures show this person" in run.err
    lines = call("find", photos / "ada.png", photos / "ada again.png", photos / "bo.png").out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(str(photos / "ada again.png"))


def test_whom_to_find_must_be_seen(call: Call, photos: Path) -> None:
    run = call("find", photos / "none.png", photos, "--json")
    assert run.status == 1
    assert [line["error"]["code"] for line in run.json] == ["no_face"]
    assert "no face" in run.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predict", "PHOTO", "--task", "identity"), "--gallery"),
        (("predict", "PHOTO", "--task", "looks", "--gallery", "NEW"), "--task identity"),
        (("predict", "PHOTO", "--task", "looks", "--far", "0.1"), "--gallery"),
        (("predict", "PHOTO", "--gallery", "NEW"), "there is no gallery"),
        (("people", "--gallery", "NEW"), "there is no gallery"),
        (("forget", "Ada", "--gallery", "NEW"), "there is no gallery"),
        (("enroll", "", "PHOTO", "--gallery", "NEW"), "characters"),
        (("enroll", "unknown", "PHOTO", "--gallery", "NEW"), "strangers"),
        (("enroll", "Ada", "PHOTO", "--gallery", "PHOTO"), "no gallery"),
        (("enroll", "Ada", "PHOTO"), "--gallery"),
        (("compare", "PHOTO"), "'B'"),
        (("compare", "PHOTO", "PHOTO", "--model", "looks"), "cannot compare"),
        (("find", "PHOTO", "PHOTO", "--far", "2"), "false accept rate"),
        (("find", "PHOTO", "PHOTO", "--far", "nan"), "false accept rate"),
    ],
)
def test_a_wrong_request_ends_in_one_line(
    call: Call, photos: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    words = {"PHOTO": str(photos / "ada.png"), "NEW": str(tmp_path / "new")}
    run = call(*(words.get(word, word) for word in arguments))
    assert (run.status, run.out) == (2, "")
    assert len(run.err.splitlines()) == 1
    assert said in run.err
    assert not (tmp_path / "new").exists()


def test_a_gallery_of_another_model_is_refused(
    call: Call, photos: Path, tmp_path: Path, embedder: FaceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("enroll", "Ada", photos / "ada.png", "--gallery", tmp_path / "g")
    meta = {**embedder.meta, "crop": {"scale": 1.4}, "odds": embedder.odds.as_dict()}
    other = type(embedder)(meta, program=embedder.program)
    monkeypatch.setattr("eigenface.cli.options.load_model", lambda name, trust=False: other)
    run = call("predict", photos / "ada.png", "--gallery", tmp_path / "g")
    assert run.status == 2
    assert "another model" in run.err


def test_a_saved_model_serves_a_gallery(
    photos: Path, tmp_path: Path, embedder: FaceEmbedder, capfd: pytest.CaptureFixture[str]
) -> None:
    saved, gallery = tmp_path / "people.eigenface", tmp_path / "g"
    save_model(embedder, saved)
    assert Run(capfd, "enroll", "Ada", photos / "ada.png", "--gallery", gallery, "--model", saved).status == 0
    (said,) = Run(capfd, "compare", photos / "ada.png", photos / "ada again.png", "--model", saved, "--json").json
    assert said["same"] is True
    run = Run(capfd, "predict", photos / "ada again.png", "--model", saved, "--gallery", gallery, "--json")
    assert run.json[0]["faces"][0]["label"] == "Ada"
    run = Run(capfd, "predict", photos / "ada.png", "--model", saved)
    assert (run.status, run.out) == (2, "")
    assert "--gallery" in run.err

    serve = [sys.executable, "-m", "eigenface", "serve", "--port", "0", "--model", saved, "--gallery", gallery]
    process = subprocess.Popen([str(word) for word in serve], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        line = process.stderr.readline()
        assert "http://" in line, line + process.stderr.read()
        address = line.split(" at ")[1].split("/ ")[0]
        with urllib.request.urlopen(f"{address}/api/v1/people", timeout=20) as answer:
            assert [person["name"] for person in json.load(answer)["people"]] == ["Ada"]
        assert Run(capfd, "enroll", "Bo", photos / "bo.png", "--gallery", gallery, "--model", saved).status == 0
        body = (photos / "bo.png").read_bytes()
        asked = urllib.request.Request(f"{address}/api/v1/predict?task=identity", body, {"Content-Type": "image/png"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert json.load(answer)["faces"][0]["label"] == "Bo", "who was enrolled beside it is known at once"
    finally:
        process.terminate()
        process.wait(15)
        process.stderr.close()
    other = tmp_path / "words"
    other.write_text("words")
    done = subprocess.run([str(word) for word in (*serve[:-1], other)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
