"""Training judges on faces kept aside, keeps twins together, and refuses what nothing can be learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.drawn import DrawnFaces, make_faces, write_faces
from eigenface.datasets.twins import twins_together
from eigenface.errors import DataError
from eigenface.evaluate import evaluate
from eigenface.fitting import review_bounds
from eigenface.model import FaceClassifier
from eigenface.tasks import task_for, tasks
from eigenface.train import train


def small(classes: tuple[str, ...]) -> dict[str, object]:
    return {"task": task_for("own", classes), "variant": "eigenfaces", "whole": True}


def test_a_folder_becomes_a_judged_model(drawn_folder: Path) -> None:
    trained = train(drawn_folder, **small(("female", "male")))  # type: ignore[arg-type]
    (evaluation,) = trained.evaluations
    assert 0.15 * 48 < evaluation.scores.n < 0.35 * 48
    assert evaluation.scores.accuracy.value > 0.7
    row = trained.model.meta["judged"][0]
    assert row["accuracy"] == round(evaluation.scores.accuracy.value, 4)
    assert f"{row['accuracy']:.3f}" in trained.model.card
    assert "48 faces in 12 groups" in trained.model.card


def test_a_task_of_three_classes_trains_and_answers(tmp_path: Path) -> None:
    classes = ("female", "male", "with_mask")
    write_faces(tmp_path / "three", make_faces(classes, 24, size=(40, 60)))
    trained = train(tmp_path / "three", **small(classes))  # type: ignore[arg-type]
    assert trained.model.classes_.tolist() == list(classes)
    assert evaluate(trained.model, tmp_path / "three", whole=True).scores.accuracy.value > 0.8


def test_a_search_out_of_time_says_what_it_left(drawn_folder: Path) -> None:
    grid = {"pca__n_components": [4, 8], "svc__C": [1, 3]}
    hurried = train(drawn_folder, grid=grid, budget=1e-6, **small(("female", "male")))  # type: ignore[arg-type]
    assert "of 4 candidates" in hurried.left_out
    assert hurried.evaluations[0].scores.accuracy.value > 0.5
    at_leisure = train(drawn_folder, grid=grid, budget=3600, **small(("female", "male")))  # type: ignore[arg-type]
    assert at_leisure.left_out == ""


def test_copies_of_a_picture_stay_on_one_side(drawn: DrawnFaces) -> None:
    people, their = drawn.crops[::4], drawn.labels[::4]  # one picture a person
    labels = np.array([*their, "male" if their[0] == "female" else "female", their[5]])
    names = np.array([f"{i}.png" for i in range(14)])
    together, said = twins_together(CroppedFaces([*people, people[0], people[5]], labels, names))
    assert together.groups is not None
    assert together.groups[12] == together.groups[0]
    assert together.groups[13] == together.groups[5]
    assert len(set(together.groups.tolist())) == 12
    assert "2 pairs" in said[0]
    assert "0.png and 12.png" in said[0]
    alone, nothing = twins_together(CroppedFaces(people, their, names[:12]))
    assert (alone.groups, nothing) == (None, [])


def test_the_review_threshold_halves_the_errors_or_reviews_a_fifth() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(4000) < 0.5
    p = np.clip(np.where(truth, 0.75, 0.25) + rng.normal(0, 0.2, 4000), 0.01, 0.99)
    bounds = review_bounds(np.stack([1 - p, p], axis=1), np.where(truth, "b", "a"), ["a", "b"], 30)
    right = (p > 0.5) == truth
    assert 0.79 <= bounds["coverage"] <= 1
    assert bounds["accuracy"] > right.mean()
    assert bounds["smallest_face"] == 30


def test_what_nothing_can_be_learned_from_is_refused(tmp_path: Path) -> None:
    write_faces(tmp_path / "few", make_faces(("a", "b"), 3))
    with pytest.raises(DataError, match="too few faces of a"):
        train(tmp_path / "few", **small(("a", "b")))  # type: ignore[arg-type]
    write_faces(tmp_path / "blank", make_faces(("a", "b"), 6))
    for path in (tmp_path / "blank").rglob("*.png"):
        Image.new("RGB", (50, 50), "grey").save(path)
    with pytest.raises(DataError, match="no face was found"):
        train(tmp_path / "blank", task=task_for("own", ("a", "b")))


def test_labels_that_a_model_does_not_know_are_named(model: FaceClassifier, tmp_path: Path) -> None:
    write_faces(tmp_path / "other", make_faces(("cat", "male"), 4))
    with pytest.raises(DataError, match="does not know: cat"):
        evaluate(model, tmp_path / "other", whole=True)


def test_every_declared_task_is_whole() -> None:
    for task in tasks().values():
        assert task.question.endswith("?")
        assert task.limits
        for variant in task.pipelines:
            pipeline = task.pipelines[variant]()
            grid = {} if task.kind == "open" and variant not in task.grids else task.grids[variant]()
            assert set(grid) <= set(pipeline.get_params()), task.model_name(variant)
