"""Mask: is a face mask worn, worn incorrectly (nose or mouth bare), or not worn at all?"""

from __future__ import annotations

from typing import Any

from eigenface.augment import Copies, in_turn, jittered, through, to_grey
from eigenface.crops import CropSpec
from eigenface.datasets.mask_paint import dye_mask, paint_mask
from eigenface.tasks.recipes import eigenface_pipeline, fisher_pipeline
from eigenface.tasks.task import Source, Task

_BARE = {"female": "without_mask", "male": "without_mask"}  # beards, microphones and hands among them
_TURNED = dict.fromkeys(("frontal", "turned45", "profile"), "without_mask")
_FRAMING = jittered(shift=0.06, zoom=0.12, turn=9)


def mask_pipeline() -> Any:
    """Fisher vectors of one size and colour, which tells as much of masks as edges do."""
    return fisher_pipeline(("64",), colour=0.16, components=200)


def mask_grid() -> dict[str, list[Any]]:
    """What `tune` and `train` try for the model that wins."""
    return {"pca__n_components": [150, 200], "ridge__alpha": [0.1, 0.3], "ridge__gamma": [0.7, 1.0, 1.5]}


def mask_eigenfaces() -> Any:
    """The plain model, with fewer components and shorter codes: it keeps many more faces than that of gender."""
    return eigenface_pipeline().set_params(pca__n_components=80, codes__bits=4)


def mask_eigenfaces_grid() -> dict[str, list[Any]]:
    """What `tune` tries for the plain model."""
    return {"faces__equalise": [False, True], "pca__n_components": [60, 80, 120], "svc__C": [1, 3, 10]}


TASK = Task(
    name="mask",
    question="Is a face mask worn?",
    classes=("with_mask", "without_mask", "worn_incorrectly"),
    crop=CropSpec(1.0, 0.13),
    pipelines={"": mask_pipeline, "eigenfaces": mask_eigenfaces},
    grids={"": mask_grid, "eigenfaces": mask_eigenfaces_grid},
    sources=(
        Source("mask/chandrika_face_mask.zip", whole=True, person=("source_name", r"^(?:\d_\d_)?((?!with)[a-z]+)_")),
        Source("mask/mask12k_crops.zip", whole=True),
        Source("detection/kaggle853_voc.zip", least={"width": 12, "height": 12}),
        Source(
            "detection/kaggle853_voc.zip",
            least={"width": 24, "height": 24},
            crop=CropSpec(1.74, 0.13),  # not every picture said to be a crop is cut tightly
            title="kaggle853_voc, framed wider",
        ),
        Source(
            "mask/maskon_crops.zip",
            whole=True,
            without=("source_name", "maksss"),  # crops of the scenes above
            person=("source_name", r"^(\d{5}|augmented)"),
            most=60,  # one drawn mask on many portraits must not decide what worn incorrectly looks like
        ),
        Source("mask/maskedfacenet_crops.zip", whole=True, person=("source_name", r"(\d{5})"), most=60),
        Source(
            "detection/turned_faces.zip",
            skip=("unknown",),
            least={"width": 20, "height": 20},
            labels=_TURNED,  # without them one bare turned face in eight, and every other grey one, was called a mask
            title="turned faces",
        ),
        Source("gender/lfw.zip", whole=True, labels=_BARE, most=200),
        Source("gender/utkface.zip", whole=True, labels=_BARE, most=200),
    ),
    limits=(
        "Worn incorrectly is its weak class: learned from some eighty real faces and from drawn masks, often missed.",
        "Scarves, veils, costume masks, hands and anything else before the mouth may be taken for a mask.",
        "It cannot tell whether a mask fits, filters or protects.",
        "It expects a face that fills the picture: in a whole-body photo said to be a crop it guesses.",
        "Most masks it knows are medical or plain cloth ones, on East Asian faces in web photos of 2020.",
        "Do not use it to punish anybody.",
    ),
    smallest_face=20,
    unshipped=("eigenfaces",),
    copies=(
        Copies(in_turn(to_grey, _FRAMING), 0.4),  # masks are not only colour
        Copies(in_turn(through(24), _FRAMING), 0.25),  # nor sharpness
        Copies(in_turn(dye_mask, _FRAMING), 0.5, label="with_mask"),  # nor medical ones or plain cloth alone
        Copies(in_turn(paint_mask, _FRAMING), 0.3, label="without_mask", becomes="with_mask"),
        Copies(_FRAMING, 8, label="worn_incorrectly"),
    ),
    often={"worn_incorrectly": 1.5},  # one face in thirty in the scenes it learned from: else it would hardly be said
)
