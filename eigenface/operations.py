"""The operations of a program that are not affine: feature functions, kernels, votes, probabilities.

Each entry of `OPERATIONS` takes (settings, arrays), checks them once, and returns the function that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.features.blood import BloodMapper
from eigenface.features.colour import colour, resize_colour
from eigenface.features.fisher import FisherCoder, Vocabulary
from eigenface.features.grey import equalise, grey, resize, square_side
from eigenface.features.hog import hog
from eigenface.features.lbp import lbp
from eigenface.features.local_colour import ColourCoder
from eigenface.features.red import red_share
from eigenface.features.symmetry import plain, symmetric, turned
from eigenface.linear import Kept

Array = NDArray[Any]
Settings = Mapping[str, Any]
Arrays = Mapping[str, Any]
Run = Callable[[Any], Any]


def prepare(name: str, settings: Settings, arrays: Arrays) -> Run:
    """The function that runs operation `name`; KeyError, TypeError or ValueError where it lacks something."""
    return OPERATIONS[name](settings, arrays)


def _grey(settings: Settings, arrays: Arrays) -> Run:
    return grey


def _equalise(settings: Settings, arrays: Arrays) -> Run:
    return equalise


def _whole(settings: Settings, name: str, largest: int, least: int = 1) -> int:
    """A setting that is a whole number within bounds: a file's word for it must not cost memory."""
    number = settings[name]
    if not isinstance(number, int) or not least <= number <= largest:
        raise ValueError(f"expected a {name} in {least}..{largest}, got {number!r}")
    return number


def _resize(settings: Settings, arrays: Arrays) -> Run:
    side = _whole(settings, "size", 1024)
    return lambda greys: resize(greys, side)


def _resize_colour(settings: Settings, arrays: Arrays) -> Run:
    side = _whole(settings, "size", 1024)
    return lambda crops: resize_colour(crops, side)


def _maps(describe: Run, settings: Settings, channels: int = 1, mirrored: Callable[..., Any] = symmetric) -> Run:
    """Features laid out on the face, of rows of square pictures."""
    rows_of = mirrored if settings["mirror"] else plain

    def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        side = square_side(rows.shape[1] // channels)
        shape = (side, side) if channels == 1 else (side, side, channels)
        return rows_of(describe, rows.reshape(len(rows), *shape))

    return run


def _hog(settings: Settings, arrays: Arrays) -> Run:
    cell = _whole(settings, "cell", 512)
    return _maps(lambda pictures: hog(pictures, cell), settings)


def _lbp(settings: Settings, arrays: Arrays) -> Run:
    cell, radius = _whole(settings, "cell", 512), _whole(settings, "radius", 64)
    return _maps(lambda pictures: lbp(pictures, cell, radius), settings)


def _colour(settings: Settings, arrays: Arrays) -> Run:
    grid, bins = _whole(settings, "grid", 256), _whole(settings, "bins", 256, least=2)
    return _maps(lambda pictures: colour(pictures, grid, bins), settings, channels=3, mirrored=turned)


def _fisher(settings: Settings, arrays: Arrays) -> Run:
    coder, mirror = FisherCoder(Vocabulary.of(settings, arrays)), bool(settings["mirror"])
    side = coder.vocabulary.size
    return lambda rows: coder(rows.reshape(len(rows), side, side), mirror=mirror)


def _blood_map(settings: Settings, arrays: Arrays) -> Run:
    mapper = BloodMapper.of(_whole(settings, "side", 256), arrays)
    return mapper.summaries


def _colour_fisher(settings: Settings, arrays: Arrays) -> Run:
    coder, mirror = ColourCoder(Vocabulary.of(settings, arrays)), bool(settings["mirror"])
    return lambda crops: coder.code(crops, mirror=mirror)


def _weight(settings: Settings, arrays: Arrays) -> Run:
    weight = np.float32(settings["weight"])
    return lambda rows: rows * weight


def _unit(settings: Settings, arrays: Arrays) -> Run:
    return lambda rows: rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))


def _red_share(settings: Settings, arrays: Arrays) -> Run:
    bounds = {name: _whole(settings, name, 255, least=0) for name in ("hue", "saturation", "value")}
    return lambda crops: red_share(crops, **bounds)


def _round(settings: Settings, arrays: Arrays) -> Run:
    """Codes of a few bits: every column to the nearest multiple of its step, within +-`limit` steps."""
    steps = np.asarray(arrays["steps"], np.float32)
    limit = int(settings["limit"])
    return lambda rows: np.clip(np.rint(rows / steps), -limit, limit) * steps


def _svm(settings: Settings, arrays: Arrays) -> Run:
    """Decisions of a support vector machine: (n,) for two classes, votes (n, classes) for more.

    Decisions of pairs become votes with ties broken by confidence, as scikit-learn's `ovr` shape has it.
    """
    vectors = Kept(arrays["vectors"])
    counts = [int(count) for count in arrays["counts"]]
    dual = np.asarray(arrays["dual"], np.float32)
    intercept = np.asarray(arrays["intercept"], np.float32)
    classes = len(counts)
    pairs = classes * (classes - 1) // 2
    if sum(counts) != len(vectors) or dual.shape != (classes - 1, len(vectors)) or intercept.shape != (pairs,):
        raise ValueError(f"{vectors.shape} support vectors, {dual.shape} coefficients, {intercept.shape} intercepts")
    weigh = _weighed_kernel(settings, vectors, _pair_weights(dual, counts) if classes > 2 else dual.T)

    def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        decisions = weigh(rows) + intercept
        return decisions[:, 0] if classes == 2 else _votes(decisions, classes)

    return run


def _kernel_sum(settings: Settings, arrays: Arrays) -> Run:
    """Decisions (n,) or (n, classes): a weighted sum over kernels with every kept row, plus an intercept."""
    vectors = Kept(arrays["vectors"])
    coefficients = np.asarray(arrays["coefficients"], np.float32)
    intercept = np.asarray(arrays["intercept"], np.float32)
    if coefficients.shape != (len(vectors), len(intercept)):
        raise ValueError(f"{vectors.shape} rows, {coefficients.shape} coefficients, {intercept.shape} intercepts")
    weigh = _weighed_kernel(settings, vectors, coefficients)

    def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        decisions: NDArray[np.float32] = weigh(rows) + intercept
        return decisions[:, 0] if len(intercept) == 1 else decisions

    return run


def _weighed_kernel(settings: Settings, vectors: Kept, weights: NDArray[np.float32]) -> Run:
    """Sums (n, k) over all kept rows of their kernel with each row, times their weights (m, k).

    In double precision: tens of thousands of terms nearly cancel out.
    """
    kernel, weights = _kernel(settings, vectors), np.ascontiguousarray(weights, np.float64)

    def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        rows = np.asarray(rows, np.float32)
        sums = np.zeros((len(rows), weights.shape[1]))
        for part, products in vectors.parts(rows):
            sums += kernel(rows, products, part) @ weights[part]
        return sums.astype(np.float32)

    return run


def _kernel(settings: Settings, vectors: Kept) -> Callable[[Any, Any, slice], Any]:
    """What makes kernels (n, some) of rows (n, d), their products with some of the vectors, and which these are."""
    name, gamma = settings["kernel"], np.float32(settings["gamma"])
    if name == "rbf":
        squares = vectors.squares()

        def rbf(rows: Array, distances: Array, part: slice) -> Array:
            distances *= -2
            distances += squares[part]
            distances += np.einsum("ij,ij->i", rows, rows)[:, None]
            np.maximum(distances, 0, out=distances)
            distances *= -gamma
            kernel: Array = np.exp(distances, out=distances)
            return kernel

        return rbf
    coef0, degree = np.float32(settings["coef0"]), int(settings["degree"])
    if name == "poly":
        return lambda _, products, __: (gamma * products + coef0) ** degree
    if name == "sigmoid":
        return lambda _, products, __: np.tanh(gamma * products + coef0)
    if name == "linear":
        return lambda _, products, __: products
    raise ValueError(f"unknown kernel {name!r}")


def _pair_weights(dual: NDArray[np.float32], counts: Sequence[int]) -> NDArray[np.float32]:
    """Coefficients (vectors, pairs) of libsvm's one-against-one decisions."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    columns = []
    for i in range(len(counts)):
        for j in range(i + 1, len(counts)):
            column = np.zeros(dual.shape[1], np.float32)
            of_i, of_j = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
            column[of_i], column[of_j] = dual[j - 1, of_i], dual[i, of_j]
            columns.append(column)
    return np.stack(columns, axis=1)


def _votes(decisions: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    votes = np.zeros((len(decisions), classes), np.float32)
    confidence = np.zeros_like(votes)
    pair = 0
    for i in range(classes):
        for j in range(i + 1, classes):
            said = decisions[:, pair]
            confidence[:, i] += said
            confidence[:, j] -= said
            votes[:, i] += said >= 0
            votes[:, j] += said < 0
            pair += 1
    broken: NDArray[np.float32] = votes + confidence / (3 * (np.abs(confidence) + 1))
    return broken


def _sigmoid(settings: Settings, arrays: Arrays) -> Run:
    """Probabilities (n, 2) from decisions (n,) or (n, 1): Platt's sigmoid with slope and offset."""
    slope, offset = float(settings["slope"]), float(settings["offset"])

    def run(decisions: NDArray[np.float32]) -> NDArray[np.float64]:
        second = 1 / (1 + np.exp(-np.clip(slope * decisions.reshape(-1).astype(np.float64) + offset, -500, 500)))
        return np.stack([1 - second, second], axis=1)

    return run


def _softmax(settings: Settings, arrays: Arrays) -> Run:
    """Probabilities (n, classes) from decisions (n, classes): one slope, an offset a class."""
    slope, offsets = float(settings["slope"]), np.asarray(arrays["offsets"], np.float64)

    def run(decisions: NDArray[np.float32]) -> NDArray[np.float64]:
        logits = slope * decisions.astype(np.float64) + offsets
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return result

    return run


OPERATIONS: dict[str, Callable[[Settings, Arrays], Run]] = {
    "grey": _grey,
    "equalise": _equalise,
    "resize": _resize,
    "resize_colour": _resize_colour,
    "hog": _hog,
    "lbp": _lbp,
    "colour": _colour,
    "fisher": _fisher,
    "blood_map": _blood_map,
    "colour_fisher": _colour_fisher,
    "weight": _weight,
    "unit": _unit,
    "red_share": _red_share,
    "round": _round,
    "svm": _svm,
    "kernel_sum": _kernel_sum,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
}
