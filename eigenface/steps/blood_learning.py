"""What the steps for blood are made of, learned from synthetic faces: boosted trees by pixel, words of local colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from eigenface.datasets.blood_paint import PaintedFace
from eigenface.features.blood import SUMMARY, BloodMapper, pixel_features, summary
from eigenface.features.context import map_context
from eigenface.features.fisher import Vocabulary
from eigenface.features.local_colour import local_colour
from eigenface.features.trees import BoostedTrees
from eigenface.steps.fisher import mixture_of
from eigenface.types import Pixels
from eigenface.vision import cv2

_BINS = 64
_RIDGE = 5.0  # added to the curvature of a leaf, so that few pixels do not say much
_SURELY, _SURELY_NOT = 0.4, 0.08  # share of a pixel that is visibly painted; what lies between is not learned from
_BLOODY_PIXELS, _OTHER_PIXELS = 60, 50  # of a face
_DIMENSIONS = 40  # of 128 that a descriptor keeps


def boost(
    planes: NDArray[np.float32],
    truth: NDArray[np.bool_],
    *,
    trees: int = 100,
    levels: int = 6,
    rate: float = 0.2,
    random_state: int = 0,
) -> BoostedTrees:
    """Trees that tell `truth` (n,) from numbers (columns, n): log odds by Newton boosting on histograms.

    Each tree sees half of the rows and half of the columns; every level asks one question in all its branches.
    """
    rng = np.random.default_rng(random_state)
    quantiles = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.stack([np.quantile(plane, quantiles) for plane in planes]).astype(np.float32)
    codes = np.stack([np.searchsorted(edge, plane) for edge, plane in zip(edges, planes, strict=True)]).astype(np.uint8)
    share = float(truth.mean())
    base = float(np.log(share / (1 - share)))
    said = np.full(len(truth), base, np.float32)
    found: list[tuple[list[int], list[int], NDArray[np.float32]]] = []
    for _ in range(trees):
        probability = 1 / (1 + np.exp(-said))
        some = np.flatnonzero(rng.random(len(truth)) < 0.5)
        slope = (probability[some] - truth[some]).astype(np.float64)
        curve = (probability[some] * (1 - probability[some])).astype(np.float64)
        asked = rng.permutation(len(planes))[: -(-len(planes) // 2)]
        seen = codes[:, some]
        leaf = np.zeros(len(some), np.int32)
        columns: list[int] = []
        cuts: list[int] = []
        for level in range(levels):
            column, cut = _best_question(seen, leaf, 1 << level, slope, curve, asked)
            columns.append(column)
            cuts.append(cut)
            leaf = 2 * leaf + (seen[column] > cut)
        slopes = np.bincount(leaf, slope, 1 << levels)
        curves = np.bincount(leaf, curve, 1 << levels)
        leaves = (-rate * slopes / (curves + _RIDGE)).astype(np.float16).astype(np.float32)
        everywhere = np.zeros(len(truth), np.int32)
        for column, cut in zip(columns, cuts, strict=True):
            everywhere = 2 * everywhere + (codes[column] > cut)
        said += leaves[everywhere]
        found.append((columns, cuts, leaves))
    chosen = np.array([columns for columns, _, _ in found])
    thresholds = np.stack([edges[columns, cuts] for columns, cuts, _ in found])
    return BoostedTrees(chosen, thresholds, np.stack([leaves for _, _, leaves in found]), base)


def _best_question(
    codes: NDArray[np.uint8],
    leaf: NDArray[np.int32],
    leaves: int,
    slope: NDArray[np.float64],
    curve: NDArray[np.float64],
    asked: NDArray[np.intp],
) -> tuple[int, int]:
    """The column and the bin after which to cut, in all leaves at once, that better the likelihood most."""
    best = (-np.inf, 0, 0)
    offsets = leaf * _BINS
    for column in asked:
        bins = offsets + codes[column]
        left, left_curve = (
            np.bincount(bins, weight, leaves * _BINS).reshape(leaves, _BINS).cumsum(axis=1) for weight in (slope, curve)
        )
        right, right_curve = left[:, -1:] - left, left_curve[:, -1:] - left_curve
        gain = (left**2 / (left_curve + _RIDGE) + right**2 / (right_curve + _RIDGE)).sum(axis=0)[:-1]
        cut = int(gain.argmax())
        if gain[cut] > best[0]:
            best = (float(gain[cut]), int(column), cut)
    return best[1], best[2]


def learn_blood_mapper(
    faces: Sequence[PaintedFace],
    *,
    side: int = 48,
    trees: int = 100,
    second_trees: int = 150,
    levels: int = 6,
    random_state: int = 0,
) -> BloodMapper:
    """A mapper that tells painted pixels from others, learned from synthetic faces of both kinds.

    The second trees learn from maps of faces that the trees behind these maps did not see, as they will in use: half of
    the faces are mapped by trees that learned from the other half. Faces stay in pairs, so two of one person should
    follow one another.
    """
    rng = np.random.default_rng(random_state)
    chosen, rows, truth = [], [], []
    for face in faces:
        painted = cv2.resize(face.mask, (side, side), interpolation=cv2.INTER_AREA).ravel()
        bloody = rng.permutation(np.flatnonzero(painted > _SURELY))[:_BLOODY_PIXELS]
        wanted = _OTHER_PIXELS if len(bloody) else _OTHER_PIXELS + _BLOODY_PIXELS
        others = rng.permutation(np.flatnonzero(painted < _SURELY_NOT))[:wanted]
        chosen.append(np.concatenate([bloody, others]))
        rows.append(pixel_features(face.pixels, side)[:, chosen[-1]])
        truth.append(np.arange(len(bloody) + len(others)) < len(bloody))
    half = np.repeat(np.arange(len(faces)) // 2 % 2, [len(index) for index in chosen])
    planes, told = np.concatenate(rows, axis=1), np.concatenate(truth)
    learn = partial(boost, levels=levels, random_state=random_state)
    first = learn(planes, told, trees=trees)
    halves = [learn(planes[:, half != part], told[half != part], trees=trees) for part in (0, 1)]
    around = [
        map_context(halves[number // 2 % 2](pixel_features(face.pixels, side)).reshape(side, side))[:, index]
        for number, (face, index) in enumerate(zip(faces, chosen, strict=True))
    ]
    second = learn(np.concatenate([planes, np.concatenate(around, axis=1)]), told, trees=second_trees)
    plain = BloodMapper(side, first, np.zeros(SUMMARY, np.float32), np.ones(SUMMARY, np.float32), second)
    some = rng.permutation(len(faces))[:1000]
    summaries = np.stack([summary(plain.map(faces[index].pixels)) for index in some])
    spread = np.maximum(summaries.std(axis=0), 0.01).astype(np.float32)
    return replace(plain, centre=summaries.mean(axis=0).astype(np.float32), scale=spread)


def learn_colour_words(
    crops: Sequence[Pixels],
    *,
    size: int = 64,
    cell: int = 4,
    stride: int = 4,
    words: int = 64,
    each: int = 40,
    random_state: int = 0,
) -> Vocabulary:
    """A vocabulary of local colour from crops, of `each` places on every face."""
    described = (local_colour(crop, size, cell, stride) for crop in crops)
    return mixture_of(
        described,
        (size, cell, stride),
        words=words,
        dimensions=_DIMENSIONS,
        each=each,
        tol=3e-3,
        random_state=random_state,
    )
