"""Blood: is there blood on the face? So far by the oldest rule, a share of red pixels over a threshold."""

from __future__ import annotations

from typing import Any

from eigenface.crops import CropSpec
from eigenface.tasks.task import Source, Task


def red_pixels() -> Any:
    """The share of red pixels over a threshold, the threshold that the last search found."""
    from sklearn.pipeline import Pipeline

    from eigenface.baselines import RedPixelThreshold

    return Pipeline([("red", RedPixelThreshold(0.05, positive="blood"))])


def red_pixel_grid() -> dict[str, list[Any]]:
    """Thresholds from a trace of red to half of the face."""
    return {"red__threshold": [0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3], "red__saturation": [90, 120, 150]}


TASK = Task(
    name="blood",
    question="Is there blood on the face?",
    classes=("blood", "no_blood"),
    crop=CropSpec(1.1),
    pipelines={"": red_pixels},
    grids={"": red_pixel_grid},
    sources=(Source("blood/real.zip", skip=("unclear",)),),
    limits=(
        "It counts red pixels. Lipstick, red light, a red scarf and sunburn are red too; dried blood is not.",
        "It was judged on a few dozen pictures: a figure moves by several points with one picture.",
        "It is a baseline to beat, not a detector of injuries. Do not rely on it where somebody may be hurt.",
    ),
    smallest_face=32,
    test_share=0.5,
)
