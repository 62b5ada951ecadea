"""A second look at each candidate: Fisher vectors of its details, weighed by a linear machine.

Windows of 27 pixels tell a face from most else; bright spots, textures and prints pass them now and then. A square of
48 pixels has the details that they lack.

References: Sánchez, Perronnin, Mensink and Verbeek, Image classification with the Fisher vector, IJCV 2013,
doi:10.1007/s11263-013-0636-x.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.pyramid import Grey, cut
from eigenface.features.fisher import FisherCoder, load_vocabularies
from eigenface.threads import one_blas_thread

VOCABULARY = "48"

FRAME = 1.5
"""Side of what is looked at over side of the detection's square."""


class Verifier:
    """Log odds that a square shows a face, of its details alone.

    Parameters
    ----------
    weights : float32 array (d,)
    bias : float
    """

    def __init__(self, weights: NDArray[np.float32], bias: float) -> None:
        self.weights, self.bias = weights, bias

    def __call__(self, grey: Grey, squares: Iterable[NDArray[np.float64]]) -> NDArray[np.float32]:
        """Log odds (n,) of squares (x, y, side) of a grey picture."""
        return self.judge(framed(grey, square) for square in squares)

    def judge(self, pictures: Iterable[Grey]) -> NDArray[np.float32]:
        """Log odds (n,) of grey pictures as `framed` cuts them."""
        described = describe(list(pictures))
        return described @ self.weights + np.float32(self.bias) if len(described) else np.empty(0, np.float32)


def framed(grey: Grey, square: NDArray[np.float64]) -> Grey:
    """What the verifier looks at of a square (x, y, side)."""
    x, y, side = (float(value) for value in square)
    more = side * (FRAME - 1) / 2
    return cut(grey, x - more, y - more, side * FRAME, load_vocabularies()[VOCABULARY].size)


def describe(pictures: list[Grey]) -> NDArray[np.float32]:
    """Fisher vectors (n, d) of grey pictures as `framed` cuts them."""
    if not pictures:
        return np.empty((0, 0), np.float32)
    coder = FisherCoder(load_vocabularies()[VOCABULARY])
    with one_blas_thread:
        return np.concatenate(
            [
                coder(np.stack(pictures[start : start + 32]) * np.float32(1 / 255), mirror=False)
                for start in range(0, len(pictures), 32)
            ]
        )
