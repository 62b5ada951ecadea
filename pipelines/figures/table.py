"""What every task reaches, as one table: a row a figure, in Markdown for people and in JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEAD = (
    "Task", "Judged on", "n", "Guess", "Eigenfaces + SVC", "eigenface", "95 %", "Balanced", "Calibration error",
)  # fmt: skip

_JIA = "four million pictures of the web, linear: Jia and Cristianini, 2015, doi:10.1016/j.patrec.2015.02.006"
_SHAN = "local binary patterns and SVC: Shan, 2012, doi:10.1016/j.patrec.2011.05.016"
_LOCAL = "bags of words, local SVC: Ionescu and others, 2013; the contest: doi:10.1007/978-3-642-42051-1_16"
_BAYES = "joint Bayesian: Chen and others, 2012, doi:10.1007/978-3-642-33712-3_41"
_GAUSS = "Gaussian processes, further pictures: Lu and Tang, 2015, arXiv:1404.3840"

PUBLISHED = (
    ("gender", "LFW", ".969", _JIA),
    ("gender", "LFW", ".948", _SHAN),
    ("gender", "own crops", ".812", "a course project, PCA 50 and SVC, fitted before the split (AnmolTomer)"),
    ("mask", "chandrika", ".98", "a neural network, random split of the same pictures (chandrikadeb7)"),
    ("mask", "mask12k", ".990", "HOG and SVC, the makers' split, which has pictures on both sides"),
    ("expression", "FER2013, final test", ".675", _LOCAL),
    ("expression", "FER2013, final test", ".768", "seven neural networks together (LetheSec)"),
    ("identity", "pairs of LFW, view 2", ".600", "eigenfaces, as the makers of the set list them"),
    ("identity", "pairs of LFW, view 2", ".924", _BAYES),
    ("identity", "pairs of LFW, view 2", ".985", _GAUSS),
    ("blood", "own pictures", ".795", "a neural network, 161 pictures of a course project"),
)
"""Others' figures: task, data, figure, who. Their splits are not ours."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure with what it stands beside.

    Parameters
    ----------
    task : str
        The model's name, such as `expression:linear`.
    data : str
        What it was judged on, in words.
    n : int
        Faces judged; of pairs, those of one person.
    value : float
        Accuracy, or what `measure` says, 0..1.
    part : str
        What measured it: `card`, or the name to give to `--part`.
    low, high : float, optional
        95 % interval; where `measure` is a mean of several draws, the smallest and largest of them.
    balanced : float, optional
        Mean recall of the classes.
    baseline, plain : float, optional
        The same figure of a guess (the most frequent class, or the task's simple rule), and of eigenfaces with an SVC.
    calibration_error : float, optional
        In 15 bins.
    split : str
        What kept the judged faces apart from those learned from, and the seed where there is one.
    """

    task: str
    data: str
    n: int
    value: float
    part: str
    measure: str = "accuracy"
    low: float | None = None
    high: float | None = None
    balanced: float | None = None
    baseline: float | None = None
    plain: float | None = None
    calibration_error: float | None = None
    split: str = ""

    @staticmethod
    def of_judged(
        judged: Mapping[str, Any], task: str, *, part: str, split: str, data: str = "", baseline: float | None = None,
        plain: float | None = None,
    ) -> Row:  # fmt: skip
        """The row of what `eigenface.train.judged_row` gives, or a model's file holds under `judged`."""
        return Row(
            task=task,
            data=data or str(judged["data"]),
            n=int(judged["n"]),
            value=float(judged["accuracy"]),
            part=part,
            low=judged["low"],
            high=judged["high"],
            balanced=judged["balanced_accuracy"],
            baseline=judged["baseline"] if baseline is None else baseline,
            plain=plain,
            calibration_error=judged["calibration_error"],
            split=split,
        )

    def cells(self) -> tuple[str, ...]:
        """The row as words under `HEAD`."""
        asked = self.data if self.measure == "accuracy" else f"{self.data}: {self.measure}"
        between = "" if self.low is None or self.high is None else f"{_short(self.low)} to {_short(self.high)}"
        beside = map(_short, (self.balanced, self.calibration_error))
        before = map(_short, (self.baseline, self.plain))
        return (self.task, asked, f"{self.n:,}", *before, f"**{_short(self.value)}**", between, *beside)


def markdown(rows: Sequence[Row], missing: Iterable[str] = ()) -> str:
    """The table, how each figure came about, and what others published; `missing` names parts not measured yet."""
    lines = [*_table(HEAD, [row.cells() for row in rows], words=2), ""]
    if waiting := list(missing):
        lines += [f"Not measured yet: {', '.join(f'`{name}`' for name in waiting)} (`--part NAME`).", ""]
    lines += ["## How the faces were kept apart", ""]
    lines += [f"- {split}: {'; '.join(whom)}." for split, whom in _by_split(rows).items()]
    lines += ["", "## What others published", "", "On splits and pictures of their own: for the order, not for a race."]
    lines += ["", *_table(("Task", "Judged on", "Accuracy", "Who"), PUBLISHED, words=4), ""]
    return "\n".join(lines)


def as_json(rows: Sequence[Row], missing: Iterable[str] = ()) -> str:
    """The same for programs."""
    published = [dict(zip(("task", "data", "accuracy", "who"), row, strict=True)) for row in PUBLISHED]
    found = {"rows": [asdict(row) for row in rows], "missing": list(missing), "published": published}
    return json.dumps(found, indent=2) + "\n"


def _by_split(rows: Sequence[Row]) -> dict[str, list[str]]:
    """What was judged on, by the words on what was kept apart."""
    found: dict[str, list[str]] = {}
    for row in rows:
        whom = found.setdefault(row.split, [])
        if row.data not in whom:
            whom.append(row.data)
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int) -> list[str]:
    """A table in Markdown whose first columns are words; the others stand to the right."""
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return [f"| {' | '.join(line)} |" for line in (head, rule, *rows)]


def _short(value: float | None) -> str:
    """A share without its leading zero, as tables of scores have it."""
    return "-" if value is None else f"{value:.3f}".removeprefix("0")
