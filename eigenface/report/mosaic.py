"""Many small pictures side by side in one array: far quicker to draw than an axes each, and sharp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from eigenface.report.style import bare, canvas, short, text_width

TILE = 120
"""Pixels of a tile's side: sharp at 600 px for five in a row."""


def shrink(picture: NDArray[Any], rows: int, cols: int) -> NDArray[np.float32]:
    """Resize by averaging over each target pixel's area when shrinking and by bilinear interpolation when growing.

    Parameters
    ----------
    picture : array (h, w) or (h, w, 3)
    rows, cols : int
        Size of the result, at least 1.

    Returns
    -------
    float32 array (rows, cols) or (rows, cols, 3)

    Examples
    --------
    >>> shrink(np.array([[0, 2], [4, 6]]), 1, 1).tolist()
    [[3.0]]
    """
    found = np.asarray(picture, dtype=np.float32)
    for axis, size in ((0, rows), (1, cols)):
        have = found.shape[axis]
        if size == have:
            continue
        moved = np.moveaxis(found, axis, 0)
        if size < have:
            sums = np.concatenate([np.zeros_like(moved[:1]), np.cumsum(moved, axis=0, dtype=np.float64)])
            at = np.linspace(0, have, size + 1)
            low = np.minimum(at.astype(np.intp), have - 1)
            part = (at - low).reshape(-1, *[1] * (moved.ndim - 1))
            edge = sums[low] + part * (sums[low + 1] - sums[low])
            moved = (np.diff(edge, axis=0) / (have / size)).astype(np.float32)
        else:
            at = np.clip((np.arange(size) + 0.5) * have / size - 0.5, 0, have - 1)
            low = np.minimum(at.astype(np.intp), max(have - 2, 0))
            part = (at - low).reshape(-1, *[1] * (moved.ndim - 1)).astype(np.float32)
            moved = moved[low] * (1 - part) + moved[np.minimum(low + 1, have - 1)] * part
        found = np.moveaxis(moved, 0, axis)
    return found


def tile(picture: NDArray[Any], side: int = TILE) -> NDArray[np.uint8]:
    """A uint8 picture, grey (h, w) or RGB (h, w, 3), fitted into a white square (side, side, 3), proportions kept."""
    h, w = picture.shape[:2]
    rows, cols = max(1, round(h * side / max(h, w))), max(1, round(w * side / max(h, w)))
    fitted = np.clip(shrink(picture, rows, cols).round(), 0, 255).astype(np.uint8)
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - rows) // 2, (side - cols) // 2
    square[top : top + rows, left : left + cols] = fitted if fitted.ndim == 3 else fitted[:, :, None]
    return square


def to_grey(values: NDArray[Any], low: float | None = None, high: float | None = None) -> NDArray[np.uint8]:
    """Any values as a uint8 grey picture: `low` (or the smallest) black, `high` (or the largest) white."""
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    scaled = (np.asarray(values, dtype=np.float64) - low) / max(high - low, 1e-12)
    return np.asarray((np.clip(scaled, 0, 1) * 255).round(), dtype=np.uint8)


def draw_mosaic(
    axes: Axes,
    tiles: Sequence[Sequence[NDArray[np.uint8] | None]],
    *,
    captions: Sequence[Sequence[str]] | None = None,
    gap: float = 0.06,
    caption_height: float = 0.0,
    size: float = 8,
) -> None:
    """Draw rows of square tiles, each with a caption above it, on one axes whose unit is a tile.

    Parameters
    ----------
    axes : Axes
    tiles : rows of uint8 arrays (side, side, 3), or None for an empty place
    captions : rows of str, optional
        As many as tiles; empty ones are left out.
    gap, caption_height : float
        White between tiles and room over each row, in tiles.
    size : float
        Points of the captions.
    """
    step = 1 + gap
    high = step + caption_height
    for r, row in enumerate(tiles):
        for c, picture in enumerate(row):
            x, y = c * step, r * high + caption_height
            if picture is not None:
                axes.imshow(picture, extent=(x, x + 1, y + 1, y), interpolation="antialiased", zorder=1)
            if captions is not None and captions[r][c]:
                axes.text(x + 0.5, y - 0.04, captions[r][c], ha="center", va="bottom", fontsize=size)
    columns = max(len(row) for row in tiles)
    axes.set_xlim(0, columns * step - gap)
    axes.set_ylim(len(tiles) * high - gap, 0)
    axes.set_aspect("equal")
    bare(axes)


def mosaic_figure(
    tiles: Sequence[Sequence[NDArray[np.uint8] | None]],
    *,
    captions: Sequence[Sequence[str]] | None = None,
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    size: float = 8.5,
    width: float = 6.0,
) -> Figure:
    """A figure of tiles, laid out by hand: names of rows and columns outside, captions over the tiles.

    Parameters
    ----------
    tiles, captions
        As for `draw_mosaic`.
    row_names, column_names : sequence of str
        One a row to the left, one a column over the first row; or none.
    size : float
        Points of names and captions.
    width : float
        Inches.

    Returns
    -------
    Figure
    """
    columns = max(len(row) for row in tiles)
    names = [short(name, 16) for name in row_names]
    left = 0.08 + (max(text_width(name, size) for name in names) + 0.08 if names else 0.0)
    gap = 0.06
    inch = (width - left - 0.08) / (columns * (1 + gap) - gap)
    inch = min(inch, 1.6)
    room = (size * 1.5 / 72) / inch if captions is not None else 0.0
    top = 0.06 + (size * 1.5 / 72 if column_names else 0)
    body = inch * (len(tiles) * (1 + gap + room) - gap)
    height = body + top + 0.08
    figure = canvas(height, width)
    figure.set_layout_engine("none")
    span = inch * (columns * (1 + gap) - gap)
    axes = figure.add_axes((left / width, 0.08 / height, span / width, body / height))
    draw_mosaic(axes, tiles, captions=captions, gap=gap, caption_height=room, size=size)
    for r, name in enumerate(names):
        middle = r * (1 + gap + room) + room + 0.5
        axes.text(-0.08 / inch, middle, name, ha="right", va="center", fontsize=size)
    for c, name in enumerate(column_names):
        axes.text(c * (1 + gap) + 0.5, -0.04, name, ha="center", va="bottom", fontsize=size)
    return figure
