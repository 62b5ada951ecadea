"""Loading and saving models: shipped ones by name, `.eigenface` files, and `.joblib` files with trust."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.bundle import Bundle, StoredArrays, atomic_file, read_bundle, write_bundle
from eigenface.compact import Encoded
from eigenface.embedding import OPEN, FaceEmbedder
from eigenface.errors import ModelError, RequestError
from eigenface.model import FaceClassifier
from eigenface.program import Operation, Program
from eigenface.threads import one_blas_thread


def shipped_models() -> dict[str, Path]:
    """Files of the models that come with the package, by name: `gender`, `gender:eigenfaces`, ..."""
    folder = Path(__file__).parent / "models"
    return {path.stem.replace("-", ":"): path for path in sorted(folder.glob("*.eigenface"))}


def load_model(name: str | Path, *, trust: bool = False) -> FaceClassifier:
    """A shipped model by name, or a saved one by path.

    Parameters
    ----------
    name : str or path
        `gender`, `gender:eigenfaces` and so on; or a `.eigenface` or `.joblib` file.
    trust : bool
        Needed for a `.joblib` file: it is a pickle, and reading a pickle runs code that it holds.

    Raises
    ------
    ModelError
        Where the file cannot be used.
    RequestError
        With code `unknown_task`, where there is neither such a model nor such a file.
    """
    shipped = shipped_models()
    if str(name) in shipped:
        return _from_bundle(shipped[str(name)])
    path = Path(name)
    if path.suffix in (".joblib", ".pkl", ".pickle"):
        from eigenface.pickled import load_pickled

        return load_pickled(path, trust=trust)
    if path.suffix == ".eigenface" or path.exists():
        return _from_bundle(path)
    raise RequestError(
        "unknown_task",
        f"there is no model {str(name)!r}",
        f"Shipped are {', '.join(shipped) or 'none'}; one of your own is a path that ends in .eigenface or .joblib.",
    )


def _from_bundle(path: Path) -> FaceClassifier:
    bundle = read_bundle(path)
    stored = bundle.meta.get("program")
    try:
        arrays = bundle.arrays if isinstance(bundle.arrays, StoredArrays) else StoredArrays(bundle.arrays)
        with one_blas_thread:
            program = Program(_operations(stored, arrays)) if stored else None
            kind = FaceEmbedder if bundle.meta.get("kind") == OPEN else FaceClassifier
            model = kind(bundle.meta, program=program, bundle=bundle, card=bundle.card, where=str(path))
            model.check()
    except ModelError as error:
        where = "" if str(path) in error.message else f"{path}: "
        raise ModelError(error.code, where + error.message, error.hint) from None
    return model


_IN_CODES = {("pca", "components"), ("svm", "vectors"), ("kernel_sum", "vectors")}
"""Arrays by operation and role that programs use as they are stored: most of a model's numbers."""


def _finite(array: NDArray[Any] | Encoded) -> NDArray[Any] | Encoded:
    coded = isinstance(array, Encoded) and array.steps is not None
    if not np.isfinite(array.steps * 127.0 if coded else array).all():  # type: ignore[union-attr, operator]
        raise ValueError("an array that holds what is no number")
    return array


def _operations(stored: Any, arrays: StoredArrays, depth: int = 0) -> list[Operation]:
    try:
        if depth > 4:
            raise ValueError("branches nested too deep")
        return [
            Operation(
                str(part["op"]),
                dict(part.get("settings", {})),
                {
                    str(role): _finite(arrays.as_stored(name) if (part["op"], role) in _IN_CODES else arrays[name])
                    for role, name in part.get("arrays", {}).items()
                },
                tuple(tuple(_operations(branch, arrays, depth + 1)) for branch in part.get("branches", [])),
            )
            for part in stored
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError("damaged_model", f"its program is not whole ({error})", "Train the model again.") from None


def save_model(model: FaceClassifier, path: str | Path) -> None:
    """Save a model atomically: `.eigenface`, or `.joblib` for its fitted pipeline as a pickle.

    Raises
    ------
    RequestError
        With code `unknown_suffix`.
    ModelError
        Where the folder cannot be written, or the pipeline holds types that an `.eigenface` may not.
    """
    path = Path(path)
    if path.suffix == ".joblib":
        import joblib

        pipeline = model.pipeline_
        pipeline.eigenface_meta_ = dict(model.meta) | {"card": model.card}
        with atomic_file(path) as handle:
            joblib.dump(pipeline, handle)
        return
    if path.suffix != ".eigenface":
        raise RequestError(
            "unknown_suffix", f"{path}: a model is saved as .eigenface or .joblib", "Give it one of these suffixes."
        )
    from eigenface.estimator import ArrayStore, dump_estimator

    store = ArrayStore()
    estimator = dump_estimator(model.pipeline_, store)
    program = _stored(model.program.operations, store) if model.program else None
    write_bundle(Bundle({**model.meta, "program": program}, store.arrays, estimator, model.card), path)


def _stored(operations: Sequence[Operation], store: Any) -> list[dict[str, Any]]:
    stored = []
    for operation in operations:
        part: dict[str, Any] = {"op": operation.name}
        if operation.settings:
            part["settings"] = dict(operation.settings)
        if operation.arrays:
            part["arrays"] = {role: store.put(np.asarray(array)) for role, array in operation.arrays.items()}
        if operation.branches:
            part["branches"] = [_stored(branch, store) for branch in operation.branches]
        stored.append(part)
    return stored
