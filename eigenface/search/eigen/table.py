"""From what a search worked out to GridSearchCV's table: scikit-learn's own search scores what is known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer

from eigenface.search.eigen.coordinates import Fold
from eigenface.search.eigen.course import Scorer
from eigenface.search.eigen.fits import Said
from eigenface.search.eigen.recalled import Known
from eigenface.search.eigen.workshop import Outcome

Splits = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]


def folds_of(splits: Splits, labels: NDArray[Any], with_train: bool) -> dict[bytes, Fold]:
    """Folds by their training rows; those that learn from the same rows are one."""
    judged: dict[bytes, list[NDArray[np.intp]]] = {}
    trained: dict[bytes, NDArray[np.intp]] = {}
    rows = np.arange(len(labels))
    for train, test in splits:
        train = rows[train]
        key = train.tobytes()
        trained[key] = train
        judged.setdefault(key, [train] if with_train else []).append(rows[test])
    folds = {}
    for number, (key, train) in enumerate(trained.items()):
        classes, codes = np.unique(labels[train], return_inverse=True)
        folds[key] = Fold(str(number), train, np.unique(np.concatenate(judged[key])), classes, codes)
    return folds


def tests_of(splits: Splits, folds: Mapping[bytes, Fold], labels: NDArray[Any]) -> list[NDArray[np.intp]]:
    """The rows that each fold is judged by; of several that learn from the same, the first."""
    rows = np.arange(len(labels))
    tests: dict[bytes, NDArray[np.intp]] = {}
    for train, test in splits:
        tests.setdefault(rows[train].tobytes(), rows[test])
    return [tests[key] for key in folds]


def known_of(
    outcomes: Mapping[tuple[int, str], Outcome],
    rungs: Sequence[Sequence[Fold]],
    numbers: Mapping[str, int],
    shapes: Mapping[int, str],
    folds: Mapping[bytes, Fold],
    size: int,
) -> tuple[Known, dict[int, int]]:
    """What scikit-learn's search may ask for, and how many faces each candidate learned from (0: it was not tried).

    Of a candidate that was compared several times, the outcomes on the most faces count, if they are of every fold.
    """
    answers: dict[tuple[int, int], tuple[Fold, Outcome]] = {}
    faces: dict[int, int] = {}
    for number in set(numbers.values()):
        faces[number] = 0
        for rung in reversed(rungs):
            if all((number, fold.name) in outcomes for fold in rung):
                answers |= {(number, at): (fold, outcomes[number, fold.name]) for at, fold in enumerate(rung)}
                faces[number] = min(len(fold.train) for fold in rung)
                break
    order = {key: at for at, key in enumerate(folds)}
    return Known(size, numbers, shapes, order, answers), faces


def rank(results: dict[str, Any], faces: NDArray[np.intp]) -> int:
    """Rank candidates that learned from unlike numbers of faces: more faces first, then scores; returns the best.

    `n_resources` is scikit-learn's name for the faces, in its own searches by halving.
    """
    from scipy.stats import rankdata

    results["n_resources"] = faces
    means = np.asarray(results["mean_test_score"])
    _, keys = np.unique(np.stack([faces, np.nan_to_num(means, nan=-np.inf)]), axis=1, return_inverse=True)
    results["rank_test_score"] = rankdata(-keys.ravel(), method="min").astype(np.int32)
    return int(results["rank_test_score"].argmin())


def cells_of(known: Known, number: int, folds: Mapping[bytes, Fold]) -> list[tuple[Fold, Outcome]]:
    """What there is of a candidate, fold by fold."""
    return [known.answers[number, at] for at in range(len(folds)) if (number, at) in known.answers]


def errors_of(known: Known, number: int, folds: Mapping[bytes, Fold]) -> list[Exception]:
    """What kept a candidate from being fitted, or from answering."""
    found: list[Any] = []
    for _, outcome in cells_of(known, number, folds):
        found += outcome.values.values() if isinstance(outcome, Said) else [outcome]
    return [each for each in found if isinstance(each, Exception)]


def several(scoring: Any) -> bool:
    """Whether a search is to score its candidates in more ways than one."""
    return not (scoring is None or isinstance(scoring, str) or callable(scoring))


def scoring_of(scoring: Any, refit: Any) -> tuple[Scorer | None, list[str]]:
    """What candidates are compared by while the search runs, if that is one score; and what scorers ask of them."""
    if scoring is None or (isinstance(scoring, str) and scoring == "accuracy"):
        return (lambda estimator, rows, labels: estimator.score(rows, labels)), ["predict"]
    named = scoring if isinstance(scoring, Mapping) else {each: each for each in scoring} if several(scoring) else {}
    scorers = {name: get_scorer(each) for name, each in (named or {"score": scoring}).items()}
    methods: set[str] = set()
    for each in scorers.values():
        asked = getattr(each, "_response_method", ("predict", "decision_function", "predict_proba"))
        methods |= {asked} if isinstance(asked, str) else set(asked)
    return scorers.get(refit if named else "score") if isinstance(refit, str | bool) else None, sorted(methods)
