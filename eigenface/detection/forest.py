"""Boosted trees that look at the channels of a window.

A window is `side` x `side` cells; a tree compares a few of its values with limits and gives what its leaf says. The sum
over the trees is the score. A window whose sum falls below what nearly every face has after that many trees is given up
(a soft cascade): most are after a dozen of some thousand.

References: Bourdev and Brandt, Robust object detection via soft cascade, CVPR 2005, doi:10.1109/CVPR.2005.310; Dollár,
Appel, Belongie and Perona, Fast feature pyramids for object detection, PAMI 2014, doi:10.1109/TPAMI.2014.2300479.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from eigenface.features.channels import PLANES

UNIT = 512
"""Scores are whole numbers: natural log odds times this."""

_MIRRORED_PLANES = np.array([0, 1, 2, 7, 6, 5, 4, 3])
_DEEPEST = 3
"""Comparisons on the way to a leaf: so that the answers of a tree's nodes are the bits of one byte."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees of one depth, 1 to 3, from the root down.

    Parameters
    ----------
    side : int
        Cells of a window's side.
    features : int32 array (trees, 2 ** depth - 1)
        Which value of the window (8 planes x side x side) a node looks at.
    limits : uint8 array (trees, 2 ** depth - 1)
        A larger value goes right.
    leaves : int16 array (trees, 2 ** depth)
    least : int32 array (trees,)
        A window with less after that tree is given up.

    Raises
    ------
    ValueError
        Where the shapes or the values do not fit each other.
    """

    side: int
    features: NDArray[np.int32]
    limits: NDArray[np.uint8]
    leaves: NDArray[np.int16]
    least: NDArray[np.int32]
    places: tuple[NDArray[np.int32], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        trees, inner = self.features.shape
        expected = {"limits": (trees, inner), "leaves": (trees, inner + 1), "least": (trees,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"Forest: {name} has shape {getattr(self, name).shape}, expected {shape}")
        if not 1 <= self.depth <= _DEEPEST or inner != 2**self.depth - 1:
            raise ValueError(f"Forest: {inner} nodes a tree, expected 2 ** depth - 1 with a depth of 1 to {_DEEPEST}")
        if trees == 0 or self.features.min() < 0 or self.features.max() >= PLANES * self.side**2:
            raise ValueError(f"Forest: features must lie in a window of {PLANES} x {self.side} x {self.side}")
        plane, place = np.divmod(self.features, self.side**2)
        object.__setattr__(self, "places", (plane, *np.divmod(place, self.side)))  # frozen, and asked for every level

    @property
    def depth(self) -> int:
        """Comparisons from a root to a leaf."""
        return int(self.features.shape[1]).bit_length()

    def mirrored(self) -> Forest:
        """The forest for what the mirror shows: a window's columns and the orientations change places."""
        plane, down, across = self.places
        features = (_MIRRORED_PLANES[plane] * self.side + down) * self.side + self.side - 1 - across
        return replace(self, features=features.astype(np.int32))

    def offsets(self, high: int, wide: int) -> NDArray[np.int32]:
        """Where the values lie from a window's first cell in planes of `high` x `wide` cells."""
        plane, down, across = self.places
        return (plane * np.int32(high) + down) * np.int32(wide) + across
