"""FER2013's CSV as people have it: packed or plain, with parts, damaged, without labels; learned, judged, answered."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eigenface.cli import main
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import crop_dataset
from eigenface.datasets.drawn import make_faces
from eigenface.datasets.fer2013 import EMOTIONS, SIDE, is_pixel_table, pixel_rows
from eigenface.errors import DataError, PictureError
from eigenface.evaluate import evaluate
from eigenface.store import save_model
from eigenface.tasks import task_for
from eigenface.tasks.recipes import eigenface_pipeline
from eigenface.train import Trained, train
from eigenface.vision import cv2

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "csv": bytes,
    "csv.gz": gzip.compress,
    "csv.bz2": bz2.compress,
    "csv.xz": lzma.compress,
}


def face(value: int) -> str:
    return " ".join([str(value)] * (SIDE * SIDE))


def text_of(*rows: str, header: str = "emotion,pixels,Usage") -> str:
    return "\n".join([header, *rows, ""])


def table(folder: Path, *rows: str, header: str = "emotion,pixels,Usage", name: str = "fer.csv") -> Path:
    path = folder / name
    path.write_text(text_of(*rows, header=header))
    return path


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_or_plain_the_rows_are_faces_with_names_for_codes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"fer2013.{suffix}"
    rows = [f"{code},{face(code * 30)},{'Training' if code else 'PublicTest'}" for code in range(7)]
    path.write_bytes(PACKERS[suffix](text_of(*rows).encode()))
    dataset = load_dataset(path)
    assert dataset.name == "fer2013"
    assert tuple(dataset.labels) == EMOTIONS
    assert dataset.groups is None
    assert dataset.columns["Usage"].tolist() == ["PublicTest"] + ["Training"] * 6
    assert dataset.read(3).pixels.shape == (SIDE, SIDE, 3)
    assert (dataset.read(3).pixels == 90).all()
    assert dataset.select(np.array([5, 2])).read(0).pixels[0, 0, 0] == 150


@pytest.mark.parametrize(
    "header",
    ["emotion, Usage, pixels", "\ufeffEMOTION,usage,PIXELS", "emotion;Usage;pixels", '"emotion","Usage","pixels"'],
)
def test_headers_are_read_as_people_write_them(tmp_path: Path, header: str) -> None:
    separator = ";" if ";" in header else ","
    rows = [separator.join([str(code), " PublicTest", f'"{face(9)}"']) for code in (3, 4)]
    dataset = load_dataset(table(tmp_path, *rows, header=header))
    assert dataset.labels.tolist() == ["happy", "sad"]
    assert dataset.columns["Usage"].tolist() == ["PublicTest", "PublicTest"]


def test_damaged_rows_are_told_and_left_out(tmp_path: Path) -> None:
    short, words, loud = face(1)[2:], face(1)[:-1] + "x", face(1)[:-1] + "256"
    rows = [f"3,{face(1)},Training", f"3,{short},Training", f"3,{words},Training", f"4,{loud},Training"]
    rows += [f"7,{face(2)},Training", f",{face(2)},Training", "", "4", f"6,{face(5)},PublicTest"]
    dataset = load_dataset(table(tmp_path, *rows))
    assert dataset.labels.tolist() == ["happy", "neutral"]
    assert [sample.name for sample in dataset.samples] == ["0", "7"]
    said = " ".join(dataset.warnings)
    assert "fer.csv/1: 2303 pixels, expected 2304" in said
    assert "fer.csv/2: pixels that are not whole numbers" in said
    assert "fer.csv/3: pixels outside 0..255" in said
    assert "6 damaged rows are left out in all" in said
    assert len(dataset.warnings) == 4


def test_an_emotion_without_a_name_is_told(tmp_path: Path) -> None:
    dataset = load_dataset(table(tmp_path, f"9,{face(1)},Training", f"0,{face(1)},Training"))
    assert "fer.csv/0: emotion '9', allowed are 0..6" in dataset.warnings[0]


def test_without_labels_or_parts_it_loads_all_the_same(tmp_path: Path) -> None:
    dataset = load_dataset(table(tmp_path, face(1), face(2), header="pixels"))
    assert dataset.labels.tolist() == ["", ""]
    assert not dataset.columns


@pytest.mark.parametrize("content", ["", "emotion,pixels\n", "emotion,pixels\n3,1 2 3\n"])
def test_a_table_without_a_single_face_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "fer.csv"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        load_dataset(path, kind="fer2013")
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.bz2", "csv.xz"])
def test_a_file_that_was_cut_short_is_one_line(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    rows = [f"3,{' '.join(map(str, rng.integers(0, 256, SIDE * SIDE)))},Training" for _ in range(60)]
    path = tmp_path / f"fer2013.{suffix}"
    path.write_bytes(PACKERS[suffix](text_of(*rows).encode())[:-3000])
    with pytest.raises(DataError, match=r"cannot be read to its end, \d+ rows came"):
        load_dataset(path, kind="fer2013")


def test_other_tables_and_pictures_are_none(tmp_path: Path) -> None:
    assert not is_pixel_table(table(tmp_path, "a.png,3", header="file,label"))
    (tmp_path / "noise.bz2").write_bytes(b"BZh9 no more than that")
    assert not is_pixel_table(tmp_path / "noise.bz2")
    assert not is_pixel_table(tmp_path)
    assert not is_pixel_table(tmp_path / "nothing.csv")


def test_a_line_beyond_all_measure_is_one_damaged_row(tmp_path: Path) -> None:
    rows = list(pixel_rows(table(tmp_path, "1 " * 100_000, face(4), header="pixels")))
    assert [row.number for row in rows] == [0, 1]
    assert isinstance(rows[0].pixels, PictureError)
    assert isinstance(rows[1].pixels, np.ndarray)


def test_its_faces_need_no_detector(tmp_path: Path) -> None:
    dataset = load_dataset(table(tmp_path, f"3,{face(7)},Training", f"4,{face(8)},Training"))
    faces = crop_dataset(dataset, task_for("expression").crop)
    assert [int(crop[0, 0, 0]) for crop in faces.crops] == [7, 8]


@pytest.fixture(scope="module")
def drawn_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces of two emotions: 40 to learn from, 20 to judge by, of which one is learned too."""
    drawn = make_faces(("happy", "sad"), 30, size=(48, 60), random_state=3)
    parts = ["Training"] * 20 + ["PublicTest"] * 10
    rows = []
    for label in ("happy", "sad"):
        crops = [crop for crop, said in zip(drawn.crops, drawn.labels, strict=True) if said == label]
        if label == "happy":
            crops[-1] = crops[0]
        for crop, part in zip(crops, parts, strict=True):
            small = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            rows.append(f"{EMOTIONS.index(label)},{' '.join(map(str, small.ravel()))},{part}")
    return table(tmp_path_factory.mktemp("drawn"), *rows)


@pytest.fixture(scope="module")
def trained(drawn_table: Path) -> Trained:
    task = task_for("smile", ("happy", "sad"))
    pipeline = eigenface_pipeline().set_params(faces__size=24, pca__n_components=8)
    object.__setattr__(task, "pipelines", {"": lambda: pipeline})
    return train(drawn_table, task=task)


def test_training_learns_from_the_part_meant_for_it_and_judges_on_the_other(trained: Trained) -> None:
    assert len(trained.faces) == 40
    (whole, fresh) = trained.evaluations
    assert (whole.data, whole.scores.n) == ("fer, PublicTest", 20)
    assert fresh.data == "fer, PublicTest, without twins in training"
    assert 15 < fresh.scores.n < 20
    assert trained.model.meta["data"]["faces"] == 40
    assert "part of the data that their makers meant for it" in trained.model.meta["split"]["described"]


def test_judging_takes_the_parts_that_are_not_for_learning(trained: Trained, drawn_table: Path) -> None:
    evaluation = evaluate(trained.model, drawn_table)
    assert evaluation.data == "fer, PublicTest"
    assert evaluation.scores.n == 20


def test_predict_answers_row_by_row(trained: Trained, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save_model(trained.model, tmp_path / "m.eigenface")
    crop = make_faces(("happy",), 1, size=(48, 48)).crops[0]
    good = " ".join(map(str, cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).ravel()))
    path = table(tmp_path, good, "1 2 3", good, header="pixels", name="test.csv")
    with pytest.raises(SystemExit) as left:
        main(["predict", str(path), "--model", str(tmp_path / "m.eigenface"), "--json"])
    assert left.value.code == 1
    answers = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [answer["source"] for answer in answers] == [f"{path}/{row}" for row in range(3)]
    assert [answer["error"] is None for answer in answers] == [True, False, True]
    assert answers[0]["faces"][0]["box"] == {"x": 0, "y": 0, "width": SIDE, "height": SIDE}
    assert set(answers[0]["faces"][0]["probabilities"]) == {"happy", "sad"}
    assert "3 pixels, expected 2304" in answers[1]["error"]["message"]
