"""What a detector's scores mean: the verifier, the logistic and the threshold, each learned on pictures of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from eigenface.boosting.faces import ROOM, SIDE, draw_mask
from eigenface.boosting.mining import Scene
from eigenface.boosting.recipe import BARE
from eigenface.cli.talk import note
from eigenface.detection.boosted import BoostedDetector, Evidence, log_side
from eigenface.detection.forest import Forest
from eigenface.detection.merge import Boxes, overlaps
from eigenface.detection.pyramid import Grey
from eigenface.detection.verify import FRAME, Verifier, describe, framed
from eigenface.image import load_picture
from eigenface.limits import SMALLEST_FACE
from eigenface.pipelines.boxed_sets import BoxedSet, read_sets
from eigenface.pipelines.detector_sources import Material
from eigenface.vision import cv2

_FACE, _NONE = 0.4, 0.25  # overlap with a face: from here on it is one, below it is none
_FOUND = 0.35  # overlap from which a face counts as found
_SMALLEST = 28.0  # pixels of squares that the verifier learns from
_COUNTED = 40.0  # pixels of both sides of faces that count
_KINDS = ("lfw", "drawn mask", "caltech", "frontal", "profile", "turned45", "profile ?", "turned45 ?")
_PRECISION, _ALARMS = 0.96, 0.01  # what the threshold must reach on pictures kept aside


def learn_evidence(forests: dict[str, Forest], material: Material, data: Path, kept: Path) -> BoostedDetector:
    """A detector of forests that never saw the pictures kept aside: its verifier learns from the others (and is kept
    in a file), what scores mean from those kept aside."""
    detector = BoostedDetector(forests, Verifier(np.zeros(1, np.float32), 0.0), Evidence())
    if not kept.exists():
        learned = learn_verifier(detector, material)
        np.savez(kept, weights=learned.weights, bias=learned.bias)
    with np.load(kept) as file:
        detector.verifier = Verifier(file["weights"], float(file["bias"]))
    rows, faces, counted, empty = [], [], [], []
    for one in read_sets(data):
        weight = []
        for file in one.part("held"):
            found, verified, right = judged(detector, one, file)
            rows.append(np.column_stack([found[:, 3], verified, log_side(found)]))
            faces.append(right)
            counted.append(found[:, 2] >= _COUNTED)
            weight.append(len(found))
            if not any(one.boxes.values()):
                empty.append(len(rows) - 1)
        note(f"{one.name}: {sum(weight)} candidates on {len(weight)} pictures kept aside")
    known = np.concatenate(faces) >= 0
    logistic = LogisticRegression(C=100.0).fit(np.concatenate(rows)[known], np.concatenate(faces)[known])
    (slope, verified, sized), intercept = logistic.coef_[0], logistic.intercept_[0]
    scores = [logistic.predict_proba(row)[:, 1] if len(row) else np.empty(0) for row in rows]
    evidence = replace(
        detector.evidence,
        slope=round(float(slope), 4),
        verified=round(float(verified), 4),
        sized=round(float(sized), 4),
        intercept=round(float(intercept), 4),
        min_score=_threshold(scores, faces, counted, empty),
    )
    return BoostedDetector(forests, detector.verifier, evidence)


def _threshold(
    scores: Sequence[NDArray[np.float64]],
    faces: Sequence[NDArray[np.int_]],
    counted: Sequence[NDArray[np.bool_]],
    empty: Sequence[int],
) -> float:
    """The least score at which precision, and pictures without a face in which one is found, are as asked for."""
    large = np.concatenate(counted) & (np.concatenate(faces) >= 0)
    every, right = np.concatenate(scores)[large], np.concatenate(faces)[large]
    tops = np.array([scores[at].max(initial=0.0) for at in empty])
    for least in np.arange(0.05, 0.96, 0.01):
        if right[every >= least].mean() >= _PRECISION and np.mean(tops >= least) <= _ALARMS:
            return round(float(least), 2)
    return 0.95


def judged(detector: BoostedDetector, one: BoxedSet, file: str) -> tuple[Boxes, NDArray[np.float32], NDArray[np.int_]]:
    """Candidates of a picture, the verifier's log odds, and whether each is a face (1), none (0) or neither (-1)."""
    grey = cv2.cvtColor(load_picture(one.place.read(file), name=file).pixels, cv2.COLOR_RGB2GRAY)
    found, verified = detector.candidates(grey, SMALLEST_FACE)
    boxes = np.array([(b.x, b.y, b.width, b.height) for b, _ in one.boxes[file]], float).reshape(-1, 4)
    right = np.zeros(len(found), int)
    if len(found) and len(boxes):
        shared = overlaps(found[:, [0, 1, 2, 2]], boxes)
        right[shared.max(axis=1) > _NONE] = -1
        for at in np.argsort(-found[:, 3]):
            best = int(shared[at].argmax())
            if shared[at, best] >= _FOUND:
                right[at] = 1
                shared[:, best] = 0
        unknown = np.array([label == "unknown" for _, label in one.boxes[file]])
        near = overlaps(found[:, [0, 1, 2, 2]], boxes)
        right[unknown[near.argmax(axis=1)] & (near.max(axis=1) > _NONE)] = -1
    return found, verified, right


def learn_verifier(detector: BoostedDetector, material: Material) -> Verifier:
    """A linear machine on Fisher vectors of candidates and of faces that nobody keeps aside."""
    rng = np.random.default_rng(0)
    pictures: list[Grey] = []
    faces: list[bool] = []
    for scene in material.scenes:
        found = detector.merged(detector.windows(scene.grey, _SMALLEST))
        found = found[found[:, 3] >= detector.evidence.candidate]
        for square, shared in zip(found, _most_shared(found, scene), strict=True):
            if shared >= _FACE or shared < _NONE:
                pictures.append(framed(scene.grey, square[:3]))
                faces.append(bool(shared >= _FACE))
    bank = material.bank
    size = len(pictures[0])
    for crop, kind, held in zip(bank.crops, bank.kinds, material.held, strict=True):
        if kind in _KINDS and not held:
            shown = draw_mask(crop, rng) if kind in BARE and rng.random() < 0.3 else crop
            pictures.append(_shaken(shown, size, rng))
            faces.append(True)
    pictures += [picture[:, ::-1] for picture, face in zip(pictures, faces, strict=True) if face]
    faces += [True] * (len(pictures) - len(faces))
    note(f"verifier: {sum(faces)} faces, {len(faces) - sum(faces)} others")
    machine = LogisticRegression(C=10.0, max_iter=300).fit(describe(pictures), faces)
    weights = machine.coef_[0].astype(np.float16).astype(np.float32)
    return Verifier(weights, float(machine.intercept_[0]))


def _most_shared(found: Boxes, scene: Scene) -> NDArray[np.float64]:
    if not len(found) or not len(scene.boxes):
        return np.zeros(len(found))
    most: NDArray[np.float64] = overlaps(found[:, [0, 1, 2, 2]], scene.boxes).max(axis=1)
    return most


def _shaken(crop: Grey, size: int, rng: np.random.Generator) -> Grey:
    """A face of the bank as a detection a little off would frame it."""
    scale = size / (SIDE / ROOM * FRAME) * np.exp(rng.normal(0, 0.06))
    shift = (size - 1) / 2 - (SIDE - 1) / 2 * scale + rng.normal(0, size * 0.02, 2)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    shaken: Grey = cv2.warpAffine(crop, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return shaken


def card_of(detector: BoostedDetector, data: Path) -> str:
    """What a user should know of the detector: what it learned from, and where it fails."""
    evidence = detector.evidence
    return (
        "Finds bare, masked and turned faces of 24 pixels or more. "
        f"{sum(len(forest.features) for forest in detector.forests.values())} trees; a face is answered from a score "
        f"of {evidence.min_score}. Learned from {', '.join(one.name for one in read_sets(data))} and crops of faces, "
        "seven in ten of them for the twin that figures are of. Heads turned upside down or by more than a third of a "
        "right angle are not looked for; dark faces, and those of people whom these sets seldom show, may be missed "
        "more often."
    )
