"""What the search shares and how it solves: both engines find the same machines, a fold's coordinates are its own."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from eigenface.engine import compiled
from eigenface.search.eigen import gram, solver
from eigenface.search.eigen.exchange import Exchange
from eigenface.search.eigen.gram import Gram
from eigenface.search.eigen.kernels import Kernel


@pytest.mark.skipif(compiled("smo") is None, reason="the compiled part is not built")
@pytest.mark.parametrize(("kernel", "n"), [("rbf", 400), ("linear", 90), ("poly", 1100)])
def test_both_solvers_find_the_same_machines(kernel, n, monkeypatch):
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(n, 8)).astype(np.float32)
    labels = np.where(rows[:, 0] + rows[:, 1] ** 2 + 0.3 * rng.normal(size=n) > 1, 1, -1).astype(np.int8)
    values = Kernel(kernel, 0.1, 1.0, 2).matrix(rows, rows, "test")
    cs = [0.1, 1, 10, 100]
    fast = list(solver.solve_path(values, labels, cs, (1.0, 2.0), 1e-4, positive=True))
    monkeypatch.setenv("EIGENFACE_PURE", "1")
    slow = list(solver.solve_path(values, labels, cs, (1.0, 2.0), 1e-4, positive=True))
    for c, a, b in zip(cs, fast, slow, strict=True):
        decisions = [values.astype(np.float64) @ each.weights + each.bias for each in (a, b)]
        assert np.abs(decisions[0] - decisions[1]).max() < 5e-3
        assert abs(a.weights.sum()) < 1e-9 * c * n
        assert (a.weights * labels >= 0).all()
        assert (np.abs(a.weights) <= c * np.where(labels > 0, 1, 2)).all()


def drawn(n: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """A kernel matrix and labels of two classes that overlap."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(n, 12))
    labels = np.where(rows[:, 0] + rows[:, 1] ** 2 + 0.7 * rng.normal(size=n) > 1, 1, -1).astype(np.int8)
    return Kernel(kind, 0.05, 1.0, 4).matrix(rows, rows, "test").copy(), labels


@pytest.mark.parametrize("kind", ["rbf", "poly"])
def test_a_machine_moved_to_a_larger_c_is_the_one_that_libsvm_finds(kind):
    kernel, labels = drawn(500, kind)
    exchange = Exchange(kernel, labels)
    machine, before = solver._libsvm(kernel, labels, (1.0, 2.0), 1e-3), 1.0
    for c in (1.5, 2, 4, 7, 10, 30):
        moved = exchange.moved(*machine, c / before, (c, 2 * c), 1e-3)
        assert moved is not None
        weights, bias = moved
        exact = solver._libsvm(kernel, labels, (c, 2 * c), 1e-8)
        assert np.abs(kernel @ weights + bias - kernel @ exact.weights - exact.bias).max() < 3e-3
        assert abs(weights.sum()) < 1e-5 * c
        assert (weights * labels >= 0).all()
        assert (np.abs(weights) <= c * np.where(labels > 0, 1, 2)).all()
        machine, before = solver.Machine(weights, bias), c


def test_what_is_not_worth_moving_or_cannot_be_is_left_to_libsvm(monkeypatch):
    kernel, labels = drawn(300, "rbf")
    machine = solver._libsvm(kernel, labels, (1.0, 1.0), 1e-3)
    assert Exchange(kernel, labels).moved(*machine, 10.0, (10.0, 10.0), 1e-3) is None  # too far
    twice = np.block([[kernel, kernel], [kernel, kernel]])  # every row is there twice: systems without one solution
    both = np.tile(labels, 2)
    monkeypatch.setenv("EIGENFACE_PURE", "1")
    found = list(solver.solve_path(twice, both, [1, 2, 4], (1.0, 1.0), 1e-4, positive=True))
    for c, one in zip([1, 2, 4], found, strict=True):
        exact = solver._libsvm(kernel, labels, (2 * c, 2 * c), 1e-8)  # half of the weight each
        assert np.abs((twice @ one.weights + one.bias)[:300] - kernel @ exact.weights - exact.bias).max() < 3e-3


@pytest.mark.skipif(compiled("smo") is None, reason="the compiled part is not built")
def test_the_compiled_solver_checks_what_it_gets():
    smo = compiled("smo")
    n = 6
    good = [np.eye(n, dtype=np.float32), np.array([1, -1] * 3, np.int8), 1.0, 1.0, 1e-3, 100, np.zeros(n), np.zeros(n)]
    good.append(np.zeros((3, 3), np.float32))
    for place, wrong in [
        (0, np.eye(5, dtype=np.float32)),
        (1, np.zeros(n, np.int8)),
        (2, 0.0),
        (4, np.nan),
        (6, np.zeros(2)),
    ]:
        with pytest.raises(ValueError, match="solve:"):
            smo.solve(*good[:place], wrong, *good[place + 1 :])


@pytest.mark.parametrize("room", [0, 1e9])  # the block of training rows is read where it stands, or copied
def test_coordinates_of_a_fold_are_those_of_its_own_pca(room, monkeypatch):
    monkeypatch.setattr(gram, "_BLOCK", room)
    X = np.random.default_rng(0).normal(size=(80, 100))
    train, test = np.arange(0, 60), np.arange(60, 80)
    learned, judged = Gram(X).coordinates(train, test, 7, whiten=True)
    pca = PCA(7, whiten=True, svd_solver="full").fit(X[train])
    for ours, theirs in ((learned, pca.transform(X[train])), (judged, pca.transform(X[test]))):
        assert np.allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-8)
    assert Gram(X).coordinates(np.array([0, 1, 0, 1, 0, 1]), test, 3, whiten=True) is None
