"""Rows of the benchmark that stand in the shipped models' files already: figures of twins that never saw the faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eigenface.catalogue import Entry, catalogue
from eigenface.pipelines.figures.table import Row
from eigenface.tasks import tasks
from eigenface.tasks.task import Task

PLAIN, RULE = "eigenfaces", "red"
"""Variants that have no rows of their own: they stand beside the others', as the plain model and as the baseline."""

_BY_MAKERS = "The part that the makers of the set meant to be judged by"
_NONE_LEARNED = "None of these faces was learned from"
_BY_HASH = "A quarter of the people, chosen by a hash of the name; of the pictures, where nobody is named"


def cards(plain: Mapping[str, Mapping[str, float]]) -> list[Row]:
    """A row a set of faces and shipped model, in the order of the catalogue.

    Parameters
    ----------
    plain : mapping of task to mapping of data to accuracy
        Of plain models that are not shipped, as far as they were trained.
    """
    entries = catalogue()
    rows = []
    for entry in entries:
        task = tasks()[entry.task]
        if entry.name in (task.model_name(PLAIN), task.model_name(RULE)):
            continue
        beside = {**plain.get(task.name, {}), **_accuracies(entries, task.model_name(PLAIN))}
        ruled = _accuracies(entries, task.model_name(RULE))
        for judged in entry.judged:
            rows += _rows(entry.name, judged, _split(task, judged["data"]), beside, ruled)
    return rows


def _rows(
    name: str, judged: Mapping[str, Any], split: str, beside: Mapping[str, float], ruled: Mapping[str, float]
) -> list[Row]:
    """The accuracy, and of pairs the equal error rate too."""
    data = judged["data"]
    found = [Row.of_judged(judged, name, part="card", split=split, baseline=ruled.get(data), plain=beside.get(data))]
    if "equal_error_rate" in judged:
        rate = judged["equal_error_rate"]
        found.append(Row(name, data, judged["n"], rate, "card", "equal error rate", baseline=0.5, split=split))
    return found


def _accuracies(entries: list[Entry], name: str) -> dict[str, float]:
    return {row["data"]: row["accuracy"] for entry in entries if entry.name == name for row in entry.judged}


def _split(task: Task, data: str) -> str:
    """How the faces of a row were kept apart."""
    for source in task.sources:
        if data.startswith(source.name):
            return _BY_MAKERS if source.aside else _NONE_LEARNED if source.test_share == 1 else _BY_HASH
    return _BY_HASH
