"""The report as plain text for a terminal: aligned tables, no colours, at most 100 columns."""

from __future__ import annotations

import textwrap
import unicodedata

from eigenface.report.content import ReportContent
from eigenface.report.scores import Scores
from eigenface.report.style import printable
from eigenface.report.tables import (
    Table,
    class_table,
    confusion_table,
    coverage_table,
    error_table,
    model_table,
    score_table,
    subgroup_table,
)

WIDTH = 100
GAP = "  "


def width_of(text: str) -> int:
    """Columns that the text takes in a terminal; wide characters take two, combining ones none.

    >>> width_of("abc"), width_of("\\u9854")
    (3, 2)
    """
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )  # fmt: skip


def _cut(text: str, limit: int) -> str:
    if width_of(text) <= limit:
        return text
    kept = ""
    for c in text:
        if width_of(kept + c) > limit - 1:
            break
        kept += c
    return kept + "~"


def _pad(text: str, wide: int, left: bool) -> str:
    space = " " * (wide - width_of(text))
    return text + space if left else space + text


def table_text(table: Table, width: int = WIDTH) -> str | None:
    """The table as aligned lines, or None where it cannot be made narrow enough.

    Parameters
    ----------
    table : Table
    width : int
        Columns at most; words are cut with a tilde, figures never.

    Returns
    -------
    str or None

    Examples
    --------
    >>> print(table_text(Table("T", "A caption.", ("class", "n"), (("a", "10"), ("bcd", "9")))))
    class   n
    ---------
    a      10
    bcd     9
    """
    lines = [table.head, *table.rows]
    words = table.text_columns
    wide = [max(width_of(line[i]) for line in lines) for i in range(len(table.head))]
    for i in range(words, len(wide)):  # heads are words too: cut them down to their figures, but not below six
        wide[i] = max(
            [width_of(line[i]) for line in table.rows] + [min(wide[i], 6 if _total(wide) > width else wide[i])]
        )
    while _total(wide) > width:
        longest = max(range(words), key=lambda i: wide[i])
        if wide[longest] <= 12:
            return None
        wide[longest] -= 1
    drawn = [
        GAP.join(_pad(_cut(cell, wide[i]), wide[i], i < words) for i, cell in enumerate(line)).rstrip()
        for line in lines
    ]
    return "\n".join([drawn[0], "-" * _total(wide), *drawn[1:]])


def _total(wide: list[int]) -> int:
    return sum(wide) + len(GAP) * (len(wide) - 1)


def _block(table: Table, width: int) -> list[str]:
    drawn = table_text(table, width)
    if drawn is None:
        return []
    caption = textwrap.wrap(table.caption, width)
    return [table.name.upper(), *caption, "", drawn, ""]


def scores_text(scores: Scores, *, baseline: Scores | None = None, width: int = WIDTH) -> str:
    """Scores, classes, confusion matrix with totals (or the commonest errors where it is too wide) and coverage.

    Parameters
    ----------
    scores : Scores
    baseline : Scores, optional
        Where `scores` does not hold one.
    width : int
        Columns at most, 60 or more.

    Returns
    -------
    str
    """
    lines = _block(score_table(scores, baseline or scores.baseline), width)
    lines += _block(class_table(scores), width)
    matrix = _block(confusion_table(scores), width)
    lines += matrix or _block(error_table(scores, 15), width)
    lines += _block(coverage_table(scores), width)
    return "\n".join(lines).rstrip() + "\n"


def report_text(content: ReportContent, *, width: int = WIDTH) -> str:
    """The whole report as text, without pictures.

    Parameters
    ----------
    content : ReportContent
    width : int
        Columns at most, 60 or more.

    Returns
    -------
    str
        Ends with a line end.
    """
    title = _cut(printable(content.title), width)
    lines = [title, "=" * width_of(title), ""]
    known = ", ".join(str(name) for name in content.classes[:20])
    known += f" and {len(content.classes) - 20} more" if len(content.classes) > 20 else ""
    facts = {"Task": content.task, "Classes": known} | {name: str(value) for name, value in content.data.items()}
    facts = {name: value for name, value in facts.items() if value not in ("", "None")}
    wide = min(24, max(width_of(printable(name)) for name in facts)) if facts else 0
    for name, value in facts.items():
        head = _pad(_cut(printable(name), wide), wide, True) + GAP
        lines += textwrap.wrap(printable(value), width, initial_indent=head, subsequent_indent=" " * (wide + len(GAP)))
    lines.append("")
    if content.scores is not None:
        if content.baseline is not None:
            lines += [*textwrap.wrap(f"Baseline: {printable(content.baseline_name)}.", width), ""]
        lines += scores_text(content.scores, baseline=content.baseline, width=width).split("\n")
    if content.subgroups:
        lines += _block(subgroup_table(content.subgroups, content.classes), width)
    if content.models:
        lines += _block(model_table(content.models), width)
    if content.notes:
        lines.append("NOTES")
        for note in content.notes:
            lines += textwrap.wrap(printable(note), width, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines).rstrip() + "\n"
