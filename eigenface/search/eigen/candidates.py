"""What a candidate of a grid is, once its steps and numbers are read: which of them are the same model."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from eigenface.search.eigen.kernels import Kernel
from eigenface.search.identity import described
from eigenface.steps.stateless import split_pipeline

_KINDS = ("rbf", "poly", "sigmoid", "linear")
_EXACT = ("auto", "full", "covariance_eigh", "arpack")


@dataclass(frozen=True)
class View:
    """How rows become coordinates: candidates with equal keys share the work.

    Parameters
    ----------
    head : Pipeline or None
        Steps that learn nothing: run once for all rows.
    front : Pipeline or None
        Steps that learn: fitted once a fold.
    pca : PCA or None
        Done from the Gram matrix; None where the front has all there is.
    """

    head: Pipeline | None
    front: Pipeline | None
    pca: PCA | None

    @cached_property
    def head_key(self) -> str:
        return described(self.head)

    @cached_property
    def key(self) -> str:
        """The same for views that differ in nothing but the number of components."""
        whiten = self.pca.whiten if self.pca else None
        return f"{self.head_key} | {described(self.front)} | {whiten}"


@dataclass(frozen=True)
class Path:
    """Candidates that differ in nothing but C.

    Parameters
    ----------
    view : str
        Key of the view.
    components : int
        Number of components; 0 for all that the view has.
    kernel : Kernel
    gamma : float or str
        A number, or `scale` or `auto`, which each fold makes a number of.
    homogeneous : bool
        A polynomial without constant: gamma is part of C.
    class_weight : str
        As described; candidates carry the value itself.
    tolerance : float
    """

    view: str
    components: int
    kernel: Kernel
    gamma: float | str
    homogeneous: bool
    class_weight: str
    tolerance: float


@dataclass(frozen=True)
class Candidate:
    """A candidate that can be answered from shared work."""

    view: View
    path: Path
    c: float
    class_weight: Any
    shape: str
    """`ovr` or `ovo`: the form of decisions."""


def read(pipeline: Any, parameters: Mapping[str, Any], *, exact: bool) -> Candidate | None:
    """What a pipeline with a candidate's parameters is; None where it is not one of those that can share work.

    Parameters
    ----------
    pipeline : Pipeline or SVC, unfitted
    parameters : mapping
    exact : bool
        Whether PCA is done from the Gram matrix; a solver that is asked for as `randomized` is the user's own always.

    Raises
    ------
    ValueError
        Where the pipeline has no such parameter.
    """
    pipeline = clone(pipeline).set_params(**clone(dict(parameters), safe=False))
    steps = list(pipeline.steps) if type(pipeline) is Pipeline else [("svc", pipeline)]
    steps = [(name, step) for name, step in steps[:-1] if step is not None and step != "passthrough"] + steps[-1:]
    svc = steps[-1][1]
    if type(svc) is not SVC or not _usual(svc) or getattr(pipeline, "transform_input", None):
        return None
    pca = None
    if exact and len(steps) > 1 and _exact(steps[-2][1]):
        pca = steps[-2][1]
        steps = steps[:-2] + steps[-1:]
        if len(steps) > 1 and type(steps[-2][1]) is StandardScaler and not steps[-2][1].with_std:
            steps = steps[:-2] + steps[-1:]  # PCA centres anyway
    head, tail = split_pipeline(Pipeline(steps))
    front = Pipeline(tail.steps[:-1]) if len(tail.steps) > 1 else None
    view = View(head, front, pca)
    kind, gamma, coef0 = svc.kernel, svc.gamma, float(svc.coef0)
    homogeneous = kind == "poly" and coef0 == 0 and not isinstance(gamma, str) and gamma > 0 and svc.degree > 0
    c = float(svc.C)
    if homogeneous:
        c, gamma = c * float(gamma) ** int(svc.degree), 1.0
    if kind == "linear":
        gamma = 1.0
    kernel = Kernel(
        kind,
        coef0=coef0 if kind in ("poly", "sigmoid") else 0.0,
        degree=int(svc.degree) if kind == "poly" else 1,
    )
    path = Path(
        view.key,
        int(pca.n_components) if pca else 0,
        kernel,
        gamma if isinstance(gamma, str) else float(gamma),
        homogeneous,
        described(svc.class_weight),
        float(svc.tol),
    )
    return Candidate(view, path, float(f"{c:.12g}"), svc.class_weight, svc.decision_function_shape)


def _exact(step: Any) -> bool:
    """Whether a step is a PCA whose components are a matter of the data alone."""
    return (
        type(step) is PCA
        and step.svd_solver in _EXACT
        and isinstance(step.n_components, numbers.Integral)
        and not isinstance(step.n_components, bool)
        and int(step.n_components) > 0
    )


def _number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and bool(np.isfinite(float(value)))


def _usual(svc: SVC) -> bool:
    """Whether a machine is of the kind that is solved here, with values that scikit-learn allows."""
    gamma = svc.gamma in ("scale", "auto") if isinstance(svc.gamma, str) else _number(svc.gamma) and svc.gamma >= 0
    weight = svc.class_weight
    return (
        isinstance(svc.kernel, str)
        and svc.kernel in _KINDS
        and gamma
        and all(_number(value) for value in (svc.C, svc.coef0, svc.tol))
        and svc.C > 0
        and svc.tol > 0
        and isinstance(svc.degree, numbers.Integral)
        and int(svc.degree) >= 0
        and svc.max_iter == -1
        and (svc.probability is False or svc.probability == "deprecated")
        and not svc.break_ties
        and svc.decision_function_shape in ("ovr", "ovo")
        and (weight is None or weight == "balanced" or isinstance(weight, dict))
    )
