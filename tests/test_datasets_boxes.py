"""Scenes with boxes: boxes.csv, PASCAL VOC, the CSV whose columns lie; every fault is one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from eigenface.crops import CropSpec, crop_face
from eigenface.datasets import Dataset, load_dataset
from eigenface.datasets.annotation import RULES, BoxRule
from eigenface.datasets.cropping import crop_dataset
from eigenface.datasets.drawn import draw_photo
from eigenface.datasets.duplicates import find_duplicates
from eigenface.datasets.splits import split_by_group
from eigenface.detection import get_detector
from eigenface.errors import DataError, EigenfaceError
from eigenface.pipelines.crop import main as crop_main
from eigenface.tasks import task_for
from eigenface.train import train
from eigenface.types import Box

SCENES = {"one.png": 1, "two.png": 2}
FACES = [
    ("one.png", (10, 20, 30, 40), "with_mask"),
    ("one.png", (60, 20, 20, 30), "without_mask"),
    ("two.png", (5, 5, 50, 50), "with_mask"),
]
BACKWARDS = (
    "<annotation><object><name>a</name><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>4</xmax><ymax>8</ymax></bndbox>"
    "</object></annotation>"
)
Rows = list[tuple[str, tuple[float, ...], str]]


def scenes(root: Path, folder: str = "images") -> None:
    for name, seed in SCENES.items():
        path = root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (80, 100, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


def as_boxes(root: Path, faces: Rows) -> None:
    lines = [f"images/{name},{','.join(map(str, box))},{label}" for name, box, label in faces]
    (root / "boxes.csv").write_text("\n".join(["file,x,y,width,height,label", *lines]))


def as_corners(root: Path, faces: Rows) -> None:
    lines = [f"{name},{x},{y},{x + w},{y + h},{label}" for name, (x, y, w, h), label in faces]
    (root / "train.csv").write_text("\n".join(["name,x1,x2,y1,y2,classname", *lines]))


def as_voc(root: Path, faces: Rows) -> None:
    (root / "annotations").mkdir(exist_ok=True)
    for picture in {name for name, _, _ in faces}:
        objects = "".join(
            f"<object><name>{label}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + w}</xmax>"
            f"<ymax>{y + h}</ymax></bndbox></object>"
            for name, (x, y, w, h), label in faces
            if name == picture
        )
        text = f"<annotation><filename>{Path(picture).stem}.jpg</filename>{objects}</annotation>"
        (root / "annotations" / f"{Path(picture).stem}.xml").write_text(text)


WRITERS = {"boxes": as_boxes, "corners": as_corners, "voc": as_voc}
SAME = {"with_mask": "with_mask", "without_mask": "without_mask"}


def made(root: Path, form: str, faces: Rows = FACES) -> Path:
    scenes(root)
    WRITERS[form](root, faces)
    return root


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        load_dataset(path, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


def boxes(dataset: Dataset) -> list[tuple[str, Box | None, str]]:
    return [(sample.file, sample.box, sample.label) for sample in dataset.samples]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("form", WRITERS)
def test_every_form_gives_the_same_boxes(tmp_path: Path, form: str, packed: bool) -> None:
    root = made(tmp_path / "set", form)
    if packed:
        with ZipFile(tmp_path / "set.zip", "w") as archive:
            for file in root.rglob("*.*"):
                archive.write(file, file.relative_to(root))
        root = tmp_path / "set.zip"
    dataset = load_dataset(root, classes=SAME)
    assert boxes(dataset) == [(f"images/{name}", Box(*box), label) for name, box, label in FACES]
    assert [sample.name for sample in dataset.samples] == ["images/one.png#1", "images/one.png#2", "images/two.png#1"]
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["images/one.png", "images/one.png", "images/two.png"]
    assert dataset.columns["width"].tolist() == ["30", "20", "50"]
    assert dataset.read(2).pixels.shape == (80, 100, 3)
    assert boxes(load_dataset(root, kind=form, classes=SAME)) == boxes(dataset)


def test_usual_class_map_of_the_lying_csv_counts_what_it_leaves_out(tmp_path: Path) -> None:
    faces: Rows = [
        ("one.png", (0, 0, 9, 9), "face_with_mask"),
        ("one.png", (9, 0, 9, 9), "face_no_mask"),
        ("two.png", (0, 0, 9, 9), "face_other_covering"),
        ("two.png", (0, 0, 9, 9), "hat"),
        ("two.png", (0, 0, 9, 9), "hat"),
        ("gone.png", (0, 0, 9, 9), "scarf"),
    ]
    dataset = load_dataset(made(tmp_path, "corners", faces))
    assert dataset.labels.tolist() == ["with_mask", "without_mask", "without_mask"]
    assert dataset.warnings[0] == "3 of 6 boxes are of names without a class and left out: hat (2), scarf (1)."
    assert dataset.about in dataset.warnings
    assert "names of the columns lie" in dataset.about


def test_table_may_be_given_itself(tmp_path: Path) -> None:
    made(tmp_path, "corners")
    (tmp_path / "train.csv").rename(tmp_path / "other.csv")
    as_boxes(tmp_path, FACES)
    assert len(load_dataset(tmp_path / "other.csv", classes=SAME)) == 3
    assert len(load_dataset(tmp_path / "boxes.csv")) == 3


def test_honest_columns_are_read_as_they_are_named_and_it_is_said(tmp_path: Path) -> None:
    scenes(tmp_path)
    lines = ["name,x1,x2,y1,y2,classname", "one.png,70,90,10,30,a", "two.png,5,55,5,55,b"]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    dataset = load_dataset(tmp_path, classes={"a": "a", "b": "b"})
    assert dataset.samples[0].box == Box(70, 10, 20, 20)
    assert "as they are named" in dataset.warnings[0]


@pytest.mark.parametrize("file", ["classes.csv", "classes.json", "annotations/classes.csv"])
@pytest.mark.parametrize("form", ["voc", "corners"])
def test_class_map_beside_the_annotations_is_used(tmp_path: Path, form: str, file: str) -> None:
    root = made(tmp_path, form)
    (root / file).parent.mkdir(exist_ok=True)
    rows = {"with_mask": "covered", "without_mask": "bare"}
    text = json.dumps(rows) if file.endswith("json") else "name,class\n" + "\n".join(map(",".join, rows.items()))
    (root / file).write_text(text)
    if form == "corners" and "/" in file:
        assert "the class map has none of its names" in refusal(root)
    else:
        assert load_dataset(root).classes == ("bare", "covered")
    assert load_dataset(root, classes=root / file).classes == ("bare", "covered")


def test_misspelt_class_of_the_mask_scenes_is_called_as_everywhere_else(tmp_path: Path) -> None:
    faces: Rows = [*FACES, ("two.png", (60, 5, 30, 30), "mask_weared_incorrect")]
    assert load_dataset(made(tmp_path, "voc", faces)).classes == ("with_mask", "without_mask", "worn_incorrectly")


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ({}, "no names in it"),
        ({"with_mask": 3}, "'with_mask' means 3"),
        ({"hat": "hat"}, "none of its names: with_mask (2), without_mask (1)"),
        ("absent.csv", "cannot be read"),
    ],
)
def test_faulty_class_maps_are_refused(tmp_path: Path, classes: Mapping[str, str] | str, expected: str) -> None:
    assert expected in refusal(made(tmp_path, "voc"), classes=classes)


@pytest.mark.parametrize(("name", "text", "expected"), [
    ("classes.json", "{", "no JSON"),
    ("classes.json", "[1]", "no names in it"),
    ("classes.csv", "from,to\na,b\n", "no column name or class"),
])  # fmt: skip
def test_faulty_class_files_are_refused(tmp_path: Path, name: str, text: str, expected: str) -> None:
    root = made(tmp_path, "voc")
    (root / name).write_text(text)
    assert expected in refusal(root)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("images/one.png,1,2,-3,4,a", "images/one.png: a box at 1, 2 of width -3 and height 4"),
        ("images/one.png,1,2,0,4,a", "of width 0"),
        ("images/one.png,1,two,3,4,a", "images/one.png has y 'two'"),
        ("images/one.png,1,inf,3,4,a", "has y 'inf'"),
        ("images/one.png,1,,3,4,a", "row 2: no y"),
        ("images/six.png,1,2,3,4,a", "1 of 1 pictures are not there: images/six.png"),
        ("../one.png,1,2,3,4,a", "leaves the data folder"),
        ("images/one.png,1,2,3,4,a", "one class only, a"),
    ],
)
def test_faulty_boxes_are_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    scenes(tmp_path)
    (tmp_path / "boxes.csv").write_text(f"file,x,y,width,height,label\n{text}\n")
    assert expected in refusal(tmp_path)


def test_boxes_with_other_columns_are_refused(tmp_path: Path) -> None:
    scenes(tmp_path)
    (tmp_path / "boxes.csv").write_text("file,left,top,label\nimages/one.png,1,2,a\n")
    assert "no column x or y or width or height" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<annotation><object>", "broken XML"),
        ("<!DOCTYPE x [<!ENTITY a 'aaaa'>]><annotation>&a;</annotation>", "defines entities"),
        ("<annotation><object></object></annotation>", "object 1: no name"),
        ("<annotation><object><name>a</name></object></annotation>", "object 1: no whole bndbox"),
        (
            BACKWARDS,
            "object 1: a box at 9, 1 of width -5 and height 7",
        ),
        ("<annotation></annotation>", "no boxes in 1 XML files"),
    ],
)
def test_faulty_annotations_are_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    scenes(tmp_path)
    (tmp_path / "one.xml").write_text(text)
    assert expected in refusal(tmp_path)


def test_other_xml_is_told_and_pictures_without_boxes_counted(tmp_path: Path) -> None:
    root = made(tmp_path, "voc")
    (root / "annotations" / "three.xml").write_text("<annotation></annotation>")
    assert "1 of 3 pictures have no boxes." in load_dataset(root).warnings
    (root / "zzz.xml").write_text("<layout/>")
    assert "is <layout>, not <annotation>" in refusal(root)


def test_picture_of_two_places_is_refused(tmp_path: Path) -> None:
    root = made(tmp_path, "voc")
    scenes(root, "more")
    assert "may be images/one.png or more/one.png" in refusal(root)


def test_annotations_that_are_asked_for_must_be_there(tmp_path: Path) -> None:
    scenes(tmp_path)
    assert "no XML files" in refusal(tmp_path, kind="voc")
    assert "holds no boxes.csv" in refusal(tmp_path, kind="boxes")
    assert "holds no name,x1,x2,y1,y2,classname" in refusal(tmp_path, kind="corners")
    assert "There are head, face, square" in refusal(made(tmp_path, "boxes"), boxes="ear")


def test_unreadable_tables_do_not_stand_in_the_way_of_class_folders(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("a/1.png", "b/1.png"):
            archive.writestr(name, b"")
        archive.writestr("notes.csv", "0123456789" * 30)
        archive.writestr("notes.xml", "9876543210" * 30)
    data = (tmp_path / "set.zip").read_bytes().replace(b"0123456789", b"x" * 10).replace(b"9876543210", b"x" * 10)
    (tmp_path / "set.zip").write_bytes(data)  # their checksums are wrong now
    assert load_dataset(tmp_path / "set.zip").classes == ("a", "b")


def test_table_is_of_no_other_kind(tmp_path: Path) -> None:
    assert "cannot be of the kind voc" in refusal(made(tmp_path, "boxes") / "boxes.csv", kind="voc")


def test_small_boxes_are_left_out_and_said(tmp_path: Path) -> None:
    dataset = load_dataset(made(tmp_path, "boxes"), least=20)
    assert len(dataset) == 3
    root = made(tmp_path, "boxes", [*FACES, ("two.png", (60, 5, 30, 19), "without_mask")])
    assert "1 boxes have a side of under 20 pixels and are left out." in load_dataset(root, least=20).warnings


def test_rule_is_told_by_the_looks_of_the_boxes(tmp_path: Path) -> None:
    assert load_dataset(made(tmp_path, "boxes")).rule == RULES["head"]
    squares: Rows = [("one.png", (1, 2, 30, 30), "a"), ("two.png", (1, 2, 40, 41), "b")]
    assert load_dataset(made(tmp_path, "boxes", squares)).rule == RULES["square"]
    assert load_dataset(tmp_path, boxes="face").rule == RULES["face"]
    text = "file,x,y,width,height,label,blur,invalid\nimages/one.png,1,2,3,5,a,2,0\nimages/two.png,1,2,3,5,b,0,0\n"
    (tmp_path / "boxes.csv").write_text(text + "images/two.png,0,0,0,0,b,0,1\n")
    dataset = load_dataset(tmp_path)
    assert dataset.rule == RULES["face"]
    assert dataset.columns["blur"].tolist() == ["2", "0"]
    assert dataset.warnings[0] == "1 boxes are marked as invalid and left out."


def test_crop_is_cut_around_the_square_that_follows_from_the_box(tmp_path: Path) -> None:
    dataset, spec = load_dataset(made(tmp_path, "boxes")), CropSpec(1.2, 0.1)
    faces = crop_dataset(dataset, spec)
    assert faces.names.tolist() == [sample.name for sample in dataset.samples]
    for index, crop in enumerate(faces.crops):
        box = dataset.samples[index].box
        assert box is not None
        assert np.array_equal(crop, crop_face(dataset.read(index).pixels, dataset.rule.square(box), spec))
    ready = crop_dataset(dataset, spec, whole=True)
    assert [crop.shape for crop in ready.crops] == [(40, 30, 3), (30, 20, 3), (50, 50, 3)]


def test_boxes_are_clipped_and_those_outside_rejected_with_a_reason(tmp_path: Path) -> None:
    rows: Rows = [*FACES, ("two.png", (90, 70, 20, 20), "a"), ("two.png", (100, 0, 20, 20), "a")]
    faces = crop_dataset(load_dataset(made(tmp_path, "boxes", rows)), CropSpec(), whole=True)
    assert faces.crops[3].shape == (10, 10, 3)
    ((name, reason),) = faces.rejected
    assert name == "images/two.png#3"
    assert "its box (100, 0, 20 x 20) lies outside the picture of 100 x 80" in reason


def test_damaged_scene_rejects_all_its_faces(tmp_path: Path) -> None:
    root = made(tmp_path, "boxes")
    (root / "images" / "one.png").write_bytes(b"nothing")
    assert [name for name, _ in crop_dataset(load_dataset(root), CropSpec()).rejected] == [
        "images/one.png#1",
        "images/one.png#2",
    ]


def test_faces_of_one_scene_are_no_duplicates_but_faces_seen_twice_are(tmp_path: Path) -> None:
    root = made(tmp_path, "boxes")
    assert find_duplicates(load_dataset(root)) == []
    (root / "images" / "copy.png").write_bytes((root / "images" / "one.png").read_bytes())
    as_boxes(root, [*FACES, ("copy.png", FACES[0][1], "with_mask")])
    (pair,) = find_duplicates(load_dataset(root))
    assert (pair.first, pair.second, pair.exact) == (0, 3, True)


def test_scene_is_on_one_side_of_a_split_and_boxes_count_in_the_fingerprint(tmp_path: Path) -> None:
    many: Rows = [("one.png", (i, 0, 9, 9), "a") for i in range(9)] + [("two.png", (i, 0, 9, 9), "a") for i in range(9)]
    many += [(name, (0, 9, 9, 9), "b") for name in ("three.png", "four.png")]
    for name in ("three.png", "four.png"):
        scenes(tmp_path)
        (tmp_path / "images" / name).write_bytes((tmp_path / "images" / "one.png").read_bytes())
    as_boxes(tmp_path, many)
    dataset = load_dataset(tmp_path)
    assert dataset.groups is not None
    train_part, test_part = split_by_group(dataset.labels, dataset.groups, test_share=0.5)
    assert not set(dataset.groups[train_part]) & set(dataset.groups[test_part])
    as_boxes(tmp_path, [*many[:-1], ("four.png", (1, 9, 9, 9), "b")])
    assert load_dataset(tmp_path).fingerprint() != dataset.fingerprint()


@pytest.fixture(scope="module")
def drawn_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve scenes of two drawn faces; boxes are the detector's, told apart by the side of the picture they are on."""
    root = tmp_path_factory.mktemp("scenes")
    (root / "images").mkdir()
    rows: Rows = []
    for seed in range(12):
        pixels = draw_photo(2, (200, 320), random_state=seed)[0]
        Image.fromarray(pixels).save(root / "images" / f"{seed}.png")
        for found in get_detector().detect(pixels):
            box = (found.box.x, found.box.y, found.box.width, found.box.height)
            rows.append((f"{seed}.png", box, "left" if found.box.centre[0] < 160 else "right"))
    as_boxes(root, rows)
    return root


def test_model_is_trained_on_boxed_scenes(drawn_scenes: Path) -> None:
    dataset = load_dataset(drawn_scenes)
    assert dataset.rule == RULES["square"]
    trained = train(dataset, task=task_for("side"), variant="eigenfaces")
    assert trained.evaluations[0].scores.n >= 4
    assert trained.evaluations[0].faces.groups is not None


def test_crop_script_cuts_boxed_scenes_as_training_does(drawn_scenes: Path, tmp_path: Path) -> None:
    assert crop_main([str(drawn_scenes), "--out", str(tmp_path / "out")]) == 0
    cut, direct = load_dataset(tmp_path / "out"), crop_dataset(load_dataset(drawn_scenes), CropSpec())
    assert len(cut) == len(direct)
    assert all(np.array_equal(cut.read(i).pixels, direct.crops[i]) for i in range(len(cut)))


@pytest.mark.parametrize("rule", RULES.values())
def test_square_follows_the_box_wherever_it_lies(rule: BoxRule) -> None:
    square = rule.square(Box(0, 0, 40, 50))
    moved = rule.square(Box(100, 10, 40, 50))
    assert (moved.x - square.x, moved.y - square.y) == pytest.approx((100, 10))
    assert square.width == square.height == pytest.approx(rule.scale * (40 * 50) ** 0.5)


def test_faults_are_errors_that_a_user_can_mend() -> None:
    assert issubclass(DataError, EigenfaceError)


@pytest.mark.data
def test_mask_scenes_are_the_same_by_csv_and_by_xml(data: Path) -> None:
    path = data / "detection" / "kaggle853_voc.zip"
    by_csv, by_xml = load_dataset(path), load_dataset(path, kind="voc")
    assert sorted(map(repr, boxes(by_csv))) == sorted(map(repr, boxes(by_xml)))
    counts = {label: int((by_csv.labels == label).sum()) for label in by_csv.classes}
    assert counts == {"with_mask": 2207, "without_mask": 517, "worn_incorrectly": 83}
    assert "CC0" in by_csv.about
    some = by_xml.select(np.arange(0, len(by_xml), 40))
    faces = crop_dataset(some, CropSpec(1.2))
    assert len(faces) == len(some)
