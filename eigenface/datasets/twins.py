"""Pictures that are there twice: together in every split, and left out where it matters that a face is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.duplicates import Duplicate, merged_groups, pair_up, signature, without_twins


def with_and_without_twins(faces: CroppedFaces, learned: CroppedFaces, name: str) -> dict[str, CroppedFaces]:
    """Faces to judge by, and those of them without a copy among the learned, if they are fewer; under their names."""
    fresh = without_twins(faces, learned)
    named = {name: faces}
    if 0 < len(fresh) < len(faces):
        named[f"{name}, without twins in training"] = fresh
    return named


def twins_together(faces: CroppedFaces) -> tuple[CroppedFaces, list[str]]:
    """The faces with pictures that are there twice in one group, and what there is to say of them.

    Two copies of a picture on both sides of a split would make a model look better than it is.
    """
    found = pair_up([signature(crop) for crop in faces.crops], faces.labels)
    if not found:
        return faces, []
    said = f"{len(found)} pairs of faces are the same picture or nearly so; each stays on one side of every split"
    torn = sum(pair.labels_differ for pair in found)
    if torn:
        said += f"; {torn} of them have two labels, for instance {_torn(faces, found)}"
    return replace(faces, groups=merged_groups(found, faces.groups, len(faces))), [said]


def _torn(faces: CroppedFaces, found: Sequence[Duplicate]) -> str:
    pair = next(pair for pair in found if pair.labels_differ)
    return f"{faces.names[pair.first]} and {faces.names[pair.second]}"
