"""Blood: is there blood on the face? Learned from painted faces, since real pictures are few; judged on both, apart."""

from __future__ import annotations

from typing import Any

from eigenface.crops import CropSpec
from eigenface.datasets.blood_faces import few_real, synthetic
from eigenface.tasks.recipes import eigenface_grid, eigenface_pipeline
from eigenface.tasks.task import Source, Task

FACES = (
    Source("gender/lfw.zip"),
    Source("gender/utkface.zip", whole=True),
    Source("gender/tight_crops.zip", whole=True),
)
"""Faces without blood, of people on whom it is painted."""


def blood_pipeline() -> Any:
    """Where blood may be, summed up, and local colour; eigenvectors of both; SVC."""
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.svm import SVC

    from eigenface.steps.blood import BloodMap, ColourFisher
    from eigenface.steps.eigen import Eigenfaces, Rounded
    from eigenface.steps.maps import Weighted

    where = Pipeline([("areas", BloodMap()), ("weight", Weighted(1.5))])
    return Pipeline(
        [
            ("features", FeatureUnion([("map", where), ("colour", ColourFisher())])),
            ("pca", Eigenfaces(200, power=0.5, bits=4)),
            ("codes", Rounded(8)),
            ("svc", SVC(C=3, gamma=0.034, class_weight="balanced")),
        ]
    )


def blood_grid() -> dict[str, list[Any]]:
    """What `tune` tries for the model that wins."""
    return {"pca__n_components": [100, 200], "svc__C": [1, 3], "svc__gamma": [0.017, 0.034, 0.068]}


def colour_pipeline() -> Any:
    """Local colour beside the face's own, without a map of where; eigenvectors, SVC."""
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC

    from eigenface.steps.blood import ColourFisher
    from eigenface.steps.eigen import Eigenfaces, Rounded

    return Pipeline(
        [
            ("colour", ColourFisher()),
            ("pca", Eigenfaces(200, power=0.5, bits=8)),
            ("codes", Rounded(8)),
            ("svc", SVC(C=3, gamma="scale", class_weight="balanced")),
        ]
    )


def red_pixels() -> Any:
    """The share of red pixels over a threshold: the baseline, as the first classifiers of blood had it."""
    from sklearn.pipeline import Pipeline

    from eigenface.baselines import RedPixelThreshold

    return Pipeline([("red", RedPixelThreshold(0.05, positive="blood"))])


def red_pixel_grid() -> dict[str, list[Any]]:
    """Thresholds from a trace of red to half of the face."""
    return {"red__threshold": [0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3], "red__saturation": [90, 120, 150]}


def _painted(source: Source) -> Source:
    return Source(source.path, whole=source.whole, make=synthetic, title=f"generated (synthetic) on {source.name}")


_LIMITS = (
    "Nearly all it learned from is synthetic: blood, lipstick, red light, red cloth painted on photographs of faces.",
    "Figures on generated faces are of the generator that it learned from, so they flatter.",
    "Real pictures were a few dozen: one moves a figure by several points. Their figures are of a twin that saw none.",
    "Pictures in which no face was found are not in those figures.",
    "Red face paint, bright lips, rose lamps, dyed hair and reddened skin are taken for blood now and then.",
    "Small, dried, dark or blurred traces are missed, and faces covered wholly.",
    "It is no detector of injuries. Do not rely on it where somebody may be hurt.",
)

TASK = Task(
    name="blood",
    question="Is there blood on the face?",
    classes=("blood", "no_blood"),
    crop=CropSpec(1.2, 0.05),
    pipelines={"": blood_pipeline, "eigenfaces": eigenface_pipeline, "colour": colour_pipeline, "red": red_pixels},
    grids={"": blood_grid, "eigenfaces": eigenface_grid, "colour": blood_grid, "red": red_pixel_grid},
    unshipped=("colour", "eigenfaces"),
    baseline=red_pixels,
    sources=(
        *(_painted(source) for source in FACES),
        Source("blood/real.zip", skip=("unclear",), make=few_real, title="real pictures", test_share=1.0),
    ),
    limits=_LIMITS,
    smallest_face=48,
)
