"""What comes with the package: shipped models, read from their descriptions alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eigenface.bundle import read_meta
from eigenface.store import shipped_models

MAIN_TASK = "gender"
"""What is asked where nobody says what to ask."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A shipped model: name, task, question, classes, figures on faces kept aside, size in megabytes."""

    name: str
    task: str
    question: str
    classes: tuple[str, ...]
    judged: tuple[dict[str, Any], ...]
    megabytes: float

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON has it."""
        return {
            "name": self.name,
            "task": self.task,
            "question": self.question,
            "classes": list(self.classes),
            "judged": [{key: row[key] for key in row if key != "subgroups"} for row in self.judged],
            "megabytes": self.megabytes,
        }


def catalogue() -> list[Entry]:
    """Every shipped model: the main task first, the winner of a task before its plain one."""
    entries = []
    for name, path in shipped_models().items():
        meta = read_meta(path)
        entries.append(
            Entry(
                name,
                str(meta["task"]),
                str(meta.get("question", "")),
                tuple(meta["classes"]),
                tuple(meta.get("judged", ())),
                round(path.stat().st_size / 1e6, 2),
            )
        )
    return sorted(entries, key=lambda entry: (entry.task != MAIN_TASK, entry.task, entry.name))
