"""What the blood model is made of and learns nothing of a user's faces: the map of where, and words of local colour.

Both are learned from synthetic faces, of people whom neither the classifier nor any figure is of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eigenface.datasets.blood_faces import map_part, paint_face
from eigenface.features.blood import load_blood_mapper, save_blood_mapper
from eigenface.features.fisher import load_vocabularies, save_vocabularies
from eigenface.features.local_colour import VOCABULARY
from eigenface.pipelines.models.sources import Sources
from eigenface.steps.blood_learning import learn_blood_mapper, learn_colour_words
from eigenface.tasks.blood import FACES, TASK

_CROPS_FOR_WORDS = 1600


def build_blood_parts(sources: Sources, path: Path) -> dict[str, Any]:
    """Learn and save the map (at `path`) and the words (beside it)."""
    crops = []
    for source in FACES:
        faces = sources.faces(source, TASK.crop)
        if faces.groups is not None:
            faces = faces.select(np.sort(np.unique(faces.groups, return_index=True)[1]))
        learned = faces.select(sources.split(faces, source, TASK.test_share)[0])
        crops += learned.select(map_part(learned)[1]).crops
    rng = np.random.default_rng(0)
    painted = [
        paint_face(crops[face], bloody=bloody, random_state=rng)
        for face in rng.permutation(len(crops))
        for bloody in (True, False)
    ]
    words = learn_colour_words([face.pixels for face in painted[:_CROPS_FOR_WORDS]])
    save_vocabularies({"colour": words}, path.with_name(VOCABULARY.name))
    mapper = learn_blood_mapper(painted)
    save_blood_mapper(mapper, path)
    load_blood_mapper.cache_clear()
    load_vocabularies.cache_clear()
    return {"model": "bloodmap", "faces": len(painted), "trees": len(mapper.trees.columns)}
