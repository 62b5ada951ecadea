"""From a fitted scikit-learn estimator to a program: one folding rule for every step that has one.

A rule takes the fitted estimator and returns its operations. `fold` returns None where a step has no rule: such a
model answers through scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from eigenface.baselines import RedPixelThreshold
from eigenface.calibrate import Calibrated
from eigenface.program import Operation
from eigenface.steps.blood import BloodMap, ColourFisher
from eigenface.steps.directions import KernelDirections
from eigenface.steps.eigen import Eigenfaces, Rounded
from eigenface.steps.faces import ColourFaces, GreyFaces
from eigenface.steps.fisher import FisherVectors
from eigenface.steps.identity import NearestPerson, PersonSpace, UnitRows
from eigenface.steps.maps import HOG, LBP, ColourBands, Weighted
from eigenface.steps.ridge import KernelRidgeClassifier

Operations = list[Operation]
Rule = Callable[[Any], Operations]


class NoRuleError(Exception):
    """A step that no rule folds; its name is the message."""


def fold(estimator: Any) -> Operations | None:
    """The operations that answer as `estimator.predict_proba` does, or None where a step has no rule."""
    try:
        return _answering(estimator)
    except NoRuleError:
        return None


def fold_transform(estimator: Any) -> Operations | None:
    """The operations that do what `estimator.transform` does, or None where a step has no rule."""
    try:
        return _fold(estimator)
    except NoRuleError:
        return None


def unfoldable_step(estimator: Any) -> str | None:
    """The class name of the step that has no rule, or None where all have one."""
    try:
        _answering(estimator)
    except NoRuleError as error:
        return str(error)
    return None


def _answering(estimator: Any) -> Operations:
    """Operations that end in probabilities. A classifier's own rule ends in its decisions."""
    operations, last = _fold(estimator), estimator
    while isinstance(last, Pipeline):
        last = last.steps[-1][1]
    if isinstance(last, Calibrated):
        return operations
    classes = len(getattr(last, "classes_", ()))
    if isinstance(last, LogisticRegression | LinearDiscriminantAnalysis) and classes == 2:
        return [*operations, Operation("sigmoid", {"slope": 1.0, "offset": 0.0})]
    if isinstance(last, LinearDiscriminantAnalysis):
        return [*operations, Operation("softmax", {"slope": 1.0}, {"offsets": np.zeros(classes)})]
    raise NoRuleError(f"{type(last).__name__} without Calibrated")


def _fold(estimator: Any) -> Operations:
    if isinstance(estimator, str) and estimator == "passthrough":
        return []
    rule = RULES.get(type(estimator))  # the exact type: a subclass may answer otherwise
    if rule is None:
        raise NoRuleError(type(estimator).__name__)
    return rule(estimator)


def _pipeline(pipeline: Pipeline) -> Operations:
    return [operation for _, step in pipeline.steps for operation in _fold(step)]


def _union(union: FeatureUnion) -> Operations:
    if union.transformer_weights:
        raise NoRuleError("FeatureUnion with weights")
    branches = [_fold(step) for _, step in union.transformer_list if not (isinstance(step, str) and step == "drop")]
    if not all(branches):
        raise NoRuleError("FeatureUnion with passthrough")
    return [Operation("union", branches=tuple(tuple(branch) for branch in branches))]


def _grey_faces(step: GreyFaces) -> Operations:
    middle = [Operation("equalise")] if step.equalise else []
    return [Operation("grey"), *middle, Operation("resize", {"size": int(step.size)})]


def _colour_faces(step: ColourFaces) -> Operations:
    return [Operation("resize_colour", {"size": int(step.size)})]


def _by_parameters(name: str) -> Rule:
    """The rule of a step that learns nothing: its parameters are the operation's settings."""
    return lambda step: [Operation(name, step.get_params(deep=False))]


def _scaler(step: StandardScaler) -> Operations:
    width = step.n_features_in_
    mean = step.mean_ if step.with_mean else np.zeros(width)
    deviation = step.scale_ if step.with_std else np.ones(width)
    return [Operation("scale", arrays={"mean": mean, "deviation": deviation})]


def _pca(step: PCA) -> Operations:
    least = np.finfo(step.explained_variance_.dtype).eps ** 2  # as scikit-learn has it when it whitens
    variance = np.maximum(step.explained_variance_, least)
    arrays = {"mean": step.mean_, "components": step.components_, "variance": variance}
    return [Operation("pca", {"power": 1.0 if step.whiten else 0.0}, arrays)]


def _eigenfaces(step: Eigenfaces) -> Operations:
    arrays = {"mean": step.mean_, "components": step.components_, "variance": step.explained_variance_}
    return [Operation("pca", {"power": float(step.power)}, arrays)]


def _directions(step: KernelDirections) -> Operations:
    arrays = {"mean": step.mean_, "components": step.components_, "variance": np.ones(step.n_components_)}
    return [Operation("pca", {"power": 0.0}, arrays)]


def _rounded(step: Rounded) -> Operations:
    return [Operation("round", {"limit": step.limit_}, {"steps": step.steps_})]


def _svc(step: SVC) -> Operations:
    if (
        callable(step.kernel)
        or step.kernel == "precomputed"
        or step.decision_function_shape != "ovr"
        or step.break_ties
    ):
        raise NoRuleError("SVC with a kernel or votes of its own")
    settings = {"kernel": step.kernel, "gamma": float(step._gamma), "coef0": step.coef0, "degree": step.degree}
    arrays = {
        "vectors": step.support_vectors_,
        "dual": step.dual_coef_,
        "intercept": step.intercept_,
        "counts": step.n_support_,
    }
    return [Operation("svm", settings, arrays)]


def _fisher(step: FisherVectors) -> Operations:
    words = step.words
    return [Operation("fisher", {**words.settings(), "mirror": bool(step.mirror)}, words.arrays())]


def _blood_map(step: BloodMap) -> Operations:
    mapper = step.mapper
    return [Operation("blood_map", {"side": mapper.side}, mapper.arrays())]


def _colour_fisher(step: ColourFisher) -> Operations:
    words = step.words
    return [Operation("colour_fisher", {**words.settings(), "mirror": bool(step.mirror)}, words.arrays())]


def _kernel_ridge(step: KernelRidgeClassifier) -> Operations:
    arrays = {"vectors": step.vectors_, "coefficients": step.coefficients_, "intercept": step.intercept_}
    return [Operation("kernel_sum", {"kernel": "rbf", "gamma": step.gamma_}, arrays)]


def _linear(step: Any) -> Operations:
    return [
        Operation(
            "linear", arrays={"coefficients": np.atleast_2d(step.coef_), "intercept": np.atleast_1d(step.intercept_)}
        )
    ]


def _nearest_person(step: NearestPerson) -> Operations:
    coefficients = step.coefficients
    line = {"coefficients": coefficients, "intercept": np.zeros(len(coefficients), np.float32)}
    return [Operation("unit"), Operation("linear", arrays=line)]


def _red_threshold(step: RedPixelThreshold) -> Operations:
    settings = {"hue": step.hue, "saturation": step.saturation, "value": step.value}
    line = {"coefficients": np.full((1, 1), step.sign_), "intercept": np.array([-step.sign_ * step.threshold])}
    return [Operation("red_share", settings), Operation("linear", arrays=line)]


def _calibrated(step: Calibrated) -> Operations:
    inner = step.estimator_
    if not hasattr(inner, "decision_function"):
        raise NoRuleError(type(inner).__name__)
    if len(step.classes_) == 2:
        odds = Operation("sigmoid", {"slope": step.slope_, "offset": float(step.offsets_[0])})
    else:
        odds = Operation("softmax", {"slope": step.slope_}, {"offsets": step.offsets_})
    return [*_fold(inner), odds]


RULES: dict[type, Rule] = {
    Pipeline: _pipeline,
    FeatureUnion: _union,
    GreyFaces: _grey_faces,
    ColourFaces: _colour_faces,
    HOG: _by_parameters("hog"),
    LBP: _by_parameters("lbp"),
    FisherVectors: _fisher,
    BloodMap: _blood_map,
    ColourFisher: _colour_fisher,
    ColourBands: _by_parameters("colour"),
    Weighted: _by_parameters("weight"),
    UnitRows: _by_parameters("unit"),
    PersonSpace: _linear,
    NearestPerson: _nearest_person,
    StandardScaler: _scaler,
    PCA: _pca,
    Eigenfaces: _eigenfaces,
    KernelDirections: _directions,
    Rounded: _rounded,
    SVC: _svc,
    KernelRidgeClassifier: _kernel_ridge,
    LinearSVC: _linear,
    LogisticRegression: _linear,
    RidgeClassifier: _linear,
    LinearDiscriminantAnalysis: _linear,
    RedPixelThreshold: _red_threshold,
    Calibrated: _calibrated,
}
