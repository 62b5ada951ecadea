"""FaceEmbedder: faces as points on a sphere, where two pictures of one person lie near each other.

The model of the open task `identity`: it knows nobody. Two photos are compared, or people are enrolled in a gallery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eigenface.bundle import Bundle
from eigenface.errors import ModelError, RequestError
from eigenface.model import FaceClassifier
from eigenface.program import DRAWN_CROP, Described, Program
from eigenface.threads import one_blas_thread
from eigenface.types import Box, Pixels, Rows, check_pixels

if TYPE_CHECKING:
    from eigenface.image import PictureSource

OPEN = "open"
"""What `kind` is in the description of such a model."""


@dataclass(frozen=True, slots=True)
class Odds:
    """From the cosine of two faces to the probability that they are of one person, and to false accept rates.

    Parameters
    ----------
    slope, offset : float
        Of the sigmoid over the cosine, where as many pairs are of one person as of two.
    rates, thresholds : tuple of float
        At a cosine of `thresholds[i]` a share of `rates[i]` of pairs of two people is taken for one; rates fall.
    """

    slope: float
    offset: float
    rates: tuple[float, ...] = ()
    thresholds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not np.isfinite([self.slope, self.offset, *self.rates, *self.thresholds]).all() or self.slope <= 0:
            raise ValueError(f"odds: expected finite numbers and a slope above 0, got {self}")
        falling = all(a > b for a, b in zip(self.rates, self.rates[1:], strict=False))
        rising = all(a <= b for a, b in zip(self.thresholds, self.thresholds[1:], strict=False))
        if len(self.rates) != len(self.thresholds) or not falling or not rising:
            raise ValueError("odds: expected falling rates with as many rising thresholds")

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> Odds:
        """The odds of a saved model."""
        stored = dict(meta["odds"])
        return cls(
            float(stored["slope"]),
            float(stored["offset"]),
            tuple(float(rate) for rate in stored.get("rates", ())),
            tuple(float(threshold) for threshold in stored.get("thresholds", ())),
        )

    def as_dict(self) -> dict[str, Any]:
        """As a saved model carries them."""
        return {
            "slope": self.slope,
            "offset": self.offset,
            "rates": list(self.rates),
            "thresholds": list(self.thresholds),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether two photos show one person.

    Parameters
    ----------
    same : bool
        Whether that is more probable than not.
    probability : float
        That it is one person, 0..1, if beforehand one were as likely as two.
    similarity : float
        Cosine of the two faces, -1..1.
    boxes : pair of Box
        The faces compared, in pixels of each photo as shown.
    """

    same: bool
    probability: float
    similarity: float
    boxes: tuple[Box, Box]

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON has it."""
        return {
            "same": self.same,
            "probability": round(self.probability, 6),
            "similarity": round(self.similarity, 6),
            "boxes": [box.as_dict() for box in self.boxes],
        }


class FaceEmbedder(FaceClassifier):
    """A model without classes: it turns faces into rows of length 1 whose cosine says how alike two faces are.

    Made by `eigenface.load_model("identity")`; a gallery makes it answer who somebody is.

    Attributes
    ----------
    odds : Odds
        What a cosine means.
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
        super().__init__(
            {**meta, "classes": []}, program=program, pipeline=pipeline, bundle=bundle, card=card, where=where
        )
        try:
            self.odds = Odds.from_meta(meta)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                "damaged_model", f"{where}: its description is not whole ({error})", "Train it again."
            ) from None

    def __repr__(self) -> str:
        return f"FaceEmbedder({self.name!r})"

    def _is_described(self, built: Any) -> bool:
        return hasattr(built, "transform")

    def check(self) -> None:
        """Embed one drawn crop: what does not fit together is noticed when a model is loaded.

        Raises
        ------
        ModelError
            With code `bad_operation`.
        """
        try:
            row = self.embed([DRAWN_CROP])
            fits = row.ndim == 2 and row.shape[1] > 0 and abs(float(np.linalg.norm(row)) - 1) < 1e-3
            what = f"it gives rows {row.shape} of length {float(np.linalg.norm(row)):.3f}"
        except Exception as error:  # arrays that do not fit fail in whatever numpy or OpenCV makes of them
            fits, what = False, str(error)
        if not fits:
            raise ModelError(
                "bad_operation", f"{self._where}: its program does not embed a face ({what})", "Train the model again."
            )

    def embed(self, crops: Sequence[Pixels]) -> Rows:
        """Rows (n, d), float32, of length 1, of uint8 RGB crops (rows, cols, 3) of any size framed as `crop` says."""
        pictures = [check_pixels(crop, f"crop {i}") for i, crop in enumerate(crops)]
        with one_blas_thread:
            if not pictures:
                return np.zeros((0, self.dimensions), np.float32)
            if self.program is None:
                return np.asarray(self.pipeline_.transform(pictures), np.float32)
            return np.asarray(self.program(pictures), np.float32)

    @property
    def dimensions(self) -> int:
        """Numbers a row."""
        return int(self.embed([DRAWN_CROP]).shape[1])

    @staticmethod
    def similarity(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float32]:
        """Cosines (n, m), -1..1, of rows (n, d) and (m, d)."""
        cosines: NDArray[np.float32] = np.clip(np.atleast_2d(a) @ np.atleast_2d(b).T, -1, 1).astype(np.float32)
        return cosines

    def probability(self, similarity: Any) -> NDArray[np.float64]:
        """That a pair of faces is of one person, 0..1, of cosines of any shape.

        Calibrated on pairs of people the model had never seen, as many of one person as of two. Where one is rarer
        beforehand, as among the faces of a crowd, it is less probable than this.
        """
        logits = self.odds.slope * np.asarray(similarity, np.float64) + self.odds.offset
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -500, 500))))

    def threshold_for(self, false_accept_rate: float) -> float:
        """The least cosine at which two people are taken for one at most this often, as measured on strangers.

        Raises
        ------
        RequestError
            With code `bad_rate`, where the rate is smaller or larger than what was measured.
        """
        rates = np.array(self.odds.rates[::-1])
        if not len(rates) or not rates[0] <= false_accept_rate <= rates[-1]:
            known = f"between {rates[0]:g} and {rates[-1]:g}" if len(rates) else "none: this model was not judged"
            raise RequestError("bad_rate", f"a false accept rate of {false_accept_rate:g}", f"Give one {known}.")
        return float(np.interp(np.log(false_accept_rate), np.log(rates), np.array(self.odds.thresholds[::-1])))

    def compare(self, photo_a: PictureSource, photo_b: PictureSource, *, whole: bool = False) -> Comparison:
        """Whether two photos (paths, bytes or arrays) show one person: of each the main face.

        Parameters
        ----------
        photo_a, photo_b : path, bytes or array
        whole : bool
            The photos are face crops already.

        Raises
        ------
        PictureError
            Where a photo cannot be read, or with code `no_face`, where no face is found in it.
        """
        from eigenface.likeness import compare_rows, main_portrait
        from eigenface.recognise import Options

        one, two = (main_portrait(photo, self, Options(whole=whole)) for photo in (photo_a, photo_b))
        return compare_rows(self.embed([one.crop, two.crop]), (one.box, two.box), self)

    def predict_proba(self, crops: Sequence[Pixels], *, shared: Described | None = None) -> NDArray[np.float64]:
        """Refused: who somebody is, only a gallery of enrolled people can say."""
        raise RequestError(
            "no_gallery",
            f"{self.name} knows nobody by name",
            "Enrol people in a gallery and name it with --gallery FILE; or compare two photos.",
        )
