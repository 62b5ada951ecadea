"""A folded program answers as the fitted scikit-learn estimator does, and so does whatever was saved of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from eigenface.baselines import RedPixelThreshold
from eigenface.calibrate import calibrate_pipeline, folds_by_group
from eigenface.compact import decode, encode
from eigenface.datasets.drawn import make_faces
from eigenface.errors import ModelError
from eigenface.fold import fold, unfoldable_step
from eigenface.model import FaceClassifier
from eigenface.program import Program
from eigenface.steps.blood import BloodMap, ColourFisher
from eigenface.steps.directions import KernelDirections
from eigenface.steps.eigen import Eigenfaces, Rounded
from eigenface.steps.faces import ColourFaces, GreyFaces
from eigenface.steps.fisher import FisherVectors
from eigenface.steps.identity import NearestPerson, PersonSpace, UnitRows
from eigenface.steps.maps import HOG, LBP, ColourBands, Weighted
from eigenface.steps.ridge import KernelRidgeClassifier
from eigenface.store import load_model, save_model

TWO = make_faces(("female", "male"), 20, size=(30, 60), random_state=1)
FOUR = make_faces(("a", "b", "c", "d"), 12, size=(30, 60), random_state=2)


def branch(*steps: Any) -> Pipeline:
    return Pipeline([(str(number), step) for number, step in enumerate(steps)])


def everything() -> FeatureUnion:
    return FeatureUnion(
        [
            ("hog", branch(GreyFaces(32), HOG(8), Weighted(0.5))),
            ("one_sided", branch(GreyFaces(32), HOG(8, mirror=False))),
            ("lbp", branch(GreyFaces(34, equalise=True), LBP(8, radius=1))),
            ("colour", branch(ColourFaces(32), ColourBands(4, 6))),
        ]
    )


PIPELINES = {
    "seeds": lambda: branch(GreyFaces(24), PCA(10, whiten=True, random_state=0), SVC(C=3, gamma=0.05)),
    "plain pca": lambda: branch(GreyFaces(24), PCA(8, random_state=0), SVC(kernel="linear")),
    "poly": lambda: branch(GreyFaces(24), StandardScaler(), Eigenfaces(8), SVC(kernel="poly", gamma=0.1, coef0=1)),
    "sigmoid": lambda: branch(GreyFaces(16), Eigenfaces(8), SVC(kernel="sigmoid", gamma=0.01)),
    "rounded": lambda: branch(GreyFaces(24), Eigenfaces(10, power=0.5, bits=8), Rounded(8), SVC(gamma=0.05)),
    "four bits": lambda: branch(GreyFaces(24), Eigenfaces(10, bits=8), Rounded(4), SVC(gamma=0.05)),
    "features": lambda: branch(everything(), Eigenfaces(12, power=0.5), SVC(gamma=0.05)),
    "fisherfaces": lambda: branch(GreyFaces(24), PCA(8, random_state=0), LinearDiscriminantAnalysis()),
    "logistic": lambda: branch(GreyFaces(16), Eigenfaces(8), LogisticRegression()),
    "fisher": lambda: branch(GreyFaces(64), FisherVectors("64"), Eigenfaces(8, bits=4), KernelRidgeClassifier()),
    "one-sided fisher": lambda: branch(GreyFaces(48), FisherVectors("48", mirror=False), LinearSVC()),
    "ridge": lambda: branch(GreyFaces(24), Eigenfaces(8, power=0.5), KernelRidgeClassifier(bits=8)),
    "directions": lambda: branch(GreyFaces(24), KernelDirections(6, searched=12, bits=4), KernelRidgeClassifier()),
    "least squares": lambda: branch(GreyFaces(16), Eigenfaces(8), RidgeClassifier()),
    "people": lambda: branch(GreyFaces(24), Eigenfaces(8, bits=4), UnitRows(), PersonSpace(bits=8), NearestPerson()),
    "blood": lambda: branch(
        FeatureUnion([("map", BloodMap()), ("colour", ColourFisher())]), Eigenfaces(12, power=0.5), SVC(gamma=0.05)
    ),
    "linear": lambda: branch(GreyFaces(16), Eigenfaces(8), LinearSVC()),
}


def calibrated(name: str, drawn: Any) -> Pipeline:
    folds = folds_by_group(drawn.labels, drawn.groups, 3)
    return calibrate_pipeline(PIPELINES[name](), drawn.crops, drawn.labels, folds).pipeline


@pytest.mark.parametrize("drawn", [TWO, FOUR], ids=["two classes", "four classes"])
@pytest.mark.parametrize("name", PIPELINES)
def test_program_pipeline_and_files_answer_alike(name: str, drawn: Any, tmp_path: Path) -> None:
    pipeline = calibrated(name, drawn)
    operations = fold(pipeline)
    assert operations is not None, unfoldable_step(pipeline)
    program = Program(operations)
    rng = np.random.default_rng(0)
    odd = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((1, 1), (1, 90), (70, 3), (200, 150))]
    crops = [*drawn.crops, *odd, drawn.crops[0][:, ::-1]]
    stock, quick = pipeline.predict_proba(crops), program(crops)
    assert np.abs(stock - quick).max() <= 1e-3
    sure = np.sort(stock, axis=1)[:, -1] - np.sort(stock, axis=1)[:, -2] > 2e-3
    assert (stock.argmax(axis=1) == quick.argmax(axis=1))[sure].all()
    one_by_one = np.concatenate([program([crop]) for crop in crops])
    assert np.abs(one_by_one - quick).max() < 1e-5

    meta = {"task": "t", "name": "t", "classes": [str(label) for label in pipeline.classes_]}
    model = FaceClassifier(meta, program=program, pipeline=pipeline)
    for suffix in ("eigenface", "joblib"):
        save_model(model, tmp_path / f"m.{suffix}")
        loaded = load_model(tmp_path / f"m.{suffix}", trust=True)
        assert loaded.classes_.tolist() == meta["classes"]
        assert np.abs(loaded.predict_proba(crops) - quick).max() < 1e-4
        assert np.abs(loaded.pipeline_.predict_proba(crops) - stock).max() < 1e-4


def test_saving_twice_gives_equal_arrays_and_figures(tmp_path: Path, model: FaceClassifier, drawn: Any) -> None:
    save_model(model, tmp_path / "a.eigenface")
    again = load_model(tmp_path / "a.eigenface")
    save_model(again, tmp_path / "b.eigenface")
    third = load_model(tmp_path / "b.eigenface")
    assert (third.predict_proba(drawn.crops) == again.predict_proba(drawn.crops)).all()
    assert (tmp_path / "a.eigenface").stat().st_size < 100_000


def test_red_pixels_fold(tmp_path: Path) -> None:
    drawn = make_faces(("blood", "no_blood"), 16, size=(40, 60))
    for positive in ("blood", "no_blood"):
        pipeline = Pipeline([("red", RedPixelThreshold(0.02, positive=positive))])
        fitted = calibrate_pipeline(pipeline, drawn.crops, drawn.labels, folds_by_group(drawn.labels, None, 2)).pipeline
        operations = fold(fitted)
        assert operations is not None
        assert np.abs(Program(operations)(drawn.crops) - fitted.predict_proba(drawn.crops)).max() < 1e-4


@pytest.mark.parametrize("drawn", [TWO, FOUR], ids=["two classes", "four classes"])
@pytest.mark.parametrize(
    ("last", "folds"),
    [
        (LogisticRegression(), {2}),
        (LinearDiscriminantAnalysis(), {2, 4}),
        (CalibratedClassifierCV(SVC(gamma=0.1), cv=2, ensemble=False), set()),
        (RandomForestClassifier(10, random_state=0), set()),
        (KNeighborsClassifier(3), set()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_users_own_classifier_answers_as_it_does(last: Any, folds: set[int], drawn: Any, tmp_path: Path) -> None:
    pipeline = branch(GreyFaces(16), Eigenfaces(6), last).fit(drawn.crops, drawn.labels)
    joblib.dump(pipeline, tmp_path / "own.joblib")
    model = load_model(tmp_path / "own.joblib", trust=True)
    assert (model.program is not None) == (len(model.classes_) in folds) == (unfoldable_step(pipeline) is None)
    assert np.abs(model.predict_proba(drawn.crops) - pipeline.predict_proba(drawn.crops)).max() <= 1e-3


def test_boosting_is_calibrated_and_saved_in_both_ways(tmp_path: Path) -> None:
    boosting = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    pipeline = branch(GreyFaces(16), Eigenfaces(6), boosting)
    fitted = calibrate_pipeline(pipeline, TWO.crops, TWO.labels, folds_by_group(TWO.labels, TWO.groups, 2)).pipeline
    model = FaceClassifier({"task": "t", "name": "t", "classes": ["female", "male"]}, program=None, pipeline=fitted)
    save_model(model, tmp_path / "m.joblib")
    loaded = load_model(tmp_path / "m.joblib", trust=True)
    assert (loaded.predict_proba(TWO.crops) == fitted.predict_proba(TWO.crops)).all()


def test_unions_that_pass_on_or_drop_a_part_answer_through_scikit_learn_or_without_it() -> None:
    for part, folds in (("drop", True), ("passthrough", False)):
        union = FeatureUnion([("pca", PCA(4, random_state=0)), ("other", part)])
        pipeline = branch(GreyFaces(8), union, LinearDiscriminantAnalysis()).fit(TWO.crops, TWO.labels)
        operations = fold(pipeline)
        assert (operations is not None) == folds
        if operations:
            assert np.abs(Program(operations)(TWO.crops) - pipeline.predict_proba(TWO.crops)).max() <= 1e-3


def test_more_components_than_faces_whiten_as_scikit_learn_does() -> None:
    crops, labels = TWO.crops[:12] + TWO.crops[-12:], [*TWO.labels[:12], *TWO.labels[-12:]]
    for reduction in (PCA(whiten=True, random_state=0), Eigenfaces(60)):
        pipeline = branch(GreyFaces(16), reduction, SVC(gamma=0.02))
        fitted = calibrate_pipeline(pipeline, crops, np.array(labels), folds_by_group(labels, None, 3)).pipeline
        operations = fold(fitted)
        assert operations is not None
        answers = Program(operations)(crops)
        assert np.isfinite(answers).all()
        if isinstance(reduction, Eigenfaces):
            assert np.abs(answers - fitted.predict_proba(crops)).max() <= 1e-3


def test_a_step_without_a_rule_answers_through_scikit_learn(tmp_path: Path) -> None:
    pipeline = branch(GreyFaces(16), Eigenfaces(6), RandomForestClassifier(10, random_state=0))
    fitted = calibrate_pipeline(pipeline, TWO.crops, TWO.labels, folds_by_group(TWO.labels, TWO.groups, 2)).pipeline
    assert fold(fitted) is None
    assert unfoldable_step(fitted) == "RandomForestClassifier"
    model = FaceClassifier({"task": "t", "name": "t", "classes": ["female", "male"]}, program=None, pipeline=fitted)
    save_model(model, tmp_path / "forest.joblib")
    loaded = load_model(tmp_path / "forest.joblib", trust=True)
    assert loaded.program is None
    assert (loaded.predict_proba(TWO.crops) == fitted.predict_proba(TWO.crops)).all()


class Strange(GreyFaces):
    """A user's own step."""


def test_a_type_of_the_users_own_is_refused_when_saved_not_when_loaded(tmp_path: Path) -> None:
    pipeline = branch(Strange(16), Eigenfaces(6), SVC(gamma=0.1))
    fitted = calibrate_pipeline(pipeline, TWO.crops, TWO.labels, folds_by_group(TWO.labels, TWO.groups, 2)).pipeline
    model = FaceClassifier({"task": "t", "name": "t", "classes": ["female", "male"]}, program=None, pipeline=fitted)
    with pytest.raises(ModelError) as caught:
        save_model(model, tmp_path / "strange.eigenface")
    assert caught.value.code == "type_not_listed"
    assert not list(tmp_path.iterdir())


def test_part_of_rounded_rows_still_takes_a_byte_a_number() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 12)).astype(np.float32)
    rounded = Rounded(8).fit(rows)
    part = rounded.transform(rows)[100:180].astype(np.float64)
    encoded = encode(part, [rounded.steps_])
    assert encoded.codes.dtype == np.int8
    assert (decode(encoded) == part).all()
    assert decode(encoded).dtype == np.float64
    for array in (part + 1e-9, np.array([[np.nan, 1.0]] * 40), np.arange(200.0), np.float32(part).T):
        assert np.array_equal(decode(encode(array)), array, equal_nan=True)
