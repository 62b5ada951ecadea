"""EigenGridSearchCV gives GridSearchCV's results, works what is shared once, and says when it cannot."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneOut, ShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

import eigenface
from eigenface import EigenGridSearchCV
from eigenface.engine import compiled
from eigenface.errors import RequestError
from eigenface.search.eigen import jobs, solver
from eigenface.search.eigen.gram import Gram
from eigenface.search.eigen.search import StockSearchWarning
from eigenface.steps.faces import GreyFaces


def draw(n=75, features=100, classes=2, seed=0):
    X, y = make_classification(
        n, features, n_informative=12, n_classes=classes, flip_y=0.15, class_sep=1.5, random_state=seed
    )
    return X, np.array(["ash", "birch", "cedar", "date"])[y]


def pipeline(**options):
    return Pipeline([("pca", PCA(6, whiten=True, **options)), ("svc", SVC(tol=1e-6))])


def both(estimator, grid, X, y, *, groups=None, **options):
    """The same search by both, the fast one without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = EigenGridSearchCV(clone(estimator), grid, n_jobs=2, **options).fit(X, y, groups=groups)
    stock = GridSearchCV(clone(estimator), grid, **options).fit(X, y, groups=groups)
    return ours, stock


def assert_alike(ours, stock, cells_apart=0.0):
    """The same keys in the same order, the same scores: with a small `tol` nothing sets two solvers apart."""
    assert list(ours.cv_results_) == list(stock.cv_results_)
    assert ours.cv_results_["params"] == stock.cv_results_["params"]
    for key, expected in stock.cv_results_.items():
        if key.startswith("param_"):
            assert (ours.cv_results_[key] == expected).all()
        elif key.startswith("split"):
            apart = np.abs(ours.cv_results_[key] - expected) > 1e-9
            assert np.mean(apart) <= cells_apart, key
    assert ours.n_splits_ == stock.n_splits_
    assert ours.multimetric_ == stock.multimetric_


@pytest.fixture(params=["compiled", "pure"])
def engine(request, monkeypatch):
    if request.param == "pure":
        monkeypatch.setenv("EIGENFACE_PURE", "1")
    elif compiled("smo") is None:
        pytest.skip("the compiled part is not built")
    return request.param


KERNELS = {
    "rbf": {"svc__kernel": ["rbf"], "svc__gamma": [0.02, 0.3, "scale", "auto"], "svc__coef0": [0, 1]},
    "poly": {"svc__kernel": ["poly"], "svc__gamma": [0.05, 0.2, "scale"], "svc__coef0": [0, 1], "svc__degree": [2, 3]},
    "sigmoid": {"svc__kernel": ["sigmoid"], "svc__gamma": [0.01, 0.1], "svc__coef0": [0, -0.5]},
    "linear": {"svc__kernel": ["linear"], "svc__gamma": [0.1, 1]},
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("classes", [2, 3])
def test_scores_are_those_of_grid_search_cv(engine, kernel, classes):
    X, y = draw(classes=classes)
    grid = {"svc__C": [0.1, 1, 20], **KERNELS[kernel]}
    ours, stock = both(pipeline(), grid, X, y, cv=3)
    assert_alike(ours, stock)
    assert ours.best_score_ == pytest.approx(stock.best_score_, abs=0.01)
    if ours.best_params_ == stock.best_params_:
        assert np.array_equal(ours.predict(X), stock.predict(X))


def test_numbers_of_components_whitening_and_class_weights(engine):
    X, y = draw(classes=3)
    grid = {
        "pca__n_components": [2, 5, 9],
        "pca__whiten": [False, True],
        "svc__class_weight": [None, "balanced", {"ash": 3.0}],
        "svc__C": [0.3, 3],
    }
    assert_alike(*both(pipeline(), grid, X, y, cv=3))


def test_more_rows_than_features():
    X, y = draw(n=150, features=30)
    assert_alike(*both(pipeline(), {"pca__n_components": [3, 8], "svc__C": [1, 10]}, X, y, cv=3))


def test_single_precision_rows_keep_their_scores():
    X, y = draw()
    assert_alike(*both(pipeline(), {"svc__C": [0.5, 5, 50]}, X.astype(np.float32) + 100, y, cv=3))


@pytest.mark.parametrize(
    "steps",
    [
        [("scale", StandardScaler()), ("pca", PCA(5))],
        [("centre", StandardScaler(with_std=False)), ("pca", PCA(5))],
        [("scale", StandardScaler())],
        [("pca", PCA(0.8))],
        [("pca", PCA(5, svd_solver="randomized", random_state=0))],
        [("half", FunctionTransformer(np.sqrt)), ("pca", PCA(5)), ("again", PCA(3))],
        [("nothing", "passthrough"), ("pca", PCA(5))],
        [],
    ],
    ids=["scaled", "centred", "no pca", "share of variance", "randomized", "twice", "passthrough", "svc alone"],
)
def test_steps_before_the_machine_learn_inside_the_folds(steps):
    X, y = draw()
    tail = [*steps, ("svc", SVC(tol=1e-6))]
    assert_alike(*both(Pipeline(tail), {"svc__C": [0.5, 5], "svc__gamma": [0.001, "scale"]}, np.abs(X), y, cv=3))


def test_crops_go_through_a_first_step_whose_parameters_are_searched():
    X, y = draw(n=60, features=256)
    crops = [np.repeat((row.reshape(16, 16, 1) * 12 + 120).clip(0, 255), 3, axis=2).astype(np.uint8) for row in X]
    tail = Pipeline([("faces", GreyFaces(8)), ("pca", PCA(5)), ("svc", SVC(tol=1e-6))])
    ours, stock = both(tail, {"faces__size": [8, 12], "svc__C": [1, 10]}, crops, y, cv=3)
    assert_alike(ours, stock)
    assert list(ours.predict(crops[:5])) == list(stock.predict(crops[:5]))


def test_groups_several_scorers_train_scores_and_a_callable_refit():
    X, y = draw(classes=3)
    options = {
        "cv": GroupKFold(4),
        "scoring": {
            "acc": "accuracy",
            "bal": get_scorer("balanced_accuracy"),
        },
        "refit": "acc",
        "return_train_score": True,
    }
    ours, stock = both(pipeline(), {"svc__C": [0.1, 1, 10]}, X, y, groups=np.arange(len(y)) // 3, **options)
    assert_alike(ours, stock)
    assert ours.best_params_ == stock.best_params_
    options["refit"] = lambda results: int(np.argmin(results["mean_test_acc"]))
    ours, stock = both(pipeline(), {"svc__C": [0.1, 1, 10]}, X, y, groups=np.arange(len(y)) // 3, **options)
    assert ours.best_index_ == stock.best_index_
    assert not hasattr(ours, "best_score_")
    assert set(ours.scorer_) == set(stock.scorer_)


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision"])
def test_scorers_of_decisions(scoring):
    X, y = draw()
    ours, stock = both(pipeline(), {"svc__C": [0.1, 10]}, X, y == "ash", cv=3, scoring=scoring)
    gap = ours.cv_results_["mean_test_score"] - stock.cv_results_["mean_test_score"]
    assert np.abs(gap).max() < 2e-3


@pytest.mark.parametrize("cv", [ShuffleSplit(3, random_state=0), LeaveOneOut(), [(range(40), range(30, 60))] * 2])
def test_any_splitter(cv):
    X, y = draw(n=60)
    if isinstance(cv, list):
        cv = [(np.array(train), np.array(test)) for train, test in cv]
    assert_alike(*both(pipeline(), {"svc__C": [1, 10]}, X, y, cv=cv))


def test_without_a_final_fit_there_is_no_estimator():
    X, y = draw(n=60)
    ours, stock = both(pipeline(), {"svc__C": [1]}, X, y, cv=3, refit=False)
    assert not hasattr(ours, "best_estimator_")
    assert ours.best_params_ == stock.best_params_


def test_candidates_that_are_the_same_model_are_solved_once(monkeypatch):
    X, y = draw(n=60)
    solved = []
    monkeypatch.setattr(jobs, "solve_path", lambda *a, **k: (solved.append(len(a[2])), *solver.solve_path(*a, **k))[1:])
    grid = [
        {"svc__kernel": ["rbf"], "svc__coef0": [0, 1, 2], "svc__gamma": [0.1]},
        {"svc__kernel": ["linear"], "svc__gamma": [0.1, 1, 10]},
        {"svc__kernel": ["poly"], "svc__gamma": [0.1, 0.2], "svc__C": [1, 8]},
    ]
    search = EigenGridSearchCV(pipeline(), grid, cv=2).fit(X, y)
    assert search.how_ == "10 candidates x 2 folds from shared work"
    assert sorted(solved) == [1, 1, 1, 1, 3, 3]  # 0.2^3 x 1 is 0.1^3 x 8


def test_one_gram_matrix_and_one_decomposition_a_fold(monkeypatch):
    X, y = draw(n=60)
    calls = []
    largest, begin = Gram._largest, Gram.__init__
    monkeypatch.setattr(Gram, "_largest", lambda *a: (calls.append("decomposition"), largest(*a))[1])
    monkeypatch.setattr(Gram, "__init__", lambda self, rows: (calls.append("gram"), begin(self, rows))[1])
    EigenGridSearchCV(pipeline(), {"pca__n_components": [2, 4, 6], "svc__C": [1, 2]}, cv=3).fit(X, y)
    assert sorted(calls) == ["decomposition"] * 3 + ["gram"]


def test_the_parts_of_a_user_s_own_solver_run_once_a_fold_and_number(monkeypatch):
    X, y = draw(n=60)
    fitted = []
    fit = PCA._fit
    monkeypatch.setattr(PCA, "_fit", lambda self, X: (fitted.append(self.n_components), fit(self, X))[1])
    grid = {"pca__n_components": [2, 4], "svc__C": [1, 2, 3]}
    EigenGridSearchCV(pipeline(svd_solver="full"), grid, cv=3, refit=False, pca_solver="own").fit(X, y)
    assert sorted(fitted) == [2] * 3 + [4] * 3


@pytest.mark.parametrize(
    ("estimator", "grid", "options", "reason"),
    [
        (LogisticRegression(), {"C": [1, 2]}, {}, "is no Pipeline"),
        (make_pipeline(PCA(3), LogisticRegression()), {"pca__n_components": [2]}, {}, "3 of 3 fits by scikit-learn"),
        (pipeline(), {"svc__C": [1]}, {"scoring": lambda e, X, y: e["pca"].n_components}, "a scorer of one's own"),
    ],
)
def test_what_is_not_recognised_is_stock_and_says_so(estimator, grid, options, reason):
    X, y = draw(n=60)
    with pytest.warns(StockSearchWarning, match=reason):
        ours = EigenGridSearchCV(estimator, grid, cv=3, **options).fit(X, y)
    stock = GridSearchCV(estimator, grid, cv=3, **options).fit(X, y)
    assert reason in ours.how_
    assert np.array_equal(ours.cv_results_["mean_test_score"], stock.cv_results_["mean_test_score"])


def test_candidates_that_are_not_recognised_are_fitted_as_they_are():
    X, y = draw(n=60)
    grid = [
        {"svc__C": [1, 2]},
        {"svc": [LogisticRegression()], "svc__C": [1]},
        {"svc__kernel": [lambda a, b: a @ b.T]},
    ]
    with pytest.warns(StockSearchWarning, match="6 of 12 fits by scikit-learn"):
        ours = EigenGridSearchCV(pipeline(), grid, cv=3).fit(X, y)
    stock = GridSearchCV(pipeline(), grid, cv=3).fit(X, y)
    assert np.array_equal(ours.cv_results_["mean_test_score"], stock.cv_results_["mean_test_score"])


def test_scorers_of_probabilities_meet_those_that_have_them():
    X, y = draw(n=60)
    grid = [{"svc__C": [1]}, {"svc": [LogisticRegression(), DecisionTreeClassifier(random_state=0)]}]
    for scoring, known in (("neg_log_loss", [False, True, True]), ("roc_auc", [True, True, True])):
        results = []
        for search in (EigenGridSearchCV(pipeline(), grid, cv=3), GridSearchCV(pipeline(), grid, cv=3)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results.append(search.set_params(scoring=scoring, refit=False).fit(X, y).cv_results_["mean_test_score"])
        assert list(np.isfinite(results[0])) == known
        assert np.allclose(*results, equal_nan=True, atol=1e-3)


def test_a_step_that_breaks_breaks_as_in_grid_search_cv():
    def breaks(rows):
        raise KeyError("broken")

    X, y = draw(n=60)
    tail = Pipeline([("own", FunctionTransformer(breaks)), ("pca", PCA(3)), ("svc", SVC())])
    search = EigenGridSearchCV(tail, {"svc__C": [1]}, cv=3)
    with pytest.warns(StockSearchWarning, match="3 of 3 fits"), pytest.raises(ValueError, match="broken"):
        search.fit(X, y)


def test_a_candidate_that_cannot_be_fitted_fails_as_in_grid_search_cv():
    X, y = draw(n=60)
    grid = {"pca__n_components": [3, 100], "svc__C": [1, -1]}
    results = []
    for search in (EigenGridSearchCV(pipeline(), grid, cv=3), GridSearchCV(pipeline(), grid, cv=3)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append(search.fit(X, y).cv_results_["mean_test_score"])
        assert "FitFailedWarning" in {warning.category.__name__ for warning in caught}
    assert np.array_equal(*results, equal_nan=True)
    strict = EigenGridSearchCV(pipeline(), {"svc__C": [-1, 1]}, cv=3, error_score="raise")
    with pytest.warns(StockSearchWarning), pytest.raises(ValueError, match="'C' parameter"):
        strict.fit(X, y)


def test_a_wrong_name_is_refused_as_in_grid_search_cv():
    X, y = draw(n=60)
    search = EigenGridSearchCV(pipeline(), {"svc__D": [1]}, cv=3)
    with pytest.warns(StockSearchWarning), pytest.raises(ValueError, match="Invalid parameter 'D'"):
        search.fit(X, y)
    with pytest.raises(ValueError, match="pca_solver: expected 'exact' or 'own', got 'none'"):
        EigenGridSearchCV(pipeline(), {"svc__C": [1]}, pca_solver="none").fit(X, y)


def failing(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = check_estimator(estimator, on_fail=None, on_skip=None)
    return {check["check_name"] for check in done if check["status"] == "failed"}


def test_scikit_learn_s_checks_pass_where_grid_search_cv_passes_them():
    tail, grid = make_pipeline(PCA(1), SVC()), {"svc__C": [0.1, 1]}
    assert failing(EigenGridSearchCV(tail, grid, cv=2)) == failing(GridSearchCV(tail, grid, cv=2))


def test_clone_keeps_every_parameter_and_the_name_is_public():
    search = eigenface.EigenGridSearchCV(pipeline(), {"svc__C": [1]}, n_jobs=3, pca_solver="own")
    copied = clone(search)
    assert copied.get_params()["n_jobs"] == 3
    assert copied.pca_solver == "own"
    assert set(GridSearchCV(pipeline(), {}).get_params()) < set(copied.get_params())


GRID = {"svc__C": [0.1, 1, 10], "svc__gamma": [0.01, 0.1]}


def test_a_killed_search_goes_on_where_it_was(tmp_path):
    X, y = draw(classes=3)
    told = []

    def stop(done, total, what):
        told.append((done, total))
        if done == 6:
            raise KeyboardInterrupt

    search = EigenGridSearchCV(pipeline(), GRID, cv=3, journal=tmp_path / "job", progress=stop)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    with (tmp_path / "job").open("a") as file:
        file.write('{"key": "path 1/2", "val')  # cut short by the kill
    again = clone(search).set_params(progress=lambda *_: None, scoring="balanced_accuracy").fit(X, y)
    whole = EigenGridSearchCV(pipeline(), GRID, cv=3, scoring="balanced_accuracy").fit(X, y)
    assert list(dict.fromkeys(told)) == [(0, 18), (3, 18), (6, 18)]  # paths of three
    assert again.how_ == whole.how_ + ", 6 fits from the journal"
    assert again.reused_ == 6
    assert np.array_equal(again.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"])


@pytest.mark.parametrize("change", ["grid", "rows", "labels", "folds", "solver"])
def test_a_journal_of_another_search_is_refused(tmp_path, change):
    X, y = draw(n=40)
    search = EigenGridSearchCV(pipeline(), GRID, cv=2, journal=tmp_path / "job").fit(X, y)
    if change == "rows":
        X = X + 1e-9
    elif change == "labels":
        y = y[::-1]
    else:
        search.set_params(
            **{"grid": {"param_grid": {"svc__C": [1]}}, "folds": {"cv": 3}, "solver": {"pca_solver": "own"}}[change]
        )
    with pytest.raises(RequestError, match="belongs to another job"):
        search.fit(X, y)
