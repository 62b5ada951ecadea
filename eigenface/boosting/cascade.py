"""What a forest asks of a window after each tree, so that most are given up early and few faces are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eigenface.boosting.trees import Codes, running_sums
from eigenface.detection.forest import UNIT, Forest


def with_least(forest: Forest, faces: Codes, *, least: float, loss: float) -> Forest:
    """The forest with a least score after each tree, by the way of faces that it did not learn from.

    Of those that end with at least `least` log odds (nine in ten, where that is fewer) each tree may lose `loss`: most
    of them are lost together, so after all trees about ten times as many are.

    Parameters
    ----------
    forest : Forest
    faces : uint8 array (8 * side * side, n)
    least : float
        Log odds asked for in the end.
    loss : float
        Share of faces, 0..1.

    References
    ----------
    Zhang and Viola, Multiple-instance pruning for learning efficient cascade detectors, NIPS 2007.
    """
    sums = running_sums(faces, forest)
    asked = min(int(least * UNIT), int(np.quantile(sums[-1], 0.1)))
    ways = np.quantile(sums[:, sums[-1] >= asked], loss, axis=1)
    after = np.floor(ways).astype(np.int32)
    after[-1] = asked
    return replace(forest, least=after)
