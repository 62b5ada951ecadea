"""Training sets larger than memory: rows and crops in files give what rows and crops in memory give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline

from eigenface.calibrate import calibrate_pipeline, folds_by_group
from eigenface.datasets.drawn import make_faces
from eigenface.steps import ridge
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces
from eigenface.steps.ridge import KernelRidgeClassifier
from eigenface.streaming import CropRoom, describe, drawn, in_file, join, limit, rows_in_file, take
from eigenface.tasks.own import own_task
from eigenface.train import train


def falling_rows(count: int, wide: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    inner = rng.normal(size=(count, 40)) * 0.8 ** np.arange(40)
    return np.asarray(inner @ np.linalg.qr(rng.normal(size=(wide, 40)))[0].T + 3, np.float32)


def on_disk(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    kept = rows_in_file((rows.shape[0], rows.shape[1]))
    kept[:] = rows
    return kept


def test_components_of_rows_in_a_file_are_those_of_rows_in_memory() -> None:
    rows = falling_rows(1300, 90)
    exact = PCA(12, svd_solver="full").fit(rows.astype(np.float64))
    found = Eigenfaces(12, power=0.5).fit(on_disk(rows))
    assert np.allclose(found.mean_, exact.mean_, atol=1e-4)
    assert np.allclose(found.explained_variance_, exact.explained_variance_, rtol=1e-4)
    assert np.allclose(found.explained_variance_ratio_, exact.explained_variance_ratio_, rtol=1e-4)
    alike = np.abs(np.einsum("ij,ij->i", found.components_, exact.components_))
    assert alike.min() > 0.9999
    again = Eigenfaces(12, power=0.5).fit(on_disk(rows))
    assert (again.components_ == found.components_).all()
    assert np.allclose(found.transform(on_disk(rows)), found.transform(rows), atol=1e-5)


def test_rows_taken_and_joined_stay_where_they_lie() -> None:
    rows = falling_rows(1100, 50)
    index = np.random.default_rng(1).permutation(1100)[:700]
    for kept in (rows, on_disk(rows)):
        assert (take(kept, index) == rows[index]).all()
        assert (join(kept, rows[:30]) == np.concatenate([rows, rows[:30]])).all()
        assert in_file(take(kept, index)) == in_file(join(kept, rows[:30])) == in_file(kept)


def test_crops_beyond_the_room_are_kept_unchanged_in_a_file() -> None:
    rng = np.random.default_rng(2)
    crops = [rng.integers(0, 256, (*rng.integers(20, 60, 2), 3), dtype=np.uint8) for _ in range(50)]
    room = CropRoom(100_000)
    kept = [room.keep(crop) for crop in crops]
    assert all((one == crop).all() for one, crop in zip(kept, crops, strict=True))
    inside = [one is crop for one, crop in zip(kept, crops, strict=True)]
    assert inside[0]
    assert not inside[-1]
    assert sum(crop.nbytes for crop, here in zip(crops, inside, strict=True) if here) <= 100_000
    assert all(one.flags.c_contiguous for one in kept)


def test_a_model_learned_from_files_answers_as_one_learned_in_memory() -> None:
    faces = make_faces(("female", "male"), 40, size=(40, 60))
    pipeline = Pipeline(
        [("faces", GreyFaces(32)), ("pca", Eigenfaces(20, power=0.5)), ("ridge", KernelRidgeClassifier(bits=None))]
    )
    folds = folds_by_group(faces.labels, faces.groups, 3)
    fitted = {
        memory: calibrate_pipeline(pipeline, faces.crops, faces.labels, folds, memory=memory)
        for memory in (10**9, 10**5)
    }
    assert in_file(describe(GreyFaces(32), faces.crops, 10**5))
    assert not in_file(describe(GreyFaces(32), faces.crops, 10**9))
    large, small = fitted.values()
    assert np.abs(large.out_of_fold - small.out_of_fold).max() < 0.02
    said = [one.pipeline.predict_proba(faces.crops) for one in (large, small)]
    assert np.abs(said[0] - said[1]).max() < 0.02


def test_a_kernel_machine_learns_from_as_many_faces_as_memory_lets_it() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(900, 4)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(int)
    pipeline = Pipeline([("ridge", KernelRidgeClassifier(bits=None))])
    assert limit(pipeline, 900, 4 * 900**2) == []
    assert limit(pipeline, 900, 4 * 300**2) == ["its kernel machine learned from 300 of them, drawn at random"]
    assert len(pipeline.fit(rows, labels)["ridge"].vectors_) == 300
    assert pipeline.score(rows, labels) > 0.9
    assert (drawn(10, 4 * 10**2) == np.arange(10)).all()
    assert len(set(drawn(10, 4 * 4**2).tolist())) == 4


def test_train_keeps_what_it_must_in_files(drawn_folder: Path) -> None:
    task = own_task("looks", ("female", "male"))
    trained = [train(drawn_folder, task=task, variant="eigenfaces", whole=True, memory=size) for size in (10**6, 10**9)]
    small, large = (one.evaluations[0].scores.accuracy.value for one in trained)
    assert abs(small - large) < 0.15
    assert small > 0.6


def test_a_kernel_is_solved_in_pieces_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    half, right = rng.normal(size=(150, 150)), rng.normal(size=(150, 3))
    kernel = half @ half.T + 50 * np.eye(150)
    exact = np.linalg.solve(kernel, right)
    for block in (64, 150, 1000):  # two blocks and a part of one; one; one that is not full
        monkeypatch.setattr(ridge, "_BLOCK", block)
        lower = [kernel[part, : part.stop].astype(np.float32) for part in ridge._blocks(150)]
        found = ridge._solve(lower, right.astype(np.float32))
        assert np.abs(found - exact).max() < 1e-4 * np.abs(exact).max()
