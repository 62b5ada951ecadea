"""`python benchmarks/search.py`: EigenGridSearchCV against GridSearchCV in one run, and how time and memory grow.

Rows are drawn: a few hundred directions of falling size, two classes that overlap, as grey faces have them. Stock is
run on some of the candidates and scaled up. Ratios compare; seconds are of this machine, on this day.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eigenface import EigenGridSearchCV

GRID: dict[str, list[Any]] = {
    "svc__C": [1, 10, 20, 30, 50, 100],
    "svc__kernel": ["rbf", "poly"],
    "svc__gamma": [0.1, 0.05, 0.01, 0.001, 0.002, 0.005],
    "svc__coef0": [0, 1],
}
"""The 144 candidates of the course project that took 14.8 minutes."""

SMALL = {"svc__C": [1, 10], "svc__gamma": [0.002, 0.01, 0.05]}


def draw(n: int, features: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Rows (n, features) in float32 and labels (n,), 0 or 1."""
    rng = np.random.default_rng(0)
    inner = rng.normal(size=(n, 200)).astype(np.float32)
    y = (inner[:, :20].sum(axis=1) + inner[:, 0] * inner[:, 1] + 3 * rng.normal(size=n) > 0).astype(np.intp)
    sizes = (np.arange(1, 201) ** -0.5).astype(np.float32)
    X = (inner * sizes) @ rng.normal(size=(200, features)).astype(np.float32) / np.float32(30)
    for start in range(0, n, 1000):
        X[start : start + 1000] += rng.normal(0, 0.05, X[start : start + 1000].shape).astype(np.float32)
    return X, y


def pipeline(memory: str | None = None) -> Pipeline:
    """PCA 50, whitened, and a machine."""
    return Pipeline([("pca", PCA(50, whiten=True, random_state=0)), ("svc", SVC())], memory=memory)


def seconds(search: Any, X: NDArray[np.float32], y: NDArray[np.intp]) -> float:
    """Seconds of a search without its last fit."""
    search.set_params(cv=StratifiedKFold(5, shuffle=True, random_state=0), scoring="accuracy", refit=False)
    began = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - began


def compare(n: int, features: int, jobs: int, sample: int) -> None:
    """The table of ratios."""
    X, y = draw(n, features)
    all_of_them = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    drawn = np.random.default_rng(0).permutation(len(all_of_them))[:sample]
    kept = [{name: [value] for name, value in all_of_them[i].items()} for i in drawn]
    GridSearchCV(pipeline(), kept[0], cv=2, n_jobs=jobs).fit(X[:200], y[:200])  # starts the workers
    found = {"GridSearchCV": seconds(GridSearchCV(pipeline(), kept, n_jobs=jobs), X, y) * len(all_of_them) / sample}
    with tempfile.TemporaryDirectory() as folder:
        cached = seconds(GridSearchCV(pipeline(folder), kept, n_jobs=jobs), X, y)
        found["GridSearchCV, Pipeline(memory=)"] = cached * len(all_of_them) / sample
    for name, pure in (("EigenGridSearchCV, without the compiled part", "1"), ("EigenGridSearchCV", "0")):
        os.environ["EIGENFACE_PURE"] = pure
        found[name] = seconds(EigenGridSearchCV(pipeline(), GRID, n_jobs=jobs), X, y)
    found["EigenGridSearchCV, halving=3"] = seconds(EigenGridSearchCV(pipeline(), GRID, n_jobs=jobs, halving=3), X, y)
    print(f"{n} x {features}, {len(all_of_them)} candidates x 5 folds, {jobs} jobs; stock from {sample} candidates")
    print("| what | seconds | ratio |\n|---|---|---|")
    for name, spent in found.items():
        print(f"| {name} | {spent:.1f} | {found['GridSearchCV'] / spent:.1f}x |", flush=True)


def grow(sizes: list[int], features: int, jobs: int) -> None:
    """Seconds and memory against the number of rows, a process each, 6 candidates."""
    print("| rows | seconds | peak GB | of them rows |\n|---|---|---|---|")
    for n in sizes:
        command = [sys.executable, __file__, "--one", str(n), "--features", str(features), "--jobs", str(jobs)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)


def one(n: int, features: int, jobs: int) -> None:
    """A line of that table."""
    X, y = draw(n, features)
    spent = seconds(EigenGridSearchCV(pipeline(), SMALL, n_jobs=jobs), X, y)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"| {n} | {spent:.2f} | {peak:.2f} | {X.nbytes / 1e9:.2f} |")


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--features", type=int, default=4096)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, default=8, help="candidates that stock is run on")
    parser.add_argument("--grow", type=int, nargs="+", metavar="N", help="only time and memory of these many rows")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.features, options.jobs)
    elif options.grow:
        grow(options.grow, options.features, options.jobs)
    else:
        compare(options.rows, options.features, options.jobs, options.sample)


if __name__ == "__main__":
    main()
