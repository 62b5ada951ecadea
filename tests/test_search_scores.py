"""The search gives what GridSearchCV gives, and computes what candidates share only once."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eigenface.calibrate import folds_by_group
from eigenface.errors import RequestError
from eigenface.search import search
from eigenface.search.identity import described
from eigenface.steps.eigen import Eigenfaces, Rounded
from eigenface.steps.faces import GreyFaces


def draw(n=60, classes=("dark", "light", "plain"), side=20):
    """Noisy squares; what differs between classes is how bright the left half is."""
    rng = np.random.default_rng(0)
    labels = np.array([classes[i % len(classes)] for i in range(n)])
    crops = []
    for label in labels:
        picture = rng.normal(120, 50, (side, side + 4, 3))
        picture[:, : side // 2] += 25 * classes.index(label)
        crops.append(np.clip(picture, 0, 255).astype(np.uint8))
    return crops, labels, np.repeat(np.arange(n // 3), 3)


CROPS, LABELS, GROUPS = draw()
FOLDS = folds_by_group(LABELS, GROUPS, 3)


def pipeline():
    return Pipeline([("faces", GreyFaces(12)), ("pca", Eigenfaces(8)), ("codes", Rounded(8)), ("svc", SVC())])


GRIDS = {
    "one mapping": {"pca__n_components": [4, 8], "svc__C": [1, 30], "svc__gamma": [0.01, 0.2, "scale"]},
    "several mappings": [
        {"faces__equalise": [False, True], "svc__C": [0.5, 1]},
        {"svc__kernel": ["poly"], "svc__degree": [2, 3], "faces__size": [8]},
        {"codes": ["passthrough"], "pca": ["passthrough", Eigenfaces(5)]},
        {"svc": [LogisticRegression(max_iter=500)], "svc__C": [1.0]},
    ],
    "one candidate": {"svc__C": [1]},
}


@pytest.mark.parametrize(("n_jobs", "scoring"), [(1, "accuracy"), (2, "f1_macro")])
@pytest.mark.parametrize("name", GRIDS)
def test_every_figure_is_that_of_grid_search_cv(name, n_jobs, scoring):
    stock = GridSearchCV(pipeline(), GRIDS[name], cv=FOLDS, scoring=scoring, refit=False).fit(CROPS, LABELS)
    ours = search(pipeline(), GRIDS[name], CROPS, LABELS, folds=FOLDS, scoring=scoring, n_jobs=n_jobs)
    assert list(ours.cv_results) == list(stock.cv_results_)
    for key, expected in stock.cv_results_.items():
        if key == "params":
            assert [described(p) for p in ours.cv_results[key]] == [described(p) for p in expected]
        elif key.startswith("param_"):
            assert ours.cv_results[key].dtype == expected.dtype
            assert described(ours.cv_results[key].tolist()) == described(expected.tolist())
        elif not key.endswith("_time"):
            np.testing.assert_array_equal(ours.cv_results[key], expected, err_msg=key)
    assert described(ours.best_params) == described(stock.best_params_)
    assert ours.best_score == stock.best_score_
    assert ours.best_index == stock.best_index_


def test_candidates_that_cannot_be_fitted_rank_last_as_in_grid_search_cv():
    grid = {"svc__C": [1, -1, 10]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stock = GridSearchCV(pipeline(), grid, cv=FOLDS, refit=False).fit(CROPS, LABELS)
    ours = search(pipeline(), grid, CROPS, LABELS, folds=FOLDS)
    np.testing.assert_array_equal(ours.cv_results["mean_test_score"], stock.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(ours.cv_results["rank_test_score"], stock.cv_results_["rank_test_score"])
    assert list(ours.failed) == [1]
    assert "'C' parameter" in ours.failed[1]


def test_a_grid_without_a_single_usable_candidate_is_refused_with_the_reason():
    with pytest.raises(RequestError, match="'gamma' parameter") as caught:
        search(pipeline(), {"svc__gamma": [-1, -2]}, CROPS, LABELS, folds=FOLDS)
    assert caught.value.code == "bad_value"


def test_an_unusable_step_before_the_classifier_spoils_only_its_candidates():
    ours = search(pipeline(), {"pca__bits": [8, 5], "svc__C": [1, 2]}, CROPS, LABELS, folds=FOLDS, n_jobs=2)
    assert sorted(ours.failed) == [2, 3]
    assert ours.best_index in (0, 1)


def test_an_unknown_scoring_is_refused():
    with pytest.raises(RequestError, match="there is no scoring 'acuracy'"):
        search(pipeline(), {"svc__C": [1]}, CROPS, LABELS, folds=FOLDS, scoring="acuracy")


class CountedFaces(GreyFaces):
    calls = 0

    def transform(self, X):
        CountedFaces.calls += 1
        return super().transform(X)


class CountedEigenfaces(Eigenfaces):
    calls = 0

    def fit(self, X, y=None):
        CountedEigenfaces.calls += 1
        return super().fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_shared_steps_are_computed_once(n_jobs):
    CountedFaces.calls = CountedEigenfaces.calls = 0
    counted = Pipeline(
        [("faces", CountedFaces(10)), ("pca", CountedEigenfaces(6)), ("codes", Rounded()), ("svc", SVC())]
    )
    grid = {"faces__size": [8, 10], "pca__n_components": [3, 6], "codes__bits": [4, 8], "svc__C": [1, 2, 3]}
    search(counted, grid, CROPS, LABELS, folds=FOLDS, n_jobs=n_jobs)
    assert CountedFaces.calls == 2  # each size once, for all folds
    assert CountedEigenfaces.calls == 2 * 2 * len(FOLDS)  # whatever the bits and C


def test_two_long_pipelines_that_print_alike_are_told_apart():
    long = [Pipeline([(f"step{i}", GreyFaces(i + 8)) for i in range(40)]) for _ in range(2)]
    long[1].set_params(step32__size=99)
    assert repr(long[0]) == repr(long[1])  # scikit-learn shortens them
    assert described(long[0]) != described(long[1])


def test_progress_counts_every_fit_and_tells_the_best_so_far():
    told = []
    ours = search(
        pipeline(),
        {"svc__C": [1, 10], "pca__n_components": [4], "svc__gamma": [0.01]},
        CROPS,
        LABELS,
        folds=FOLDS,
        progress=lambda *said: told.append(said),
    )
    assert list(dict.fromkeys(done for done, _, _ in told)) == [0, 2, 4, 6]  # both values of C at a time
    prepared = [what for done, _, what in told if done == 0]
    assert prepared[0] == "searching"
    assert prepared[-1] == f"finding components, {len(FOLDS)} of {len(FOLDS)}"
    assert {total for _, total, _ in told} == {6}
    assert told[-1][2] == f"best so far {ours.best_score:.4f} with C={ours.best_params['svc__C']}"


def test_a_forecast_comes_once_before_most_fits_are_done():
    told = []
    search(
        pipeline(),
        {"svc__C": [1, 2], "svc__gamma": [0.01, 0.02, 0.03, 0.04, 0.05]},
        CROPS,
        LABELS,
        folds=FOLDS,
        forecast=told.append,
        progress=lambda done, total, what: told.append(done),
    )
    forecast = next(each for each in told if not isinstance(each, int))
    assert told[: told.index(forecast)][-1] == 4
    told.remove(forecast)
    assert (forecast.fits, forecast.left) == (30, 30)
    assert 0 < forecast.seconds < 60
    assert list(dict.fromkeys(told)) == list(range(0, 31, 2))
