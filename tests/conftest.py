"""Drawn faces and a small model for all tests; markers that name what a test needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.pipeline import make_pipeline

from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.drawn import DrawnFaces, make_faces, write_faces
from eigenface.embedding import FaceEmbedder
from eigenface.fitting import fit_model
from eigenface.fold import fold_transform
from eigenface.model import FaceClassifier
from eigenface.operations import OPERATIONS
from eigenface.program import Program
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.faces import GreyFaces
from eigenface.steps.identity import PersonSpace, UnitRows
from eigenface.tasks import task_for
from eigenface.tasks.recipes import eigenface_pipeline

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # for the processes that tests start


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run slow tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="slow; run with --slow"))
        if "data" in item.keywords and not os.environ.get("EIGENFACE_DATA"):
            item.add_marker(pytest.mark.skip(reason="EIGENFACE_DATA names no folder of real pictures"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real pictures."""
    return Path(os.environ["EIGENFACE_DATA"])


@pytest.fixture(scope="session")
def drawn() -> DrawnFaces:
    return make_faces(("female", "male"), 24, size=(48, 80))


@pytest.fixture(scope="session")
def drawn_folder(drawn: DrawnFaces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_faces(folder, drawn)
    return folder


@pytest.fixture(scope="session")
def faces(drawn: DrawnFaces) -> CroppedFaces:
    return CroppedFaces(drawn.crops, drawn.labels, drawn.groups, drawn.groups)


@pytest.fixture(scope="session")
def model(faces: CroppedFaces) -> FaceClassifier:
    pipeline = eigenface_pipeline().set_params(faces__size=24, pca__n_components=10)
    return fit_model(pipeline, faces, task_for("looks", ("female", "male")), name="looks", folds=3)


@pytest.fixture(scope="session")
def embedder() -> FaceEmbedder:
    """A small model of the open task, which tells drawn people apart."""
    people = make_faces(("female", "male"), 40, size=(48, 80), random_state=1)
    pipeline = make_pipeline(GreyFaces(24), Eigenfaces(30), PersonSpace(0.02), UnitRows())
    pipeline.fit(people.crops, people.groups)
    odds = {"slope": 20.0, "offset": -14.0, "rates": [0.5, 0.1, 0.01, 0.001], "thresholds": [0.0, 0.6, 0.8, 0.9]}
    meta = {"task": "identity", "name": "identity", "kind": "open", "crop": {"scale": 1.6}, "odds": odds}
    return FaceEmbedder(meta, program=Program(fold_transform(pipeline) or []), pipeline=pipeline, card="# identity")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film that takes long enough to be interrupted."""
    from video_scenes import Scene, write_film  # PyAV, which is not always there

    frames = [p for _, p, _ in Scene([lambda t: (80, 90)], 0.4, size=(240, 180))]
    return write_film(tmp_path_factory.mktemp("film") / "long.avi", frames * 120, codec="mpeg4").read_bytes()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[int]]:
    """How many rows each run of an operation was given, from when it is asked for on."""

    def count(name: str) -> list[int]:
        given: list[int] = []
        make = OPERATIONS[name]

        def counting(settings: Any, arrays: Any) -> Any:
            run = make(settings, arrays)
            return lambda rows: given.append(len(rows)) or run(rows)

        monkeypatch.setitem(OPERATIONS, name, counting)
        return given

    return count
