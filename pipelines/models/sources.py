"""The faces that shipped models learn from: loaded, framed, and split into those learned from and those kept aside."""

from __future__ import annotations

import re
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np

from eigenface.crops import CropSpec
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import NO_FACE, CroppedFaces, crop_dataset, main_face, pictures
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.splits import Index, split_by_name
from eigenface.errors import PictureError
from eigenface.journal import Journal
from eigenface.progress import Progress
from eigenface.tasks.task import Source
from eigenface.train import LARGEST_CROP
from eigenface.types import Box


class Sources:
    """Crops of the sources below a data folder, each made once a framing.

    Parameters
    ----------
    data : path
    progress : callable
    journal : Journal
        Where boxes of found faces are kept, so that every picture is searched once, however many tasks frame its face
        in ways of their own.
    """

    def __init__(self, data: Path, progress: Progress, journal: Journal) -> None:
        self.data, self.progress, self.journal = data, progress, journal
        self._cropped: dict[tuple[str, CropSpec], CroppedFaces] = {}

    def faces(self, source: Source, crop: CropSpec) -> CroppedFaces:
        """The faces of one source, framed by `crop` or in its own way, without the labels it leaves out."""
        key = (repr(source), crop)
        if key not in self._cropped:
            self._cropped[key] = self._crop(source, source.crop or crop)
        return self._cropped[key]

    def parts(self, source: Source, crop: CropSpec, test_share: float) -> tuple[CroppedFaces, CroppedFaces]:
        """Faces to learn from, and faces kept aside that figures are reported on."""
        faces = self.faces(source, crop)
        sides = self.split(faces, source, test_share)
        learned, aside = faces.select(sides[0]), faces.select(sides[1])
        return self._made(source, learned, crop, "learned"), self._made(source, aside, crop, "aside")

    @staticmethod
    def split(faces: CroppedFaces, source: Source, test_share: float) -> tuple[Index, Index]:
        """Indices of faces of a source to learn from and of those kept aside."""
        if source.aside:
            column, value = source.aside
            inside = faces.columns[column] == value
            return np.flatnonzero(~inside), np.flatnonzero(inside)
        return split_by_name(keys_of(faces), test_share if source.test_share is None else source.test_share)

    def learned(self, source: Source, crop: CropSpec) -> CroppedFaces:
        """All faces of one source, made into what a model learns from."""
        return self._made(source, self.faces(source, crop), crop, "all")

    def _made(self, source: Source, faces: CroppedFaces, crop: CropSpec, part: str) -> CroppedFaces:
        """What `source.make` makes of a part of its faces, made once for all variants of a task."""
        if source.make is None:
            return faces
        key = (f"{part} of {source!r}", crop)
        if key not in self._cropped:
            self._cropped[key] = source.make(faces, part == "aside")
        return self._cropped[key]

    def _crop(self, source: Source, crop: CropSpec) -> CroppedFaces:
        dataset = load_dataset(self.data / source.path)
        keep = ~np.isin(dataset.labels, source.skip)
        for column, least in source.least.items():
            keep &= np.array([float(value) >= least for value in dataset.columns[column]])
        if source.without:
            keep &= ~np.char.startswith(dataset.columns[source.without[0]], source.without[1])
        chosen = thinned(with_persons(dataset.select(np.flatnonzero(keep)), source), source.most)
        faceless: tuple[tuple[str, str], ...] = ()
        if not source.whole and not any(sample.box for sample in chosen.samples):
            chosen, faceless = with_boxes(chosen, self._boxes(source.path, dataset))
        faces = crop_dataset(chosen, crop, whole=source.whole, largest_side=LARGEST_CROP, progress=self.progress)
        return renamed(replace(faces, rejected=(*faceless, *faces.rejected)), source)

    def _boxes(self, path: str, dataset: Dataset) -> dict[str, list[float]]:
        """The square (x, y, width, height) of the main face by name of picture; faceless ones are not there."""
        key = f"faces of {path}"
        if key not in self.journal:
            boxes: dict[str, list[float]] = {}
            for index, picture in pictures(dataset):
                self.progress(index, len(dataset), f"searching {dataset.name}")
                found = None if isinstance(picture, PictureError) else main_face(picture)
                if found:
                    boxes[dataset.samples[index].name] = [*astuple(found.box)]
            self.journal.record(key, boxes)
        known: dict[str, list[float]] = self.journal[key]
        return known


def with_boxes(dataset: Dataset, boxes: dict[str, list[float]]) -> tuple[Dataset, tuple[tuple[str, str], ...]]:
    """The pictures that have a face, with its square; and the others, each with the reason."""
    inside = np.array([sample.name in boxes for sample in dataset.samples], dtype=bool)
    chosen = dataset.select(np.flatnonzero(inside))
    samples = tuple(replace(sample, box=Box(*boxes[sample.name])) for sample in chosen.samples)
    faceless = tuple((sample.name, NO_FACE) for sample in dataset.select(np.flatnonzero(~inside)).samples)
    return replace(chosen, samples=samples), faceless


def with_persons(dataset: Dataset, source: Source) -> Dataset:
    """The pictures with the persons that a column names."""
    if not source.person:
        return dataset
    column, pattern = source.person
    named = [re.search(pattern, value) for value in dataset.columns[column]]
    samples = tuple(
        replace(sample, group=found[1] if found else sample.name)
        for sample, found in zip(dataset.samples, named, strict=True)
    )
    return replace(dataset, samples=samples)


def thinned(dataset: Dataset, most: int) -> Dataset:
    """At most `most` pictures a label, taken evenly from all; 0 for all."""
    if not most:
        return dataset
    members = [np.flatnonzero(dataset.labels == label) for label in dataset.classes]
    kept = [some[np.unique(np.linspace(0, len(some) - 1, min(most, len(some))).astype(int))] for some in members]
    return dataset.select(np.sort(np.concatenate(kept)))


def renamed(faces: CroppedFaces, source: Source) -> CroppedFaces:
    """The faces with their labels under the task's names."""
    if not source.labels:
        return faces
    labels = np.array([source.labels.get(str(label), str(label)) for label in faces.labels], dtype=np.str_)
    return replace(faces, labels=labels)


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
