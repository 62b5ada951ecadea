"""Parts of the benchmark that train: each makes a few rows of the table, and may be asked for alone.

What the shipped models' files say of them is not trained again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from eigenface.calibrate import folds_by_group
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.fer2013 import USAGE
from eigenface.datasets.splits import LEARNED_PART
from eigenface.evaluate import Evaluation, judge
from eigenface.fitting import fit_model, judged_row
from eigenface.pipelines.figures.cards import PLAIN
from eigenface.pipelines.figures.table import Row
from eigenface.pipelines.models.sources import Sources
from eigenface.report.metrics import score
from eigenface.steps.stateless import split_pipeline
from eigenface.tasks import get_task
from eigenface.threads import one_blas_thread
from eigenface.train import train

SEED = 0
"""Of every draw in the benchmark."""

ORL, YALE, CKPLUS = "identity/orl.zip", "identity/yale.zip", "expression/ckplus.zip"

_MANY = 20  # pictures of each of LFW's 62 people, at least
_KNOWN, _DRAWS = 40, 3  # of these people, enrolled; how often they are drawn
_FOLDS = 10
_ASIDE = "kept aside"


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are made together: what below the data folder they need, and the function that makes them."""

    needs: tuple[str, ...]
    make: Callable[[Sources], list[Row]]


def people(path: str, learned: Callable[[int, np.random.Generator], NDArray[np.intp]], sources: Sources,
           *, part: str, split: str) -> list[Row]:  # fmt: skip
    """Identity learned from some pictures of every person, judged on the others; `learned` picks them of so many."""
    dataset = load_dataset(sources.data / path)
    rng = np.random.default_rng(SEED)
    usage = np.full(len(dataset), _ASIDE)
    for person in dataset.classes:
        members = np.flatnonzero(dataset.labels == person)
        usage[members[learned(len(members), rng)]] = LEARNED_PART
    dataset = replace(dataset, columns={**dataset.columns, USAGE: usage})
    judged, plain = (_trained(dataset, "identity", variant, sources) for variant in ("", PLAIN))
    return [_row(mine, "identity", part, split, its) for mine, its in zip(judged, plain, strict=True)]


def _trained(dataset: Dataset, task: str, variant: str, sources: Sources) -> Sequence[Evaluation]:
    """As `eigenface train DATA --task TASK --whole` does it, with the recorded parameters."""
    done = train(dataset, task=get_task(task), whole=True, variant=variant, progress=sources.progress)
    return done.evaluations


def _row(done: Evaluation, task: str, part: str, split: str, plain: Evaluation | None = None) -> Row:
    beside = plain.scores.accuracy.value if plain else None
    return Row.of_judged(judged_row(done), task, part=part, split=split, plain=beside)


def first(count: int, n: int, _: np.random.Generator) -> NDArray[np.intp]:
    """The first `count` of `n` pictures."""
    return np.arange(min(count, n))


def drawn(count: int, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """`count` of `n` pictures, at random."""
    return rng.permutation(n)[:count]


def _many_pictures(sources: Sources) -> CroppedFaces:
    """Faces of the people of LFW with many pictures, the people their labels."""
    task = get_task("identity")
    faces = sources.faces(task.sources[0], task.crop)
    assert faces.groups is not None
    names, counts = np.unique(faces.groups, return_counts=True)
    inside = np.flatnonzero(np.isin(faces.groups, names[counts >= _MANY]))
    some = faces.select(inside)
    assert some.groups is not None
    return replace(some, labels=some.groups, groups=None, columns={})


def _three_quarters(labels: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which faces (n,) are learned from: three in four of every person's."""
    inside = np.zeros(len(labels), dtype=bool)
    for person in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == person))
        inside[members[: round(0.75 * len(members))]] = True
    return inside


def lfw_people(sources: Sources) -> list[Row]:
    """The 62 people of LFW with 20 pictures or more."""
    task, faces = get_task("identity"), _many_pictures(sources)
    inside = _three_quarters(faces.labels, np.random.default_rng(SEED))
    learned, aside = faces.select(np.flatnonzero(inside)), faces.select(np.flatnonzero(~inside))
    data = f"lfw, {len(np.unique(faces.labels))} people"
    judged, plain = (
        judge(fit_model(task.pipelines[variant](), learned, task, name=task.model_name(variant)), aside, data=data)
        for variant in ("", PLAIN)
    )
    return [_row(judged, task.name, "lfw-people", f"A quarter of every person's pictures, seed {SEED}", plain)]


def lfw_strangers(sources: Sources) -> list[Row]:
    """Forty of those people known, the others strangers: how often either is taken for the other."""
    faces = _many_pictures(sources)
    everybody = np.unique(faces.labels)
    head, tail = split_pipeline(get_task("identity").pipelines[""]())
    rng, rates, judged = np.random.default_rng(SEED), list[float](), 0
    with one_blas_thread:
        rows = np.asarray(head.fit_transform(faces.crops) if head else faces.crops)
        for _ in range(_DRAWS):
            friend = np.isin(faces.labels, rng.permutation(everybody)[:_KNOWN])
            inside = _three_quarters(faces.labels, rng)
            fitted = clone(tail).fit(rows[friend & inside], faces.labels[friend & inside])
            surest = fitted.decision_function(rows).max(axis=1)
            rates.append(equal_error_rate(surest[friend & ~inside], surest[~friend]))
            judged += int((friend & ~inside).sum())
    return [
        Row(
            task="identity",
            data=f"lfw, {_KNOWN} known people and {len(everybody) - _KNOWN} strangers",
            n=judged,
            value=float(np.mean(rates)),
            part="lfw-strangers",
            measure="equal error rate",
            low=min(rates),
            high=max(rates),
            baseline=0.5,
            split=f"{_DRAWS} draws of who is known, seed {SEED}; a quarter of their pictures, all of strangers'",
        )
    ]


def equal_error_rate(known: NDArray[np.floating], strangers: NDArray[np.floating]) -> float:
    """Where as many known faces score below the threshold as strangers' reach it, 0..1.

    >>> equal_error_rate(np.array([0.9, 0.8, 0.7, 0.2]), np.array([0.1, 0.3, 0.1, 0.1]))
    0.25
    """
    cuts = np.unique(np.concatenate([known, strangers]))
    missed = np.searchsorted(np.sort(known), cuts) / len(known)
    taken = 1 - np.searchsorted(np.sort(strangers), cuts) / len(strangers)
    nearest = int(np.argmin(np.abs(missed - taken)))
    return float(missed[nearest] + taken[nearest]) / 2


def ckplus(sources: Sources) -> list[Row]:
    """CK+ in folds by subject, the answers of all folds together."""
    dataset = load_dataset(sources.data / CKPLUS)
    parts: dict[str, list[Evaluation]] = {"": [], PLAIN: []}
    for _, aside in folds_by_group(dataset.labels, dataset.groups, _FOLDS, SEED):
        usage = np.full(len(dataset), LEARNED_PART, dtype="<U10")
        usage[aside] = _ASIDE
        marked = replace(dataset, columns={**dataset.columns, USAGE: usage})
        for variant, found in parts.items():
            found.append(_trained(marked, "expression", variant, sources)[0])
    judged, plain = (_pooled(found, f"ckplus, {len(dataset.classes)} classes") for found in parts.values())
    return [_row(judged, "expression", "ckplus", f"{_FOLDS} folds by subject, seed {SEED}", plain)]


def _pooled(parts: Sequence[Evaluation], data: str) -> Evaluation:
    """The answers of all folds as one evaluation; intervals by subject."""
    faces = CroppedFaces.joined([part.faces for part in parts], [data] * len(parts))
    probabilities = np.concatenate([part.scores.probabilities for part in parts])
    classes = parts[0].scores.classes
    scores = score(faces.labels, probabilities, classes, groups=faces.groups, baseline="majority")
    return Evaluation(parts[-1].model, scores, faces, data)


_LFW = get_task("identity").sources[0].path

PARTS = {
    "orl": Part((ORL,), partial(people, ORL, partial(first, 5), part="orl", split="The first five pictures learned")),
    "yale": Part((YALE,), partial(people, YALE, partial(drawn, 6), part="yale", split=f"Six learned, seed {SEED}")),
    "ckplus": Part((CKPLUS,), ckplus),
    "lfw-people": Part((_LFW,), lfw_people),
    "lfw-strangers": Part((_LFW,), lfw_strangers),
}
"""Parts of a few minutes at most, by name."""
