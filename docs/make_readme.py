"""Writes the README's table of scores from the shipped models' own figures: `python docs/make_readme.py`."""

from __future__ import annotations

import re
from pathlib import Path

from eigenface.catalogue import catalogue

README = Path(__file__).parents[1] / "README.md"
_HEAD = "| --- | --- | --- | --- | --- | --- | --- |\n"


_MOST = 4  # sets of faces of a winning model; docs/accuracy.md has all


def table() -> str:
    """A row a set of faces for the models that win, one row for the others."""
    rows = []
    for entry in catalogue():
        shown = entry.judged[: 1 if ":" in entry.name else _MOST]
        for number, row in enumerate(shown):
            interval = f" ({row['low']:.3f}-{row['high']:.3f})" if row.get("low") is not None else ""
            first = (f"`{entry.name}`", entry.question, f"{entry.megabytes:.1f} MB") if number == 0 else ("", "", "")
            faces = f"{row['data']}, {row['n']}"
            auc = f"{row['roc_auc']:.3f}" if row.get("roc_auc") is not None else ""
            cells = [
                first[0],
                first[1],
                faces,
                f"{row['accuracy']:.3f}{interval}",
                auc,
                f"{row['baseline']:.3f}",
                first[2],
            ]
            rows.append("| " + " | ".join(cells) + " |\n")
    return "".join(rows)


def text() -> str:
    """The README with its table as the models have it."""
    before, rest = README.read_text(encoding="utf-8").split(_HEAD)
    after = re.sub(r"\A(?:\|.*\n|TABLE\n)*", "", rest)
    return before + _HEAD + table() + after


if __name__ == "__main__":
    README.write_text(text(), encoding="utf-8")
