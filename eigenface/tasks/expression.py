"""Expression: which of seven expressions do people see in a face?"""

from __future__ import annotations

from typing import Any

from eigenface.crops import CropSpec
from eigenface.tasks.task import Source, Task


def kernel_pipeline() -> Any:
    """Fisher vectors, turned to what tells expressions apart; kernel ridge on every face, half a byte a number."""
    from sklearn.pipeline import Pipeline

    from eigenface.steps.directions import KernelDirections
    from eigenface.steps.faces import GreyFaces
    from eigenface.steps.fisher import FisherVectors
    from eigenface.steps.ridge import KernelRidgeClassifier

    return Pipeline(
        [
            ("faces", GreyFaces(48)),
            ("fisher", FisherVectors("48")),
            ("directions", KernelDirections(300, power=0.1, bits=4)),
            ("ridge", KernelRidgeClassifier(gamma=1.0, alpha=0.1, bits=4, class_weight=None)),
        ]
    )


def linear_pipeline() -> Any:
    """Fisher vectors and ridge regression: a quarter of a megabyte that holds nothing of any one training face."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import Pipeline

    from eigenface.steps.faces import GreyFaces
    from eigenface.steps.fisher import FisherVectors

    return Pipeline([("faces", GreyFaces(48)), ("fisher", FisherVectors("48")), ("ridge", RidgeClassifier(alpha=3.0))])


def small_pipeline() -> Any:
    """For a few hundred faces: gradients and textures at many scales side by side, and ridge regression.

    The weights give each of the eight an equal share of the variance, all of them together about 1.
    """
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import FeatureUnion, Pipeline

    from eigenface.steps.faces import GreyFaces
    from eigenface.steps.fisher import FisherVectors
    from eigenface.steps.maps import HOG, LBP, Weighted

    def branch(size: int, maps: Any, weight: float) -> Pipeline:
        return Pipeline([("faces", GreyFaces(size)), ("maps", maps), ("weight", Weighted(weight))])

    features = FeatureUnion(
        [
            ("fisher48", branch(48, FisherVectors("48"), 0.4)),
            ("fisher64", branch(64, FisherVectors("64"), 0.39)),
            ("fisher96", branch(96, FisherVectors("96"), 0.39)),
            ("hog48", branch(48, HOG(8), 0.29)),
            ("hog96", branch(96, HOG(12), 0.185)),
            ("hog96coarse", branch(96, HOG(16), 0.295)),
            ("lbp98", branch(98, LBP(12, radius=1), 0.134)),
            ("lbp100", branch(100, LBP(12, radius=2), 0.124)),
        ]
    )
    return Pipeline([("features", features), ("ridge", RidgeClassifier(alpha=0.03))])


def plain_pipeline() -> Any:
    """Eigenfaces and a support vector machine, with few enough components for a small file of many faces."""
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC

    from eigenface.steps.eigen import Eigenfaces, Rounded
    from eigenface.steps.faces import GreyFaces

    return Pipeline(
        [
            ("faces", GreyFaces(48, equalise=True)),
            ("pca", Eigenfaces(30, power=0.5, bits=8)),
            ("codes", Rounded(6)),
            ("svc", SVC(C=2, gamma=0.05)),
        ]
    )


TASK = Task(
    name="expression",
    question="Which expression do people see in the face?",
    classes=("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
    crop=CropSpec(0.96),
    pipelines={"": kernel_pipeline, "linear": linear_pipeline, "eigenfaces": plain_pipeline},
    grids={
        "": lambda: {"directions__n_components": [200, 300], "ridge__alpha": [0.05, 0.1, 0.2]},
        "linear": lambda: {"ridge__alpha": [1.0, 3.0, 10.0]},
        "eigenfaces": lambda: {"pca__n_components": [30, 60], "svc__C": [1, 3], "svc__gamma": [0.025, 0.05]},
    },
    sources=(Source("expression/fer2013.csv.bz2", whole=True, aside=("Usage", "PublicTest")),),
    limits=(
        "It says what people see in such a face, not what somebody feels: it may be posed, polite or hidden.",
        "About three answers in ten are wrong: people agree with its labels in two cases of three.",
        "Fear, sadness and anger are often taken for one another.",
        "Disgust is so rare among the training faces (one in 66) that it is seldom answered.",
        "It learned from pictures of a web search, many of them of actors; nobody's age or origin is known.",
        "The model that wins keeps about 150 bytes of every training face; expression:linear keeps none.",
        "Do not use it to judge anybody's mood, honesty, health or work.",
    ),
    smallest_face=32,
    unshipped=("eigenfaces",),
    folds=3,
    small=small_pipeline,
    small_grid=lambda: {"ridge__alpha": [0.01, 0.03, 0.1]},
    most_searched=12_000,
)
