"""From labelled pictures to labelled crops, through the boxes and crops that serving uses.

Where people drew boxes around faces nothing is detected: a box's rule says which square the detector would have found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenface.crops import CropSpec, crop_face
from eigenface.datasets.annotation import clipped
from eigenface.datasets.dataset import Dataset
from eigenface.detection import get_detector
from eigenface.detection.registration import crop_of
from eigenface.errors import PictureError
from eigenface.image import Picture
from eigenface.locating import framed, given_as_crop, main_of
from eigenface.progress import Progress, silent
from eigenface.streaming import MEMORY, CropRoom
from eigenface.types import Detection, Pixels
from eigenface.vision import cv2
from eigenface.workers import Engine

NO_FACE = "no face was found"

_AT_A_TIME = 32  # pictures in one task of an engine


@dataclass(frozen=True)
class CroppedFaces:
    """Faces ready to learn from or to be judged.

    Parameters
    ----------
    crops : list of uint8 RGB arrays (rows, cols, 3)
    labels, names : str arrays (n,)
    groups : str array (n,) or None
        Persons, where known.
    columns : mapping of str to str array (n,)
    rejected : tuple of (name, reason)
        Pictures that gave no crop.
    """

    crops: list[Pixels]
    labels: NDArray[np.str_]
    names: NDArray[np.str_]
    groups: NDArray[np.str_] | None = None
    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    rejected: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.crops)

    def select(self, index: NDArray[Any]) -> CroppedFaces:
        """The faces at `index`; rejected pictures stay with the whole."""
        return CroppedFaces(
            [self.crops[int(i)] for i in index],
            self.labels[index],
            self.names[index],
            None if self.groups is None else self.groups[index],
            {key: values[index] for key, values in self.columns.items()},
        )

    @staticmethod
    def joined(parts: Sequence[CroppedFaces], names: Sequence[str] = ()) -> CroppedFaces:
        """Several sets as one; a face of a set without persons is a person of its own.

        Persons of two sets are two, whatever they are called, unless the sets share one of the `names`.
        """
        crops = [crop for part in parts for crop in part.crops]
        sets = names or [str(number) for number in range(len(parts))]
        groups = None
        if any(part.groups is not None for part in parts):
            groups = np.concatenate(
                [
                    np.array([f"{name}/{who}" for who in (part.names if part.groups is None else part.groups)])
                    for name, part in zip(sets, parts, strict=True)
                ]
            )
        shared = set.intersection(*(set(part.columns) for part in parts))
        return CroppedFaces(
            crops,
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.names for part in parts]),
            groups,
            {key: np.concatenate([part.columns[key] for part in parts]) for key in sorted(shared)},
            tuple(refusal for part in parts for refusal in part.rejected),
        )


def crop_dataset(
    dataset: Dataset,
    spec: CropSpec,
    *,
    whole: bool = False,
    detector: str = "default",
    largest_side: int | None = None,
    memory: int = MEMORY,
    progress: Progress = silent,
    engine: Engine | None = None,
) -> CroppedFaces:
    """One crop a picture: its main face, framed by `spec`; or the whole picture. One a box where faces have boxes.

    Parameters
    ----------
    dataset : Dataset
    spec : CropSpec
    whole : bool
        The pictures are crops already; a table of pixels says so itself. Of pictures with boxes: the boxes are crops.
    detector : str
    largest_side : int, optional
        Larger crops are shrunk to this side in pixels, to save memory.
    memory : int
        Bytes; crops beyond a quarter of it lie in a temporary file.
    progress : callable
    engine : Engine, optional
        What does the work: a cluster, whose workers see the data set under the same path.

    Returns
    -------
    CroppedFaces
        In the data set's order, without the pictures that could not be read or show no face: those are `rejected`.
    """
    look = _Look(dataset, spec, whole or dataset.whole, detector, largest_side)
    room = CropRoom(memory // 4)
    seen: dict[int, Pixels | str] = {}
    for index, crop in _crops(look) if engine is None else _crops_on(engine, look):
        progress(len(seen), len(dataset), f"cropping {dataset.name}")
        seen[index] = crop if isinstance(crop, str) else room.keep(crop)
    progress(len(dataset), len(dataset), f"cropping {dataset.name}")
    kept = [index for index in range(len(dataset)) if not isinstance(seen[index], str)]
    crops = [crop for index in kept if not isinstance(crop := seen[index], str)]
    rejected = [(dataset.samples[index].name, why) for index, why in sorted(seen.items()) if isinstance(why, str)]
    chosen = dataset.select(np.array(kept, dtype=np.intp))
    names = np.array([sample.name for sample in chosen.samples], dtype=np.str_)
    return CroppedFaces(crops, chosen.labels, names, chosen.groups, chosen.columns, tuple(rejected))


class _Look(NamedTuple):
    """What is cropped, and how."""

    dataset: Dataset
    spec: CropSpec
    whole: bool
    detector: str
    largest_side: int | None


def _crops(look: _Look) -> Iterator[tuple[int, Pixels | str]]:
    """The crop of every picture in order, or why there is none."""
    for index, picture in pictures(look.dataset):
        if isinstance(picture, PictureError):
            yield index, picture.message
            continue
        try:
            crop = cut_face(look.dataset, index, picture, look.spec, whole=look.whole, detector=look.detector)[1]
        except PictureError as error:
            yield index, error.message
            continue
        yield index, shrunk(crop, look.largest_side) if look.largest_side else crop


def _crops_on(engine: Engine, look: _Look) -> Iterator[tuple[int, Pixels | str]]:
    size = len(look.dataset)
    parts = [range(start, min(start + _AT_A_TIME, size)) for start in range(0, size, _AT_A_TIME)]
    for part, crops in engine.each(_crop_part, look, parts):
        if isinstance(crops, Exception):
            raise crops
        yield from zip(part, crops, strict=True)


def _crop_part(look: _Look, part: range) -> list[Pixels | str]:
    some = look.dataset.select(np.array(part, dtype=np.intp))
    return [crop for _, crop in _crops(look._replace(dataset=some))]


def cut_face(
    dataset: Dataset, index: int, picture: Picture, spec: CropSpec, *, whole: bool = False, detector: str = "default"
) -> tuple[Detection, Pixels]:
    """The face of sample `index` in its picture: where it is, and its crop.

    The square of its annotated box, else the main face; with `whole` the annotated box itself, else all of the picture,
    where that does not show much more than a crop does.

    Raises
    ------
    PictureError
        Where there is no face, or the box lies outside the picture.
    """
    sample = dataset.samples[index]
    box = clipped(sample.box, picture.width, picture.height, sample.name) if sample.box else None
    if whole:
        if box:
            return Detection(box, 1.0), crop_face(picture.pixels, box)
        found = given_as_crop(picture.pixels, detector)
        return found, framed(picture.pixels, found, spec, whole=True)[1]
    at = Detection(dataset.rule.square(box), 1.0) if box else main_face(picture, detector)
    if at is None:
        raise PictureError("no_face", NO_FACE)
    return at, crop_of(picture.pixels, at.box, spec)


def pictures(dataset: Dataset) -> Iterator[tuple[int, Picture | PictureError]]:
    """The picture of every sample in order, or why it cannot be read; decoded once where faces of one follow."""
    before: tuple[str, Picture | PictureError] | None = None
    with dataset.opened() as archive:
        for index, sample in enumerate(dataset.samples):
            if before and sample.box and before[0] == sample.file:
                yield index, before[1]
                continue
            try:
                picture: Picture | PictureError = dataset.read(index, archive)
            except PictureError as error:
                picture = error
            before = (sample.file, picture)
            yield index, picture


def main_face(picture: Picture, detector: str = "default") -> Detection | None:
    """Of the faces at least half as large as the largest, the one nearest the picture's centre; None without a face."""
    found = get_detector(detector).detect(picture.pixels)
    return main_of(found, picture.width, picture.height) if found else None


def shrunk(crop: Pixels, largest_side: int) -> Pixels:
    """A crop no larger than `largest_side` pixels either way, its shape kept."""
    rows, cols = crop.shape[:2]
    scale = largest_side / max(rows, cols)
    if scale >= 1:
        return crop
    size = (max(1, round(cols * scale)), max(1, round(rows * scale)))
    smaller: Pixels = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return smaller
