"""Fisher vectors: how the local gradients of a face differ from those of faces at large, place by place.

A vocabulary is a mixture of Gaussians over descriptors and where they lie on a face. It is learned once from faces
without labels and ships with the package: nothing about a user's task is in it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.features.sift import NUMBERS, dense_sift, positions, smoothed
from eigenface.stored import stored_arrays
from eigenface.types import Rows

SHIPPED = Path(__file__).parent.parent / "models" / "vocabularies.npz"

_SPREAD = 0.29  # deviation of numbers spread evenly over a length of 1
_LEAST_SHARE = 1e-3  # of a descriptor that a word may claim; less is nothing


@dataclass(frozen=True)
class Vocabulary:
    """Words for dense SIFT of faces of `size` pixels, cells `cell` and descriptors `stride` pixels apart.

    Parameters
    ----------
    size, cell, stride : int
    centre : array (128,)
    projection : array (128, p)
        Whitened principal components of descriptors.
    weights : array (k,)
        Share of each word; they add up to 1.
    means, deviations : array (k, p + 2)
        Of projected descriptors and their positions.
    """

    size: int
    cell: int
    stride: int
    centre: NDArray[np.float32]
    projection: NDArray[np.float32]
    weights: NDArray[np.float32]
    means: NDArray[np.float32]
    deviations: NDArray[np.float32]

    def __post_init__(self) -> None:
        whole = (self.size, self.cell, self.stride)
        if not all(type(number) is int for number in whole) or not 1 <= self.stride <= self.size <= 512:
            raise ValueError(f"vocabulary: expected whole numbers size, cell, stride within 512, got {whole}")
        if not self.cell >= 1 or not 1 <= len(positions(*whole)) <= 128:
            raise ValueError(f"vocabulary: no place for descriptors in faces of {self.size} pixels, got {whole}")
        wide, words = self.projection.shape[-1] + 2, len(self.weights)
        shapes = (self.centre.shape, self.projection.shape, self.means.shape, self.deviations.shape)
        if shapes != ((NUMBERS,), (NUMBERS, wide - 2), (words, wide), (words, wide)) or words > 1024:
            raise ValueError(f"vocabulary: arrays that do not fit together, got {shapes}")
        if not (self.weights > 0).all() or not (self.deviations > 0).all():
            raise ValueError("vocabulary: expected weights and deviations above 0")

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Its arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.type != "int"}

    def settings(self) -> dict[str, int]:
        """Its whole numbers by name."""
        return {"size": self.size, "cell": self.cell, "stride": self.stride}

    @functools.cached_property
    def scoring(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What a projected descriptor and its squares are multiplied with (2 * (p + 2), k), and what is added (k,):
        logarithms of shares, but for a number that is the same for all words."""
        precision = 1 / self.deviations**2
        logits = np.concatenate([self.means * precision, -0.5 * precision], axis=1).T.copy()
        around = 0.5 * (self.means**2 * precision).sum(axis=1)
        return logits, (np.log(self.weights) - around - np.log(self.deviations).sum(axis=1)).astype(np.float32)

    @functools.cached_property
    def packed(self) -> bytes:
        """As the compiled part takes it."""
        module = compiled("fisher")
        assert module is not None
        mixture = (self.weights, self.means, self.deviations)
        packed: bytes = module.pack(_LEAST_SHARE, self.centre, self.projection, *self.scoring, *mixture)
        return packed

    @classmethod
    def of(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Vocabulary:
        """The vocabulary of `settings()` and `arrays()`."""
        held = [np.ascontiguousarray(arrays[field.name], np.float32) for field in fields(cls) if field.type != "int"]
        return cls(settings["size"], settings["cell"], settings["stride"], *held)


@functools.lru_cache(maxsize=64)  # asked for with every face
def places(size: int, cell: int, stride: int, faces: int = 1) -> NDArray[np.float32]:
    """Where each descriptor lies on the face (p, 2), in the unit of a vocabulary's last two numbers: across, down; with
    two `faces`, of one and its mirror image."""
    grid = np.linspace(-0.5, 0.5, len(positions(size, cell, stride))) / _SPREAD
    down, across = np.meshgrid(grid, grid, indexing="ij")
    found = np.tile(np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32), (faces, 1))
    found.flags.writeable = False  # it is everybody's
    return found


class FisherCoder:
    """Turns grey faces into Fisher vectors by one vocabulary.

    References
    ----------
    Sanchez, Perronnin, Mensink and Verbeek, Image classification with the Fisher vector, 2013,
    doi:10.1007/s11263-013-0636-x; on faces: Simonyan, Parkhi, Vedaldi and Zisserman, Fisher vector faces in the wild,
    2013, doi:10.5244/C.27.8.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def __call__(self, pictures: NDArray[np.float32], *, mirror: bool = True) -> Rows:
        """Fisher vectors (n, 2 * k * (p + 2)) of grey pictures (n, s, s), 0..1; signed roots, of length 1.

        With `mirror`, of the face and its mirror image together.
        """
        words = self.vocabulary
        if pictures.shape[1:] != (words.size, words.size):
            raise ValueError(f"expected faces of {words.size} pixels, got {pictures.shape[1:]}")
        grid = (words.size, words.cell, words.stride)
        where, count = places(*grid, 2 if mirror else 1), len(positions(*grid))
        vectors, module = np.empty((len(pictures), 2 * words.means.size), np.float32), compiled("fisher")
        for vector, picture in zip(vectors, pictures, strict=True):
            if module is None:
                self.encode(dense_sift(picture[None], *grid[1:], mirror=mirror)[0], where, vector)
            else:  # at once, without writing descriptors down
                module.face(smoothed(picture), *grid, count, mirror, where, words.packed, vector)
        return vectors

    def encode(self, found: NDArray[np.float32], where: NDArray[np.float32], vector: NDArray[np.float32]) -> None:
        """Write the Fisher vector (2 * k * (p + 2),) of the descriptors (n, 128) at places (n, 2) of one face."""
        module = compiled("fisher")
        if module is None:
            vector[:] = self._encoded_by_numpy(found, where)
        else:
            module.code(found, where, self.vocabulary.packed, vector)

    def _encoded_by_numpy(self, found: NDArray[np.float32], where: NDArray[np.float32]) -> NDArray[np.float32]:
        means, deviations = self.vocabulary.means, self.vocabulary.deviations
        logits, offset = self.vocabulary.scoring
        roots = np.sqrt(self.vocabulary.weights)[:, None]
        projected = (found - self.vocabulary.centre) @ self.vocabulary.projection
        here = np.concatenate([projected, where], axis=1)
        both = np.concatenate([here, here * here], axis=1)
        shares = both @ logits
        shares += offset
        shares -= shares.max(axis=1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=1, keepdims=True)
        shares[shares < _LEAST_SHARE] = 0
        claimed = shares.sum(axis=0)[:, None]
        firsts, seconds = np.split(shares.T @ both, 2, axis=1)
        moved = (firsts - means * claimed) / deviations / roots
        spread = ((seconds - 2 * means * firsts + means**2 * claimed) / deviations**2 - claimed) / roots
        vector = np.concatenate([moved.ravel(), spread.ravel() / np.float32(np.sqrt(2))])
        vector = np.sign(vector) * np.sqrt(np.abs(vector))
        length = max(float(np.linalg.norm(vector)), 1e-6)
        coded: NDArray[np.float32] = (vector / length).astype(np.float32)
        return coded


def save_vocabularies(vocabularies: Mapping[str, Vocabulary], path: Path) -> None:
    """Write vocabularies by name; their numbers are kept in 16 bits, so learn them in 16 bits."""
    stored: dict[str, NDArray[Any]] = {}
    for name, words in vocabularies.items():
        stored |= {f"{name}.{key}": np.array(value) for key, value in words.settings().items()}
        stored |= {f"{name}.{key}": value.astype(np.float16) for key, value in words.arrays().items()}
    with path.open("wb") as handle:
        np.savez(handle, **stored)  # type: ignore[arg-type]


@functools.cache
def load_vocabularies(path: Path = SHIPPED) -> dict[str, Vocabulary]:
    """Vocabularies by name; the shipped ones by default."""
    with stored_arrays(path, "no_vocabularies", "no vocabularies", "Run `make models`.") as stored:
        parts: dict[str, dict[str, Any]] = {}
        for key in stored.files:
            name, _, part = key.partition(".")
            parts.setdefault(name, {})[part] = stored[key] if stored[key].ndim else int(stored[key])
        return {name: Vocabulary.of(held, held) for name, held in parts.items()}
