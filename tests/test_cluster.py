"""Work on a cluster: the same results as here, nothing lost with a worker, and mistakes in one line."""

from __future__ import annotations

import csv
import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from eigenface import EigenGridSearchCV, cluster
from eigenface.crops import CropSpec
from eigenface.datasets import load_dataset
from eigenface.datasets.crop_work import Cutter, cut_all
from eigenface.datasets.cropping import crop_dataset
from eigenface.datasets.drawn import draw_photo
from eigenface.errors import EigenfaceError, RequestError
from eigenface.pipelines import crop, tune
from eigenface.search.eigen.search import StockSearchWarning
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces
from eigenface.steps.ridge import KernelRidgeClassifier
from eigenface.workers import Threads, WorkerDiedError

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """A real cluster on this machine: a scheduler and two worker processes, whose nannies replace one that dies."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with distributed.LocalCluster(processes=True, **options) as made:
        yield made


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 photos in two folders, one of them no picture, one without a face."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(38):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw_photo(1, (120, 160), random_state=number)[0]).save(path)
    (folder / "a/bad.jpg").write_bytes(b"not a picture")
    Image.fromarray(np.full((60, 60, 3), 99, np.uint8)).save(folder / "b/empty.png")
    return folder


def killing(made: Any, at: int) -> Any:
    """Progress that kills one worker once `at` parts are done, and counts what it is told."""
    told: list[int] = []

    def progress(done: int, total: int, what: str) -> None:
        if done >= at and (not told or told[-1] < at):
            os.kill(next(iter(made.workers.values())).pid, signal.SIGKILL)
        told.append(done)

    progress.told = told  # type: ignore[attr-defined]
    return progress


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["svc", "ridge"])
def test_a_search_that_loses_a_worker_half_way_ends_as_it_does_here(workers: Any, tmp_path: Path, kind: str) -> None:
    X, y = make_classification(300, 120, n_informative=12, flip_y=0.15, random_state=0)
    crops = [np.repeat((row[:100].reshape(10, 10, 1) * 12 + 120).clip(0, 255), 3, 2).astype(np.uint8) for row in X]
    last: Any = SVC() if kind == "svc" else KernelRidgeClassifier()
    grid: dict[str, list[Any]] = {"pca__n_components": [5, 9], "faces__size": [8, 10]}
    grid |= {"svc__C": [0.1, 1], "svc__gamma": [0.01, 0.1, 1]} if kind == "svc" else {"svc__alpha": [0.1, 1.0, 3.0]}
    pca = PCA(5, whiten=True) if kind == "svc" else Eigenfaces(5)
    estimator = Pipeline([("faces", GreyFaces(8)), ("pca", pca), ("svc", last)])
    options: dict[str, Any] = {"cv": 3, "refit": False, "scoring": "accuracy"}
    journal, progress = tmp_path / "journal", killing(workers, 20 if kind == "svc" else 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StockSearchWarning)
        here = EigenGridSearchCV(estimator, grid, **options).fit(crops, y)
        options |= {"cluster": workers.scheduler_address, "progress": progress, "journal": journal}
        there = EigenGridSearchCV(estimator, grid, **options).fit(crops, y)
    fits = 3 * len(here.cv_results_["params"])
    assert progress.told[-1] == fits
    assert np.array_equal(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])
    assert there.best_params_ == here.best_params_
    paths = [json.loads(line) for line in journal.read_text().splitlines()]
    assert len({line["key"] for line in paths[1:]}) == len(paths) - 1 == (fits // 2 if kind == "svc" else fits)


@pytest.mark.slow
def test_cropping_that_loses_a_worker_half_way_ends_as_it_does_here(
    workers: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crop.main([str(photos), "--out", str(tmp_path / "here")]) == 0
    monkeypatch.setattr("eigenface.datasets.crop_work._AT_A_TIME", 3)
    progress = killing(workers, 15)
    monkeypatch.setattr("eigenface.pipelines.crop.Bar", lambda: Told(progress))
    command = [str(photos), "--out", str(tmp_path / "there"), "--cluster", workers.scheduler_address]
    assert crop.main(command) == 0
    assert progress.told[-1] == 40
    for name in ("labels.csv", "rejected.csv", "duplicates.csv"):
        assert (tmp_path / "here" / name).read_text() == (tmp_path / "there" / name).read_text()
    found = rows(tmp_path / "there" / "labels.csv")
    assert len(found) + len(rows(tmp_path / "there" / "rejected.csv")) == 40
    for row in found:
        assert (tmp_path / "here" / row["file"]).read_bytes() == (tmp_path / "there" / row["file"]).read_bytes()
    assert not list((tmp_path / "there").rglob(".*"))


class Told:
    """A bar that passes on what it is told."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress

    def __enter__(self) -> Any:
        return self._progress

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.slow
def test_the_tuning_script_crops_and_searches_on_the_cluster(
    workers: Any, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = tmp_path / "grid.json"
    grid.write_text('{"faces__size": [16], "pca__n_components": [5], "svc__C": [1, 10], "svc__gamma": [0.01, 0.1]}')
    common = [str(photos), "--folds", "2", "--test-share", "0", "--grid", str(grid)]
    said = []
    for out, more in (("here", []), ("there", ["--cluster", workers.scheduler_address])):
        assert tune.main([*common, "--out", str(tmp_path / f"{out}.eigenface"), *more]) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert [each["best_params"] for each in said] == [said[0]["best_params"]] * 2
    assert said[0]["best_score"] == said[1]["best_score"]


@pytest.mark.slow
def test_workers_that_do_not_see_the_pictures_are_noticed(workers: Any, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"not there for [12] of the cluster's workers") as caught:
        cluster.Cluster(workers.scheduler_address, sees=[tmp_path, tmp_path / "elsewhere"])
    assert caught.value.code == "not_shared"


@pytest.mark.slow
def test_where_no_scheduler_answers_one_line_says_so(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:9", "nowhere", "http://127.0.0.1:9"):
        assert crop.main([str(photos), "--out", str(tmp_path / "out"), "--cluster", address]) == 2
        said = capsys.readouterr().err.strip()
        assert said.startswith(f"crop: {address}: no Dask scheduler answers there")
        assert "\n" not in said


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EigenfaceError, match="eigenface\\[cluster\\]"):
        cluster.Cluster("tcp://127.0.0.1:9")


class Deadly(Threads):
    """An engine on which a task that has the number 5 in it dies."""

    def each(self, work: Any, shared: Any, tasks: Any, *, most: int = 0) -> Any:
        for task, result in super().each(work, shared, tasks, most=most):
            yield task, WorkerDiedError("killed") if 5 in task else result


def test_a_picture_that_kills_its_worker_is_rejected_and_no_other(photos: Path, tmp_path: Path) -> None:
    dataset = load_dataset(photos)
    names = [f"{number}.png" for number in range(len(dataset))]
    cutter = Cutter(dataset, CropSpec(), tmp_path, names, whole=False, detector="default")
    shots = dict(cut_all(cutter, range(20), engine=Deadly(2)))
    assert sorted(shots) == list(range(20))
    assert shots.pop(5).reason == "the process that read it was killed or ran out of memory"
    assert dict(cut_all(cutter, [i for i in range(20) if i != 5])) == shots


def test_crops_made_in_parts_are_those_made_one_by_one(photos: Path) -> None:
    dataset = load_dataset(photos)
    one, other = crop_dataset(dataset, CropSpec()), crop_dataset(dataset, CropSpec(), engine=Threads(2))
    assert one.names.tolist() == other.names.tolist()
    assert one.rejected == other.rejected
    assert len(one.rejected) == 2
    assert all(np.array_equal(a, b) for a, b in zip(one.crops, other.crops, strict=True))
