"""Reading `.joblib` files: pickles, which run code. Only with trust, and with a word where versions differ."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from eigenface.errors import ModelError
from eigenface.model import FaceClassifier
from eigenface.program import Program


def load_pickled(path: Path, *, trust: bool) -> FaceClassifier:
    """The model in a `.joblib` file: a fitted pipeline that `save_model` wrote, or one of the user's own.

    Raises
    ------
    ModelError
        With code `no_model`, `not_trusted`, `damaged_model`, `other_version` or `not_a_classifier`.
    """
    if not path.is_file():
        raise ModelError("no_model", f"{path}: there is no such model file", "Check the path.")
    if not trust:
        raise ModelError(
            "not_trusted",
            f"{path}: a pickle, and reading one runs the code in it",
            "If you know who made it, pass --trust, or trust=True in Python. An .eigenface file needs no trust.",
        )
    import joblib
    import sklearn
    from sklearn.exceptions import InconsistentVersionWarning

    from eigenface.fold import fold

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            pipeline: Any = joblib.load(path)
    except InconsistentVersionWarning as warning:
        raise ModelError(
            "other_version",
            f"{path}: saved with scikit-learn {warning.original_sklearn_version}; this is {sklearn.__version__}",
            "Install that version, or train the model again. An .eigenface file answers under any version.",
        ) from None
    except Exception as error:  # a damaged pickle fails in whatever its bytes lead to
        raise ModelError(
            "damaged_model", f"{path}: cannot be unpickled ({error})", "Copy it again, or train the model again."
        ) from error
    if not hasattr(pipeline, "predict_proba") or not hasattr(pipeline, "classes_"):
        raise ModelError(
            "not_a_classifier",
            f"{path}: holds a {type(pipeline).__name__} without predict_proba and classes_",
            "A fitted scikit-learn classifier that takes lists of RGB crops is wanted.",
        )
    known = getattr(pipeline, "eigenface_meta_", {})
    meta = {"task": path.stem, "name": path.name, "classes": [str(label) for label in pipeline.classes_], **known}
    operations = fold(pipeline)
    model = FaceClassifier(
        meta,
        program=Program(operations) if operations else None,
        pipeline=pipeline,
        card=str(known.get("card", "")),
        where=str(path),
    )
    model.check()
    return model
