"""Steps that look for blood: a map of where it may be, summed up; and Fisher vectors of local colour.

Both use what was learned once from synthetic faces and ships with the package. `fit` takes it along, so that a saved
model answers by what it was trained with; of the faces it is fitted on it learns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eigenface.features.blood import BloodMapper, load_blood_mapper
from eigenface.features.fisher import Vocabulary, load_vocabularies
from eigenface.features.local_colour import VOCABULARY, ColourCoder
from eigenface.steps.faces import FaceStep, check_crops
from eigenface.steps.fisher import CarriesVocabulary
from eigenface.types import Pixels, Rows

_TREES = ("columns", "thresholds", "leaves", "base")
_MAP_ARRAYS = (*_TREES, "centre", "scale", *(f"second_{name}" for name in _TREES))


class BloodMap(FaceStep):
    """RGB crops to rows that sum up where blood may be: areas, sureness, pieces, places."""

    def fit(self, X: Sequence[Pixels], y: Any = None) -> BloodMap:
        """Take the shipped trees along; nothing is learned of X."""
        check_crops(X)
        mapper = load_blood_mapper()
        self.side_ = mapper.side
        for name, array in mapper.arrays().items():
            setattr(self, f"{name}_", array)
        return self

    @property
    def mapper(self) -> BloodMapper:
        """The trees of the fit, or the shipped ones before."""
        if not hasattr(self, "side_"):
            return load_blood_mapper()
        arrays = {name: getattr(self, f"{name}_") for name in _MAP_ARRAYS if hasattr(self, f"{name}_")}
        return BloodMapper.of(int(self.side_), arrays)

    def transform(self, X: Sequence[Pixels]) -> Rows:
        """Rows (n, 57) of crops (rows, cols, 3), uint8 RGB."""
        return self.mapper.summaries(check_crops(X))


class ColourFisher(CarriesVocabulary, FaceStep):
    """RGB crops to Fisher vectors of local colour.

    Parameters
    ----------
    mirror : bool
        Describe the face and its mirror image together.
    """

    def __init__(self, mirror: bool = True) -> None:
        self.mirror = mirror

    def fit(self, X: Sequence[Pixels], y: Any = None) -> ColourFisher:
        """Take the shipped vocabulary along; nothing is learned of X."""
        check_crops(X)
        self._take_along()
        return self

    def transform(self, X: Sequence[Pixels]) -> Rows:
        """Rows (n, d) of length 1 of crops (rows, cols, 3), uint8 RGB."""
        return ColourCoder(self.words).code(check_crops(X), mirror=self.mirror)

    def _shipped(self) -> Vocabulary:
        return load_vocabularies(VOCABULARY)["colour"]
