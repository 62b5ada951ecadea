"""Models compared: all are judged on faces they did not learn, and one that fails does not take the others along."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from eigenface.calibrate import folds_by_group
from eigenface.compare import BASELINE, MODELS, compare
from eigenface.datasets.cropping import CroppedFaces
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces

QUICK = {"neighbours": lambda: KNeighborsClassifier(5), "LDA": LinearDiscriminantAnalysis}


def faces(n=90, classes=("dark", "light"), contrast=60):
    rng = np.random.default_rng(0)
    labels = np.array([classes[i % len(classes)] for i in range(n)])
    crops = []
    for label in labels:
        picture = rng.normal(110, 30, (16, 16, 3))
        picture[:8] += contrast * classes.index(label)
        crops.append(np.clip(picture, 0, 255).astype(np.uint8))
    return CroppedFaces(crops, labels, np.array([f"{i}.png" for i in range(n)]))


def pipeline():
    return Pipeline([("faces", GreyFaces(8)), ("pca", Eigenfaces(6)), ("svc", SVC(gamma=0.1))])


def run(data, **options):
    folds = folds_by_group(data.labels, data.groups, 3)
    return compare(pipeline(), data, folds, n_boot=0, **options)


def test_every_classifier_has_a_row_with_scores_seconds_and_size():
    rows = run(faces())
    assert {row.name for row in rows} == {*MODELS, BASELINE, "SVC, as tuned"}
    for row in rows:
        told = row.as_dict()
        if row.name == BASELINE:
            assert (told["accuracy"]["value"], told["kappa"]["value"], told["roc_auc"]["value"]) == (0.5, 0, 0.5)
        else:
            assert told["accuracy"]["value"] > 0.9, row.name
            assert told["roc_auc"]["value"] > 0.9, row.name
            assert told["fit_seconds"] > 0
            assert told["predict_ms"] > 0
            assert 0.001 < told["size_mb"] < 5
    values = [row.scores.balanced_accuracy.value for row in rows]
    assert values == sorted(values, reverse=True)


def test_nobody_scores_above_chance_where_there_is_nothing_to_learn():
    for row in run(faces(contrast=0), models=QUICK | {"tree": DecisionTreeClassifier}):
        assert row.scores.accuracy.value < 0.7, row.name


def test_several_classes_are_compared_too():
    rows = run(faces(classes=("a", "b", "c")), models=QUICK)
    assert rows[0].scores.classes == ("a", "b", "c")
    assert rows[0].scores.accuracy.value > 0.9
    assert rows[-1].name == BASELINE


def test_the_same_comparison_gives_the_same_figures():
    first, second = (
        [(row.name, row.scores.accuracy.value, row.scores.log_loss.value) for row in run(faces(), models=QUICK)]
        for _ in "12"
    )
    assert first == second


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError])
def test_a_model_that_fails_is_told_and_left_out(error):
    class Broken(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            raise error("no\nluck")

    told = []
    rows = run(faces(), models=QUICK | {"broken": Broken}, tell=told.append)
    assert {row.name for row in rows} == {"neighbours", "LDA", BASELINE, "SVC, as tuned"}
    assert len(told) == 1
    assert told[0].startswith(f"broken is left out, as it failed: {error.__name__}")
    assert "\n" not in told[0]


def test_progress_names_the_model_at_work():
    told = []
    run(faces(), models=QUICK, progress=lambda done, total, what: told.append((done, total, what)))
    assert (1, 3, "comparing LDA") in told
    assert told[-1] == (3, 3, "models compared")
