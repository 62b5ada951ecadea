"""Finding one picture twice: the same pixels, or the same picture saved, sized or lit another way.

1. *Exact.* The hash of the decoded pixels.
2. *Candidates.* A 64-bit hash of the signs of the lowest cosine frequencies, compared between all pairs at once.
3. *Check.* The correlation of the two pictures as 16x16 greys, which keeps look-alikes apart.

Mirrored pictures and other crops of one photograph are not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenface.crops import CropSpec
from eigenface.datasets.cropping import CroppedFaces, cut_face, pictures
from eigenface.datasets.dataset import Dataset
from eigenface.errors import PictureError
from eigenface.image import Picture
from eigenface.progress import Progress, silent
from eigenface.types import Pixels, check_pixels
from eigenface.vision import cv2

_SIDE, _FREQUENCIES, _SMALL = 32, 8, 16
_MOST_BITS = 8  # of 64 that may differ
_LEAST_CORRELATION = 0.985
_ROWS_AT_ONCE = 16  # against all others at once: 130 MB where these are a million


@dataclass(frozen=True, slots=True)
class Signature:
    """What duplicates are told by: hash of the pixels, 64 bits, and the picture as 16x16 greys (256 bytes)."""

    exact: str
    bits: int
    small: bytes


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Pictures `first` < `second` (places in the data set) are one; `correlation` is 1 where `exact`."""

    first: int
    second: int
    exact: bool
    correlation: float
    labels_differ: bool


def signature(pixels: Pixels) -> Signature:
    """The signature of an RGB picture (rows, cols, 3), uint8."""
    check_pixels(pixels)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32))
    low = waves[1 : _FREQUENCIES + 1, 1 : _FREQUENCIES + 1]  # the first row and column hold light, not content
    bits = int(np.packbits(low > np.median(low)).view(">u8")[0])
    exact = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
    return Signature(exact, bits, small.tobytes())


def find_duplicates(dataset: Dataset, *, progress: Progress = silent) -> list[Duplicate]:
    """Pictures of a data set that are there twice, as `pair_up` finds them; unreadable pictures are no duplicates."""
    signatures: list[Signature | None] = []
    for index, picture in pictures(dataset):
        progress(index, len(dataset), "looking for duplicates")
        signatures.append(None if isinstance(picture, PictureError) else _seen(dataset, index, picture))
    progress(len(dataset), len(dataset), "looking for duplicates")
    return pair_up(signatures, dataset.labels)


def _seen(dataset: Dataset, index: int, picture: Picture) -> Signature | None:
    """The signature of a picture, or of the face in it that has a box."""
    if dataset.samples[index].box is None:
        return signature(picture.pixels)
    try:
        return signature(cut_face(dataset, index, picture, CropSpec(), whole=True)[1])
    except PictureError:
        return None


def pair_up(signatures: Sequence[Signature | None], labels: ArrayLike) -> list[Duplicate]:
    """Pairs among pictures, each picture with the first of its copies and with everything that is nearly the same.

    Parameters
    ----------
    signatures : sequence of Signature or None
        None for a picture that could not be read.
    labels : array (n,)

    Returns
    -------
    list of Duplicate
        In the order of `first`. Of pictures with equal pixels only the first is compared with others.
    """
    truth = np.asarray(labels)
    first_of: dict[str, int] = {}
    found: list[Duplicate] = []
    for index, one in enumerate(signatures):
        if one is None:
            continue
        first = first_of.setdefault(one.exact, index)
        if first != index:
            found.append(Duplicate(first, index, True, 1.0, bool(truth[first] != truth[index])))
    places = np.array(list(first_of.values()), dtype=np.intp)
    for a, b, correlation in _near(places, signatures):
        found.append(Duplicate(a, b, False, correlation, bool(truth[a] != truth[b])))
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def merged_groups(duplicates: Sequence[Duplicate], groups: ArrayLike | None, n: int) -> NDArray[np.str_]:
    """Groups (n,) in which duplicates share one, so that `split_by_group` keeps them on one side.

    Parameters
    ----------
    duplicates : sequence of Duplicate
    groups : array (n,) or None
        Persons; without, every picture is a group of its own before.
    n : int
        Pictures.

    Examples
    --------
    >>> merged_groups([Duplicate(0, 2, True, 1.0, False)], None, 3).tolist()
    ['0', '1', '0']
    """
    names = np.arange(n).astype(np.str_) if groups is None else np.asarray(groups, dtype=np.str_)
    parent = {str(name): str(name) for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for pair in duplicates:
        first, second = root(str(names[pair.first])), root(str(names[pair.second]))
        parent[second] = first
    return np.array([root(str(name)) for name in names], dtype=np.str_)


def say_twins(faces: CroppedFaces) -> list[str]:
    """A sentence on faces that are there twice, for whoever judges by them; none where there are none."""
    found = pair_up([signature(crop) for crop in faces.crops], faces.labels)
    torn = sum(pair.labels_differ for pair in found)
    more = f", {torn} of them with two labels" if torn else ""
    return [f"{len(found)} pairs of faces are the same picture or nearly so{more}: they count twice."] if found else []


def without_twins(faces: CroppedFaces, learned: CroppedFaces) -> CroppedFaces:
    """The faces of which no copy, nor nearly one, is among those learned."""
    crops, first = [*learned.crops, *faces.crops], len(learned)
    labels = np.concatenate([learned.labels, faces.labels])
    groups = merged_groups(pair_up([signature(crop) for crop in crops], labels), None, len(crops))
    return faces.select(np.flatnonzero(~np.isin(groups[first:], groups[:first])))


def _near(places: NDArray[np.intp], signatures: Sequence[Signature | None]) -> list[tuple[int, int, float]]:
    """Pairs (places, correlation) that are nearly the same."""
    chosen = [one for one in (signatures[int(place)] for place in places) if one]
    bits = np.array([one.bits for one in chosen], dtype=np.uint64)
    greys = np.frombuffer(b"".join(one.small for one in chosen), np.uint8).reshape(len(chosen), _SMALL * _SMALL)
    rows = greys.astype(np.float32) - greys.mean(axis=1, keepdims=True, dtype=np.float32)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)  # an even picture resembles nothing
    found: list[tuple[int, int, float]] = []
    for start in range(0, len(bits), _ROWS_AT_ONCE):
        block = bits[start : start + _ROWS_AT_ONCE, None]
        a, b = np.nonzero(np.bitwise_count(block ^ bits[None, start:]) <= _MOST_BITS)
        later = b > a
        a, b = a[later] + start, b[later] + start
        for part in range(0, len(a), 100_000):  # a strange set may have very many candidates
            one, other = a[part : part + 100_000], b[part : part + 100_000]
            alike = np.einsum("ij,ij->i", rows[one], rows[other])
            for i in np.flatnonzero(alike > _LEAST_CORRELATION):
                found.append((int(places[one[i]]), int(places[other[i]]), round(float(min(alike[i], 1.0)), 4)))
    return found
