"""Boosted trees over windows of channels: Newton's method on the logistic loss, a tree a step.

1. Rows that matter little (1 % of the gradient together) are left out; of many, some are drawn by their gradient.
2. A tree is grown from histograms of a random share of the values: the split that gains most, at every node.
3. Its leaves are Newton steps over all rows, shrunk, bounded and rounded to whole units, as they will be summed.

References: Friedman, Hastie and Tibshirani, Additive logistic regression, Annals of Statistics 28, 2000,
doi:10.1214/aos/1016218223; Chen and Guestrin, XGBoost, KDD 2016, doi:10.1145/2939672.2939785.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.forest import UNIT, Forest
from eigenface.engine import compiled

Codes = NDArray[np.uint8]
"""Windows as columns: (8 x side x side, n)."""

_VALUES = 256


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees grow.

    Parameters
    ----------
    depth : int
        Comparisons from a root to a leaf.
    share : float
        Of the values that a tree may look at, 0..1; twice that for the first 32 trees, which most windows see.
    rows : int
        Most windows that a tree's splits are chosen by.
    rate : float
        Share of a Newton step that is taken, 0..1.
    prior : float
        Added to a leaf's curvature: a leaf of few windows says little.
    most : float
        Bound of a leaf, in log odds.
    """

    depth: int = 3
    share: float = 1 / 16
    rows: int = 12_000
    rate: float = 0.3
    prior: float = 5.0
    most: float = 0.8


def grow_forest(
    codes: Codes,
    faces: NDArray[np.bool_],
    trees: int,
    growth: Growth,
    *,
    side: int,
    random_state: int,
    told: Callable[[int], None] = lambda tree: None,
) -> Forest:
    """A forest that tells windows with a face from those without; both weigh the same together.

    Parameters
    ----------
    codes : uint8 array (8 * side * side, n)
    faces : bool array (n,)
    trees : int
    growth : Growth
    side : int
        Cells of a window's side.
    random_state : int
    told : callable, optional
        Called with the number of trees so far.

    Returns
    -------
    Forest
        That gives nothing up yet.
    """
    rng = np.random.default_rng(random_state)
    truth = faces.astype(np.float32)
    weights = np.where(faces, 1.0, faces.sum() / max((~faces).sum(), 1)).astype(np.float32)
    odds = np.zeros(len(truth), np.float32)
    inner = 2**growth.depth - 1
    features, limits = np.zeros((trees, inner), np.int32), np.full((trees, inner), _VALUES - 1, np.uint8)
    leaves = np.zeros((trees, inner + 1), np.int16)
    for tree in range(trees):
        likely = (1 / (1 + np.exp(-odds))).astype(np.float32)
        gradients = weights * (truth - likely)
        curvatures = np.maximum(weights * likely * (1 - likely), 1e-7)
        share = growth.share * (2 if tree < 32 else 1)
        chosen = np.sort(rng.choice(len(codes), max(8, int(len(codes) * share)), replace=False)).astype(np.int32)
        rows, louder = _drawn(gradients, growth.rows, rng)
        _grow(codes, chosen, rows, gradients * louder, curvatures * louder, growth, features[tree], limits[tree])
        leaf = _leaves_of(codes, features[tree], limits[tree], growth.depth)
        steps = np.bincount(leaf, gradients, inner + 1) / (np.bincount(leaf, curvatures, inner + 1) + growth.prior)
        leaves[tree] = np.rint(np.clip(growth.rate * steps, -growth.most, growth.most) * UNIT)
        odds += leaves[tree][leaf] / np.float32(UNIT)
        told(tree + 1)
    never = np.full(trees, np.iinfo(np.int32).min // 2, np.int32)
    return Forest(side, features, limits, leaves, never)


def running_sums(codes: Codes, forest: Forest) -> NDArray[np.int32]:
    """The sum of leaves of every window after each tree: (trees, n)."""
    sums = np.empty((len(forest.features), codes.shape[1]), np.int32)
    running = np.zeros(codes.shape[1], np.int32)
    for tree, (features, limits) in enumerate(zip(forest.features, forest.limits, strict=True)):
        running = running + forest.leaves[tree][_leaves_of(codes, features, limits, forest.depth)]
        sums[tree] = running
    return sums


def _drawn(
    gradients: NDArray[np.float32], most: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Rows that splits are chosen by, and how much louder each is for those that it stands for."""
    size = np.abs(gradients)
    order = np.argsort(-size)
    total = np.cumsum(size[order], dtype=np.float64)
    kept = order[: int(np.searchsorted(total, 0.99 * total[-1])) + 1]
    louder = np.ones(len(gradients), np.float32)
    if len(kept) > most:
        chances = np.sqrt(size[kept])
        keys = rng.random(len(kept)) ** (1 / (chances / chances.max() + 1e-9))  # a draw without replacement
        picked = np.argpartition(-keys, most)[:most]
        louder[kept[picked]] = 1 / np.minimum(1, chances[picked] * most / chances.sum())
        kept = kept[picked]
    return np.sort(kept).astype(np.int32), louder


def _grow(
    codes: Codes,
    chosen: NDArray[np.int32],
    rows: NDArray[np.int32],
    gradients: NDArray[np.float32],
    curvatures: NDArray[np.float32],
    growth: Growth,
    features: NDArray[np.int32],
    limits: NDArray[np.uint8],
) -> None:
    """One tree, level by level, written into `features` and `limits`."""
    node = np.zeros(len(rows), np.uint8)
    for level in range(growth.depth):
        count = 2**level
        below = _histograms(codes, chosen, rows, node, count, gradients, curvatures).cumsum(axis=2, dtype=np.float32)
        left, curve = below[..., 0], below[..., 1]
        all_left, all_curve = left[:, :1, -1:], curve[:, :1, -1:]
        gain = left**2 / (curve + growth.prior) + (all_left - left) ** 2 / (all_curve - curve + growth.prior)
        best = gain.reshape(count, -1).argmax(axis=1)
        which, limit = np.divmod(best, _VALUES)
        features[count - 1 : 2 * count - 1] = chosen[which]
        limits[count - 1 : 2 * count - 1] = limit
        at = count - 1 + node
        node = (2 * node + (codes[features[at], rows] > limits[at])).astype(np.uint8)


def _histograms(
    codes: Codes,
    chosen: NDArray[np.int32],
    rows: NDArray[np.int32],
    node: NDArray[np.uint8],
    count: int,
    gradients: NDArray[np.float32],
    curvatures: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Sums of gradient and curvature by node, value and code: (count, len(chosen), 256, 2)."""
    sums = np.empty((count, len(chosen), _VALUES, 2), np.float32)
    module = compiled("boosted")
    if module is not None:
        module.histograms(codes, codes.shape[1], chosen, rows, node, count, gradients, curvatures, sums)
        return sums
    base = node.astype(np.intp) * _VALUES
    for place, feature in enumerate(chosen):
        at = base + codes[feature, rows]
        for kind, values in enumerate((gradients, curvatures)):
            sums[:, place, :, kind] = np.bincount(at, values[rows], count * _VALUES).reshape(count, _VALUES)
    return sums


def _leaves_of(codes: Codes, features: NDArray[np.int32], limits: NDArray[np.uint8], depth: int) -> NDArray[np.intp]:
    """Which leaf of a tree every window falls into."""
    every = np.arange(codes.shape[1])
    node = np.zeros(codes.shape[1], np.intp)
    for _ in range(depth):
        node = 2 * node + 1 + (codes[features[node], every] > limits[node])
    return np.asarray(node - (2**depth - 1))
