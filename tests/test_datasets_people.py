"""Sets of people: ORL's and Yale's names, pictures without a suffix, and what scikit-learn has in its cache."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import joblib
import numpy as np
import pytest
from PIL import Image

from eigenface.crops import CropSpec
from eigenface.datasets import load_dataset
from eigenface.datasets.about import ABOUT
from eigenface.datasets.cropping import crop_dataset
from eigenface.datasets.duplicates import find_duplicates
from eigenface.datasets.sklearn_faces import SETS
from eigenface.errors import DataError


def picture(value: int, form: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((6, 5), value, np.uint8)).save(buffer, form)
    return buffer.getvalue()


def put(root: Path, files: dict[str, bytes], form: str) -> Path:
    if form == "zip":
        with ZipFile(root / "set.zip", "w", ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return root / "set.zip"
    for name, data in files.items():
        (root / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "set" / name).write_bytes(data)
    return root / "set"


YALE = {
    "Readme.txt": b"terms",
    "LICENSE": b"no picture",
    "subject01.gif": picture(1, "GIF"),
    "subject01.happy": picture(2, "GIF"),
    "subject02.normal": picture(3, "GIF"),
    "subject02.noglasses": picture(3, "GIF"),
    "subject03.wink.png": picture(4, "PNG"),
    "subject03.sad": b"",
}


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("below", ["", "yalefaces/"])
def test_yales_pictures_are_known_by_their_first_bytes_and_names(tmp_path: Path, form: str, below: str) -> None:
    dataset = load_dataset(put(tmp_path, {below + name: data for name, data in YALE.items()}, form))
    assert dataset.labels.tolist() == ["subject01", "subject01", "subject02", "subject02", "subject03"]
    assert dataset.columns["condition"].tolist() == ["centerlight", "happy", "noglasses", "normal", "wink"]
    assert dataset.read(1).pixels[0, 0, 0] == 2
    assert dataset.about == ABOUT["yale"]
    assert [(one.first, one.second, one.exact) for one in find_duplicates(dataset)] == [(2, 3, True)]


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_orl_is_in_the_order_of_its_numbers_and_its_readme_is_no_picture(tmp_path: Path, form: str) -> None:
    names = [f"s{person}/{number}.pgm" for person in (10, 2) for number in (10, 1, 2)]
    files = {"README": b"free of charge"} | {name: picture(i, "PPM") for i, name in enumerate(names)}
    dataset = load_dataset(put(tmp_path, files, form))
    assert [sample.name for sample in dataset.samples] == [
        *(f"s2/{i}.pgm" for i in (1, 2, 10)),
        *(f"s10/{i}.pgm" for i in (1, 2, 10)),
    ]
    assert dataset.labels.tolist() == ["s2"] * 3 + ["s10"] * 3
    assert dataset.groups is None
    assert dataset.about == ABOUT["orl"]


def test_names_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    files = {f"s{person}/{number}.pgm": picture(9, "PPM") for person in range(1, 5) for number in range(1, 6)}
    dataset = load_dataset(put(tmp_path, files | {"s1/portrait.pgm": picture(1, "PPM")}, "zip"))
    assert len(dataset) == 20
    assert "1 names are not ORL's and are left out." in dataset.warnings


def test_encrypted_or_damaged_members_without_suffix_are_no_pictures(tmp_path: Path) -> None:
    files = {f"{label}/{i}": picture(i, "PNG") for label in ("a", "b") for i in range(3)}
    path = put(tmp_path, files | {"a/odd": bytes(3000) + b"x"}, "zip")
    with ZipFile(path) as archive:
        start = archive.getinfo("a/odd").header_offset + 35
    data = bytearray(path.read_bytes())
    data[start : start + 8] = b"\xff" * 8
    path.write_bytes(data)
    assert len(load_dataset(path)) == 6


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("name", SETS)
def test_absent_cache_is_one_line_that_says_how_to_download(name: str, cache: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(f"sklearn:{name}")
    assert "\n" not in str(caught.value)
    assert f"sklearn:{name}: not in {cache}" in str(caught.value)
    assert f"fetch_{name}(" in caught.value.hint


def test_unknown_data_of_scikit_learn_are_refused() -> None:
    with pytest.raises(DataError, match="There are sklearn:olivetti_faces, sklearn:lfw_people"):
        load_dataset("sklearn:iris")


def test_olivetti_faces_come_from_the_cache_as_crops(cache: Path) -> None:
    cache.mkdir()
    faces = np.random.default_rng(0).integers(0, 256, (400, 4096)).astype(np.float32)
    faces[0, :2] = 0, 255
    joblib.dump(faces, cache / "olivetti_py3.pkz")
    dataset = load_dataset("sklearn:olivetti_faces")
    assert len(dataset) == 400
    assert dataset.whole
    assert dataset.labels[[0, 9, 10, 399]].tolist() == ["s1", "s1", "s2", "s40"]
    assert np.array_equal(dataset.read(3).pixels[..., 0], faces[3].reshape(64, 64).T)
    assert crop_dataset(dataset.select(np.arange(3)), CropSpec(2)).crops[0].shape == (64, 64, 3)


def test_lfw_of_scikit_learn_is_read_as_files(cache: Path) -> None:
    for person in ("Ann_Lee", "Bo"):
        for number in (1, 2):
            path = cache / "lfw_home" / "lfw_funneled" / person / f"{person}_{number:04d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(number, "JPEG"))
    (cache / "lfw_home" / "lfw_funneled" / "pairs_01.txt").write_text("10\n")
    dataset = load_dataset("sklearn:lfw_people")
    assert (dataset.name, dataset.classes) == ("lfw_people", ("Ann_Lee", "Bo"))
    assert dataset.about == ABOUT["lfw"]


@pytest.mark.data
def test_yales_nine_equal_pairs_are_found_as_pictures_and_as_faces(data: Path) -> None:
    dataset = load_dataset(data / "identity" / "yale.zip")
    assert (len(dataset), len(dataset.classes), len(set(dataset.columns["condition"]))) == (165, 15, 11)
    exact = {
        (dataset.samples[p.first].name, dataset.samples[p.second].name) for p in find_duplicates(dataset) if p.exact
    }
    assert len(exact) == 9
    assert ("subject02.noglasses", "subject02.normal") in exact
    assert ("subject08.glasses", "subject08.normal") in exact


@pytest.mark.data
def test_orl_has_forty_people_with_ten_different_pictures(data: Path) -> None:
    dataset = load_dataset(data / "identity" / "orl.zip")
    assert [sample.name for sample in dataset.samples[9:12]] == ["s1/10.pgm", "s2/1.pgm", "s2/2.pgm"]
    assert set(np.unique(dataset.labels, return_counts=True)[1]) == {10}
    assert not any(pair.exact for pair in find_duplicates(dataset))
