"""FaceClassifier: a saved or freshly trained model that answers about crops and photos."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eigenface.bundle import Bundle
from eigenface.crops import CropSpec
from eigenface.errors import ModelError
from eigenface.program import DRAWN_CROP, Described, Program
from eigenface.review import Review
from eigenface.threads import one_blas_thread
from eigenface.types import Pixels, check_pixels

if TYPE_CHECKING:
    from eigenface.image import PictureSource
    from eigenface.types import Answer


_FORM: Mapping[str, Any] = {
    "task": str,
    "name": str,
    "classes": list | tuple,
    "question": str,
    "crop": dict,
    "review": dict,
    "limits": list,
    "data": dict,
    "split": dict,
    "judged": list,
    "parameters": dict,
    "versions": dict,
}
"""What the parts of a description are, for those who read it; `task`, `name` and `classes` must be there."""


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
            for key, kind in _FORM.items():
                if key in meta and not isinstance(meta[key], kind):
                    raise ValueError(f"{key} is {meta[key]!r}")
            if len(set(self.classes_)) != len(self.classes_):
                raise ValueError(f"two classes of one name among {self.classes_.tolist()}")
            if not all(isinstance(row, dict) for row in meta.get("judged", [])):
                raise ValueError(f"judged is {meta['judged']!r}")
            self.crop = CropSpec(**meta.get("crop", {}))
            self.review = Review.from_meta(meta)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
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
                built = load_estimator(self._bundle.estimator, self._bundle.arrays, self._where)
                if not self._is_described(built):
                    said = [str(label) for label in getattr(built, "classes_", ())]
                    raise ModelError(
                        "damaged_model",
                        f"{self._where}: holds a {type(built).__name__} of the classes {said}, not the model described",
                        "Train the model again.",
                    )
                self._pipeline = built
            return self._pipeline

    def _is_described(self, built: Any) -> bool:
        """Whether the estimator in the file answers about the classes that the file's description names."""
        said = [str(label) for label in getattr(built, "classes_", ())]
        return said == self.classes_.tolist() and hasattr(built, "predict_proba")

    def check(self) -> None:
        """Answer one drawn crop: what does not fit together is noticed when a model is loaded, not at the first face.

        Raises
        ------
        ModelError
            With code `bad_operation`, or `not_a_classifier` where scikit-learn answers.
        """
        if self.program is not None:
            try:
                self.program.check(len(self.classes_))
            except ModelError as error:
                raise ModelError(error.code, f"{self._where}: {error.message}", error.hint) from error
            return
        pipeline = self.pipeline_
        try:
            answer = np.asarray(pipeline.predict_proba([DRAWN_CROP]))
            fits = answer.shape == (1, len(self.classes_)) and abs(float(answer.sum()) - 1) < 1e-3
            what = f"it answers {answer.tolist()}"
        except Exception as error:  # a stranger's estimator fails in its own way
            fits, what = False, str(error)
        if not fits:
            raise ModelError(
                "not_a_classifier",
                f"{self._where}: its {type(pipeline).__name__} cannot answer about a crop ({what})",
                "A fitted scikit-learn classifier that takes lists of uint8 RGB arrays (rows, cols, 3) is wanted.",
            )

    def predict_proba(self, crops: Sequence[Pixels], *, shared: Described | None = None) -> NDArray[np.float64]:
        """Calibrated probabilities (n, classes) of uint8 RGB crops (rows, cols, 3) of any size.

        Several models that are asked about the very same crops may be given one dictionary as `shared`.
        """
        pictures = [check_pixels(crop, f"crop {i}") for i, crop in enumerate(crops)]
        if not pictures:
            return np.zeros((0, len(self.classes_)))
        with one_blas_thread:
            if self.program is None:
                return np.asarray(self.pipeline_.predict_proba(pictures), np.float64)
            return self.program(pictures, shared)

    def predict(self, crops: Sequence[Pixels]) -> NDArray[np.str_]:
        """The most probable class (n,) of each crop."""
        return np.asarray(self.classes_[self.predict_proba(crops).argmax(axis=1)])

    def predict_photo(self, source: PictureSource, *, whole: bool = False) -> Answer:
        """Find the faces in a photo (path, bytes or array) and answer about each.

        `whole`: the picture is a face crop already.
        """
        from eigenface.recognise import Options, recognise

        return recognise(source, [self], Options(whole=whole))
