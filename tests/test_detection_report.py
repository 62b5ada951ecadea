"""Detectors compared: every figure follows from counted boxes, and the benchmark goes on where it was stopped."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from eigenface.annotate import png_bytes
from eigenface.datasets.drawn import draw_photo
from eigenface.detection import get_detector
from eigenface.detection.boosted import BoostedDetector, load_detector, save_detector
from eigenface.errors import RequestError
from eigenface.pipelines import detection_benchmark
from eigenface.pipelines.detection_benchmark import frames, main
from eigenface.pipelines.detector.boxed_sets import FOLDS, fold_of, read_sets
from eigenface.pipelines.detector.finders import STOCK, Finder, finders, own_finder, stock_finder, timed, twin_finder
from eigenface.report.detection import Comparison, Speed, detection_table, markdown, recall_figure, set_scores
from eigenface.report.matching import Asked, Shot, tally
from eigenface.report.style import png
from eigenface.types import Box, Pixels
from eigenface.vision import CASCADES, cv2

FACE, OTHER, WALL = Box(10, 10, 50, 50), Box(100, 10, 60, 60), Box(300, 10, 50, 50)


def shot(*found: tuple[Box, float], boxes: tuple[Box, ...] = (FACE, OTHER), labels: tuple[str, ...] = ()) -> Shot:
    return Shot(boxes, labels or ("face",) * len(boxes), found)


def test_a_face_is_found_once_by_the_best_score() -> None:
    counted = tally([shot((FACE, 0.5), (Box(12, 10, 50, 50), 0.9))])
    assert counted.scores.tolist() == [0.9, 0.5]
    assert counted.right.tolist() == [True, False]
    assert counted.recall(0).value == 0.5
    assert counted.precision(0).value == 0.5
    assert counted.precision(0.6).value == 1.0
    assert counted.alarms(0) == 1.0
    assert math.isnan(counted.precision(0.95).value)


def test_a_box_counts_from_an_overlap_of_35_in_100() -> None:
    for side, right in ((29.4, False), (29.8, True)):
        assert tally([shot((Box(10, 10, side, side), 1.0), boxes=(FACE,))], Asked(0)).right.tolist() == [right]


def test_what_is_not_asked_for_is_not_held_against_anybody() -> None:
    small, nobody = Box(200, 10, 39, 60), Box(400, 10, 90, 90)
    seen = shot(
        (FACE, 0.9), (small, 0.8), (nobody, 0.7), (Box(500, 10, 39, 39), 0.6),
        boxes=(FACE, small, nobody), labels=("bare", "bare", "unknown"),
    )  # fmt: skip
    counted = tally([seen])
    assert (counted.asked, counted.right.tolist()) == (1, [True])
    assert tally([seen], Asked(20, 40)).right.tolist() == [True, False]
    assert tally([seen], Asked(label="masked")).asked == 0


def test_curve_and_area_follow_from_ranks() -> None:
    counted = tally([shot((FACE, 0.9), (WALL, 0.8)), shot((OTHER, 0.8), (WALL, 0.1))])
    alarms, recall = counted.curve()
    assert alarms.tolist() == [0, 0, 0.5, 1]  # of 0.8 a right and a wrong box: one threshold
    assert recall.tolist() == [0, 0.25, 0.5, 0.5]
    assert counted.average_precision == pytest.approx(0.25 * 1 + 0.25 * 2 / 3)
    nothing = tally([shot()])
    assert (nothing.average_precision, nothing.recall(0).value) == (0.0, 0.0)
    assert nothing.curve()[1].tolist() == [0]


@pytest.mark.parametrize("seed", range(4))
def test_a_sweep_gives_what_counting_at_each_threshold_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shots = []
    for _ in range(6):
        boxes = tuple(Box(*rng.uniform(0, 200, 2), *rng.uniform(30, 90, 2)) for _ in range(4))
        near = [Box(b.x + rng.normal(0, 9), b.y, b.width, b.height) for b in boxes]
        far = [Box(*rng.uniform(0, 300, 2), 50, 50) for _ in range(3)]
        shots.append(Shot(boxes, ("face",) * 4, tuple((box, float(rng.integers(9))) for box in [*near, *far])))
    counted = tally(shots)
    for threshold in range(9):
        kept = [Shot(one.boxes, one.labels, tuple(f for f in one.found if f[1] >= threshold)) for one in shots]
        alone = tally(kept)
        assert alone.recall(-1) == counted.recall(threshold)
        assert alone.precision(-1).as_dict() == counted.precision(threshold).as_dict()
        assert alone.alarms(-1) == counted.alarms(threshold)
        assert alone.answered(-1) == counted.answered(threshold)


@pytest.fixture
def compared() -> Comparison:
    some = [shot((FACE, 0.9), (WALL, 0.3), labels=("bare", "masked")), shot((OTHER, 0.2), labels=("bare", "masked"))]
    empty = [Shot((), (), ((WALL, 0.9),)), Shot((), (), ())]
    sets = [set_scores("faces", {"a": some, "b": some}), set_scores("walls", {"a": empty, "b": empty})]
    return Comparison({"a": 0.5, "b": 0.1}, sets, {"640x480": {"a": Speed(10, 1), "b": Speed(2.5, 4)}})


def test_the_table_has_a_row_a_part_and_a_column_a_detector(compared: Comparison) -> None:
    table = detection_table(compared)
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    assert table.head[3:] == ("a", "b")
    assert rows["faces", "all"] == ("4", ".250 at 1.000 (.417)", ".500 at .667 (.417)")
    assert rows["faces", "bare"] == ("2", ".500", ".500")
    assert rows["faces", "masked"] == ("2", ".000", ".500")
    assert ("faces", "20-40") not in rows
    assert rows["walls", "pictures with a box"] == ("2", ".500", ".500")
    assert rows["640x480", "ms a frame"] == ("", "10.0 (1.0x)", "2.5 (4.0x)")
    lines = markdown(table).splitlines()
    assert len({line.count("|") for line in lines[: len(table.rows) + 2]}) == 1


def test_the_figures_are_json_and_the_curves_a_picture(compared: Comparison) -> None:
    said = json.loads(json.dumps(compared.as_dict(), allow_nan=False))
    assert said["sets"]["faces"]["a"]["all"]["recall"]["value"] == 0.25
    assert said["sets"]["faces"]["a"]["all"]["recall"]["high"] > 0.25
    assert said["sets"]["walls"]["a"]["all"]["pictures_with_a_box"]["value"] == 0.5
    figure = recall_figure(compared)
    drawn = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in drawn] == ["faces"]
    assert len(drawn[0].lines) == 4  # a line and a dot a detector
    assert png(figure)[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="at least one set"):
        recall_figure(Comparison(compared.thresholds, compared.sets[1:], {}))


@pytest.mark.parametrize("name", STOCK)
def test_stock_boxes_are_those_that_the_stock_cascade_gives(name: str) -> None:
    factor, neighbours = STOCK[name]
    finder = stock_finder(name)
    cascade = cv2.CascadeClassifier(str(CASCADES / "haarcascade_frontalface_default.xml"))
    asked = 0
    for seed in range(3):
        photo = draw_photo(4, random_state=seed)[0]
        grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
        for least in (neighbours, neighbours + 8):
            given = {tuple(map(int, box)) for box in cascade.detectMultiScale(grey, factor, least, minSize=(30, 30))}
            found = {(b.x, b.y, b.width, b.height) for b, score in finder.find(photo, "") if score > least}
            assert found == given
            asked += len(given)
    assert asked
    assert finder.threshold == neighbours + 1


def test_own_detectors_answer_as_the_command_line_does() -> None:
    photo = draw_photo(3, random_state=5)[0]
    finder = own_finder("haar")
    answered = [(Box(*d.box.as_dict().values()), round(d.score, 4)) for d in get_detector("haar").detect(photo)]
    assert len(answered) == 3
    assert [one for one in finder.find(photo, "") if one[1] >= finder.threshold] == answered
    assert finder.fingerprint() == own_finder("haar").fingerprint() != stock_finder(next(iter(STOCK))).fingerprint()


def test_detectors_have_names() -> None:
    names = [one.name for one in finders()]
    assert names[:3] == [*STOCK, "default"]
    assert len(set(names)) == len(names)
    assert [one.name for one in finders(["haar"])] == [*STOCK, "haar"]
    with pytest.raises(RequestError):
        finders(["nobody"])


def test_timing_is_of_every_detector_on_one_thread_and_leaves_the_threads_alone() -> None:
    before, calls = cv2.getNumThreads(), []

    def work(name: str, turns: int) -> Finder:
        def answer(pixels: Pixels) -> None:
            calls.append((name, cv2.getNumThreads()))
            sum(i * i for i in range(turns))

        return Finder(name, 0.5, lambda pixels, key: [], answer)

    speeds = timed([work("slow", 200_000), work("fast", 20_000)], {"s": [np.zeros((4, 4, 3), np.uint8)]}, 3)["s"]
    assert speeds["slow"].times_faster == 1
    assert speeds["fast"].times_faster > 2
    assert speeds["fast"].milliseconds < speeds["slow"].milliseconds
    assert {threads for _, threads in calls} == {1}
    assert len(calls) == 2 * (3 + 1)
    assert cv2.getNumThreads() == before


def test_frames_have_their_sizes_whatever_the_pictures_are() -> None:
    assert [(size, one[0].shape[:2]) for size, one in frames([]).items()] == [
        ("640x480", (480, 640)),
        ("1920x1080", (1080, 1920)),
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of photos with boxes, a folder of walls, and a folder that is neither."""
    folder = tmp_path_factory.mktemp("data") / "detection"
    (folder / "walls" / "images").mkdir(parents=True)
    (folder / "other").mkdir()
    rows = [["file", "x", "y", "width", "height", "label", "group"]]
    with ZipFile(folder / "people.zip", "w") as archive:
        for number in range(6):
            pixels, boxes = draw_photo(2, (240, 320), random_state=number)
            archive.writestr(f"images/{number}.png", png_bytes(pixels))
            for place, box in enumerate(boxes):
                label = ("left", "right")[place]
                rows.append(
                    [f"images/{number}.png", *map(str, (box.x, box.y, box.width, box.height)), label, f"p{number}"]
                )
        archive.writestr("images/none.png", png_bytes(draw_photo(0, (240, 320))[0]))
        archive.writestr("images/bad.png", b"no picture")
        archive.writestr("boxes.csv", "\n".join(",".join(row) for row in rows))
    Image.fromarray(draw_photo(0, (120, 160))[0]).save(folder / "walls" / "images" / "a.png")
    (folder / "walls" / "labels.csv").write_text("file,label\nimages/a.png,no_face\n")
    (folder / "other" / "labels.csv").write_text("file,label\na.png,female\n")
    return folder.parent


def test_the_benchmark_writes_its_table_and_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert main([str(data), "--out", str(out), "--rounds", "1"]) == 0
    said = capsys.readouterr()
    assert "other: no boxes.csv" in said.err
    assert "bad.png" in said.err
    assert (out / "benchmark.md").read_text() == said.out
    assert "| people | all | 12 |" in said.out
    assert "| people | left | 6 |" in said.out
    assert "| walls | pictures with a box | 1 | .000" in said.out
    assert "| 1920x1080 | ms a frame |" in said.out
    figures = json.loads((out / "benchmark.json").read_text())
    assert figures["sets"]["people"]["default"]["all"]["recall"]["value"] > 0.5
    assert (out / "curves.png").read_bytes()[:4] == b"\x89PNG"

    asked = []
    monkeypatch.setattr(detection_benchmark, "_pixels", lambda data, name: asked.append(name))
    assert main([str(data), "--out", str(out), "--rounds", "0"]) == 0
    assert asked == []
    again = json.loads((out / "benchmark.json").read_text())
    assert again["sets"] == figures["sets"]


def test_a_changed_detector_is_asked_again_and_the_others_are_not(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def blind(name: str, mark: float) -> Finder:
        def find(pixels: Pixels, key: str) -> list[tuple[Box, float]]:
            calls.append(name)
            return [(Box(0, 0, 50, 50), mark)]

        return Finder(name, 0.5, find, lambda pixels: None)

    def run(*some: Finder) -> int:
        monkeypatch.setattr(detection_benchmark, "finders", lambda names: list(some))
        calls.clear()
        return main([str(data), "--out", str(tmp_path), "--rounds", "0", "--sets", "people"])

    assert run(blind("a", 0.9), blind("b", 0.9)) == 0
    assert (calls.count("a"), calls.count("b")) == (10, 10)  # three drawn photos, and the seven that can be read
    assert run(blind("a", 0.9), blind("b", 0.8)) == 0
    assert (calls.count("a"), calls.count("b")) == (3, 10)
    assert len(list((tmp_path / "found").iterdir())) == 2  # what the older b found is gone


def test_a_fold_goes_by_group_and_else_by_file(data: Path) -> None:
    people = next(iter(read_sets(data, ["people"])))
    names = {f"images/{number}.png": f"p{number}" for number in range(6)}
    names |= {f"images/{name}": name for name in ("none.png", "bad.png")}
    folds = [people.files(fold) for fold in range(FOLDS)]
    assert folds == [[file for file in sorted(names) if fold_of(names[file]) == fold] for fold in range(FOLDS)]
    assert people.files() == sorted(names) == sorted(file for fold in folds for file in fold)
    assert all(folds)


def test_each_picture_is_judged_by_the_twin_that_never_saw_it(tmp_path: Path) -> None:
    photo = draw_photo(2, random_state=3)[0]
    shipped = load_detector()
    for fold in range(FOLDS):  # twins of which each is a little less sure
        evidence = replace(shipped.evidence, intercept=shipped.evidence.intercept - fold)
        save_detector(BoostedDetector(shipped.forests, shipped.verifier, evidence), tmp_path / f"twin{fold}.npz")
    finder = twin_finder(tmp_path)
    keys = {fold_of(str(number)): str(number) for number in range(20)}
    for fold in range(FOLDS):
        twin = load_detector(tmp_path / f"twin{fold}.npz")
        answered = [one.box.as_dict() for one in twin.detect(photo)]
        found = [box.as_dict() for box, score in finder.find(photo, keys[fold]) if score >= finder.threshold]
        assert found == answered
    assert len({tuple(score for _, score in finder.find(photo, key)) for key in keys.values()}) == FOLDS


def test_wrong_requests_get_one_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "boxes.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["file", "x", "y", "width", "height", "label"], ["a.png", 1, 2, 3, 4, "face"]])
    for words, expected in (
        ([data, "--sets", "nobody"], "no set nobody"),
        ([data / "detection" / "other"], "no set with boxes.csv"),
        ([tmp_path], "a.png is not there"),
        ([tmp_path / "missing"], "no such folder"),
        ([data, "--detectors", "nobody"], "no detector 'nobody'"),
        ([data, "--out", tmp_path / "boxes.csv"], "cannot be written"),
    ):
        assert main(["--out", str(tmp_path / "out"), "--rounds", "0", *map(str, words)]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("detection_benchmark: ")
        assert expected in said
