"""When a person should look again: why an answer about a face is not to be taken as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.types import Box


@dataclass(frozen=True, slots=True)
class Review:
    """Bounds under which a model does not stand by its answer.

    Parameters
    ----------
    least_probability : float
        An answer less probable than this is uncertain; chosen on a curve of coverage against accuracy.
    smallest_face : int
        Side in pixels of the smallest box that the model was judged on.
    """

    least_probability: float = 0.0
    smallest_face: int = 0

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> Review:
        """The bounds of a saved model."""
        stored = dict(meta.get("review") or {})
        return cls(float(stored.get("least_probability", 0.0)), int(stored.get("smallest_face", 0)))

    def as_dict(self) -> dict[str, float]:
        return {"least_probability": self.least_probability, "smallest_face": self.smallest_face}

    def reasons(
        self, probabilities: NDArray[np.float64], box: Box, distance: float | None, limit: float
    ) -> tuple[str, ...]:
        """Sentences that say why this face needs a second look; none where it does not.

        `distance` is the crop's distance from face space and `limit` what is usual at most.
        """
        said: list[str] = []
        surest = float(probabilities.max())
        if surest < self.least_probability:
            said.append(
                f"The answer is uncertain: {surest:.1%}; the model stands by {self.least_probability:.0%} and up."
            )
        side = round(min(box.width, box.height))
        if side < self.smallest_face:
            said.append(f"The face is small: {side} pixels; this model was judged from {self.smallest_face} pixels up.")
        if distance is not None and distance > limit:
            said.append("Unlike the frontal faces that eigenfaces know: turned, covered, or no face at all.")
        return tuple(said)
