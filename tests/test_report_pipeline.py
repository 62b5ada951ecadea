"""The report script: what is in a data set, how a model does on it, and the table of what every task reaches."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from sklearn.pipeline import make_pipeline

from eigenface.catalogue import catalogue
from eigenface.datasets import drawn as drawing
from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.drawn import DrawnFaces, make_faces
from eigenface.model import FaceClassifier
from eigenface.pipelines import report
from eigenface.pipelines.figures import parts
from eigenface.pipelines.figures.cards import cards
from eigenface.pipelines.figures.changes import CHANGES, rows_of
from eigenface.pipelines.figures.parts import Part, equal_error_rate
from eigenface.pipelines.figures.table import Row, markdown
from eigenface.pipelines.figures.twins import PLAIN_PARTS
from eigenface.pipelines.report import ALL_PARTS, main
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces
from eigenface.steps.identity import NearestPerson, UnitRows
from eigenface.store import save_model
from eigenface.tasks import get_task

ROW = Row(
    "identity", "orl", 200, 0.97, "orl", low=0.94, high=0.99, balanced=0.96, baseline=0.025, plain=0.89, split="S"
)
PEOPLE, PICTURES = 6, 8


@pytest.fixture(scope="session")
def people() -> DrawnFaces:
    """Six drawn people of eight pictures each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_PICTURES_A_PERSON", PICTURES)
        return make_faces(("female", "male"), PICTURES * PEOPLE // 2, size=(60, 90), random_state=4)


@pytest.fixture(scope="session")
def data(people: DrawnFaces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with ORL of drawn people: s1/1.pgm and so on."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "identity").mkdir()
    with ZipFile(folder / "identity/orl.zip", "w") as archive:
        for number, crop in enumerate(people.crops):
            kept = io.BytesIO()
            Image.fromarray(crop).convert("L").save(kept, "PPM")
            archive.writestr(f"s{number // PICTURES + 1}/{number % PICTURES + 1}.pgm", kept.getvalue())
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identity by eigenfaces and the nearest mean, in place of pipelines that take seconds."""

    def pipeline() -> Any:
        return make_pipeline(GreyFaces(24), Eigenfaces(20), UnitRows(), NearestPerson())

    task = replace(get_task("identity"), pipelines={"": pipeline, "eigenfaces": pipeline})
    monkeypatch.setattr(parts, "get_task", lambda _: task)


def kept_rows(out: Path, part: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))["rows"]
    return [row for row in found if row["part"] == part]


def test_a_folder_of_faces_is_shown(drawn_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(drawn_folder), "--out", str(tmp_path), "--whole"]) == 0
    assert Path(capsys.readouterr().out.strip()) == tmp_path / "report.html"
    assert "female" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not (tmp_path / "benchmark.md").exists()


def test_a_model_is_judged_on_a_folder(
    model: FaceClassifier, drawn_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(model, tmp_path / "looks.eigenface")
    asked = [str(drawn_folder), "--out", str(tmp_path), "--whole", "--model", str(tmp_path / "looks.eigenface")]
    assert main(asked) == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["scores"]["n"] == 48


def test_a_part_is_trained_judged_kept_and_not_made_again(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    asked = [str(data), "--out", str(tmp_path), "--part", "orl"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    (row,) = [row for row in kept_rows(tmp_path, "orl") if row["data"] == "orl, kept aside"]
    assert row["n"] == PEOPLE * (PICTURES - 5), "the first five were learned"
    assert row["baseline"] == pytest.approx(1 / PEOPLE, abs=1e-3)
    assert row["value"] > 0.5, "guessing is right once in six times"
    assert 0 < row["plain"] <= 1
    assert f"**{row['value']:.3f}**".replace("**0.", "**.") in said
    assert said.strip() == (tmp_path / "benchmark.md").read_text(encoding="utf-8").strip()

    def refuse(*_: Any) -> list[Row]:
        raise AssertionError("made twice")

    monkeypatch.setitem(report.ALL_PARTS, "orl", Part((), refuse))
    assert main(asked) == 0
    assert capsys.readouterr().out == said
    with pytest.raises(AssertionError, match="made twice"):
        main([*asked, "--fresh"])


def test_what_is_wrong_is_one_line(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, folder, words in (("ornithology", data, "orl"), ("yale", data, "yale.zip"), ("orl", data / "no", "no")):
        assert main([str(folder), "--out", str(tmp_path / "out"), "--part", part]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert words in said


def test_without_being_asked_parts_without_data_are_left_for_later(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Part(("identity/orl.zip",), lambda _: [ROW])
    monkeypatch.setattr(report, "ALL_PARTS", {"orl": here, "yale": Part(("identity/yale.zip",), lambda _: [])})
    report.write_benchmark(data, tmp_path)
    assert kept_rows(tmp_path, "orl") == [asdict(ROW)]
    assert json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))["missing"] == ["yale"]
    assert "yale.zip" in capsys.readouterr().err


def test_only_a_folder_of_the_training_sets_makes_the_table(tmp_path: Path, data: Path) -> None:
    assert not report.is_data_folder(data)
    (tmp_path / "gender").mkdir()
    (tmp_path / "gender/lfw.zip").touch()
    assert report.is_data_folder(tmp_path)


def test_shipped_models_figures_are_taken_from_their_files() -> None:
    rows = cards({"mask": {"chandrika_face_mask": 0.123}})
    accuracies = {(row.task, row.data): row for row in rows if row.measure == "accuracy"}
    for entry in catalogue():
        if entry.name in ("gender:eigenfaces", "blood:red"):
            continue
        for judged in entry.judged:
            row = accuracies.pop((entry.name, judged["data"]))
            assert (row.value, row.n, row.calibration_error) == (
                judged["accuracy"],
                judged["n"],
                judged["calibration_error"],
            )
            assert row.split
    assert accuracies == {}
    found = {(row.task, row.data): row for row in rows if row.measure == "accuracy"}
    plain = next(entry for entry in catalogue() if entry.name == "gender:eigenfaces")
    assert found["gender", "lfw"].plain == plain.judged[0]["accuracy"]
    assert found["mask", "chandrika_face_mask"].plain == 0.123
    red = next(entry for entry in catalogue() if entry.name == "blood:red")
    assert found["blood", "real pictures"].baseline == red.judged[-1]["accuracy"]


def test_the_page_of_figures_has_those_of_the_shipped_models() -> None:
    words = (Path(__file__).parents[1] / "docs/accuracy.md").read_text(encoding="utf-8")
    shown = [line.strip("| ").split(" | ") for line in words.splitlines() if line.startswith("|")]
    shown = [cells[:4] + cells[5:] for cells in shown]  # the plain model's may be added
    for row in cards({}):
        cells = [*row.cells()]
        assert cells[:4] + cells[5:] in shown, "run the report with --part card; put its table into docs/accuracy.md"


def test_plain_models_made_as_parts_stand_beside_the_shipped_ones(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = replace(ROW, task="mask:eigenfaces", data="chandrika_face_mask", value=0.777, part="plain-mask")
    monkeypatch.setitem(report.ALL_PARTS, "plain-mask", Part((), lambda _: [beside]))
    said = report.write_benchmark(data, tmp_path, ["plain-mask"])
    (line,) = [line for line in said.splitlines() if "chandrika_face_mask |" in line]
    assert "| .777 | **" in line
    assert kept_rows(tmp_path, "plain-mask") == []


def test_the_table_has_a_line_a_row_and_names_what_is_missing() -> None:
    rate = replace(ROW, measure="equal error rate", value=0.05, low=None, plain=None)
    lines = markdown([ROW, rate], ["yale"]).splitlines()
    assert "| identity | orl | 200 | .025 | .890 | **.970** | .940 to .990 | .960 | - |" in lines
    assert "| identity | orl: equal error rate | 200 | .025 | - | **.050** |  | .960 | - |" in lines
    assert any("`yale`" in line for line in lines)
    assert "- S: orl." in lines


def test_the_equal_error_rate_of_known_people_and_strangers() -> None:
    few = np.array([0.1, 0.2])
    assert equal_error_rate(np.array([0.5, 0.9]), few) == 0
    assert equal_error_rate(few, np.array([0.5, 0.9])) == 1
    assert equal_error_rate(np.linspace(0, 1, 101), np.linspace(0, 1, 101)) == pytest.approx(0.5, abs=0.02)


def test_known_people_are_told_from_strangers_and_named(
    people: DrawnFaces, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    faces = CroppedFaces(people.crops, people.groups, np.arange(len(people.crops)).astype(str))
    monkeypatch.setattr(parts, "_many_pictures", lambda _: faces)
    monkeypatch.setattr(parts, "_KNOWN", 4)
    sources: Any = None
    (open_set,) = parts.lfw_strangers(sources)
    assert (open_set.measure, open_set.n) == ("equal error rate", 3 * 4 * 2)
    assert open_set.low is not None
    assert open_set.high is not None
    assert 0 <= open_set.low <= open_set.value <= open_set.high < 0.5
    (closed,) = parts.lfw_people(sources)
    assert closed.n == PEOPLE * 2
    assert closed.value > 0.5, "guessing is right once in six times"
    assert closed.plain is not None


def test_changed_faces_are_counted_where_the_answer_is_another(model: FaceClassifier) -> None:
    crops = make_faces(("female",), 6, size=(60, 80), random_state=9).crops
    faces = CroppedFaces(crops, np.array(["female"] * 6), np.arange(6).astype(str))
    rows = rows_of(model, "drawn", faces, "female")
    opposite = rows_of(model, "drawn", faces, "male")
    assert [row.data for row in rows] == [f"drawn, {change}" for change in CHANGES]
    assert rows[0].value == np.mean(model.predict(crops) != "female")
    assert [row.value for row in opposite] == pytest.approx([1 - row.value for row in rows])
    rng = np.random.default_rng(0)
    high, wide = crops[0].shape[:2]
    shapes = {name: change(crops[0], rng).shape for name, change in CHANGES.items()}
    assert shapes.pop("15 % wider") == (high, round(1.15 * wide), 3)
    assert shapes.pop("15 % taller") == (round(1.15 * high), wide, 3)
    assert set(shapes.values()) == {crops[0].shape}
    assert np.ptp(CHANGES["grey"](crops[0], rng).astype(int), axis=2).max() == 0


def test_every_part_can_be_asked_for() -> None:
    assert set(PLAIN_PARTS) < set(ALL_PARTS)
    assert {"orl", "yale", "ckplus", "lfw-people", "lfw-strangers", "mask-boxes", "mask-mask12k"} < set(ALL_PARTS)
