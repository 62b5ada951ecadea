"""What models of all tasks share, built from faces without labels: the face space and the Fisher vocabularies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.compact import round_rows
from eigenface.crops import CropSpec
from eigenface.datasets.cropping import CroppedFaces
from eigenface.facespace import FRAME, FaceSpace, save_face_space, standardised
from eigenface.features.fisher import load_vocabularies, save_vocabularies
from eigenface.features.grey import grey, resize
from eigenface.pipelines.models.sources import Sources, cap_persons
from eigenface.tasks.task import Source
from eigenface.types import Pixels

FACE_SPACE_SOURCE = Source("gender/lfw.zip")
FACE_SPACE_FACES_A_PERSON = 2
COMPONENTS = 100


@dataclass(frozen=True, slots=True)
class VocabularyPlan:
    """From which faces a vocabulary is learned, and for which size and grid."""

    sources: tuple[Source, ...]
    size: int
    cell: int
    stride: int
    words: int


_PEOPLE = (
    Source("gender/lfw.zip"),
    Source("gender/utkface.zip", whole=True),
    Source("gender/tight_crops.zip", whole=True),
)
_EXPRESSIONS = (Source("expression/fer2013.csv.bz2", whole=True, aside=("Usage", "PublicTest")),)
VOCABULARIES = {
    "48": VocabularyPlan(_EXPRESSIONS, size=48, cell=3, stride=2, words=96),
    "64": VocabularyPlan(_PEOPLE, size=64, cell=4, stride=3, words=64),
    "96": VocabularyPlan(_PEOPLE, size=96, cell=4, stride=4, words=64),
    "128": VocabularyPlan(_PEOPLE, size=128, cell=6, stride=5, words=128),
}
_VOCABULARY_FRAME = CropSpec(0.95, 0.08)
_VOCABULARY_FACES = 2400


def build_face_space(sources: Sources, path: Path) -> dict[str, Any]:
    """The mean face, the eigenfaces and the usual distance, of a few faces a person."""
    from eigenface.steps.eigen import Eigenfaces

    learned, aside = sources.parts(FACE_SPACE_SOURCE, FRAME, 0.2)
    some = cap_persons(learned, FACE_SPACE_FACES_A_PERSON)
    rows = standardised(some.crops)[0]
    rows = np.concatenate([rows, rows.reshape(-1, 64, 64)[:, :, ::-1].reshape(len(rows), -1)])
    eigen = Eigenfaces(COMPONENTS, power=0, svd_solver="covariance_eigh").fit(rows)
    space = FaceSpace(eigen.mean_, round_rows(eigen.components_), eigen.explained_variance_, 1.0)
    limit = float(np.quantile(space.distance(aside.crops), 0.995))
    save_face_space(replace(space, limit=limit), path)
    return {
        "model": "facespace",
        "faces": len(some.crops),
        "explained": round(float(eigen.explained_variance_ratio_.sum()), 4),
        "limit": round(limit, 4),
    }


def build_vocabularies(sources: Sources, path: Path) -> dict[str, Any]:
    """The words of Fisher vectors, learned from faces that no figure is reported on.

    Those that the file at `path` has stay: whoever trained a model with them finds the same when it is trained again.
    """
    from eigenface.steps.fisher import learn_vocabulary

    made = dict(load_vocabularies(path)) if path.exists() else {}
    for name in [name for name in VOCABULARIES if name not in made]:
        plan = VOCABULARIES[name]
        parts = [sources.parts(source, _VOCABULARY_FRAME, 0.25)[0] for source in plan.sources]
        crops = [crop for part in parts for crop in _some(part, _VOCABULARY_FACES // len(parts))]
        pictures = resize(grey(crops), plan.size).reshape(-1, plan.size, plan.size)
        made[name] = learn_vocabulary(pictures, cell=plan.cell, stride=plan.stride, words=plan.words)
    save_vocabularies(made, path)
    load_vocabularies.cache_clear()
    return {"model": "vocabularies", "words": {name: len(words.weights) for name, words in made.items()}}


def _some(faces: CroppedFaces, most: int) -> list[Pixels]:
    chosen = np.random.default_rng(0).permutation(len(faces))[:most]
    return [faces.crops[int(index)] for index in np.sort(chosen)]
