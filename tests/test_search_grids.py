"""Grids by name and from files: what is wrong with one is said in one line; results are written as CSV."""

import csv
import json

import numpy as np
import pytest

from eigenface.errors import EigenfaceError, RequestError
from eigenface.search import candidates_of, get_grid, write_csv
from eigenface.search.grids import NAMED
from eigenface.tasks.recipes import eigenface_pipeline


@pytest.mark.parametrize("name", NAMED)
def test_every_named_grid_fits_the_plain_pipeline(name):
    assert candidates_of(eigenface_pipeline(), get_grid(name))


def test_seed004_is_the_course_projects_144_candidates():
    candidates = candidates_of(eigenface_pipeline(), get_grid("seed004"))
    assert len(candidates) == 144
    assert {c["svc__C"] for c in candidates} == {1, 10, 20, 30, 50, 100}
    assert {c["svc__gamma"] for c in candidates} == {0.1, 0.05, 0.01, 0.001, 0.002, 0.005}
    assert {(c["svc__kernel"], c["svc__coef0"]) for c in candidates} == {
        (kernel, coef0) for kernel in ("rbf", "poly") for coef0 in (0, 1)
    }
    assert {(c["faces__size"], c["pca__n_components"], c["pca__power"]) for c in candidates} == {(100, 50, 1.0)}


def test_the_small_grid_is_small():
    assert 6 <= len(candidates_of(eigenface_pipeline(), get_grid("small"))) <= 12


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("g.json", '{"svc__C": [1, 10], "svc__gamma": [0.1]}', 2),
        ("g.json", '\ufeff{"svc__C": [1]}', 1),
        ("g.json", '[{"svc__C": [1, 10]}, {"svc__kernel": ["poly"], "svc__degree": [2, 3, 4]}]', 5),
        ("g.toml", "svc__C = [1, 10]\npca__n_components = [20, 40, 60]\n", 6),
        ("g.toml", "[[grid]]\nsvc__C = [1, 10]\n[[grid]]\nsvc__kernel = ['poly']\n", 3),
    ],
)
def test_a_grid_of_ones_own_comes_from_json_or_toml(tmp_path, name, text, count):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert len(candidates_of(eigenface_pipeline(), get_grid(tmp_path / name))) == count


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("svc__C = 1", "cannot be read"),
        ("[]", "not a grid"),
        ("{}", "not a grid"),
        ("3", "not a grid"),
        ("null", "not a grid"),
        ('["svc__C"]', "not a grid"),
        ('{"svc__C": []}', "svc__C has an empty list"),
        ('{"svc__C": 1}', "svc__C has 1"),
        ('{"svc__C": "abc"}', "svc__C has 'abc'"),
        ("[" * 100_000, "cannot be read"),
        ("\x00\xff", "cannot be read"),
    ],
)
def test_a_file_that_is_no_grid_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "grid.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(RequestError, match=said) as caught:
        get_grid(path)
    assert caught.value.code == "bad_grid"
    assert str(path) in caught.value.message
    assert "\n" not in str(caught.value)


def test_an_unknown_grid_names_those_there_are(tmp_path):
    with pytest.raises(RequestError, match="seed004, small, eigenfaces"):
        get_grid("seed04")
    with pytest.raises(RequestError, match="there is no grid"):
        get_grid(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("svc__c", "Did you mean svc__C? svc has C, "),
        ("svc__cost", "svc has C, "),
        ("pca__components", "Did you mean pca__n_components?"),
        ("svm__C", "the steps are faces, pca, codes, svc"),
        ("C", "the steps are faces, pca, codes, svc"),
        ("svc__C__D", "svc has C, "),
    ],
)
def test_an_unknown_parameter_is_refused_with_what_is_allowed(name, said):
    with pytest.raises(RequestError) as caught:
        candidates_of(eigenface_pipeline(), {"pca__n_components": [3], name: [1, 2]})
    assert caught.value.code == "unknown_parameter"
    assert repr(name) in caught.value.message
    assert said in caught.value.hint


def test_the_csv_has_a_row_a_candidate_the_best_first(tmp_path):
    results = {
        "mean_fit_time": np.array([0.5, 0.25]),
        "mean_score_time": np.array([0.1, 0.1]),
        "param_svc__C": np.ma.MaskedArray([1, 10], mask=[False, False]),
        "param_svc__degree": np.ma.MaskedArray([0, 3], mask=[True, False]),
        "params": [{"svc__C": 1}, {"svc__C": 10, "svc__degree": 3}],
        "split0_test_score": np.array([0.5, 0.75]),
        "mean_test_score": np.array([0.5, 0.75]),
        "std_test_score": np.array([0.0, 0.0]),
        "rank_test_score": np.array([2, 1]),
    }
    write_csv(results, tmp_path / "r.csv")
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["rank_test_score"] for row in rows] == ["1", "2"]
    assert [row["svc__C"] for row in rows] == ["10", "1"]
    assert [row["svc__degree"] for row in rows] == ["3", ""]
    assert [float(row["mean_test_score"]) for row in rows] == [0.75, 0.5]
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == '["r.csv"]'


def test_a_csv_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(EigenfaceError, match="cannot be written"):
        write_csv({"rank_test_score": [], "mean_test_score": [], "std_test_score": []}, tmp_path / "no" / "r.csv")
