"""Our estimators keep scikit-learn's contract; what they cannot keep stands here with its reason."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from eigenface.baselines import RedPixelThreshold
from eigenface.calibrate import Calibrated, calibrate_pipeline, folds_by_group, out_of_fold
from eigenface.compact import decode, encode
from eigenface.datasets.drawn import DrawnFaces, make_faces
from eigenface.errors import DataError
from eigenface.features.fisher import FisherCoder
from eigenface.report.calibration import calibration_error
from eigenface.steps.blood import BloodMap, ColourFisher
from eigenface.steps.directions import KernelDirections
from eigenface.steps.eigen import Eigenfaces, Rounded
from eigenface.steps.faces import ColourFaces, GreyFaces
from eigenface.steps.fisher import FisherVectors, learn_vocabulary
from eigenface.steps.maps import HOG, LBP, ColourBands, Weighted
from eigenface.steps.ridge import KernelRidgeClassifier
from eigenface.tasks.recipes import eigenface_pipeline


def expected_failures(estimator: Any) -> dict[str, str]:
    reason = "rows are square pictures, and the checks' rows are not"
    if isinstance(estimator, ColourBands | FisherVectors):
        return dict.fromkeys((*PICTURE_CHECKS, *COLOUR_CHECKS), reason)
    if isinstance(estimator, HOG | LBP):
        return dict.fromkeys(PICTURE_CHECKS, reason)
    return {}


PICTURE_CHECKS = (
    "check_dict_unchanged", "check_dont_overwrite_attributes", "check_dont_overwrite_parameters", "check_dtype_object",
        "check_estimators_dtypes", "check_estimators_fit_returns_self", "check_estimators_nan_inf",
    "check_estimators_overwrite_params", "check_estimators_pickle", "check_f_contiguous_array_estimator",
    "check_fit2d_1feature", "check_fit2d_1sample", "check_fit2d_predict1d", "check_fit_check_is_fitted",
    "check_fit_idempotent", "check_methods_sample_order_invariance", "check_methods_subset_invariance",
    "check_n_features_in", "check_pipeline_consistency",
    "check_readonly_memmap_input", "check_transformer_data_not_an_array",
    "check_transformer_general", "check_transformer_preserve_dtypes", "check_transformers_unfitted",
    "check_transformers_unfitted_stateless", "check_fit_score_takes_y",
    "check_n_features_in", )  # fmt: skip


COLOUR_CHECKS = ("check_n_features_in_after_fitting", "check_positive_only_tag_during_fit")


@parametrize_with_checks(
    [
        Eigenfaces(2),
        Rounded(),
        Weighted(),
        Calibrated(LinearSVC(), n_splits=2),
        KernelRidgeClassifier(),
        KernelDirections(2),
        FisherVectors(),
        HOG(),
        LBP(),
        ColourBands(),
    ],
    expected_failed_checks=expected_failures,
)
def test_common_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "estimator", [GreyFaces(), ColourFaces(), BloodMap(), ColourFisher(), RedPixelThreshold()], ids=repr
)
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_valid_tag_types,
    ],
)
def test_what_takes_crops_passes_the_checks_that_need_no_rows(estimator: Any, check: Any) -> None:
    check(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("step", [GreyFaces(16, equalise=True), ColourFaces(8)])
def test_first_steps_take_lists_of_crops_of_any_size(step: Any, drawn: DrawnFaces) -> None:
    rows = clone(step).fit_transform(drawn.crops)
    assert rows.dtype == np.float32
    assert rows.shape == (len(drawn.crops), step.size**2 * (3 if isinstance(step, ColourFaces) else 1))
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert (pickle.loads(pickle.dumps(step)).transform(drawn.crops[:2]) == rows[:2]).all()
    with pytest.raises(TypeError, match="crop 1: expected a numpy array"):
        step.transform([drawn.crops[0], "a.jpg"])
    with pytest.raises(ValueError, match="put it into a list"):
        step.transform(drawn.crops[0])


def test_red_pixels_keep_parameters_and_answers_when_cloned_and_pickled(drawn: DrawnFaces) -> None:
    given = RedPixelThreshold(0.3, positive="male", hue=5).set_params(value=40)
    assert clone(given).get_params() == given.get_params() == {
        "threshold": 0.3, "positive": "male", "hue": 5, "saturation": 120, "value": 40
    }  # fmt: skip
    fitted = clone(given).fit(drawn.crops, drawn.labels)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.decision_function(drawn.crops) == fitted.decision_function(drawn.crops)).all()
    with pytest.raises(NotFittedError):
        given.predict(drawn.crops)


def test_colours_are_told_when_rows_are_not_of_colours() -> None:
    with pytest.raises(ValueError, match="3 channels, got 256"):
        ColourBands().fit(np.zeros((4, 256)))


def test_features_of_pictures_survive_fit_and_transform(drawn: DrawnFaces) -> None:
    rows = GreyFaces(32).fit_transform(drawn.crops)
    assert HOG(8).fit_transform(rows).shape == (len(rows), 3 * 2 * 36)
    assert HOG(8, mirror=False).fit_transform(rows).shape == (len(rows), 3 * 3 * 36)
    colour = ColourBands(4, 6).fit_transform(ColourFaces(32).fit_transform(drawn.crops))
    assert colour.shape == (len(rows), 4 * 2 * 24)


def test_eigenfaces_rebuild_what_they_were_learned_from(drawn: DrawnFaces) -> None:
    rows = GreyFaces(16).fit_transform(drawn.crops)
    for power in (0.0, 0.5, 1.0):
        space = Eigenfaces(40, power=power, svd_solver="full").fit(rows)
        rebuilt = space.inverse_transform(space.transform(rows))
        assert np.abs(rebuilt - rows).mean() < 0.02
        spread = space.transform(rows).std(axis=0)
        assert (spread[0] / spread[5] > 1.2) == (power < 1)


def test_components_that_are_nothing_but_rounding_are_left_out(drawn: DrawnFaces) -> None:
    rows = GreyFaces(16).fit_transform(drawn.crops[:10])
    twice = np.concatenate([rows, rows])
    for few, rank in ((rows, 9), (twice, 9), (rows[:2], 1), (np.ones_like(rows), 1)):
        space = Eigenfaces(50).fit(few)
        assert space.n_components_ == len(space.components_) == len(space.explained_variance_) == rank
        nudged = few + np.float32(1e-3) * np.random.default_rng(0).normal(size=few.shape).astype(np.float32)
        assert np.abs(space.transform(nudged) - space.transform(few)).max() < 0.5


def test_rounding_keeps_every_number_within_half_a_step() -> None:
    rows = np.random.default_rng(0).normal(0, [[0.001, 1, 500]], (200, 3)).astype(np.float32)
    for bits in (8, 4):
        rounded = Rounded(bits).fit(rows)
        gap = np.abs(rounded.transform(rows) - rows)
        assert (gap <= rounded.steps_ * 0.501).all()
        assert len(np.unique(rounded.transform(rows)[:, 1])) <= 2**bits
        assert (rounded.transform(rounded.transform(rows)) == rounded.transform(rows)).all()


def test_red_pixels_find_drawn_blood() -> None:
    drawn = make_faces(("blood", "no_blood"), 16, size=(60, 90))
    found = RedPixelThreshold(0.01, positive="blood", saturation=200).fit(drawn.crops, drawn.labels)
    assert (found.predict(drawn.crops) == drawn.labels).mean() > 0.9
    with pytest.raises(ValueError, match="two classes"):
        RedPixelThreshold().fit(drawn.crops, ["a"] * 32)


def noisy(n: int, classes: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    return np.eye(classes)[y] * 1.2 + rng.normal(0, 1, (n, classes)), y


@pytest.mark.parametrize("classes", [2, 4])
def test_calibrated_probabilities_mean_what_they_say(classes: int) -> None:
    X, y = noisy(1200, classes, 0)
    model = Calibrated(SVC(gamma=0.5, C=5)).fit(X, y)
    fresh, truth = noisy(3000, classes, 1)
    probabilities = model.predict_proba(fresh)
    right = model.classes_[probabilities.argmax(axis=1)] == truth
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert calibration_error(probabilities.max(axis=1), right) < 0.05


def test_classes_that_are_easily_told_apart_keep_honest_finite_odds() -> None:
    X = np.r_[np.full((20, 1), -5.0), np.full((20, 1), 5.0)]
    probabilities = Calibrated(SVC()).fit(X, [0] * 20 + [1] * 20).predict_proba([[-5.0], [5.0], [1e6]])
    assert np.isfinite(probabilities).all()
    assert 0.9 < probabilities[1, 1] < 0.99  # forty faces are no ground for more
    three = Calibrated(SVC()).fit(np.repeat([[-5.0], [0.0], [5.0]], 20, axis=0), np.repeat([0, 1, 2], 20))
    odds = three.predict_proba([[-5.0], [0.0], [5.0]]).max(axis=1)
    assert (odds > 0.85).all()
    assert (odds < 0.99).all()


def test_calibration_betters_odds_that_are_too_sure() -> None:
    X, y = noisy(600, 2, 0)
    raw = GaussianNB().fit(np.repeat(X, 5, axis=1), y)  # takes one fact for five
    model = Calibrated(GaussianNB()).fit(np.repeat(X, 5, axis=1), y)
    fresh, truth = noisy(3000, 2, 1)
    errors = []
    for judge in (raw, model):
        probabilities = judge.predict_proba(np.repeat(fresh, 5, axis=1))
        errors.append(calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth))
    assert errors[1] < errors[0] / 2


def test_decisions_that_say_nothing_give_the_share_of_each_class() -> None:
    y = np.array([0] * 30 + [1] * 10)
    model = Calibrated(DummyClassifier()).fit(np.zeros((40, 1)), y)
    assert model.predict_proba([[0.0]])[0] == pytest.approx([0.75, 0.25], abs=0.05)


@pytest.mark.parametrize("others", [["a"], ["a", "b"]])
def test_a_class_that_is_missing_in_a_part_is_named(others: list[str]) -> None:
    labels = np.array(others * 20 + ["rare"])
    X = np.random.default_rng(0).normal(size=(len(labels), 3))
    folds = [(np.arange(10, len(labels)), np.arange(10)), (np.arange(10), np.arange(10, len(labels)))]
    with pytest.raises(DataError, match="class rare") as caught:
        out_of_fold(SVC(), X, labels, folds)
    assert caught.value.code == "too_few_faces"


def test_nobody_is_on_both_sides_of_a_fold() -> None:
    labels = np.array(["a", "b"] * 30)
    groups = np.repeat(np.arange(20), 3)
    seen = np.zeros(60, int)
    for train, test in folds_by_group(labels, groups, 5):
        assert not set(groups[train]) & set(groups[test])
        seen[test] += 1
    assert (seen == 1).all()


def test_decisions_out_of_fold_come_from_models_that_did_not_see_the_face(drawn: DrawnFaces) -> None:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.array(["x", "y"] * 60))  # nothing to learn
    X = rng.normal(size=(120, 40))
    said = out_of_fold(SVC(gamma=10.0), X, labels, folds_by_group(labels, None))
    assert abs(((said[:, 0] > 0) == (labels == "y")).mean() - 0.5) < 0.15
    assert (SVC(gamma=10.0).fit(X, labels).predict(X) == labels).all()  # which learns it all by heart


def test_a_pipeline_is_calibrated_on_faces_it_had_not_seen(drawn: DrawnFaces) -> None:
    pipeline = eigenface_pipeline().set_params(faces__size=16, pca__n_components=8)
    fitted = calibrate_pipeline(pipeline, drawn.crops, drawn.labels, folds_by_group(drawn.labels, drawn.groups, 3))
    assert fitted.out_of_fold.shape == (48, 2)
    right = fitted.pipeline.classes_[fitted.out_of_fold.argmax(axis=1)] == drawn.labels
    assert right.mean() > 0.85
    assert not hasattr(pipeline.named_steps["svc"], "support_")  # what was handed over stays unfitted


def test_a_vocabulary_describes_a_face_and_its_mirror_image_alike(drawn: DrawnFaces) -> None:
    rows = GreyFaces(64).fit_transform(drawn.crops[:6])
    turned = rows.reshape(-1, 64, 64)[:, :, ::-1].reshape(len(rows), -1)
    both, one_sided = FisherVectors("64"), FisherVectors("64", mirror=False)
    vectors = both.fit_transform(rows)
    assert np.abs(vectors - both.transform(turned)).max() < 1e-4
    assert np.abs(one_sided.fit_transform(rows) - one_sided.transform(turned)).max() > 0.05
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (clone(both).transform(rows) == vectors).all()  # nothing was learned
    with pytest.raises(ValueError, match="expected faces of 64 pixels"):
        both.fit(rows[:, :100])
    with pytest.raises(ValueError, match="vocabulary: expected one of 48, 64, 96, 128, got '65'"):
        FisherVectors("65").fit(rows)


def test_a_vocabulary_is_learned_from_faces_and_tells_them_apart(drawn: DrawnFaces) -> None:
    pictures = GreyFaces(32).fit_transform(drawn.crops).reshape(-1, 32, 32)
    words = learn_vocabulary(pictures, cell=3, stride=4, words=4, samples=2000)
    assert words.weights.sum() == pytest.approx(1, abs=1e-2)
    again = learn_vocabulary(pictures, cell=3, stride=4, words=4, samples=2000)
    assert all((array == again.arrays()[name]).all() for name, array in words.arrays().items())
    vectors = FisherCoder(words)(pictures)
    likeness = vectors @ vectors.T - 2 * np.eye(len(vectors))
    same = drawn.labels[likeness.argmax(axis=1)] == drawn.labels
    assert same.mean() > 0.9


def test_kernel_ridge_answers_as_the_closed_formula_does() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 5)).astype(np.float32)
    labels = np.where(rows[:, 0] + 0.3 * rows[:, 1] ** 2 > 0.2, "b", "a")
    ridge = KernelRidgeClassifier(gamma=2.0, alpha=0.5, bits=None, class_weight=None).fit(rows, labels)
    distances = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    kernel = np.exp(-distances * 2.0 / (2 * rows.var(axis=0).sum()))
    target = np.where(labels == "b", 1.0, -1.0)
    duals = np.linalg.solve(kernel + 0.5 * np.eye(60), target - target.mean())
    assert np.abs(ridge.decision_function(rows) - (kernel @ duals + target.mean())).max() < 5e-3
    assert (ridge.predict(rows) == labels).mean() > 0.9


@pytest.mark.parametrize("count", [2048, 2049, 4500])
def test_kernel_ridge_is_solved_block_by_block(count: int) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(count, 3)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(int) + (rows[:, 1] > 0.5)
    ridge = KernelRidgeClassifier(bits=None, alpha=1.0, class_weight=None).fit(rows, labels)
    targets = np.eye(3)[labels] - ridge.intercept_
    # (K + alpha I) a = t, so that the decisions of training rows miss their targets by alpha * a
    gap = targets - (ridge.decision_function(rows) - ridge.intercept_)
    assert np.abs(gap - ridge.coefficients_).max() < 2e-2


def test_rows_of_a_kernel_ridge_take_half_a_byte_a_number() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 8)).astype(np.float32)
    ridge = KernelRidgeClassifier(bits=4).fit(rows, rng.integers(0, 2, 500))
    stored = encode(ridge.vectors_)
    assert stored.codes.dtype == np.int8
    assert np.abs(stored.codes).max() == 7
    assert (decode(stored) == ridge.vectors_).all()
