"""Loading data sets as people have them: every usual form is recognised, every fault is one clear line."""

from __future__ import annotations

import io
import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from PIL import Image

from eigenface.datasets import load_dataset
from eigenface.errors import DataError, PictureError


def png(value: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((6, 5, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def put(root: Path, *names: str, form: str = "folder") -> Path:
    """Pictures under these names, each of its own grey, in a folder or a zip."""
    if form == "zip":
        with ZipFile(root / "data.zip", "w") as archive:
            for number, name in enumerate(names):
                archive.writestr(name, png(number))
        return root / "data.zip"
    for number, name in enumerate(names):
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    return root / "data"


def table(root: Path, data: bytes | str, *names: str) -> Path:
    folder = put(root, *(names or ("1.png", "2.png")))
    (folder / "labels.csv").write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        load_dataset(path, **options)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_class_folders_name_the_classes_however_deep_pictures_lie(tmp_path: Path, form: str) -> None:
    dataset = load_dataset(put(tmp_path, "cat/1.png", "cat/deep/er/2.png", "dog/1.PNG", "dog/2.png", form=form))
    assert dataset.name == "data"
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == ["cat", "cat", "dog", "dog"]
    assert dataset.groups is None
    assert dataset.read(2).pixels[0, 0, 0] == 2
    assert dataset.warnings == ()


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_one_folder_around_everything_is_seen_through(tmp_path: Path, form: str) -> None:
    dataset = load_dataset(
        put(tmp_path, "mine/cat/1.png", "mine/cat/2.png", "mine/dog/1.png", "mine/dog/2.png", form=form)
    )
    assert dataset.classes == ("cat", "dog")
    assert dataset.samples[0].name == "cat/1.png"
    assert dataset.read(3).pixels[0, 0, 0] == 3


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_what_systems_leave_behind_is_no_picture(tmp_path: Path, form: str) -> None:
    clutter = (".DS_Store", "cat/Thumbs.db", "cat/thumbs.db", "cat/._1.png", ".git/x.png", "__MACOSX/cat/1.png")
    dataset = load_dataset(put(tmp_path, "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png", *clutter, form=form))
    assert [sample.name for sample in dataset.samples] == ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]


def test_empty_class_single_pictures_and_loose_ones_are_said(tmp_path: Path) -> None:
    folder = put(tmp_path, "cat/1.png", "dog/1.png", "dog/2.png", "loose.png")
    (folder / "cow").mkdir()
    said = " ".join(load_dataset(folder).warnings)
    assert "1 pictures lie in no class folder" in said
    assert "No pictures in: cow." in said
    assert "One picture only in: cat." in said


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no such folder or zip" in refusal(tmp_path / "absent")
    assert "no pictures in it" in refusal(tmp_path / "empty")
    (tmp_path / "note.txt").write_text("hello")
    assert "neither a folder nor a whole zip" in refusal(tmp_path / "note.txt")
    assert "one class only, cat" in refusal(put(tmp_path, "cat/1.png", "cat/2.png"))


def test_pictures_without_class_folders_are_refused(tmp_path: Path) -> None:
    assert "no class folders" in refusal(put(tmp_path, "1.png", "2.png"))


def test_train_and_test_folders_are_parts_not_classes(tmp_path: Path) -> None:
    names = [f"{part}/{name}/{i}.png" for part in ("Train", "test") for name in ("cat", "dog") for i in "12"]
    assert "Train, test are parts of a data set, not classes" in refusal(put(tmp_path, *names))
    assert load_dataset(tmp_path / "data" / "Train").classes == ("cat", "dog")


def test_unknown_kind_is_refused_with_those_there_are(tmp_path: Path) -> None:
    assert "folders, csv, utkface, lfw" in refusal(tmp_path, kind="coco")


def test_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "cat/1.png", "dog/1.png", form="zip")
    path.write_bytes(path.read_bytes()[:-30])
    assert "neither a folder nor a whole zip" in refusal(path)


@pytest.mark.parametrize("name", ["../cat/1.png", "/cat/1.png", "cat/../../1.png"])
def test_zip_with_a_path_that_leaves_it_is_refused(tmp_path: Path, name: str) -> None:
    assert "leaves the zip" in refusal(put(tmp_path, name, "dog/1.png", form="zip"))


def test_damaged_member_is_a_picture_error_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    noise = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes() + bytes(5000)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", noise)
        archive.writestr("dog/1.png", png())
    data = bytearray(path.read_bytes())
    data[200:400] = b"\xff" * 200
    path.write_bytes(data)
    dataset = load_dataset(path)
    with pytest.raises(PictureError, match="cannot be unpacked"):
        dataset.read(0)
    assert dataset.read(1).pixels.shape == (6, 5, 3)


def test_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("cat/1.png", "w", force_zip64=True) as member:
            for _ in range(210):
                member.write(bytes(1_000_000))
        archive.writestr("dog/1.png", png())
    with pytest.raises(PictureError, match="unpacks to over 200 MB"):
        load_dataset(path).read(0)


def test_lfw_names_are_people(tmp_path: Path) -> None:
    names = [f"{person}/{person}_{i:04d}.png" for person in ("Ann_Lee", "Bo") for i in (1, 2)]
    dataset = load_dataset(put(tmp_path, *names))
    assert dataset.labels.tolist() == ["Ann_Lee", "Ann_Lee", "Bo", "Bo"]
    assert dataset.groups is not None
    assert dataset.groups.tolist() == dataset.labels.tolist()


def test_utkface_names_give_gender_age_and_race(tmp_path: Path) -> None:
    stamp = "20170109150557335.jpg.chip.png"
    dataset = load_dataset(
        put(tmp_path, *(f"{who}_{i}{stamp}" for who in ("25_0_1", "7_1_4") for i in range(6)), "odd.png")
    )
    assert dataset.labels.tolist() == ["male"] * 6 + ["female"] * 6
    assert dataset.columns["age"].tolist() == ["25"] * 6 + ["7"] * 6
    assert set(dataset.columns["race"]) == {"black", "other"}
    assert dataset.warnings == ("1 names are not UTKFace's and are left out.", dataset.about)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_table_is_read_in_any_usual_encoding_and_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = ["File,Label,Group,age", '"1.png", "blåbær" ,p1,30', "2.png,kött,p2,40"]
    text = "\r\n".join(line.replace(",", separator) for line in lines)
    dataset = load_dataset(table(tmp_path, text.replace(f"{separator} ", separator).encode(encoding)))
    assert dataset.labels.tolist() == ["blåbær", "kött"]
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["p1", "p2"]
    assert dataset.columns["age"].tolist() == ["30", "40"]


def test_table_below_one_folder_of_a_zip_names_files_beside_it(tmp_path: Path) -> None:
    path = put(tmp_path, "set/pics/1.png", "set/pics/2.png", form="zip")
    with ZipFile(path, "a") as archive:
        archive.writestr("set/labels.csv", "file,label\npics/1.png,a\n.\\pics\\2.png,b\n")
    dataset = load_dataset(path)
    assert [sample.name for sample in dataset.samples] == ["pics/1.png", "pics/2.png"]
    assert dataset.read(1).pixels[0, 0, 0] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("file,label\n", "a header and no rows"),
        ("file,class\n1.png,a\n", "no column label; it has file, class"),
        ("name\tkind\n1.png\ta\n", "no column file or label"),
        ("file,label\n1.png,\n", "row 2: no label"),
        ("file,label\n1.png,a\n,b\n", "row 3: no file"),
        ("file,label\n/etc/passwd,a\n", "row 2: /etc/passwd leaves the data folder"),
        ("file,label\nx/../../1.png,a\n", "leaves the data folder"),
        ("file,label\n..\\1.png,a\n", "leaves the data folder"),
        (
            "file,label\n1.png,a\n3.png,b\n4.png,b\n5.png,b\n6.png,b\n",
            "4 of 5 files are not there: 3.png, 4.png, 5.png ...",
        ),
        ("file,label\n1.png,a\n2.png,b\n1.png,b\n", "1.png is both a and b"),
        ("file,label\n1.png,a\n2.png,a\n", "one class only, a"),
        ('file,label\n1.png,"' + "x" * 200_000 + '"\n', "cannot be read"),
    ],
)
def test_faulty_table_is_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in refusal(table(tmp_path, text))


def test_repeated_rows_and_blank_lines_are_left_out_and_said(tmp_path: Path) -> None:
    dataset = load_dataset(table(tmp_path, "\n\nfile,label\n1.png,a\n,\n2.png,b\n1.png,a\n\n"))
    assert len(dataset) == 2
    assert dataset.warnings == ("1 rows repeat a file and are left out.",)


def test_groups_that_some_rows_lack_are_not_used_and_said(tmp_path: Path) -> None:
    dataset = load_dataset(table(tmp_path, "file,label,group\n1.png,a,p\n2.png,b,\n"))
    assert dataset.groups is None
    assert dataset.warnings == ("1 of 2 rows name no group: groups are not used.",)


def test_several_tables_side_by_side_are_refused(tmp_path: Path) -> None:
    folder = put(tmp_path, "a/1.png", "b/1.png")
    for name in "ab":
        (folder / name / "labels.csv").write_text("file,label\n1.png,x\n")
    assert "2 tables: a/labels.csv, b/labels.csv" in refusal(folder)
    (folder / "labels.csv").write_text("file,label\na/1.png,x\nb/1.png,y\n")
    assert load_dataset(folder).classes == ("x", "y")


def test_table_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    assert "holds no labels.csv" in refusal(put(tmp_path, "a/1.png", "b/1.png"), kind="csv")


def test_select_keeps_labels_columns_and_reading_together(tmp_path: Path) -> None:
    dataset = load_dataset(table(tmp_path, "file,label,age\n1.png,a,1\n2.png,b,2\n")).select(np.array([1]))
    assert len(dataset) == 1
    assert dataset.labels.tolist() == ["b"]
    assert dataset.columns["age"].tolist() == ["2"]
    assert dataset.read(0).pixels[0, 0, 0] == 1


def test_fingerprint_changes_with_labels_and_sizes_only(tmp_path: Path) -> None:
    folder = table(tmp_path, "file,label\n1.png,a\n2.png,b\n")
    before = load_dataset(folder).fingerprint()
    assert load_dataset(folder).fingerprint() == before
    (folder / "labels.csv").write_text("file,label\n1.png,b\n2.png,a\n")
    changed = load_dataset(folder).fingerprint()
    (folder / "1.png").write_bytes(png() + b"more")
    assert len({before, changed, load_dataset(folder).fingerprint()}) == 3


@pytest.mark.data
def test_real_archives_load(data: Path) -> None:
    counts = {
        "gender/lfw.zip": (5578, ("female", "male")),
        "gender/utkface.zip": (5000, ("female", "male")),
        "gender/tight_crops.zip": (3000, ("female", "male")),
        "blood/real.zip": (48, ("blood", "no_blood", "unclear")),
        "mask/maskon_crops.zip": (1601, ("with_mask", "without_mask", "worn_incorrectly")),
    }
    for name, (n, classes) in counts.items():
        dataset = load_dataset(data / name)
        assert (len(dataset), dataset.classes) == (n, classes), name
        assert re.fullmatch(r"[0-9a-f]{64}", dataset.fingerprint())
        assert dataset.read(n - 1).pixels.ndim == 3
