"""Telling people apart: the steps, the embedding and its odds, the saved file, and a closed set of one's own people."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from eigenface.crops import CropSpec
from eigenface.datasets.drawn import draw_photo, make_faces
from eigenface.embedding import OPEN, FaceEmbedder, Odds
from eigenface.errors import ModelError, PictureError, RequestError
from eigenface.fold import fold_transform
from eigenface.program import Program
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces
from eigenface.steps.identity import NearestPerson, PersonSpace, UnitRows
from eigenface.store import load_model, save_model
from eigenface.verification import fitted_embedding, fold_of, judged_pairs, odds_of, pairs_of


@parametrize_with_checks([UnitRows(), PersonSpace(), PersonSpace(bits=8), NearestPerson()])
def test_common_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def people(count: int, each: int, seed: int, *, between: float = 1.0, within: float = 1.0) -> tuple[Any, Any]:
    """Rows whose last half tells nothing of who it is, only loudly."""
    rng = np.random.default_rng(seed)
    names = np.repeat(np.arange(count), each)
    centres = np.concatenate([rng.normal(0, between, (count, 10)), np.zeros((count, 10))], axis=1)
    noise = rng.normal(0, within, (count * each, 20)) * np.repeat([0.5, 3.0], 10)
    return (centres[names] + noise).astype(np.float32), names


def error_rate(rows: Any, names: Any) -> float:
    found: float = judged_pairs(pairs_of(rows, names), Odds(1.0, 0.0), "drawn")["equal_error_rate"]
    return found


def test_the_space_of_people_is_deaf_to_what_tells_nothing_about_them() -> None:
    rows, names = people(200, 4, 0)
    fresh, others = people(200, 4, 1)
    space = PersonSpace(0.1).fit(rows, names)
    before, after = (error_rate(UnitRows().fit_transform(x), others) for x in (fresh, space.transform(fresh)))
    assert after < before / 2
    assert (np.diff(space.ratios_) <= 0).all()


def test_people_with_one_picture_count_and_so_does_nobody_twice() -> None:
    rows, names = people(150, 1, 0)
    assert np.isfinite(PersonSpace().fit(rows, names).transform(rows)).all()
    some, of = people(40, 6, 2)
    both = PersonSpace().fit(np.concatenate([rows, some]), np.concatenate([names + 1000, of]))
    fresh, others = people(200, 4, 1)
    alone = error_rate(UnitRows().fit_transform(PersonSpace().fit(some, of).transform(fresh)), others)
    assert error_rate(UnitRows().fit_transform(both.transform(fresh)), others) <= alone + 0.02


@pytest.mark.parametrize("given", [{"shrinkage": 2.0}, {"most": 1}, {"bits": 4}])
def test_bounds_of_the_space_are_told(given: dict[str, Any]) -> None:
    rows, names = people(5, 3, 0)
    with pytest.raises(ValueError, match="expected shrinkage"):
        PersonSpace(**given).fit(rows, names)


def test_the_nearest_person_is_found_whatever_the_length_of_a_row() -> None:
    rows, names = people(12, 6, 0, between=2.0, within=0.3)
    model = NearestPerson().fit(rows, names)
    assert (model.predict(rows * 7) == names).mean() > 0.95
    assert np.abs(model.decision_function(rows)).max() <= 1.001
    assert model.decision_function(rows).shape == (72, 12)
    two = NearestPerson().fit(rows[:12], names[:12])
    assert two.decision_function(rows).shape == (72,)


def test_odds_mean_what_they_say() -> None:
    rows, names = people(300, 3, 0)
    unit = UnitRows().fit_transform(PersonSpace().fit(rows, names).transform(rows))
    odds = odds_of(pairs_of(unit, names))
    fresh, others = people(300, 3, 1)
    pairs = pairs_of(UnitRows().fit_transform(PersonSpace().fit(rows, names).transform(fresh)), others)
    row = judged_pairs(pairs, odds, "fresh")
    assert row["calibration_error"] < 0.05
    assert row["low"] <= row["accuracy"] <= row["high"]
    for rate, threshold in zip(odds.rates, odds.thresholds, strict=True):
        assert (pairs.differing >= threshold).mean() == pytest.approx(rate, rel=0.5, abs=2e-4)


def test_odds_check_themselves() -> None:
    for given in ((0.0, 0.0), (float("nan"), 0.0), (1.0, 0.0, (0.1,), ()), (1.0, 0.0, (0.1, 0.2), (0.3, 0.4))):
        with pytest.raises(ValueError, match="odds: expected"):
            Odds(*given)  # type: ignore[arg-type]


def test_nobody_is_in_two_folds() -> None:
    names = np.repeat(np.arange(30), 3)
    folds = fold_of(names, 3)
    assert all(len(np.unique(folds[names == name])) == 1 for name in range(30))
    assert np.bincount(folds).tolist() == [30, 30, 30]


@pytest.fixture(scope="module")
def embedder() -> FaceEmbedder:
    drawn = make_faces(tuple(f"p{i}" for i in range(12)), 6, size=(40, 60), random_state=3)
    pipeline = Pipeline(
        [
            ("faces", GreyFaces(24)),
            ("pca", Eigenfaces(20, power=0.0, bits=4)),
            ("unit", UnitRows()),
            ("people", PersonSpace(0.3, bits=8)),
            ("length", UnitRows()),
        ]
    )
    fitted, pairs = fitted_embedding(pipeline, drawn.crops, np.array(drawn.labels))
    operations = fold_transform(fitted)
    assert operations is not None
    meta = {"task": "identity", "name": "identity", "kind": OPEN, "classes": [], "crop": CropSpec(0.95).as_dict()}
    return FaceEmbedder({**meta, "odds": odds_of(pairs).as_dict()}, program=Program(operations), pipeline=fitted)


def test_program_pipeline_and_file_embed_alike(embedder: FaceEmbedder, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((1, 1), (30, 70), (90, 20), (200, 150))]
    rows = embedder.embed(crops)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.abs(embedder.pipeline_.transform(crops) - rows).max() < 1e-4
    assert embedder.embed([]).shape == (0, embedder.dimensions)
    save_model(embedder, tmp_path / "m.eigenface")
    loaded = load_model(tmp_path / "m.eigenface")
    assert isinstance(loaded, FaceEmbedder)
    assert loaded.odds == embedder.odds
    assert np.abs(loaded.embed(crops) - rows).max() < 1e-4
    assert np.abs(loaded.pipeline_.transform(crops) - rows).max() < 1e-4
    names = {f"p{i}" for i in range(12)}
    with zipfile.ZipFile(tmp_path / "m.eigenface") as archive:
        assert not any(f'"{name}"'.encode() in archive.read("meta.json") for name in names)


def test_two_photos_are_compared(embedder: FaceEmbedder, tmp_path: Path) -> None:
    photo = draw_photo()[0]
    Image.fromarray(photo).save(tmp_path / "a.png")
    same = embedder.compare(tmp_path / "a.png", photo)
    assert same.same
    assert same.similarity == pytest.approx(1, abs=1e-5)
    assert same.probability == pytest.approx(float(embedder.probability(1.0)), abs=1e-3)
    assert same.boxes[0].iou(same.boxes[1]) > 0.99
    assert same.as_dict()["boxes"][0].keys() == {"x", "y", "width", "height"}
    blank = np.full((80, 80, 3), 127, np.uint8)
    with pytest.raises(PictureError, match="no face was found") as caught:
        embedder.compare(photo, blank)
    assert caught.value.code == "no_face"
    assert embedder.compare(photo, blank, whole=True).boxes[1].width == 80


def test_thresholds_follow_the_rate_and_rates_not_measured_are_told(embedder: FaceEmbedder) -> None:
    odds = Odds(9.0, -2.0, (0.1, 0.01), (0.2, 0.4))
    model = FaceEmbedder({**embedder.meta, "odds": odds.as_dict()}, program=embedder.program)
    assert [model.threshold_for(rate) for rate in (0.1, 0.01)] == pytest.approx([0.2, 0.4])
    assert model.threshold_for(10**-1.5) == pytest.approx(0.3)
    for rate in (1e-9, 0.5):
        with pytest.raises(RequestError, match=r"Give one between 0.01 and 0.1"):
            model.threshold_for(rate)
    chances = model.probability(np.linspace(-1, 1, 9))
    assert (np.diff(chances) > 0).all()


def test_an_embedding_names_nobody_and_a_damaged_one_is_told(embedder: FaceEmbedder) -> None:
    with pytest.raises(RequestError, match="knows nobody by name"):
        embedder.predict_proba([np.zeros((9, 9, 3), np.uint8)])
    for odds in ({}, {"slope": -1, "offset": 0}, {"slope": "x", "offset": 0}, None):
        with pytest.raises(ModelError, match="its description is not whole"):
            FaceEmbedder({**embedder.meta, "odds": odds}, program=embedder.program)
    unfit = FaceEmbedder(embedder.meta, program=Program(embedder.program.operations[:-1]))  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="does not embed a face"):
        unfit.check()


def test_steps_survive_cloning_and_pickling() -> None:
    rows, names = people(10, 4, 0)
    for step in (UnitRows(), PersonSpace(0.2, most=5, bits=8)):
        fitted = clone(step).fit(rows, names)
        assert (pickle.loads(pickle.dumps(fitted)).transform(rows) == fitted.transform(rows)).all()
    nearest = pickle.loads(pickle.dumps(NearestPerson().fit(rows, names)))
    assert nearest.predict(rows).shape == names.shape
