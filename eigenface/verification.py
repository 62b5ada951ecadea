"""Whether two faces are of one person: pairs of unseen people, what a cosine means, how often that is wrong.

Everything is learned on pairs of people whom the embedding had not seen; nobody is in two folds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from eigenface.embedding import Odds
from eigenface.steps.stateless import split_pipeline
from eigenface.types import Rows

RATES = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5)
"""False accept rates whose thresholds a model carries, as far as there are pairs enough to tell."""

_PAIRS_A_PERSON = 10
_FACES_A_PERSON = 2  # in pairs of two people
_LEAST_PAIRS = 20  # that a threshold rests on


@dataclass(frozen=True)
class Pairs:
    """Pairs of faces of unseen people: cosines (n,) of one person's and how much each counts, cosines (m,) of two's."""

    same: NDArray[np.float64]
    say: NDArray[np.float64]
    differing: NDArray[np.float64]

    @staticmethod
    def joined(parts: Sequence[Pairs]) -> Pairs:
        """Several as one."""
        return Pairs(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("same", "say", "differing"))
        )


def pairs_of(rows: Rows, people: NDArray[Any], *, random_state: int = 0) -> Pairs:
    """Pairs among faces with rows (n, d) of length 1: up to ten a person, who all count alike, and all of two people.

    Of a person who has many faces, two are in pairs with others'.
    """
    rng = np.random.default_rng(random_state)
    same: list[float] = []
    say: list[float] = []
    few: list[int] = []
    for person in np.unique(people):
        faces = rng.permutation(np.flatnonzero(people == person))
        few.extend(faces[:_FACES_A_PERSON])
        found = list(itertools.combinations(faces[:20], 2))
        chosen = [found[i] for i in rng.permutation(len(found))[:_PAIRS_A_PERSON]]
        same += [float(np.dot(rows[a], rows[b])) for a, b in chosen]
        say += [1 / max(len(chosen), 1)] * len(chosen)
    of = people[few]
    first, second = np.triu_indices(len(few), 1)
    apart = of[first] != of[second]
    some = rows[few]
    cosines = some @ some.T
    return Pairs(np.array(same), np.array(say), cosines[first[apart], second[apart]].astype(np.float64))


def fold_of(people: NDArray[Any], n_splits: int, random_state: int = 0) -> NDArray[np.intp]:
    """A fold number (n,) for each face, one a person, everybody with several faces spread evenly."""
    rng = np.random.default_rng(random_state)
    names, codes, counts = np.unique(people, return_inverse=True, return_counts=True)
    order = np.argsort(-np.minimum(counts, 2) - rng.random(len(names)), kind="stable")
    folds = np.empty(len(names), np.intp)
    folds[order] = np.arange(len(names)) % n_splits
    return np.asarray(folds[codes], np.intp)


def unseen_pairs(tail: Any, rows: Rows, people: NDArray[Any], *, n_splits: int = 3) -> Pairs:
    """Pairs of people, each judged by a clone of `tail` that was fitted without them."""
    folds = fold_of(people, n_splits)
    parts = []
    for fold in range(n_splits):
        inside = folds == fold
        fitted = clone(tail).fit(rows[~inside], people[~inside])
        parts.append(pairs_of(fitted.transform(rows[inside]), people[inside]))
    return Pairs.joined(parts)


def odds_of(pairs: Pairs) -> Odds:
    """What a cosine means, one person being as likely beforehand as two; and thresholds by false accept rate."""
    cosines = np.concatenate([pairs.same, pairs.differing])[:, None]
    truth = np.repeat([1, 0], [len(pairs.same), len(pairs.differing)])
    say = np.concatenate([pairs.say / pairs.say.sum(), np.full(len(pairs.differing), 1 / len(pairs.differing))])
    line = LogisticRegression(C=1e6, max_iter=1000).fit(cosines, truth, sample_weight=say * len(pairs.same))
    rates = [rate for rate in RATES if rate * len(pairs.differing) >= _LEAST_PAIRS]
    thresholds = np.quantile(pairs.differing, [1 - rate for rate in rates])
    return Odds(
        max(float(line.coef_[0, 0]), 1e-3), float(line.intercept_[0]), tuple(rates), tuple(map(float, thresholds))
    )


def judged_pairs(pairs: Pairs, odds: Odds, data: str) -> dict[str, Any]:
    """How well pairs are told apart, half of them of one person: a row of a card's table."""
    scores = np.concatenate([pairs.same, pairs.differing])
    truth = np.repeat([True, False], [len(pairs.same), len(pairs.differing)])
    half = np.concatenate([pairs.say / pairs.say.sum(), np.full(len(pairs.differing), 1 / len(pairs.differing))]) / 2
    logits = odds.slope * scores + odds.offset
    probability = 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
    right = (probability >= 0.5) == truth
    known, strange = np.average(right[truth], weights=half[truth]), float(right[~truth].mean())
    low, high = _interval(right[truth], pairs.say, strange)
    return {
        "data": data,
        "n": len(pairs.same),
        "accuracy": round(float(right @ half), 4),
        "low": low,
        "high": high,
        "balanced_accuracy": round(float(known + strange) / 2, 4),
        "roc_auc": round(_area(pairs), 4),
        "calibration_error": round(_calibration(np.maximum(probability, 1 - probability), right, half), 4),
        "baseline": 0.5,
        "recall": {"one person": round(float(known), 4), "two people": round(strange, 4)},
        "equal_error_rate": round(_equal_error_rate(pairs), 4),
        "known_again": {f"{rate:g}": round(_known_at(pairs, rate), 4) for rate in (0.01, 0.001)},
    }


def fitted_embedding(pipeline: Any, crops: Any, people: NDArray[Any]) -> tuple[Any, Pairs]:
    """The pipeline fitted to all faces, and pairs of people judged by clones that had not seen them."""
    head, tail = split_pipeline(clone(pipeline))
    rows = head.fit_transform(crops) if head else crops
    pairs = unseen_pairs(tail, rows, people)
    fitted = tail.fit(rows, people)
    fitted.steps[:0] = head.steps if head else []
    return fitted, pairs


def said_of(odds: Odds, row: Mapping[str, Any]) -> str:
    """Sentences for a card: how many pairs are taken for one person at which cosine, rightly and wrongly."""
    parts = [
        f"at a cosine of {threshold:.2f}, {rate:.1%} of pairs of two people"
        for rate, threshold in zip(odds.rates, odds.thresholds, strict=True)
        if rate in (0.1, 0.01, 0.001)
    ]
    known = ", ".join(f"{share:.0%} at {float(rate):.1%}" for rate, share in row["known_again"].items())
    return (
        f"Taken for one person: {'; '.join(parts)}. Of pairs of one person, known again: {known}. "
        f"Equal error rate {row['equal_error_rate']:.3f}."
    )


def _area(pairs: Pairs) -> float:
    below = np.searchsorted(np.sort(pairs.differing), pairs.same) / len(pairs.differing)
    return float(np.average(below, weights=pairs.say))


def _known_at(pairs: Pairs, rate: float) -> float:
    return float(np.average(pairs.same >= np.quantile(pairs.differing, 1 - rate), weights=pairs.say))


def _equal_error_rate(pairs: Pairs) -> float:
    order = np.argsort(pairs.same)
    missed = np.cumsum(pairs.say[order]) / pairs.say.sum()
    taken = 1 - np.searchsorted(np.sort(pairs.differing), pairs.same[order]) / len(pairs.differing)
    nearest = int(np.argmin(np.abs(missed - taken)))
    return float(missed[nearest] + taken[nearest]) / 2


def _interval(right: NDArray[np.bool_], say: NDArray[np.float64], strange: float) -> tuple[float, float]:
    """95 % interval of the accuracy: pairs of one person drawn again; those of two are so many that they stand."""
    rng = np.random.default_rng(0)
    drawn = [np.average(right[i], weights=say[i]) for i in rng.integers(0, len(right), (500, len(right)))]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return round((float(low) + strange) / 2, 4), round((float(high) + strange) / 2, 4)


def _calibration(confidence: NDArray[np.float64], right: NDArray[np.bool_], say: NDArray[np.float64]) -> float:
    """Calibration error in 15 bins, pairs counting `say`."""
    bins = np.clip((confidence * 15).astype(int), 0, 14)
    total = np.bincount(bins, say, 15)
    gaps = np.abs(np.bincount(bins, say * confidence, 15) - np.bincount(bins, say * right, 15))
    return float(gaps.sum() / total.sum())
