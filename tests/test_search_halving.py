"""Less than all of a search: candidates compared on few faces first, or as many as there is time for."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eigenface import EigenGridSearchCV
from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.course import Course
from eigenface.search.eigen.rungs import part_of, shares

X, Y = make_classification(900, 40, n_informative=12, n_classes=3, flip_y=0.2, class_sep=1.5, random_state=0)
GRID = {"svc__C": [0.1, 1], "svc__gamma": [1e-5, 1e-3, 0.01, 0.03, 0.1, 1, 10]}


@pytest.fixture
def search(monkeypatch):
    """A search whose first comparison is made on 60 faces."""
    monkeypatch.setattr("eigenface.search.eigen.rungs._LEAST", 60)
    pipeline = Pipeline([("pca", PCA(8)), ("svc", SVC(tol=1e-6))])
    return EigenGridSearchCV(pipeline, GRID, cv=3, refit=False)


def test_halving_finds_the_best_and_scores_it_on_all_faces(search):
    told = []
    whole = search.fit(X, Y).cv_results_["mean_test_score"]
    best = search.best_params_
    halved = search.set_params(halving=3, progress=lambda *said: told.append(said)).fit(X, Y)
    faces = halved.cv_results_["n_resources"]
    assert sorted(set(faces)) == [67, 200, 600]
    assert [int((faces == count).sum()) for count in (67, 200, 600)] == [8, 4, 2]  # 7 paths, 3 of them, 1 of them
    assert halved.best_params_ == best
    last = faces == 600
    assert np.array_equal(halved.cv_results_["mean_test_score"][last], whole[last])
    assert halved.best_score_ == whole.max()
    ranks = halved.cv_results_["rank_test_score"]
    assert ranks[last].max() < ranks[faces == 200].min() <= ranks[faces == 200].max() < ranks[faces == 67].min()
    assert halved.how_ == "14 candidates x 3 folds from shared work, 12 candidates on fewer faces only"
    assert told[0] == (0, 42, "on 67 faces: searching")
    assert told[-1][0] == told[-1][1] == 6
    assert told[-1][2].startswith(f"best so far {halved.best_score_:.4f} with C=")


def test_with_time_enough_a_budget_leaves_nothing_out(search):
    whole = search.fit(X, Y).cv_results_["mean_test_score"]
    budgeted = search.set_params(budget=3600).fit(X, Y)
    assert np.array_equal(budgeted.cv_results_["mean_test_score"], whole)
    assert set(budgeted.cv_results_["n_resources"]) == {600}
    assert budgeted.how_ == "14 candidates x 3 folds from shared work"


def test_a_budget_that_is_over_at_once_still_gives_a_candidate_and_a_journal_goes_on(search, tmp_path):
    first = search.set_params(budget=1e-9, journal=tmp_path / "journal").fit(X, Y)
    faces = first.cv_results_["n_resources"]
    assert faces.max() == 67
    assert 0 < (faces > 0).sum() < len(faces)
    assert np.isnan(first.cv_results_["mean_test_score"][faces == 0]).all()
    assert faces[first.best_index_] == 67
    assert f"{(faces == 67).sum()} candidates on fewer faces only, {(faces == 0).sum()} not tried" in first.how_
    tried = (faces > 0).sum()
    again = search.fit(X, Y)
    assert again.reused_ >= 3 * tried
    assert (again.cv_results_["n_resources"] > 0).sum() > tried


def test_time_goes_to_the_most_promising_first(search, monkeypatch):
    """The clock stands still until some candidate has been fitted on all faces."""
    seen = []
    monkeypatch.setattr(Course, "_late", lambda self: len(seen) > 0)
    search.set_params(budget=1, n_jobs=1)
    kept = Course._record

    def watch(self, done):
        if " of " not in done.fold.name:
            seen.append(done.name)
        kept(self, done)

    monkeypatch.setattr(Course, "_record", watch)
    found = search.fit(X, Y)
    scores, faces = found.cv_results_["mean_test_score"], found.cv_results_["n_resources"]
    assert len(set(seen)) <= 2
    assert faces.max() in (200, 600)
    assert found.best_params_["svc__gamma"] in (0.01, 0.03, 0.1)
    assert np.isfinite(scores).all()


def test_a_candidate_that_fails_does_not_go_on(search):
    found = search.set_params(halving=3, param_grid={"svc__C": [-1, 1], "svc__gamma": [-1, 0.03, 0.1, 1]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found.fit(X, Y)
    assert found.best_params_ == {"svc__C": 1, "svc__gamma": 0.03}
    assert len(found.failed_) == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": 0}, "budget: expected seconds above 0, got 0"),
        ({"budget": float("nan")}, "budget: expected seconds above 0, got nan"),
        ({"halving": 1}, "halving: expected 2 or more, got 1"),
        ({"halving": 3, "scoring": ["accuracy", "f1_macro"]}, "need one score"),
        ({"budget": 3, "refit": lambda results: 0}, "need one score"),
    ],
)
def test_what_makes_no_sense_is_refused(search, options, said):
    with pytest.raises(ValueError, match=said):
        search.set_params(**options).fit(X, Y)


def test_parts_keep_the_shares_of_classes_and_hold_one_another():
    labels = np.repeat(["a", "b", "c"], [100, 300, 500])
    classes, codes = np.unique(labels, return_inverse=True)
    fold = Fold("0", np.arange(900), np.arange(900, 950), classes, codes)
    small, large = part_of(fold, 1 / 9), part_of(fold, 1 / 3)
    assert np.bincount(small.codes).tolist() == [11, 33, 56]
    assert np.bincount(large.codes).tolist() == [33, 100, 167]
    assert set(small.train) < set(large.train)
    assert (labels[small.train] == small.classes[small.codes]).all()
    assert small.rows is fold.rows


@pytest.mark.parametrize(
    ("faces", "units", "components", "expected"),
    [(5000, 100, 50, [1 / 9, 1 / 3]), (5000, 100, 400, [1 / 3]), (200, 100, 5, []), (50_000, 3, 5, [1 / 3])],
)
def test_comparisons_are_on_enough_faces(faces, units, components, expected):
    fold = Fold("0", np.arange(faces), np.arange(9), np.array(["a"]), np.zeros(faces, np.intp))
    assert shares([fold], units, 3, components) == expected
