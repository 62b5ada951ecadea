"""FaceClassifier: a saved or freshly trained model that answers about crops and photos."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eigenface.bundle import Bundle, atomic_file, read_bundle, write_bundle
from eigenface.crops import CropSpec
from eigenface.errors import ModelError, RequestError
from eigenface.program import Operation, Program
from eigenface.review import Review
from eigenface.threads import one_blas_thread
from eigenface.types import Pixels, check_pixels

if TYPE_CHECKING:
    from eigenface.image import PictureSource
    from eigenface.types import Answer


class FaceClassifier:
    """Answers which class a face belongs to, with calibrated probabilities.

    Made by `eigenface.load_model` or `eigenface.train.train`.

    Attributes
    ----------
    task, name : str
        What is asked (`gender`), and the model's own name (`gender:eigenfaces`, or a file's name).
    classes_ : str array (k,)
        Classes in the order of the columns of `predict_proba`.
    crop : CropSpec
        How faces are framed.
    review : Review
        When the model asks for a second look.
    meta : mapping
        Everything else that the file says of itself: versions, data, split, scores beside the baseline's.
    card : str
        The model's card, Markdown.
    program : Program or None
        The folded pipeline; None where a step has no folding rule, then scikit-learn answers.
    """

    def __init__(
        self,
        meta: Mapping[str, Any],
        *,
        program: Program | None,
        pipeline: Any = None,
        bundle: Bundle | None = None,
        card: str = "",
        where: str = "this model",
    ) -> None:
        try:
            self.task, self.name = str(meta["task"]), str(meta["name"])
            self.classes_: NDArray[np.str_] = np.array([str(label) for label in meta["classes"]])
            self.crop = CropSpec(**meta.get("crop", {}))
            self.review = Review.from_meta(meta)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                "damaged_model", f"{where}: its description is not whole ({error})", "Train it again."
            ) from None
        self.meta, self.program, self.card = dict(meta), program, card
        self._pipeline, self._bundle, self._where = pipeline, bundle, where
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FaceClassifier({self.name!r}, classes={self.classes_.tolist()})"

    @property
    def pipeline_(self) -> Any:
        """The fitted scikit-learn estimator, built when first asked for; takes the same crops."""
        with self._lock:
            if self._pipeline is None:
                from eigenface.estimator import load_estimator

                assert self._bundle is not None
                self._pipeline = load_estimator(self._bundle.estimator, self._bundle.arrays, self._where)
            return self._pipeline

    def predict_proba(self, crops: Sequence[Pixels]) -> NDArray[np.float64]:
        """Calibrated probabilities (n, classes) of uint8 RGB crops (rows, cols, 3) of any size."""
        pictures = [check_pixels(crop, f"crop {i}") for i, crop in enumerate(crops)]
        if not pictures:
            return np.zeros((0, len(self.classes_)))
        with one_blas_thread:
            if self.program is None:
                return np.asarray(self.pipeline_.predict_proba(pictures), np.float64)
            return self.program(pictures)

    def predict(self, crops: Sequence[Pixels]) -> NDArray[np.str_]:
        """The most probable class (n,) of each crop."""
        return np.asarray(self.classes_[self.predict_proba(crops).argmax(axis=1)])

    def predict_photo(self, source: PictureSource, *, whole: bool = False) -> Answer:
        """Find the faces in a photo (path, bytes or array) and answer about each.

        `whole`: the picture is a face crop already.
        """
        from eigenface.recognise import Options, recognise

        return recognise(source, [self], Options(whole=whole))


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
        program = Program(_operations(stored, bundle.arrays)) if stored else None
        model = FaceClassifier(bundle.meta, program=program, bundle=bundle, card=bundle.card, where=str(path))
        if program:
            program.check(len(model.classes_))
    except ModelError as error:
        where = "" if str(path) in error.message else f"{path}: "
        raise ModelError(error.code, where + error.message, error.hint) from None
    return model


def _operations(stored: Any, arrays: Mapping[str, NDArray[Any]], depth: int = 0) -> list[Operation]:
    try:
        if depth > 4:
            raise ValueError("branches nested too deep")
        return [
            Operation(
                str(part["op"]),
                dict(part.get("settings", {})),
                {str(role): arrays[name] for role, name in part.get("arrays", {}).items()},
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
