"""Faces found by boosted trees over channels: bare, masked and turned ones, at every size of a pyramid.

1. *Gate.* A small forest tries every second window, and those around what it passes; it knows all kinds of faces.
2. *Parts.* What is left is judged by larger forests: frontal faces by two, of which one sees more around the face and
   the mean counts; faces turned to the right by one, and to the left by its mirror image.
3. *Merge.* Windows that overlap are one face. That many agree is evidence, and their mean is the box.
4. *Verify.* Each candidate is cut out and judged once more, by Fisher vectors of its details (verify.py).
5. *Score.* A logistic of all that was said turns it into the probability that the box is a face; of boxes within each
   other one stays (merge.py).
6. *Place.* The frontal cascade's windows, where it fires on a frontal face, say more exactly where that is. On a turned
   face they lie a fifth of a side off: their overlap with what people drew is .56, without them it is .87.

References: Dollár, Appel, Belongie and Perona, Fast feature pyramids for object detection, PAMI 2014,
doi:10.1109/TPAMI.2014.2300479; Mathias, Benenson, Pedersoli and Van Gool, Face detection without bells and whistles,
ECCV 2014, doi:10.1007/978-3-319-10593-2_47.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.detection.forest import UNIT, Forest
from eigenface.detection.haar import HaarDetector
from eigenface.detection.merge import Boxes, keep_best, overlapping
from eigenface.detection.pyramid import PAD, SQUARE, Grey, bounded_scale
from eigenface.detection.scanning import GIVEN_UP, around, judge, scan
from eigenface.detection.sheet import Sheet, sheet
from eigenface.detection.verify import Verifier
from eigenface.features.channels import CELL
from eigenface.limits import SMALLEST_FACE
from eigenface.stored import stored_arrays
from eigenface.types import Box, Detection, Pixels, check_pixels
from eigenface.vision import cv2

SHIPPED = Path(__file__).parents[1] / "models" / "detector.npz"

_FRAME = (-0.012, 1.078)
"""From a window's square to the frontal cascade's, in sides: how far up, and how large. Medians over 519 faces."""

_MOST_PIXELS = 1_000_000  # of the first level: what a large picture and a small `min_face` may ask for
CERTAIN, CERTAINLY = 8.0, 2.0
"""Evidence from which no second look is taken, and the log odds that it would have given, about."""

_PLACED = 48  # pixels of the smallest square that is placed: smaller ones have no details to place them by
_SLACK = UNIT // 4  # a window between two of the grid may be a better one
_MOST_WINDOWS = 600  # that are merged
_SAME_WINDOW = 0.5
_SAME_FACE = 0.3
"""Overlap from which two boxes are one face."""

FORESTS = ("gate", "tight", "wide", "turned")


@dataclass(frozen=True, slots=True)
class Evidence:
    """How scores of windows become the probability of a face: numbers learned on pictures kept aside.

    Parameters
    ----------
    least : float
        Log odds of a window that counts.
    vote : float
        Added for every e-fold of windows that agree.
    candidate : float
        Evidence from which a place is worth a second look.
    weights : tuple of float (5,)
        Of the logistic: of the evidence, of the verifier's log odds, of the logarithm of the side over 40 pixels (small
        squares are many, and few of them show a face), and of the best windows of the frontal and the turned forests.
    intercept : float
    min_score : float
        Probability from which a face is answered.
    """

    least: float = -0.5
    vote: float = 0.75
    candidate: float = 1.0
    weights: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 0.0)
    intercept: float = -4.0
    min_score: float = 0.7

    def scores(self, found: Boxes, verified: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n,) of candidates, as `BoostedDetector.merged` gives them, with the verifier's log odds."""
        odds = reasons(found, verified) @ np.array(self.weights) + self.intercept
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


def reasons(found: Boxes, verified: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the logistic weighs, (n, 5): see `Evidence`."""
    sides = np.log(np.minimum(found[:, 2], 80) / 40)  # from 80 on the same
    return np.column_stack([found[:, 3], verified, sides, found[:, 4:]])


class BoostedDetector:
    """Bare, masked and turned faces; one object may be shared by all threads.

    Parameters
    ----------
    forests : mapping of Forest
        By the names in `FORESTS`; `tight` has the gate's side, and `turned` that of `wide`.
    verifier : Verifier
    evidence : Evidence
    card : str
        What a user should know of it.
    faces : bool
        It finds faces, so that boxes are the frontal cascade's. Otherwise they are as those that it learned from, and
        `turned` may be missing.
    """

    name = "boosted"

    def __init__(
        self,
        forests: Mapping[str, Forest],
        verifier: Verifier,
        evidence: Evidence,
        *,
        card: str = "",
        faces: bool = True,
    ) -> None:
        self.forests = dict(forests)
        self.card = card
        self.verifier = verifier
        self.evidence = evidence
        self.faces = faces
        self.min_score = evidence.min_score
        self._placer = HaarDetector()
        turned = self.forests.get("turned")
        self._turned = [] if turned is None else [turned, turned.mirrored()]

    def prepare(self) -> None:
        """What `detection.Detector.prepare` says."""
        self._placer.prepare()

    def detect(
        self, pixels: Pixels, *, min_face: int = SMALLEST_FACE, min_score: float | None = None
    ) -> list[Detection]:
        """What `detection.Detector.detect` says.

        The scan is bounded: in a picture of 12 megapixels faces below about 90 pixels are not seen, whatever is asked.
        """
        check_pixels(pixels)
        least = self.min_score if min_score is None else min_score
        grey: Grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        found, verified = self.candidates(grey, min_face)
        scores = self.evidence.scores(found, verified)
        detections = [
            Detection(Box(float(x), float(y), float(side), float(side)), float(score))
            for (x, y, side), score in zip(found[:, :3], scores, strict=True)
        ]
        frontal = {one for one, row in zip(detections, found, strict=True) if row[4] >= row[5]}
        # The second look knows best which of two boxes within each other is the face: a mouth may pass for a small one.
        detections = [
            replace(one, box=self._placed(grey, one.box)) if one in frontal else one
            for one in keep_best(detections)
            if one.score >= least and one.box.width >= min_face
        ]
        return sorted(detections, key=lambda d: -d.box.area)

    def _placed(self, grey: Grey, box: Box) -> Box:
        """Step 6."""
        if not self.faces or box.width < _PLACED:
            return box
        placed = self._placer.placed(grey, box)
        return placed if placed.iou(box) > _SAME_WINDOW else box

    def candidates(self, grey: Grey, min_face: float) -> tuple[Boxes, NDArray[np.float32]]:
        """Steps 1 to 4 on a grey picture: rows as `merged` gives them, and the verifier's log odds of each."""
        found = self.merged(self.windows(grey, min_face))
        found = found[found[:, 3] >= self.evidence.candidate]
        verified = np.full(len(found), CERTAINLY, np.float32)
        doubtful = found[:, 3] < CERTAIN
        verified[doubtful] = self.verifier(grey, found[doubtful, :3])
        return found, verified

    def windows(self, grey: Grey, min_face: float) -> Boxes:
        """Steps 1 and 2: windows that a part takes for a face, in pixels: rows (x, y, side, log odds, 1 if turned)."""
        # A face a little smaller than asked for still fires in the first level's windows, and its box may be larger.
        laid = sheet(grey, bounded_scale(grey, SQUARE / min_face, _MOST_PIXELS))
        gate = self.forests["gate"]
        passed = scan(laid.planes, gate, owners=laid.owners, slack=_SLACK)[:, :2]
        tight, wide = self.forests["tight"], self.forests["wide"]
        scores = judge(laid.planes, tight, passed)
        places, fits = around(passed, gate.side, wide.side, laid.owners)
        frontal = scores[fits] > GIVEN_UP
        wider = judge(laid.planes, wide, places[frontal])
        agreed = wider > GIVEN_UP
        found, sums = [places[frontal][agreed]], [(scores[fits][frontal][agreed] + wider[agreed]) / 2]
        for forest in self._turned:
            scores = judge(laid.planes, forest, places)
            found.append(places[scores > GIVEN_UP])
            sums.append(scores[scores > GIVEN_UP].astype(float))
        turned = np.arange(sum(map(len, found))) >= len(found[0])
        return self._squares(laid, np.concatenate(found), np.concatenate(sums), turned)

    def _squares(self, laid: Sheet, places: NDArray[np.int32], sums: Boxes, turned: NDArray[np.bool_]) -> Boxes:
        """Windows of the wide forest's side as rows of `windows`: those with enough evidence."""
        enough = sums / UNIT >= self.evidence.least
        places, sums = places[enough], sums[enough]
        level = laid.owners[places[:, 1], places[:, 0]]
        corner = (self.forests["wide"].side * CELL - SQUARE) / 2 - PAD
        corners = (CELL * (places - laid.first[level]) + corner) / laid.scales[level]
        sides = SQUARE / np.sqrt(laid.scales[level].prod(axis=1))
        return np.column_stack([corners, sides, sums / UNIT, turned[enough]])

    def merged(self, windows: Boxes) -> Boxes:
        """Step 3: rows (x, y, side, evidence, log odds of its best frontal and of its best turned window)."""
        if not len(windows):
            return np.empty((0, 6))
        windows = windows[np.argsort(-windows[:, 3], kind="stable")][:_MOST_WINDOWS]
        shared = overlapping(windows[:, [0, 1, 2, 2]], _SAME_FACE, _SAME_WINDOW)
        near = shared > 1
        evidence = windows[:, 3] + self.evidence.vote * np.log(near.sum(axis=1))
        found = []
        for best in _apart(shared > 0, evidence):
            members = windows[near[best]]
            weights = np.exp(np.clip(members[:, 3] - members[:, 3].max(), -4, 0))
            bests = [members[members[:, 4] == part, 3].max(initial=self.evidence.least) for part in (0, 1)]
            found.append([*np.average(members[:, :3], axis=0, weights=weights), evidence[best], *bests])
        faces = np.array(found)
        up, larger = _FRAME if self.faces else (0.0, 1.0)
        faces[:, 1] -= up * faces[:, 2]
        faces[:, :2] -= faces[:, 2:3] * (larger - 1) / 2
        faces[:, 2] *= larger
        same = overlapping(faces[:, [0, 1, 2, 2]], _SAME_FACE) > 0
        return faces[_apart(same, faces[:, 3])]  # means may lie nearer to each other than windows did


def _apart(same: NDArray[np.bool_], evidence: NDArray[np.float64]) -> list[int]:
    """Of boxes that cover the `same` face (n, n) the one with the most evidence: their numbers."""
    free = np.ones(len(same), bool)
    kept = []
    for best in np.argsort(-evidence, kind="stable"):
        if free[best]:
            free &= ~same[best]
            kept.append(int(best))
    return kept


def save_detector(detector: BoostedDetector, path: Path) -> None:
    """Write a detector as one npz file without pickles."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, forest in detector.forests.items():
        arrays[f"{name}_features"] = forest.features.astype(np.uint16)
        arrays[f"{name}_limits"] = forest.limits
        arrays[f"{name}_leaves"] = forest.leaves
        arrays[f"{name}_least"] = forest.least
    arrays["verifier"] = detector.verifier.weights.astype(np.float16)
    sides = {name: forest.side for name, forest in detector.forests.items()}
    about = json.dumps(
        {
            "sides": sides,
            "evidence": asdict(detector.evidence),
            "card": detector.card,
            "bias": detector.verifier.bias,
            "faces": detector.faces,
        }
    )
    arrays["about"] = np.frombuffer(about.encode(), np.uint8)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # its stubs take a name for an option


@functools.cache
def load_detector(path: Path = SHIPPED) -> BoostedDetector:
    """The detector in a file; checked before it is used.

    Raises
    ------
    ModelError
        Where the file is none, or damaged.
    """
    remedy = "Train one with eigenface.pipelines.train_detector."
    with stored_arrays(path, "bad_detector", "this is no detector", remedy) as file:
        about = json.loads(bytes(file["about"]).decode())
        forests = {
            name: Forest(
                int(about["sides"][name]),
                file[f"{name}_features"].astype(np.int32),
                np.ascontiguousarray(file[f"{name}_limits"], np.uint8),
                np.ascontiguousarray(file[f"{name}_leaves"], np.int16),
                np.ascontiguousarray(file[f"{name}_least"], np.int32),
            )
            for name in FORESTS
            if name != "turned" or name in about["sides"]
        }
        verifier = Verifier(file["verifier"].astype(np.float32), float(about["bias"]))
        evidence = Evidence(**{**about["evidence"], "weights": tuple(about["evidence"]["weights"])})
        return BoostedDetector(forests, verifier, evidence, card=str(about["card"]), faces=bool(about["faces"]))
