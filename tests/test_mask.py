"""The mask task: three classes on drawn people, no shortcut by size or sharpness, and what its sources leave out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import eigenface
from eigenface.augment import jittered, through, to_grey
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.datasets.drawn import make_faces, write_faces
from eigenface.fitting import fit_model
from eigenface.model import FaceClassifier
from eigenface.pipelines.models.sources import thinned, with_persons
from eigenface.tasks import get_task, task_for
from eigenface.tasks.task import Source
from eigenface.types import Pixels

CLASSES = ("with_mask", "without_mask", "worn_incorrectly")


@pytest.fixture(scope="module")
def mask() -> FaceClassifier:
    drawn = make_faces(CLASSES, 24, size=(40, 80))
    faces = CroppedFaces(drawn.crops, drawn.labels, drawn.groups, drawn.groups)
    task = get_task("mask")
    pipeline = task.pipelines[""]().set_params(pca__n_components=40)
    return fit_model(pipeline, faces, task, name="mask", folds=3)


@pytest.fixture(scope="module")
def strangers() -> tuple[list[Pixels], list[str]]:
    drawn = make_faces(CLASSES, 16, size=(40, 80), random_state=1)
    return drawn.crops, drawn.labels.tolist()


def test_masks_of_people_never_seen_are_told_apart(
    mask: FaceClassifier, strangers: tuple[list[Pixels], list[str]]
) -> None:
    crops, labels = strangers
    assert mask.classes_.tolist() == list(CLASSES)
    assert (mask.predict(crops) == labels).mean() > 0.85


@pytest.mark.parametrize("change", [through(24), to_grey, jittered(0.04, 0.06, 5)], ids=["24px", "grey", "framing"])
def test_size_sharpness_colour_and_framing_do_not_decide(
    mask: FaceClassifier, strangers: tuple[list[Pixels], list[str]], change: object
) -> None:
    crops, labels = strangers
    rng = np.random.default_rng(0)
    changed = [change(crop, rng) for crop in crops]  # type: ignore[operator]
    said = mask.predict(changed)
    assert (said == labels).mean() > 0.8
    assert np.mean([label == "without_mask" for label in said]) < 0.5


def test_the_program_answers_as_the_pipeline(mask: FaceClassifier, strangers: tuple[list[Pixels], list[str]]) -> None:
    crops = strangers[0][::4]
    assert mask.program is not None
    assert np.abs(mask.predict_proba(crops) - mask.pipeline_.predict_proba(crops)).max() < 1e-3


def test_the_plain_model_learns_masks_too() -> None:
    drawn = make_faces(CLASSES, 16, size=(40, 60))
    faces = CroppedFaces(drawn.crops, drawn.labels, drawn.groups, drawn.groups)
    pipeline = get_task("mask").pipelines["eigenfaces"]()
    model = fit_model(pipeline, faces, task_for("mask of drawn people", CLASSES), name="mask:eigenfaces", folds=3)
    assert (model.predict(drawn.crops) == drawn.labels).mean() > 0.9


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Nine pictures of three labels with a column that names their makers' files."""
    write_faces(tmp_path / "set", make_faces(("a", "b", "c"), 3, size=(40, 40)))
    files = sorted(path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*.png"))
    with (tmp_path / "set" / "labels.csv").open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["file", "label", "source_name"])
        rows.writerows([file, file[0], f"{'anna' if n % 2 else 'x1'}_{n}"] for n, file in enumerate(files))
    return tmp_path / "set"


def test_a_source_names_its_people(table: Path) -> None:
    source = Source("set", person=("source_name", r"^([a-z]+)_"))
    groups = with_persons(load_dataset(table), source).groups
    assert groups is not None
    assert groups.tolist().count("anna") == 4
    assert len(set(groups.tolist())) == 6


def test_a_source_takes_an_even_share_of_each_label(table: Path) -> None:
    dataset = load_dataset(table)
    few = thinned(dataset, 2)
    assert [few.labels.tolist().count(label) for label in "abc"] == [2, 2, 2]
    assert thinned(dataset, 0) is dataset
    assert len(thinned(dataset, 100)) == 9


@pytest.mark.data
def test_the_shipped_model_answers_real_crops(data: Path) -> None:
    """These faces were learned from: this says that nothing broke, not how good the model is."""
    dataset = load_dataset(data / "mask" / "mask12k_crops.zip").select(np.arange(0, 1500, 10))
    crops = [dataset.read(index).pixels for index in range(len(dataset))]
    assert (eigenface.load_model("mask").predict(crops) == dataset.labels).mean() > 0.97


@pytest.mark.data
def test_bare_faces_in_press_photos_wear_no_mask(data: Path) -> None:
    dataset = load_dataset(data / "gender" / "lfw.zip")
    faces = crop_dataset(dataset.select(np.arange(0, len(dataset), 80)), get_task("mask").crop)
    assert (eigenface.load_model("mask").predict(faces.crops) == "without_mask").mean() > 0.97
