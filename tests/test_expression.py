"""Expression: what the task promises, which pipeline learns from how many faces, and directions that tell classes."""

from __future__ import annotations

import numpy as np
import pytest

from eigenface.crops import CropSpec
from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.drawn import make_faces
from eigenface.datasets.fer2013 import EMOTIONS
from eigenface.fitting import fit_model
from eigenface.fold import fold
from eigenface.steps.directions import KernelDirections
from eigenface.steps.eigen import Eigenfaces
from eigenface.steps.ridge import KernelRidgeClassifier
from eigenface.tasks import get_task
from eigenface.tasks.expression import small_pipeline


def test_its_classes_are_those_of_fer2013() -> None:
    assert get_task("expression").classes == tuple(sorted(EMOTIONS))


def test_tight_crops_are_about_the_box_of_a_face() -> None:
    assert 0.9 < get_task("expression").crop.scale < 1.05
    assert isinstance(get_task("expression").crop, CropSpec)


def test_few_faces_are_learned_by_the_pipeline_for_few() -> None:
    task = get_task("expression")
    assert task.factory("", 600) is small_pipeline
    assert task.factory("", 28_000) is task.pipelines[""]
    assert task.factory("linear", 600) is task.pipelines["linear"]
    small = task.grid("", 600)
    assert small is not None
    assert set(small) <= set(small_pipeline().get_params())


def test_a_grid_is_not_searched_unasked_on_very_many_faces() -> None:
    task = get_task("expression")
    assert task.grid("", 28_000) is None
    assert set(task.grid("", 5_000) or ()) <= set(task.pipelines[""]().get_params())


@pytest.mark.parametrize("variant", ["", "linear", "eigenfaces", "small"])
def test_every_pipeline_folds_into_a_program_that_answers_alike(variant: str) -> None:
    task = get_task("expression")
    drawn = make_faces(("with_mask", "without_mask", "worn_incorrectly"), 16, size=(48, 60))
    pipeline = small_pipeline() if variant == "small" else task.pipelines[variant]()
    faces = CroppedFaces(drawn.crops, drawn.labels, drawn.groups, drawn.groups)
    model = fit_model(pipeline, faces, task, name="expression", folds=2)
    assert model.program is not None
    assert fold(model.pipeline_) is not None
    answers = model.predict_proba(drawn.crops)
    assert np.abs(answers - model.pipeline_.predict_proba(drawn.crops)).max() < 1e-3


def test_directions_find_what_components_of_large_variance_hide() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 20)) * np.linspace(4, 2, 20)
    labels = np.where(rows[:, 19] + rng.normal(size=600) > 0, "right", "left")
    train, test = slice(0, 400), slice(400, None)

    def accuracy(step: Eigenfaces | KernelDirections) -> float:
        step.fit(rows[train], labels[train])
        head = KernelRidgeClassifier(alpha=0.3, bits=None).fit(step.transform(rows[train]), labels[train])
        return float((head.predict(step.transform(rows[test])) == labels[test]).mean())

    assert accuracy(KernelDirections(5, searched=20, power=0.25)) > accuracy(Eigenfaces(5)) + 0.1


def test_directions_keep_no_more_than_there_are() -> None:
    rows = np.random.default_rng(0).normal(size=(12, 5))
    step = KernelDirections(9, bits=4).fit(rows, np.arange(12) % 2)
    assert step.transform(rows).shape == (12, 5)
    assert (np.diff(step.strengths_) <= 0).all()
    with pytest.raises(ValueError, match="bits"):
        KernelDirections(2, bits=3).fit(rows, np.arange(12) % 2)
