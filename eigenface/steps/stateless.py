"""Which steps of a pipeline learn nothing: they may run once for all folds without a face leaking into a fit."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags


def learns_nothing(step: Any) -> bool:
    """Whether `fit` of a step (or of every part of a union or pipeline) keeps nothing of the data."""
    if isinstance(step, str):  # passthrough, drop
        return True
    if isinstance(step, Pipeline):
        return all(learns_nothing(part) for _, part in step.steps)
    if isinstance(step, FeatureUnion):
        return all(learns_nothing(part) for _, part in step.transformer_list)
    return hasattr(step, "transform") and not get_tags(step).requires_fit


def split_pipeline(pipeline: Pipeline) -> tuple[Pipeline | None, Pipeline]:
    """The leading steps that learn nothing (None where the first one learns), and the rest.

    >>> from sklearn.svm import SVC
    >>> from eigenface.steps.eigen import Eigenfaces
    >>> from eigenface.steps.faces import GreyFaces
    >>> head, tail = split_pipeline(Pipeline([("faces", GreyFaces()), ("pca", Eigenfaces()), ("svc", SVC())]))
    >>> [name for name, _ in head.steps], [name for name, _ in tail.steps]
    (['faces'], ['pca', 'svc'])
    """
    steps = pipeline.steps
    count = 0
    while count < len(steps) - 1 and learns_nothing(steps[count][1]):
        count += 1
    return (Pipeline(steps[:count]) if count else None), Pipeline(steps[count:])
