"""Answers as tables for people, as wide as the terminal allows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from eigenface.types import Answer, Face


def answer_lines(answer: Answer) -> list[str]:
    """An answer as lines: the picture, then a line a face."""
    if answer.error:
        return [f"{answer.source}  refused", f"  {answer.error['message']}. {answer.error['hint']}"]
    faces = len(answer.faces)
    found = "no face found" if not faces else "1 face" if faces == 1 else f"{faces} faces"
    lines = [f"{answer.source}  {answer.width}x{answer.height}  {found}"]
    lines += [f"  ! {warning}" for warning in answer.warnings]
    lines += aligned([_face_cells(number, face) for number, face in enumerate(answer.faces, start=1)])
    return lines


def _face_cells(number: int, face: Face) -> list[str]:
    box = face.box.as_dict()
    cells = [f"  {number}", f"at {box['x']},{box['y']}", f"{box['width']}x{box['height']}"]
    if not face.answers:
        return [*cells, f"score {face.score:.2f}"]
    for verdict in face.answers.values():
        mark = " ?" if verdict.needs_review else ""
        cells.append(f"{verdict.label} {verdict.probabilities.get(verdict.label, 0):.0%}{mark}")
    reasons = {reason: None for verdict in face.answers.values() for reason in verdict.reasons}
    return [*cells, " ".join(reasons)]


def aligned(rows: Sequence[Sequence[str]], gap: str = "  ") -> list[str]:
    """Rows of cells as lines with aligned columns, cut at the terminal's width (never where output is piped)."""
    if not rows:
        return []
    widths = [max(len(row[i]) if i < len(row) else 0 for row in rows) for i in range(max(map(len, rows)))]
    lines = [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    if not sys.stdout.isatty():
        return lines
    limit = shutil.get_terminal_size().columns
    return [line if len(line) <= limit else line[: limit - 1] + "…" for line in lines]
