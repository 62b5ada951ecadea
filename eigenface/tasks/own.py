"""A task for any folder of labelled faces: the framing and the pipelines that serve most questions."""

from __future__ import annotations

from eigenface.crops import CropSpec
from eigenface.tasks.recipes import eigenface_grid, eigenface_pipeline, fisher_grid, fisher_pipeline
from eigenface.tasks.task import Task


def own_task(name: str, classes: tuple[str, ...] = ()) -> Task:
    """A closed task called `name` with the user's own classes."""
    return Task(
        name=name,
        question=f"Which of {', '.join(classes)} is it?" if classes else "Which class is it?",
        classes=classes,
        crop=CropSpec(1.1, 0.05),
        pipelines={"": fisher_pipeline, "eigenfaces": eigenface_pipeline},
        grids={"": fisher_grid, "eigenfaces": eigenface_grid},
        limits=("It learned from one folder: it knows no faces, light or cameras of other kinds.",),
    )
