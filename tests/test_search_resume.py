"""A search that is stopped goes on where it was, and notices when it is no longer the same search."""

import json

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eigenface.calibrate import folds_by_group
from eigenface.errors import RequestError
from eigenface.search import search
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces
from eigenface.steps.ridge import KernelRidgeClassifier

RNG = np.random.default_rng(1)
LABELS = np.array(["a", "b"] * 20)
CROPS = [RNG.integers(0, 200, (12, 12, 3)).astype(np.uint8) + np.uint8(20 * (label == "b")) for label in LABELS]
FOLDS = folds_by_group(LABELS, None, 4)
GRID = {"pca__n_components": [3, 5], "svc__C": [1, 4, 9]}


class StopError(Exception):
    pass


def run(journal, *, grid=GRID, crops=CROPS, folds=FOLDS, stop_at=None, size=8, pipeline=None, **options):
    def progress(done, total, what):
        if done == stop_at:
            raise StopError

    pipeline = pipeline or Pipeline([("faces", GreyFaces(size)), ("pca", Eigenfaces(3)), ("svc", SVC())])
    return search(pipeline, grid, crops, LABELS, folds=folds, journal=journal, progress=progress, **options)


def ridge(**options):
    """A pipeline that ends in no SVC."""
    return Pipeline([("faces", GreyFaces(8)), ("pca", Eigenfaces(3)), ("svc", KernelRidgeClassifier(**options))])


RIDGES = {"pca__n_components": [3, 5], "svc__alpha": [0.1, 1.0, 3.0]}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(("kind", "step"), [({}, 3), ({"grid": RIDGES, "pipeline": ridge()}, 1)], ids=["svc", "ridge"])
def test_a_stopped_search_repeats_nothing_that_was_finished(tmp_path, n_jobs, kind, step):
    journal = tmp_path / "journal"
    with pytest.raises(StopError):
        run(journal, stop_at=9, n_jobs=n_jobs, **kind)
    assert len(journal.read_text().splitlines()) == 1 + 9 // step  # the three values of C are one line
    again = run(journal, n_jobs=n_jobs, **kind)
    assert again.reused == 9
    whole = run(None, **kind)
    for key in ("mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_array_equal(again.cv_results[key], whole.cv_results[key])
    assert run(journal, **kind).reused == 24


def test_a_line_cut_short_costs_one_path(tmp_path):
    journal = tmp_path / "journal"
    run(journal)
    journal.write_bytes(journal.read_bytes()[:-9])
    assert run(journal).reused == 21


def test_another_scoring_takes_over_what_is_kept(tmp_path):
    journal = tmp_path / "journal"
    run(journal)
    again, whole = run(journal, scoring="roc_auc"), run(None, scoring="roc_auc")
    assert again.reused == 24
    np.testing.assert_array_equal(again.cv_results["mean_test_score"], whole.cv_results["mean_test_score"])


def test_of_a_candidate_that_is_fitted_as_it_is_another_scoring_asks_again(tmp_path):
    journal = tmp_path / "journal"
    kind = {"grid": RIDGES, "pipeline": ridge()}
    run(journal, **kind)
    again, whole = run(journal, scoring="roc_auc", **kind), run(None, scoring="roc_auc", **kind)
    assert again.reused == 0
    np.testing.assert_array_equal(again.cv_results["mean_test_score"], whole.cv_results["mean_test_score"])
    assert run(journal, **kind).reused == 24


def test_a_failed_fit_is_remembered_with_its_reason(tmp_path):
    journal = tmp_path / "journal"
    grid = {"svc__C": [1, -1]}
    first = run(journal, grid=grid)
    again = run(journal, grid=grid)
    assert again.reused == 8
    assert again.failed == first.failed
    assert list(again.failed) == [1]


def test_the_same_data_give_the_same_job(tmp_path):
    journal = tmp_path / "journal"
    run(journal)
    assert run(journal, crops=[crop.copy() for crop in CROPS]).reused == 24


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"grid": {"svc__C": [1, 4]}}, "grid"),
        ({"crops": [CROPS[1], *CROPS[1:]]}, "data"),
        ({"folds": folds_by_group(LABELS, None, 4, random_state=1)}, "data"),
        ({"folds": FOLDS[:3]}, "folds"),
        ({"size": 9}, "pipeline"),
    ],
)
def test_another_search_is_refused_and_says_what_differs(tmp_path, change, named):
    journal = tmp_path / "journal"
    run(journal)
    with pytest.raises(RequestError) as caught:
        run(journal, **change)
    assert caught.value.code == "other_job"
    assert named in caught.value.message
    assert run(journal, **change, fresh=True).reused == 0


def test_another_version_of_scikit_learn_is_noticed(tmp_path):
    journal = tmp_path / "journal"
    run(journal)
    first, *rest = journal.read_text().splitlines(keepends=True)
    job = json.loads(first)
    job["job"]["versions"]["scikit-learn"] = "0.1"
    journal.write_text(json.dumps(job) + "\n" + "".join(rest))
    with pytest.raises(RequestError, match="versions"):
        run(journal)
