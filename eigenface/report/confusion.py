"""Who is taken for whom: the confusion matrix with totals, as figure and as a list of its largest errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from eigenface.errors import DataError
from eigenface.report.style import FAINT, HEAT, INK, MUTED, canvas, percent, short, styled, text_width

MOST_CLASSES = 40
SMALLEST_TYPE = 6.0
"""Points; smaller numbers in cells are left out."""


def fold_matrix(
    matrix: ArrayLike, classes: Sequence[str], limit: int = MOST_CLASSES
) -> tuple[NDArray[np.intp], list[str]]:
    """Put the classes with the fewest errors together, so that at most `limit` rows are left.

    Parameters
    ----------
    matrix : int array (k, k)
        Pictures by true class (rows) and predicted class (columns).
    classes : sequence of str (k,)
    limit : int
        At least 2.

    Returns
    -------
    int array (m, m), list of str (m,)
        The last row and column hold the rest, where there is one.

    Raises
    ------
    DataError
        The matrix is not square or does not fit the classes.

    Examples
    --------
    >>> fold_matrix([[5, 1, 0], [2, 5, 0], [0, 0, 9]], ["a", "b", "c"], 3)[1]
    ['a', 'b', 'c']
    >>> fold_matrix(np.eye(4, dtype=int), list("abcd"), 2)[1]
    ['a', 'other (3)']
    """
    counts, names = np.asarray(matrix, dtype=np.intp), [str(name) for name in classes]
    if counts.shape != (len(names), len(names)):
        hint = "Give counts (k, k) and k classes."
        raise DataError("length_mismatch", f"Confusion matrix: {counts.shape} for {len(names)} classes", hint)
    if len(names) <= limit:
        return counts, names
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    kept = np.sort(np.argsort(-wrong, kind="stable")[: limit - 1])
    code = np.full(len(names), limit - 1)
    code[kept] = np.arange(limit - 1)
    folded = np.zeros((limit, limit), dtype=np.intp)
    np.add.at(folded, (code[:, None], code[None, :]), counts)
    return folded, [names[i] for i in kept] + [f"other ({len(names) - limit + 1})"]


def largest_errors(matrix: ArrayLike, classes: Sequence[str], most: int = 10) -> list[tuple[str, str, int, float]]:
    """The commonest confusions: true class, predicted class, pictures, and their share of the true class.

    >>> largest_errors([[5, 1], [3, 7]], ["a", "b"])
    [('b', 'a', 3, 0.3), ('a', 'b', 1, 0.16666666666666666)]
    """
    counts = np.array(matrix, dtype=np.intp)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, counts.shape), strict=True) if counts[i, j]]
    return [(str(classes[i]), str(classes[j]), int(counts[i, j]), float(counts[i, j] / totals[i])) for i, j in pairs]


@styled
def confusion_figure(matrix: ArrayLike, classes: Sequence[str]) -> Figure:
    """The confusion matrix, coloured by share of the true class (its root beyond ten), with totals of rows and columns.

    Up to five classes each cell has its share too; numbers that would be too small to read are left out.

    Parameters
    ----------
    matrix : int array (k, k)
        Pictures by true class (rows) and predicted class (columns).
    classes : sequence of str (k,)
        Beyond 40 those with the fewest errors are put together.

    Returns
    -------
    Figure
    """
    counts, names = fold_matrix(matrix, classes)
    k = len(names)
    true, said = counts.sum(axis=1), counts.sum(axis=0)
    shares = counts / np.maximum(true, 1)[:, None]
    labels = [short(name, 18 if k <= 10 else 14) for name in names]
    figures = [f"{n:,}" for n in (*true, *said)]
    size = 9.5 if k <= 10 else 9.0
    cell = 0.0
    for _ in range(3):  # the type follows the cell, the cell follows the room that the type leaves
        longest, digits = (max(text_width(text, size) for text in some) for some in (labels, figures))
        cell = (6.0 - 0.5 - longest - digits) / k
        size = min(size, max(5.6, cell * 72 * 0.82))
    height_of_cell = min(cell, 0.62 if k > 2 else 0.75)
    flat, upright = longest <= cell * 0.94, digits > cell * 0.75
    height = (
        1.0 + (size * 1.5 / 72 if flat else longest) + (digits if upright else size * 1.5 / 72) + height_of_cell * k
    )
    figure = canvas(max(2.4, height))
    axes = figure.subplots()
    axes.imshow(shares if k <= 10 else np.sqrt(shares), cmap=HEAT, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(np.arange(k), labels, fontsize=size, rotation=0 if flat else 90)
    axes.set_yticks(np.arange(k), labels, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for edge in np.arange(-0.5, k):
        axes.axhline(edge, color=FAINT, linewidth=0.5)
        axes.axvline(edge, color=FAINT, linewidth=0.5)
    widest = max(text_width(f"{n:,}", 10) for n in counts.ravel())
    type_size = min(11.0, 10 * cell * 0.86 / widest, height_of_cell * 72 * 0.9 / (2.5 if k <= 5 else 1.25))
    if type_size >= SMALLEST_TYPE:
        for i, j in np.ndindex(k, k):
            if k > 10 and not counts[i, j]:
                continue
            text = f"{counts[i, j]:,}" + (f"\n{percent(float(shares[i, j]))}" if k <= 5 and true[i] else "")
            colour = (
                "white" if (shares[i, j] if k <= 10 else shares[i, j] ** 0.5) > 0.5 else INK if counts[i, j] else MUTED
            )
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=type_size)
    right = axes.secondary_yaxis("right")
    right.set_yticks(np.arange(k), [f"{n:,}" for n in true], fontsize=size)
    top = axes.secondary_xaxis("top")
    top.set_xticks(np.arange(k), [f"{n:,}" for n in said], fontsize=size, rotation=90 if upright else 0)
    for side in (right, top):
        side.tick_params(length=0, labelcolor=MUTED)
        side.spines[:].set_visible(False)
    top.set_xlabel(f"totals; all {int(counts.sum()):,}, right {int(np.trace(counts)):,}", fontsize=9, color=MUTED)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure
