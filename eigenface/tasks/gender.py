"""Gender: does a face look female or male to the people who labelled the pictures?"""

from __future__ import annotations

from typing import Any

from eigenface.augment import Copies, to_grey
from eigenface.crops import CropSpec
from eigenface.tasks.recipes import eigenface_grid, eigenface_pipeline, fisher_grid, fisher_pipeline
from eigenface.tasks.task import Source, Task


def gender_pipeline() -> Any:
    """Fisher vectors and colour, turned to the directions in which a first kernel machine's answers change most."""
    from eigenface.steps.directions import KernelDirections

    return fisher_pipeline().set_params(pca=KernelDirections(300, power=0.2, bits=4))


TASK = Task(
    name="gender",
    question="Does the face look female or male?",
    classes=("female", "male"),
    crop=CropSpec(0.95, 0.08),
    pipelines={"": gender_pipeline, "eigenfaces": eigenface_pipeline},
    grids={"": fisher_grid, "eigenfaces": eigenface_grid},
    sources=(
        Source("gender/lfw.zip"),
        Source("gender/utkface.zip", whole=True),
        Source("gender/tight_crops.zip", whole=True),
    ),
    limits=(
        "It says how a face looks to the people who labelled such pictures, in two words.",
        "It does not know who somebody is, and nobody's gender can be read off a face.",
        "Children under 12 are often answered wrongly: sex is hardly visible in their faces.",
        "Most training faces are of adults in news and celebrity photographs, more men than women among them.",
        "Do not use it to decide anything about a person.",
    ),
    smallest_face=32,
    small=fisher_pipeline,  # a thousand faces tell no directions
    small_grid=fisher_grid,
    few=1500,
    copies=(Copies(to_grey, 0.15),),
)
