"""Pipelines that several tasks share, and the grids that tune them. scikit-learn is imported when one is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def eigenface_pipeline() -> Any:
    """Grey, equalise, resize, PCA, SVC: eigenfaces as Turk and Pentland had them, and a support vector machine."""
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC

    from eigenface.steps.eigen import Eigenfaces, Rounded
    from eigenface.steps.faces import GreyFaces

    return Pipeline(
        [
            ("faces", GreyFaces(48, equalise=True)),
            ("pca", Eigenfaces(120, power=0.5, bits=8)),
            ("codes", Rounded(8)),
            ("svc", SVC(C=3, gamma=0.016, class_weight="balanced")),
        ]
    )


def eigenface_grid() -> dict[str, list[Any]]:
    """What `tune` tries for the plain model."""
    return {
        "faces__equalise": [False, True],
        "pca__n_components": [60, 120, 180],
        "svc__C": [1, 3, 10],
        "svc__gamma": [0.008, 0.016, 0.032],
    }


def fisher_pipeline(vocabularies: Sequence[str] = ("64", "96"), *, colour: float = 0.126, components: int = 300) -> Any:
    """Fisher vectors and colour bands; PCA of all of them; kernel ridge on every training face.

    Parameters
    ----------
    vocabularies : sequence of str
        Of `FisherVectors`, each named by the size of its faces in pixels.
    colour : float
        Weight of the colour bands. Fisher vectors have the same variance on faces; .18 gives colour as much, .126 half
        of it.
    components : int
    """
    from sklearn.pipeline import FeatureUnion, Pipeline

    from eigenface.steps.eigen import Eigenfaces
    from eigenface.steps.faces import ColourFaces, GreyFaces
    from eigenface.steps.fisher import FisherVectors
    from eigenface.steps.maps import ColourBands, Weighted
    from eigenface.steps.ridge import KernelRidgeClassifier

    branches = {
        f"fisher{name}": [("faces", GreyFaces(int(name))), ("fisher", FisherVectors(name))] for name in vocabularies
    }
    branches["colour"] = [
        ("faces", ColourFaces(64)),
        ("maps", ColourBands(grid=8, bins=6)),
        ("weight", Weighted(colour)),
    ]
    return Pipeline(
        [
            ("features", FeatureUnion([(name, Pipeline(steps)) for name, steps in branches.items()])),
            ("pca", Eigenfaces(components, power=0.5, bits=4)),
            ("ridge", KernelRidgeClassifier(gamma=1.0, alpha=0.1, bits=4)),
        ]
    )


def fisher_grid() -> dict[str, list[Any]]:
    """What `tune` and `train` try for the model that wins."""
    return {"pca__n_components": [150, 300], "ridge__alpha": [0.1, 0.2, 0.4], "ridge__gamma": [0.7, 1.0, 1.5]}
