"""The shipped model of `identity`: an embedding that knows nobody, learned from people with their pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.card import write_card
from eigenface.datasets.cropping import CroppedFaces
from eigenface.embedding import OPEN, FaceEmbedder
from eigenface.fitting import SPLIT, fingerprint, versions
from eigenface.fold import fold_transform
from eigenface.pipelines.models.sources import Sources, cap_persons
from eigenface.program import Program
from eigenface.store import save_model
from eigenface.tasks.identity import embedding_pipeline
from eigenface.tasks.task import Task
from eigenface.verification import fitted_embedding, judged_pairs, odds_of, pairs_of, said_of


def build_identity(task: Task, sources: Sources, out: Path) -> dict[str, Any]:
    """Fit, judge and save the embedding; returns its figures.

    A twin that never saw the people kept aside is judged on pairs of them; the model then learns from all.
    """
    (source,) = task.sources
    training, aside = (people_of(part) for part in sources.parts(source, task.crop, task.test_share))
    capped = cap_persons(training, task.most_a_person)
    twin, pairs = fitted_embedding(embedding_pipeline(), capped.crops, capped.labels)
    odds = odds_of(pairs)
    rows = twin.transform(aside.crops)
    judged = [judged_pairs(pairs_of(rows, aside.labels), odds, f"{source.name}, pairs of people kept aside")]
    for label in np.unique(aside.columns["sex"]):
        some = aside.columns["sex"] == label
        told = judged_pairs(pairs_of(rows[some], aside.labels[some]), odds, f"{source.name}, {label} pairs")
        judged.append(told)
    everybody = cap_persons(people_of(sources.learned(source, task.crop)), task.most_a_person)
    fitted, pairs = fitted_embedding(embedding_pipeline(), everybody.crops, everybody.labels)
    odds = odds_of(pairs)
    operations = fold_transform(fitted)
    assert operations is not None
    counts = np.unique(everybody.labels, return_counts=True)[1]
    described = f"{source.name}: {len(everybody)} faces of {len(counts)} people, {(counts > 1).sum()} with several"
    meta: dict[str, Any] = {
        "task": task.name,
        "name": task.name,
        "kind": OPEN,
        "question": task.question,
        "classes": [],
        "crop": task.crop.as_dict(),
        "detector": "default",
        "odds": odds.as_dict(),
        "review": {"least_probability": 0.0, "smallest_face": task.smallest_face},
        "limits": list(task.limits),
        "data": {"described": [described], "sha256": fingerprint(everybody), "faces": len(everybody)},
        "split": {"described": f"{SPLIT} {said_of(odds, judged[0])}"},
        "judged": judged,
        "parameters": {},
        "versions": versions(),
    }
    model = FaceEmbedder(meta, program=Program(operations), pipeline=fitted, card=write_card(meta, task.limits))
    path = out / f"{task.name}.eigenface"
    save_model(model, path)
    return {"model": task.name, "megabytes": round(path.stat().st_size / 1e6, 2), "judged": judged}


def people_of(faces: CroppedFaces) -> CroppedFaces:
    """The faces with their people as labels, and what they were labelled with before as the column `sex`."""
    assert faces.groups is not None
    return replace(faces, labels=faces.groups, columns={"sex": faces.labels})
