"""A model's card: what it answers, how often it is wrong and for whom, what it learned from, when not to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TRAINING_PICTURES = (
    "Training pictures are for research only, and their subjects were not asked for this use (see NOTICE)."
)

_MOST_CLASSES = 12  # in a table that is still read


def write_card(meta: Mapping[str, Any], limits: Sequence[str]) -> str:
    """The card in Markdown, from a model's description and its task's limits.

    Parameters
    ----------
    meta : mapping
        What `eigenface.train` writes into a model: task, question, classes, data, split, scores, review, size.
    limits : sequence of str
        Sentences on when not to use it.
    """
    parts = [
        f"# {meta['name']}",
        meta["question"],
        f"{_classes(meta['classes'])} A folded program of numpy and OpenCV; no neural network.",
        "## How often it is wrong",
        *_tables(meta.get("judged", [])),
        "## When it asks for a second look",
        _review(meta.get("review", {})),
        "## Limits",
        "\n".join(f"- {line}" for line in limits),
        "## What it learned from",
        "\n".join(f"- {line}" for line in meta.get("data", {}).get("described", [])),
        meta.get("split", {}).get("described", ""),
        _TRAINING_PICTURES,
        _held(meta.get("kept_codes")),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _classes(classes: Sequence[str]) -> str:
    return f"Classes: {', '.join(classes)}." if classes else "It knows nobody by name: people are enrolled."


def _tables(judged: Sequence[Mapping[str, Any]]) -> list[str]:
    if not judged:
        return ["It was not judged on faces kept aside."]
    lines = [
        "| faces kept aside | n | accuracy | balanced | AUC | calibration error | baseline |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in judged:
        known = row.get("low") is not None
        interval = f"{row['accuracy']:.3f}" + (f" ({row['low']:.3f}-{row['high']:.3f})" if known else "")
        auc = f"{row['roc_auc']:.3f}" if row.get("roc_auc") is not None else ""
        lines.append(
            f"| {row['data']} | {row['n']} | {interval} | {row['balanced_accuracy']:.3f} | {auc} "
            f"| {row['calibration_error']:.3f} | {row['baseline']:.3f} |"
        )
    tables = ["\n".join(lines), "Accuracy with its 95 % interval, persons resampled where they are known."]
    tables.append(_recalls(judged))
    parts = [part for row in judged for part in row.get("subgroups", [])]
    if parts:
        lines = ["| part | n | accuracy |", "|---|---|---|"]
        lines += [f"| {part['by']} {part['value']} | {part['n']} | {part['accuracy']:.3f} |" for part in parts]
        tables.append("\n".join(lines))
    return tables


def _recalls(judged: Sequence[Mapping[str, Any]]) -> str:
    """How many of each class are recognised: a model may be right on the whole and wrong for some."""
    classes = sorted({label for row in judged for label in row.get("recall", {})})
    if not 0 < len(classes) <= _MOST_CLASSES:
        return ""
    lines = ["| recognised of | " + " | ".join(classes) + " |", "|---" * (len(classes) + 1) + "|"]
    for row in judged:
        shares = [f"{row['recall'][label]:.3f}" if label in row.get("recall", {}) else "" for label in classes]
        lines.append(f"| {row['data']} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def _held(codes: int | None) -> str:
    """What the file holds of single faces."""
    if codes is None:
        return ""
    if not codes:
        return "The file holds averages over training faces, no code of any single one, no names and no pictures."
    return (
        f"The file holds codes of {codes} training faces, a few hundred rounded numbers each, that answers use. "
        "No names and no pictures; but whoever has a photo could tell whether it was among them."
    )


def _review(review: Mapping[str, Any]) -> str:
    if not review.get("least_probability"):
        return ""
    said = f"Under {review['least_probability']:.0%} it asks for a person."
    if "coverage" in review:
        said += f" It then answers {review['coverage']:.0%} of faces itself, {review['accuracy']:.1%} of them rightly."
    return (
        f"{said} It also asks where a box is under {review['smallest_face']} pixels, or a crop is far from face space."
    )
