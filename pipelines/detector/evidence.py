"""What a detector's scores mean: the verifier and the logistic, learned where forests never saw it.

All pictures lie in folds. A twin of the forests that never saw a fold looks at it: what it takes for a face there is
what the detector will meet in new pictures. From the findings in other folds a verifier and a logistic are learned
for each twin, which so knows nothing of its own fold; for the detector they are learned from all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from eigenface.boosting.faces import ROOM, SIDE, FaceBank, draw_mask
from eigenface.boosting.mining import Scene
from eigenface.boosting.recipe import BARE, OBJECT
from eigenface.bundle import atomic_file
from eigenface.cli.talk import note
from eigenface.detection.boosted import CERTAIN, CERTAINLY, BoostedDetector, Evidence, reasons
from eigenface.detection.merge import Boxes, overlaps
from eigenface.detection.pyramid import Grey
from eigenface.detection.verify import FRAME, VOCABULARY, Verifier, describe, framed
from eigenface.features.fisher import load_vocabularies
from eigenface.image import load_picture
from eigenface.limits import SMALLEST_FACE
from eigenface.pipelines.detector.boxed_sets import BoxedSet, fold_of, read_sets
from eigenface.pipelines.detector.material import Material
from eigenface.vision import cv2

_FACE, _NONE = 0.4, 0.25  # overlap with a face: from here on it is one, below it is none
_FOUND = 0.35  # overlap from which a face counts as found
_SMALLEST = 28.0  # pixels of squares that the verifier learns from
_DOUBTFUL = 0.0  # evidence of squares that it learns from
_KINDS = (OBJECT, "lfw", "drawn mask", "caltech", "frontal", "profile", "turned45", "profile ?", "turned45 ?")


@dataclass(frozen=True)
class Findings:
    """What a twin takes for faces in the fold that it never saw.

    Parameters
    ----------
    squares : uint8 array (n, size, size)
        As the verifier looks at them, of scenes and of faces.
    faces : bool array (n,)
    found : float array (m, 6)
        Candidates in the pictures that detectors are judged by.
    looks : uint8 array (m, size, size)
    right : int array (m,)
        1 for a face, 0 for none, -1 for neither.
    """

    squares: NDArray[np.uint8]
    faces: NDArray[np.bool_]
    found: Boxes
    looks: NDArray[np.uint8]
    right: NDArray[np.int_]


NOTHING_SAID = Verifier(np.zeros(1, np.float32), 0.0)
"""For a detector that is only asked for what it would look at again."""


def find(detector: BoostedDetector, material: Material, data: Path, fold: int, work: Path) -> Findings:
    """What a detector whose forests never saw a fold finds in it; kept in a file."""
    kept = work / f"findings{fold}.npz"
    if not kept.exists():
        parts = {**_to_learn(detector, material, fold), **_to_judge(detector, data, fold)}
        with atomic_file(kept) as handle:
            np.savez(handle, **parts)
    with np.load(kept) as file:
        findings = Findings(**{name: file[name] for name in file.files})
    faces = int(findings.faces.sum())
    note(f"fold {fold}: {faces} faces, {len(findings.faces) - faces} others, {len(findings.found)} candidates")
    return findings


def _to_learn(detector: BoostedDetector, material: Material, fold: int) -> dict[str, Any]:
    rng = np.random.default_rng(fold)
    squares: list[Grey] = []
    faces: list[bool] = []
    for scene, key in zip(material.scenes, material.scene_keys, strict=True):
        if fold_of(key) != fold:
            continue
        found = detector.merged(detector.windows(scene.grey, _SMALLEST))
        found = found[found[:, 3] >= _DOUBTFUL]
        for square, shared in zip(found, _most_shared(found, scene), strict=True):
            if shared >= _FACE or shared < _NONE:
                squares.append(framed(scene.grey, square[:3]))
                faces.append(bool(shared >= _FACE))
    portraits = _portraits(material.bank, fold, rng)
    return {
        "squares": np.array([*squares, *portraits]),
        "faces": np.array([*faces, *[True] * len(portraits)]),
    }


def _portraits(bank: FaceBank, fold: int, rng: np.random.Generator) -> list[Grey]:
    size = load_vocabularies()[VOCABULARY].size
    return [
        _shaken(draw_mask(crop, rng) if kind in BARE and rng.random() < 0.3 else crop, size, rng)
        for crop, kind, key in zip(bank.crops, bank.kinds, bank.keys, strict=True)
        if kind in _KINDS and fold_of(key) == fold
    ]


def _to_judge(detector: BoostedDetector, data: Path, fold: int) -> dict[str, Any]:
    found, looks, right = [], [], []
    for one in read_sets(data):
        for file in one.files(fold):
            grey = cv2.cvtColor(load_picture(one.place.read(file), name=file).pixels, cv2.COLOR_RGB2GRAY)
            here = detector.merged(detector.windows(grey, SMALLEST_FACE))
            here = here[here[:, 3] >= detector.evidence.candidate]
            found.append(here)
            looks += [framed(grey, square[:3]) for square in here]
            right.append(matched(here, one, file))
    return {
        "found": np.concatenate(found),
        "looks": np.array(looks),
        "right": np.concatenate(right),
    }


def matched(found: Boxes, one: BoxedSet, file: str) -> NDArray[np.int_]:
    """Whether each candidate of a picture is a face (1), none (0) or neither (-1)."""
    boxes = np.array([(b.x, b.y, b.width, b.height) for b, _ in one.boxes[file]], float).reshape(-1, 4)
    right = np.zeros(len(found), int)
    if len(found) and len(boxes):
        near = overlaps(found[:, [0, 1, 2, 2]], boxes)
        right[near.max(axis=1) > _NONE] = -1
        shared = near.copy()
        for at in np.argsort(-found[:, 3]):
            best = int(shared[at].argmax())
            if shared[at, best] >= _FOUND:
                right[at] = 1
                shared[:, best] = 0
        unknown = np.array([label == "unknown" for _, label in one.boxes[file]])
        right[unknown[near.argmax(axis=1)] & (near.max(axis=1) > _NONE)] = -1
    return right


def learn_verifier(some: Sequence[Findings]) -> Verifier:
    """A linear machine on Fisher vectors of what twins found, and of faces."""
    squares, faces = np.concatenate([one.squares for one in some]), np.concatenate([one.faces for one in some])
    squares = np.concatenate([squares, squares[faces][:, :, ::-1]])
    faces = np.concatenate([faces, np.ones(len(squares) - len(faces), bool)])
    machine = LogisticRegression(C=10.0, max_iter=300).fit(describe(list(squares)), faces)
    weights = machine.coef_[0].astype(np.float16).astype(np.float32)
    return Verifier(weights, float(machine.intercept_[0]))


def verified(findings: Findings, verifier: Verifier) -> NDArray[np.float32]:
    """The verifier's log odds of all candidates, as a detector takes them."""
    odds = np.full(len(findings.found), CERTAINLY, np.float32)
    doubtful = findings.found[:, 3] < CERTAIN
    odds[doubtful] = verifier.judge(list(findings.looks[doubtful]))
    return odds


def learn_evidence(some: Sequence[Findings], odds: Sequence[NDArray[np.float32]]) -> Evidence:
    """The logistic of findings, with log odds of verifiers that never saw them."""
    rows = np.concatenate([reasons(one.found, said) for one, said in zip(some, odds, strict=True)])
    right = np.concatenate([one.right for one in some])
    logistic = LogisticRegression(C=100.0, max_iter=1000).fit(rows[right >= 0], right[right >= 0])
    return replace(
        Evidence(),
        weights=tuple(round(float(weight), 4) for weight in logistic.coef_[0]),
        intercept=round(float(logistic.intercept_[0]), 4),
    )


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
    if not detector.faces:
        return (
            f"Finds what {', '.join(one.name for one in read_sets(data))} shows, of 24 pixels or more, upright as it "
            f"is there; answered from a score of {evidence.min_score}."
        )
    return (
        "Finds bare, masked and turned faces of 24 pixels or more. "
        f"{sum(len(forest.features) for forest in detector.forests.values())} trees; a face is answered from a score "
        f"of {evidence.min_score}. Learned from {', '.join(one.name for one in read_sets(data))} and crops of faces, "
        "two in three of them for the twins that figures are of. Heads turned upside down or by more than a third of a "
        "right angle are not looked for; dark faces, and those of people whom these sets seldom show, may be missed "
        "more often."
    )
