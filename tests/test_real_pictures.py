"""What was promised on real pictures, where they are: odd files, course samples, faces of LFW."""

from __future__ import annotations

import csv
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

import eigenface
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import crop_dataset
from eigenface.detection import get_detector
from eigenface.image import load_picture
from eigenface.recognise import answer_or_refusal
from eigenface.tasks import get_task

pytestmark = pytest.mark.data


def test_every_odd_file_gets_what_is_expected_of_it(data: Path) -> None:
    models = [eigenface.load_model("gender")]
    wrong = []
    with (data / "originals" / "originals.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) >= 60
    for row in rows:
        answer = answer_or_refusal(data / "originals" / row["file"], models, name=row["file"])
        got = "clear error" if answer.error else "answer" if answer.faces else "no face"
        if got not in row["expected"]:
            wrong.append((row["file"], got, row["expected"]))
    assert wrong == []


def test_course_samples_have_one_box_a_face(data: Path) -> None:
    with ZipFile(data / "gender" / "course_samples.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        found = [len(get_detector().detect(load_picture(archive.read(name)).pixels)) for name in names]
    assert len(found) == 23
    assert found.count(1) >= 20


def test_faces_of_lfw_are_found_and_framed_alike(data: Path) -> None:
    dataset = load_dataset(data / "gender" / "lfw.zip")
    some = dataset.select(np.arange(0, len(dataset), 40))
    faces = crop_dataset(some, get_task("gender").crop)
    assert len(faces) >= 0.98 * len(some)
    sides = np.array([crop.shape[0] for crop in faces.crops])
    assert np.percentile(sides, 95) / np.percentile(sides, 5) < 1.35


def test_shipped_models_answer_real_crops_well(data: Path) -> None:
    """These faces were learned from: this says that nothing broke, not how good the models are."""
    dataset = load_dataset(data / "gender" / "tight_crops.zip").select(np.arange(0, 3000, 15))
    crops = [dataset.read(index).pixels for index in range(len(dataset))]
    for name in ("gender", "gender:eigenfaces"):
        model = eigenface.load_model(name)
        assert (model.predict(crops) == dataset.labels).mean() > 0.85
        gap = np.abs(model.predict_proba(crops) - model.pipeline_.predict_proba(crops)).max()
        assert gap <= 1e-3
