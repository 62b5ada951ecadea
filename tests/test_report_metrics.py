"""Scores: figures worked out by hand, the perfect and the guessing model, intervals that cover, and refusals."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from sklearn import metrics as reference

from eigenface.errors import DataError
from eigenface.report.bootstrap import Estimate, percentile_interval, resamples, wilson
from eigenface.report.calibration import Coverage, calibration_error, calibration_floor
from eigenface.report.metrics import majority_probabilities, score
from eigenface.report.ranking import Ranking
from eigenface.report.subgroups import parts


def certain(labels, classes, sure=1.0):
    """Probabilities of a model that says these labels."""
    rest = (1 - sure) / (len(classes) - 1)
    return np.array([[sure if name == label else rest for name in classes] for label in labels])


def noisy(n, k, strength, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), truth] += strength
    weights = np.exp(logits)
    return truth, weights / weights.sum(axis=1, keepdims=True)


def test_hand_computed_figures():
    truth = ["a", "a", "a", "b", "b", "c"]
    said = ["a", "a", "b", "b", "c", "c"]
    scores = score(truth, certain(said, "abc", 0.8), "abc")
    assert scores.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert scores.accuracy.value == pytest.approx(4 / 6)
    assert scores.balanced_accuracy.value == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    chance = (3 * 2 + 2 * 2 + 1 * 2) / 36
    assert scores.kappa.value == pytest.approx((4 / 6 - chance) / (1 - chance))
    a, b, c = scores.per_class
    assert (a.precision, a.recall, a.f1, a.support) == pytest.approx((1, 2 / 3, 0.8, 3))
    assert (b.precision, b.recall, b.f1, b.support) == pytest.approx((0.5, 0.5, 0.5, 2))
    assert (c.precision, c.recall, c.f1, c.support) == pytest.approx((0.5, 1, 2 / 3, 1))
    assert scores.macro_f1.value == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert scores.log_loss.value == pytest.approx(-(4 * math.log(0.8) + 2 * math.log(0.1)) / 6)
    assert scores.calibration_error.value == pytest.approx(0.8 - 4 / 6)
    right, wrong = 0.2**2 + 2 * 0.1**2, 0.8**2 + 0.9**2 + 0.1**2
    assert scores.brier.value == pytest.approx((4 * right + 2 * wrong) / 6)


@pytest.mark.parametrize("k", [2, 5])
def test_figures_agree_with_scikit_learn(k):
    truth, given = noisy(400, k, 1.5)
    classes = [f"class {i}" for i in range(k)]
    labels = np.array(classes)[truth]
    scores = score(labels, given, classes, n_boot=50)
    said = np.array(classes)[scores.predicted]
    assert scores.kappa.value == pytest.approx(reference.cohen_kappa_score(labels, said))
    assert scores.macro_f1.value == pytest.approx(reference.f1_score(labels, said, average="macro"))
    assert scores.balanced_accuracy.value == pytest.approx(reference.balanced_accuracy_score(labels, said))
    assert scores.log_loss.value == pytest.approx(reference.log_loss(labels, given, labels=classes))
    shown = given[:, 1] if k == 2 else given
    assert scores.roc_auc.value == pytest.approx(reference.roc_auc_score(labels, shown, multi_class="ovr"))
    each = [reference.average_precision_score(truth == c, given[:, c]) for c in range(k)]
    assert scores.average_precision.value == pytest.approx(each[1] if k == 2 else np.mean(each))
    if k == 2:
        assert scores.brier.value == pytest.approx(reference.brier_score_loss(truth, given[:, 1]))


def test_areas_with_ties_and_weights_agree_with_scikit_learn():
    rng = np.random.default_rng(1)
    for _ in range(100):
        n = int(rng.integers(4, 30))
        values, positive = rng.integers(0, 5, n) / 4, rng.random(n) < 0.4
        weights = rng.integers(0, 4, n).astype(float)
        if not weights[positive].sum() or not weights[~positive].sum():
            continue
        auc, average = Ranking.of(values, positive).areas(weights[:, None])
        assert auc[0] == pytest.approx(reference.roc_auc_score(positive, values, sample_weight=weights))
        assert average[0] == pytest.approx(reference.average_precision_score(positive, values, sample_weight=weights))


def test_curve_agrees_with_scikit_learn_and_finds_its_thresholds():
    truth, given = noisy(200, 2, 1.0)
    curve = Ranking.of(given[:, 1], truth == 1).curve()
    false_alarms, recall, thresholds = reference.roc_curve(truth, given[:, 1], drop_intermediate=False)
    assert curve.false_alarms == pytest.approx(false_alarms)
    assert curve.recall == pytest.approx(recall)
    assert curve.threshold[1:] == pytest.approx(thresholds[1:])
    said = given[:, 1] >= 0.5
    assert curve.recall[curve.at(0.5)] == pytest.approx(said[truth == 1].mean())
    assert curve.precision[curve.at(0.5)] == pytest.approx((truth == 1)[said].mean())
    assert curve.at(2.0) == 0


def test_perfect_model():
    labels = ["x", "y"] * 20
    scores = score(labels, certain(labels, "xy"), "xy")
    assert (scores.accuracy.value, scores.kappa.value, scores.roc_auc.value, scores.macro_f1.value) == (1, 1, 1, 1)
    assert scores.log_loss.value == pytest.approx(0, abs=1e-9)
    assert scores.calibration_error.value == 0
    assert scores.calibration_excess.value == 0
    assert scores.accuracy.low == pytest.approx(wilson(40, 40).low)  # all right on 40 is no proof of always
    assert scores.accuracy.high == 1
    assert scores.kappa.low is None


def test_guessing_model_is_worth_nothing():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 2000)
    guess = rng.random(2000)
    scores = score(np.array(["a", "b"])[truth], np.stack([guess, 1 - guess], axis=1), "ab")
    for figure, worthless in ((scores.kappa, 0), (scores.roc_auc, 0.5), (scores.accuracy, 0.5)):
        assert figure.low <= worthless <= figure.high
    assert scores.calibration_excess.value > 0.2


def test_tied_probabilities_answer_the_first_class_and_rank_nothing():
    scores = score(["a", "b", "b"], np.full((3, 2), 0.5), "ab")
    assert scores.confusion.tolist() == [[1, 0], [2, 0]]
    assert scores.roc_auc.value == 0.5
    assert scores.coverage.share.tolist() == [1]
    assert math.isnan(scores.per_class[1].precision)
    assert scores.per_class[1].recall == 0


def test_class_that_nobody_has_leaves_the_means():
    labels = ["a", "a", "b", "b"]
    scores = score(labels, certain(["a", "a", "b", "a"], "abc", 0.9), "abc")
    assert scores.balanced_accuracy.value == pytest.approx((1 + 0.5) / 2)
    assert scores.macro_f1.value == pytest.approx((0.8 + 2 / 3) / 2)
    assert math.isnan(scores.per_class[2].recall)
    assert scores.per_class[2].support == 0
    assert scores.roc_auc.known
    assert scores.as_dict()["per_class"]["c"] == {"precision": None, "recall": None, "f1": None, "support": 0}


def test_single_row():
    scores = score(["a"], [[0.7, 0.3]], "ab", baseline="majority", groups=["someone"])
    assert scores.accuracy.value == 1
    assert 0.15 < scores.accuracy.low < 0.25
    assert not scores.roc_auc.known
    assert not scores.kappa.known
    json.dumps(scores.as_dict(), allow_nan=False)


def test_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(120):
        right = rng.random(200) < 0.8
        said = np.where(right, "a", "b")
        estimate = score(["a"] * 200, certain(said, "ab", 0.9), "ab", n_boot=300, random_state=trial).accuracy
        hits += estimate.low <= 0.8 <= estimate.high
    assert 0.88 <= hits / 120 <= 0.995


def test_persons_are_resampled_whole_so_the_interval_is_wider():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 25)
    right = (rng.random(40) < 0.7)[person]  # a person is always or never recognised
    given = certain(np.where(right, "a", "b"), "ab", 0.9)
    alone, grouped = score(["a"] * 1000, given, "ab"), score(["a"] * 1000, given, "ab", groups=person)
    assert (alone.unit, grouped.unit, grouped.n_units) == ("pictures", "groups", 40)
    assert grouped.accuracy.value == alone.accuracy.value
    assert grouped.accuracy.high - grouped.accuracy.low > 3 * (alone.accuracy.high - alone.accuracy.low)


def test_resamples_keep_groups_together_and_draw_as_many():
    units = np.array([0, 0, 1, 2, 2])
    weights = np.concatenate(list(resamples(units, 40)), axis=1)
    assert weights.shape == (5, 40)
    assert (weights[0] == weights[1]).all()
    assert (weights[[0, 2, 3]].sum(axis=0) == 3).all()


def test_same_seed_same_intervals():
    truth, given = noisy(100, 2, 1)
    labels = np.array(["a", "b"])[truth]
    first, second, other = (score(labels, given, "ab", random_state=seed).log_loss for seed in (4, 4, 5))
    assert first == second
    assert first != other


def test_every_interval_holds_its_figure():
    truth, given = noisy(300, 3, 1)
    for estimate in score(np.array(["a", "b", "c"])[truth], given, "abc").headline().values():
        assert estimate.low <= estimate.value <= estimate.high


def test_thousand_resamples_of_5000_rows_are_quick():
    truth, given = noisy(5000, 2, 1.5)
    labels = np.array(["a", "b"])[truth]
    spent = []
    for _ in range(3):
        start = time.process_time()
        score(labels, given, "ab", groups=truth + 2 * np.arange(5000) // 4)
        spent.append(time.process_time() - start)
    assert min(spent) < 1.5  # 0.3 s on an idle core


def test_baseline_stands_beside_and_gain_has_an_interval():
    truth, given = noisy(300, 2, 2)
    labels = np.array(["a", "b"])[truth]
    scores = score(labels, given, "ab", baseline="majority")
    common = max((labels == "a").mean(), (labels == "b").mean())
    assert scores.baseline.accuracy.value == pytest.approx(common)
    gain = scores.gains["accuracy"]
    assert gain.value == pytest.approx(scores.accuracy.value - common)
    assert 0 < gain.low < gain.value < gain.high
    same = score(labels, given, "ab", baseline=given)
    assert all(estimate.value == 0 for estimate in same.gains.values())


def test_majority_answers_with_the_shares_it_learned():
    assert majority_probabilities(["b", "b", "b", "a"], "abc", 2).tolist() == [[0.25, 0.75, 0], [0.25, 0.75, 0]]


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.65, 0.65])
    assert calibration_error(confidence, np.array([True, False, True, False])) == pytest.approx((0.45 + 0.15) / 2)


def test_calibrated_model_shows_no_excess_but_an_overconfident_one_does():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 3000)
    right = rng.random(3000) < confidence
    floor = calibration_floor(confidence)
    assert 0.005 < floor < 0.03
    assert calibration_error(confidence, right) - floor < 0.012
    labels = np.where(right, "a", "b")
    sure = score(labels, np.stack([0.5 + confidence / 2, 0.5 - confidence / 2], axis=1), "ab")
    assert sure.calibration_excess.value > 0.05
    assert sure.calibration_excess.low > 0


def test_coverage_curve_falls_to_the_accuracy_of_all():
    truth, given = noisy(1000, 2, 1.5)
    scores = score(np.array(["a", "b"])[truth], given, "ab", n_boot=0)
    curve = scores.coverage
    assert curve.share[-1] == 1
    assert curve.at(1) == pytest.approx(scores.accuracy.value)
    assert curve.at(0.3) > curve.at(0.6) > curve.at(1)
    assert len(curve.share) <= 200
    assert scores.accuracy.low is None


def test_coverage_takes_equally_sure_answers_together():
    curve = Coverage.of(np.array([0.9, 0.7, 0.7, 0.7]), np.array([True, True, False, True]))
    assert curve.share.tolist() == [0.25, 1.0]
    assert curve.accuracy.tolist() == [1.0, 0.75]


def test_wilson_stays_inside_and_covers_none_and_all():
    none, every = wilson(0, 10), wilson(10, 10)
    assert none.low == 0
    assert none.high == pytest.approx(0.2775, abs=1e-3)
    assert every.low == pytest.approx(0.7225, abs=1e-3)
    assert every.high == 1
    assert not wilson(0, 0).known


def test_estimate_checks_itself():
    with pytest.raises(ValueError, match="both ends"):
        Estimate(0.5, 0.4)
    with pytest.raises(ValueError, match="low <= high"):
        Estimate(0.5, 0.6, 0.4)
    assert percentile_interval(0.5, np.full(10, 0.5)).low is None


def test_subgroups_say_for_whom_it_is_wrong():
    labels, said = ["a", "a", "b", "b"], ["a", "a", "a", "b"]
    rows = score(
        labels, certain(said, "ab", 0.9), "ab", by={"age": [5, 30, 5, 30], "light": ["dark", "", None, "dark"]}
    )
    young, old, dark, unknown = rows.subgroups
    assert (young.by, young.value, young.n, young.accuracy.value) == ("age", "5", 2, 0.5)
    assert young.recall == {"a": 1.0, "b": 0.0}
    assert old.accuracy.value == 1
    assert (dark.value, dark.n, unknown.value, unknown.n) == ("dark", 2, "unknown", 2)
    assert old.accuracy.low == pytest.approx(wilson(2, 2).low)


def test_many_numbers_become_bands_and_every_row_falls_into_one():
    names, codes = parts(np.arange(100))
    assert names == ["0 to 19", "20 to 39", "40 to 59", "60 to 79", "80 to 99"]
    assert np.bincount(codes).tolist() == [20] * 5
    names, codes = parts([*range(20), float("nan")])
    assert names[-1] == "unknown"
    assert codes[-1] == len(names) - 1


def test_file_names_are_no_subgroups():
    labels = ["a", "b"] * 50
    scores = score(labels, certain(labels, "ab"), "ab", by={"file": [f"{i}.jpg" for i in range(100)]}, n_boot=0)
    assert scores.subgroups == ()


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ([[0.5, np.nan], [0.5, 0.5]], "bad_probabilities", "not finite, first row 0"),
        ([[0.5, 0.5], [0.9, 0.9]], "bad_probabilities", "row 1 is no distribution"),
        ([[0.5, 0.5], [1.5, -0.5]], "bad_probabilities", "row 1 is no distribution"),
        ([[0.5, 0.5]], "bad_probabilities", "expected shape"),
        ([[1.0], [1.0]], "bad_probabilities", "expected shape"),
    ],
)
def test_what_is_no_probability_is_refused(given, code, said):
    with pytest.raises(DataError, match=said) as caught:
        score(["a", "b"], given, "ab")
    assert caught.value.code == code
    assert caught.value.hint


def test_other_mistakes_are_refused():
    good = [[0.5, 0.5], [0.5, 0.5]]
    with pytest.raises(DataError, match="z not among the classes a, b"):
        score(["a", "z"], good, "ab")
    with pytest.raises(DataError, match="Groups"):
        score(["a", "b"], good, "ab", groups=["one"])
    with pytest.raises(DataError, match="True labels"):
        score([], np.empty((0, 2)), "ab")
    with pytest.raises(DataError, match="at least two names"):
        score(["a", "a"], good, ["a", "a"])
    with pytest.raises(DataError, match="Subgroups by age"):
        score(["a", "b"], good, "ab", by={"age": [1]})
    with pytest.raises(DataError, match="Baseline"):
        score(["a", "b"], good, "ab", baseline=[[np.nan, 1], [0, 1]])


def test_as_dict_is_strict_json_with_everything():
    truth, given = noisy(60, 3, 1)
    labels = np.array(["a", "b", "c"])[truth]
    found = score(labels, given, "abc", baseline="majority", by={"side": ["left", "right"] * 30}).as_dict()
    again = json.loads(json.dumps(found, allow_nan=False))
    assert sum(map(sum, again["confusion"]["counts"])) == again["confusion"]["total"] == 60
    assert again["confusion"]["true_totals"] == np.bincount(truth).tolist()
    assert again["accuracy"]["low"] <= again["accuracy"]["value"] <= again["accuracy"]["high"]
    assert {"baseline", "gains", "subgroups", "coverage", "reliability"} <= set(again)
    assert sum(row["n"] for row in again["reliability"]) == 60
