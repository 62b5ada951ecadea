"""Pipelines that several tasks share, and the grids that tune them. scikit-learn is imported when one is made."""

from __future__ import annotations

from typing import Any


def eigenface_pipeline() -> Any:
    """Grey, resize, PCA, SVC: eigenfaces as Turk and Pentland had them, with a support vector machine to decide."""
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC

    from eigenface.steps.eigen import Eigenfaces, Rounded
    from eigenface.steps.faces import GreyFaces

    return Pipeline(
        [
            ("faces", GreyFaces(64)),
            ("pca", Eigenfaces(150, power=1.0, bits=8)),
            ("codes", Rounded(8)),
            ("svc", SVC(C=3, gamma=0.004)),
        ]
    )


def eigenface_grid() -> dict[str, list[Any]]:
    """What `tune` tries for the plain model."""
    return {
        "faces__equalise": [False, True],
        "pca__n_components": [50, 100, 150, 200],
        "svc__C": [1, 3, 10],
        "svc__gamma": [0.002, 0.004, 0.008],
    }


def feature_pipeline() -> Any:
    """Interim: the plain pipeline."""
    return eigenface_pipeline()


def feature_grid() -> dict[str, list[Any]]:
    """Interim."""
    return {"svc__C": [1, 3, 10], "svc__gamma": [0.002, 0.004, 0.008]}
