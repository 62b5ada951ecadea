"""Candidates that are fitted as they are: steps that several share are fitted once, then let go."""

from __future__ import annotations

import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _safe_split

from eigenface.search.eigen.coordinates import Fold
from eigenface.search.identity import described
from eigenface.steps.stateless import split_pipeline

Steps = tuple[tuple[str, tuple[str, Any]], ...]
"""Learning steps with a key each."""


class Said(NamedTuple):
    """What a fitted candidate says of the rows that a fold judges.

    Parameters
    ----------
    classes : array or None
    values : mapping of method name to array (m, ...) or Exception
        `predict`, `decision_function`, `predict_proba`: those that are asked for and that it has, or why one fails.
    seconds : float
        For all its learning steps, also those that another candidate had fitted before.
    """

    classes: NDArray[Any] | None
    values: Mapping[str, NDArray[Any] | Exception]
    seconds: float


class Member(NamedTuple):
    """A candidate ready to be fitted: its steps that learn nothing, its learning steps with a key each, its last step.

    Of what is no plain pipeline the last step is all.
    """

    number: int
    head: Pipeline | None
    steps: Steps
    last: Any


class Fit(NamedTuple):
    """A task: a candidate on a fold."""

    member: Member
    fold: int


class Rows(NamedTuple):
    """A fold's training rows and the others, and the seconds that the steps so far took."""

    train: Any
    others: Any
    seconds: float


class _Once:
    """Something several fits need: the first that asks computes it, the others wait; an error meets them all."""

    def __init__(self, make: Callable[[], Rows]) -> None:
        self._make: Callable[[], Rows] | None = make
        self._lock = threading.Lock()
        self._made: Any = None
        self._error: Exception | None = None

    def __call__(self) -> Rows:
        with self._lock:
            if self._make is not None:
                try:
                    self._made = self._make()
                except Exception as error:  # of a user's step, whatever it is
                    self._error = error
                self._make = None  # lets go of what this was made from
        if self._error is not None:
            raise self._error
        rows: Rows = self._made
        return rows


class Bench:
    """Fits candidates on folds of rows, and keeps the steps of the last that the next may share.

    Parameters
    ----------
    rows : what the steps after the head take (n)
    labels : array (n,)
    folds : sequence of Fold
    methods : sequence of str
        What is asked of a fitted candidate.
    """

    def __init__(self, rows: Any, labels: NDArray[Any], folds: Sequence[Fold], methods: Sequence[str]) -> None:
        self.rows, self.labels, self.folds, self.methods = rows, labels, folds, methods
        self.__setstate__({})

    def __getstate__(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in ("rows", "labels", "folds", "methods")}  # no fitted steps travel

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.Lock()
        self._chain: list[tuple[str, _Once]] = []

    def fit(self, task: Fit) -> Said:
        """Fit a candidate on a fold's training rows, and hear what it says of the others."""
        rows = self.before(task.member.steps, task.fold, task.member.last)
        fold = self.folds[task.fold]
        began = time.perf_counter()
        fitted = clone(task.member.last).fit(rows.train, self.labels[fold.train])
        values = {method: _said(fitted, method, rows.others) for method in self.methods if hasattr(fitted, method)}
        seconds = rows.seconds + time.perf_counter() - began
        return Said(getattr(fitted, "classes_", None), values, seconds)

    def before(self, steps: Steps, number: int, last: Any) -> Rows:
        """A fold's rows after learning steps; those that the candidate before began with are not fitted again.

        Parameters
        ----------
        steps : pairs of key and step
        number : int
            The fold's.
        last : estimator
            What comes after them.
        """
        fold = self.folds[number]
        first = Pipeline([steps[0][1]]) if steps else last
        origin = f"{fold.name} {get_tags(first).input_tags.pairwise}"
        with self._lock:
            if not self._chain or self._chain[0][0] != origin:
                self._chain = [(origin, _Once(_part(first, self.rows, self.labels, fold)))]
            chain = self._chain
            common = 0
            while common < min(len(chain) - 1, len(steps)) and chain[common + 1][0] == steps[common][0]:
                common += 1
            del chain[common + 1 :]
            for key, step in steps[common:]:
                chain.append((key, _Once(_after(chain[-1][1], step, self.labels[fold.train]))))
            made = chain[-1][1]
        return made()


def _said(fitted: Any, method: str, rows: Any) -> NDArray[Any] | Exception:
    try:
        return np.asarray(getattr(fitted, method)(rows))
    except Exception as error:  # scikit-learn meets it when it scores
        return error


def fitted(bench: Bench, task: Fit) -> Said:
    """`Bench.fit` as a function."""
    return bench.fit(task)


def _part(last: Any, rows: Any, labels: NDArray[Any], fold: Fold) -> Callable[[], Rows]:
    def make() -> Rows:
        train, _ = _safe_split(last, rows, labels, fold.train)
        others, _ = _safe_split(last, rows, labels, fold.rows, fold.train)
        return Rows(train, others, 0.0)

    return make


def _after(before: _Once, step: tuple[str, Any], labels: NDArray[Any]) -> Callable[[], Rows]:
    def make() -> Rows:
        rows = before()
        began = time.perf_counter()
        alone = clone(Pipeline([step]))
        train = alone.fit_transform(rows.train, labels)
        return Rows(train, alone.transform(rows.others), rows.seconds + time.perf_counter() - began)

    return make


def member(pipeline: Any, number: int, parameters: Mapping[str, Any], *, whole: bool = False) -> Member:
    """A candidate's parts; as a `whole`, or where it is no plain pipeline, it is its last step itself."""
    made = clone(pipeline).set_params(**clone(dict(parameters), safe=False))
    if whole or type(made) is not Pipeline or getattr(made, "transform_input", None):
        return Member(number, None, (), made)
    head, tail = split_pipeline(made)
    return Member(number, head, keyed(tail.steps[:-1]), tail.steps[-1][1])


def keyed(steps: Sequence[tuple[str, Any]]) -> Steps:
    """Steps with the keys by which they are told apart, without those that pass rows on."""
    return tuple((described(step), step) for step in steps if not isinstance(step[1], str) and step[1] is not None)


def has_own_score(pipeline: Any, parameters: Mapping[str, Any]) -> bool:
    """Whether a candidate's `score` is something else than accuracy."""
    made = clone(pipeline).set_params(**clone(dict(parameters), safe=False))
    last = made.steps[-1][1] if isinstance(made, Pipeline) else made
    return getattr(type(last), "score", None) is not ClassifierMixin.score


def fits(members: Sequence[Member], folds: Sequence[int]) -> Iterator[Fit]:
    """All members on all folds, those that share steps beside each other.

    Among those that share everything the order is drawn, so that the first few tell how long all will take.
    """
    drawn = np.random.default_rng(0).permutation(len(members))

    def arrange(part: list[int], depth: int) -> list[int]:
        groups: dict[str, list[int]] = {}
        for place in part:
            steps = members[place].steps
            groups.setdefault(steps[depth][0] if depth < len(steps) else "", []).append(place)
        if set(groups) == {""}:
            return sorted(part, key=lambda place: int(drawn[place]))
        return [place for group in groups.values() for place in arrange(group, depth + 1)]

    order = arrange(list(range(len(members))), 0)
    return (Fit(members[place], fold) for fold in folds for place in order)


def written(said: Said | Exception) -> Any:
    """What was said as a JSON value; None where it is no such thing."""
    if isinstance(said, Exception):
        return {"error": " ".join(str(said).split())}
    try:
        values = {method: _packed(value) for method, value in said.values.items()}
        return {"classes": None if said.classes is None else _packed(said.classes), "values": values, "s": said.seconds}
    except TypeError:
        return None


def read(kept: Mapping[str, Any]) -> Said | Exception:
    """The inverse of `written`."""
    if "error" in kept:
        return ValueError(kept["error"])
    values = {method: _unpacked(packed) for method, packed in kept["values"].items()}
    return Said(kept["classes"] and _unpacked(kept["classes"]), values, kept["s"])


def _packed(value: NDArray[Any] | Exception) -> Any:
    if isinstance(value, Exception) or value.dtype.hasobject:
        raise TypeError("neither numbers nor text")
    return [value.dtype.str, list(value.shape), b64encode(np.ascontiguousarray(value).tobytes()).decode()]


def _unpacked(packed: Sequence[Any]) -> NDArray[Any]:
    return np.frombuffer(b64decode(packed[2]), packed[0]).reshape(packed[1])
