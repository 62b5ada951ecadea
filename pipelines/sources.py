"""The faces that shipped models learn from: loaded, framed, and split into those learned from and those kept aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eigenface.crops import CropSpec
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces, crop_dataset
from eigenface.datasets.splits import split_by_name
from eigenface.progress import Progress
from eigenface.tasks.task import Source
from eigenface.train import LARGEST_CROP


class Sources:
    """Crops of the sources below a data folder, each made once a framing.

    Parameters
    ----------
    data : path
    progress : callable
    """

    def __init__(self, data: Path, progress: Progress) -> None:
        self.data, self.progress = data, progress
        self._cropped: dict[tuple[str, CropSpec], CroppedFaces] = {}

    def faces(self, source: Source, crop: CropSpec) -> CroppedFaces:
        """The faces of one source, framed by `crop`, without the labels it leaves out."""
        key = (repr(source), crop)
        if key not in self._cropped:
            self._cropped[key] = self._crop(source, crop)
        return self._cropped[key]

    def parts(self, source: Source, crop: CropSpec, test_share: float) -> tuple[CroppedFaces, CroppedFaces]:
        """Faces to learn from, and faces kept aside that figures are reported on."""
        faces = self.faces(source, crop)
        if source.aside:
            column, value = source.aside
            inside = faces.columns[column] == value
            return faces.select(np.flatnonzero(~inside)), faces.select(np.flatnonzero(inside))
        train_part, test_part = split_by_name(keys_of(faces), test_share)
        return faces.select(train_part), faces.select(test_part)

    def _crop(self, source: Source, crop: CropSpec) -> CroppedFaces:
        dataset = load_dataset(self.data / source.path)
        keep = ~np.isin(dataset.labels, source.skip)
        for column, least in source.least.items():
            keep &= np.array([float(value) >= least for value in dataset.columns[column]])
        chosen = dataset.select(np.flatnonzero(keep))
        faces = crop_dataset(chosen, crop, whole=source.whole, largest_side=LARGEST_CROP, progress=self.progress)
        return renamed(faces, source)


def renamed(faces: CroppedFaces, source: Source) -> CroppedFaces:
    """The faces with their labels under the task's names."""
    if not source.labels:
        return faces
    labels = np.array([source.labels.get(str(label), str(label)) for label in faces.labels], dtype=np.str_)
    return CroppedFaces(faces.crops, labels, faces.names, faces.groups, faces.columns, faces.rejected)


def keys_of(faces: CroppedFaces) -> list[str]:
    """By what faces are split: the person, or the picture where nobody is named."""
    return [str(key) for key in (faces.names if faces.groups is None else faces.groups)]


def cap_persons(faces: CroppedFaces, most: int) -> CroppedFaces:
    """At most `most` faces of a person, so that one much photographed man does not decide."""
    if faces.groups is None or not most:
        return faces
    seen: dict[str, int] = {}
    kept = []
    for index, group in enumerate(faces.groups):
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= most:
            kept.append(index)
    return faces.select(np.array(kept, np.intp))
