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
from eigenface.program import Program
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
