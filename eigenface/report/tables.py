"""The report's tables as rows of text, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eigenface.report.confusion import largest_errors
from eigenface.report.content import ReportContent
from eigenface.report.models import ModelRow
from eigenface.report.scores import HEADLINE, SMALLER_IS_BETTER, Scores
from eigenface.report.style import percent, printable
from eigenface.report.subgroups import Subgroup

BLANK = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the first column names the row, all others hold figures and stand to the right.

    Parameters
    ----------
    name : str
        A short name.
    caption : str
        What it shows, one sentence.
    head : tuple of str (c,)
    rows : tuple of tuples of str (c,)
    text_columns : int
        Columns from the left that are words.
    """

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1


def _figure(value: float | None, digits: int = 3) -> str:
    return BLANK if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def _amount(value: float | None) -> str:
    return BLANK if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def score_table(scores: Scores, baseline: Scores | None = None) -> Table:
    """Headline figures with intervals, beside the baseline and what is gained on it."""
    head = ["figure", "value", "95 % interval"]
    rows: list[tuple[str, ...]] = []
    for name, estimate in scores.headline().items():
        title = HEADLINE[name] + (" (less is better)" if name in SMALLER_IS_BETTER else "")
        row = [title, _figure(estimate.value), estimate.interval or BLANK]
        if baseline is not None:
            gain = scores.gains.get(name)
            row.append(_figure(baseline.headline()[name].value))
            row.append(f"{gain.value:+.3f} {gain.interval}".strip() if gain is not None and gain.known else BLANK)
        rows.append(tuple(row))
    if baseline is not None:
        head += ["baseline", "difference"]
    drawn = f"; intervals from {scores.n_boot:,} resamples of {scores.n_units:,} {scores.unit}" if scores.n_boot else ""
    caption = f"Scores on {scores.n:,} pictures{drawn}."
    return Table("Scores", caption, tuple(head), tuple(rows))


def class_table(scores: Scores) -> Table:
    """Precision, recall and F1 of every class."""
    rows: list[tuple[str, ...]] = [
        (printable(row.label), _figure(row.precision), _figure(row.recall), _figure(row.f1), f"{row.support:,}")
        for row in scores.per_class
    ]
    present = [row for row in scores.per_class if row.support]
    means = [float(np.mean([np.nan_to_num(getattr(row, part)) for row in present])) for part in ("precision", "recall")]
    rows.append(("mean", *(_figure(mean) for mean in means), _figure(scores.macro_f1.value), f"{scores.n:,}"))
    caption = "Each class against the rest; a dash where there was nothing to count."
    return Table("Classes", caption, ("class", "precision", "recall", "F1", "pictures"), tuple(rows))


def confusion_table(scores: Scores) -> Table:
    """The whole confusion matrix with totals."""
    counts = scores.confusion
    names = [printable(name) for name in scores.classes]
    rows = [
        (name, *(f"{n:,}" for n in row), f"{row.sum():,}") for name, row in zip(names, counts, strict=True)
    ]  # fmt: skip
    rows.append(("total", *(f"{n:,}" for n in counts.sum(axis=0)), f"{counts.sum():,}"))
    caption = "Pictures by true class (rows) and predicted class (columns)."
    return Table("Confusion matrix", caption, ("true", *names, "total"), tuple(rows))


def error_table(scores: Scores, most: int = 10) -> Table:
    """The commonest confusions."""
    found = largest_errors(scores.confusion, scores.classes, most)
    rows = [(printable(a), printable(b), f"{n:,}", percent(share)) for a, b, n, share in found]
    head = ("true", "taken for", "pictures", "of the class")
    return Table("Commonest errors", "Who is most often taken for whom.", head, tuple(rows), text_columns=2)


def coverage_table(scores: Scores) -> Table:
    """Accuracy when only the surest share is answered."""
    curve = scores.coverage
    rows = []
    for share in (0.5, 0.7, 0.8, 0.9, 0.95, 1.0):
        place = min(int(np.searchsorted(curve.share, share - 1e-9)), len(curve.share) - 1)
        rows.append((percent(share), _figure(curve.threshold[place]), _figure(curve.accuracy[place])))
    caption = "Accuracy when only the surest pictures are answered and a human sees the rest."
    return Table("Answering only the sure", caption, ("answered", "from confidence", "accuracy"), tuple(rows))


def subgroup_table(rows: Sequence[Subgroup], classes: Sequence[str]) -> Table:
    """Accuracy by part of the data; recall of each class too, up to four classes."""
    shown = [str(name) for name in classes] if len(classes) <= 4 else []
    body = [
        (
            f"{printable(row.by)}: {printable(row.value)}",
            f"{row.n:,}",
            _figure(row.accuracy.value),
            row.accuracy.interval or BLANK,
            *(_figure(row.recall.get(name)) for name in shown),
        )
        for row in rows
    ]
    head = ("part", "pictures", "accuracy", "95 % interval", *(f"recall {printable(name)}" for name in shown))
    return Table("For whom it is wrong", "Accuracy in parts of the data, with Wilson's intervals.", head, tuple(body))


def model_table(rows: Sequence[ModelRow]) -> Table:
    """Models compared, the best balanced accuracy on top."""
    ordered = sorted(rows, key=lambda row: -np.nan_to_num(row.scores.balanced_accuracy.value))
    body = [
        (
            printable(row.name), _figure(row.scores.balanced_accuracy.value),
            row.scores.balanced_accuracy.interval or BLANK, _figure(row.scores.accuracy.value),
            _figure(row.scores.kappa.value), _figure(row.scores.roc_auc.value), _figure(row.scores.log_loss.value),
            _amount(row.fit_seconds), _amount(row.predict_ms), _amount(row.size_mb),
        )
        for row in ordered
    ]  # fmt: skip
    head = ("model", "bal. acc.", "95 % interval", "acc.", "kappa", "AUC", "log loss", "fit s", "ms/face", "MB")
    keep = [i for i in range(len(head)) if i < 7 or any(row[i] != BLANK for row in body)]
    caption = "Models on the same pictures, the best balanced accuracy first."
    return Table("Models compared", caption, _pick(head, keep), tuple(_pick(row, keep) for row in body))


def _pick(row: tuple[str, ...], keep: list[int]) -> tuple[str, ...]:
    return tuple(row[i] for i in keep)


def data_table(content: ReportContent) -> Table:
    """What the data are."""
    rows = [(printable(name), printable(value)) for name, value in content.data.items()]
    return Table("Data", "What was looked at.", ("item", "value"), tuple(rows), text_columns=2)
