"""Look before you learn: sizes, balance of classes, samples of every class, one face in grey and colour maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from eigenface.errors import DataError
from eigenface.report.mosaic import TILE, mosaic_figure, shrink, tile, to_grey
from eigenface.report.style import (
    FAINT,
    INK,
    MUTED,
    PALETTE,
    WIDTH,
    canvas,
    fitted,
    grid_lines,
    percent,
    short,
    styled,
)

RGB = NDArray[np.uint8]


def side_statistics(sizes: ArrayLike) -> dict[str, float]:
    """Count, mean, standard deviation, minimum, quartiles and maximum of the pictures' shorter sides.

    Parameters
    ----------
    sizes : array (n,) of sides, or (n, 2) of rows and columns, in pixels

    Returns
    -------
    dict of str to float

    Raises
    ------
    DataError
        No pictures.

    Examples
    --------
    >>> side_statistics([[10, 20], [30, 30]])["mean"]
    20.0
    """
    sides = _sides(sizes)
    low, middle, high = np.percentile(sides, [25, 50, 75])
    spread = float(sides.std(ddof=1)) if len(sides) > 1 else 0.0
    names = ("n", "mean", "sd", "min", "25 %", "50 %", "75 %", "max")
    values = (len(sides), sides.mean(), spread, sides.min(), low, middle, high, sides.max())
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _sides(sizes: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(sizes, dtype=np.float64)
    sides: NDArray[np.float64] = given.min(axis=1) if given.ndim == 2 and given.shape[1] == 2 else given
    if sides.ndim != 1 or not len(sides):
        raise DataError("no_rows", f"Sizes: expected (n,) or (n, 2), got {given.shape}", "Give one size a picture.")
    return sides


@styled
def picture_sizes(sizes: ArrayLike, *, smallest: float | None = None) -> Figure:
    """Box plot and histogram of the pictures' sides over their statistics.

    Parameters
    ----------
    sizes : array (n,) of sides, or (n, 2) of rows and columns, in pixels
        Of rows and columns the shorter counts.
    smallest : float, optional
        Pictures below this side are dropped; marked.

    Returns
    -------
    Figure
    """
    sides, numbers = _sides(sizes), side_statistics(sizes)
    figure = canvas(4.1)
    box, bars, below = figure.subplots(3, 1, height_ratios=(1, 4, 0.9))
    box.sharex(bars)
    look = {
        "boxprops": {"facecolor": "#cfe3f1", "edgecolor": PALETTE[0]},
        "medianprops": {"color": INK, "linewidth": 2},
    }
    flier = {"marker": ".", "markersize": 4, "markeredgecolor": MUTED, "alpha": 0.5}
    box.boxplot(sides, orientation="horizontal", widths=0.6, patch_artist=True, flierprops=flier, **look)
    box.set_yticks([])
    box.tick_params(labelbottom=False, bottom=False)
    box.spines[["left", "bottom"]].set_visible(False)
    spread = max(float(np.ptp(sides)), 20.0)  # pictures of one size still need an axis
    bars.hist(sides, bins=min(40, max(8, round(len(sides) ** 0.5))), color=PALETTE[0], edgecolor="white", linewidth=0.5)
    bars.ticklabel_format(axis="x", useOffset=False, style="plain")
    bars.set_xlim(float(sides.min()) - 0.04 * spread, float(sides.max()) + 0.04 * spread)
    bars.set_xlabel("shorter side in pixels")
    bars.set_ylabel("pictures")
    bars.locator_params(axis="y", integer=True, nbins=5)
    grid_lines(bars, "y")
    if smallest is not None and bars.get_xlim()[0] < smallest < bars.get_xlim()[1]:
        for axes in (box, bars):
            axes.axvline(smallest, color=PALETTE[1], linestyle="--", linewidth=1.4)
        share = percent(float((sides < smallest).mean()))
        bars.set_title(f"dashed: {smallest:g} px; {share} lie below and are dropped", fontweight="normal", fontsize=9)
    below.axis("off")
    for place, (name, value) in enumerate(numbers.items()):
        x = (place + 0.5) / len(numbers)
        below.text(x, 0.95, name, ha="center", va="top", color=MUTED, fontsize=9, transform=below.transAxes)
        text = f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
        below.text(x, 0.4, text, ha="center", va="top", fontsize=10, transform=below.transAxes)
    return figure


@styled
def class_balance(counts: Mapping[str, int]) -> Figure:
    """Bars and pie of the classes; the pie's slices have the bars' colours, all beyond the seven largest together grey.

    Parameters
    ----------
    counts : mapping of str to int
        Pictures of each class, at least one class.

    Returns
    -------
    Figure
    """
    names, values = list(counts), np.array(list(counts.values()), dtype=np.float64)
    many = len(names) > 8
    order = np.argsort(-values, kind="stable") if many else np.arange(len(names))
    largest = list(np.argsort(-values, kind="stable")[: 7 if many else 8])
    colour = {int(i): PALETTE[place] for place, i in enumerate(sorted(largest) if not many else largest)}
    figure = canvas(max(2.6, 0.7 + 0.22 * len(names)))
    bars, pie = figure.subplots(1, 2, width_ratios=(3.4, 1.6))
    rows = np.arange(len(names))
    bars.barh(rows, values[order], color=[colour.get(int(i), FAINT) for i in order], height=0.72)
    bars.set_yticks(rows, [short(names[i]) for i in order], fontsize=9 if len(names) <= 20 else 8)
    bars.set_ylim(len(names) - 0.4, -0.6)
    bars.tick_params(axis="y", length=0)
    total, widest = max(float(values.sum()), 1.0), max(float(values.max()), 1.0)
    for row, i in zip(rows, order, strict=True):
        text = f"{values[i]:,.0f} · {percent(float(values[i] / total))}"
        bars.text(values[i] + 0.02 * widest, row, text, va="center", fontsize=9 if len(names) <= 20 else 8)
    bars.set_xlim(0, widest * 1.55)
    bars.set_xticks([])
    bars.spines["bottom"].set_visible(False)
    bars.set_title(f"{total:,.0f} pictures")
    slices, paint = [float(values[i]) for i in largest], [colour[int(i)] for i in largest]
    rest = float(values.sum() - sum(slices))
    if rest > 0:
        slices, paint = [*slices, rest], [*paint, FAINT]
    if sum(slices) > 0:
        pie.pie(
            slices, colors=paint, startangle=90, counterclock=False, wedgeprops={"edgecolor": "white", "linewidth": 1}
        )
    else:
        pie.axis("off")
    pie.set_anchor("N")
    if rest > 0:
        pie.set_title(f"grey: the other {len(names) - len(largest)}", fontsize=9, fontweight="normal", loc="center")
    return figure


@styled
def class_samples(crops: Sequence[RGB], labels: Sequence[str], *, per_class: int = 6) -> Figure:
    """Crops of every class: a row a class up to eight, one captioned crop a class beyond.

    Parameters
    ----------
    crops : sequence of uint8 arrays (rows, cols, 3), RGB
    labels : sequence of str
        The class of each crop; classes are drawn in the order in which they first occur.
    per_class : int
        Crops of a class at most.

    Returns
    -------
    Figure

    Raises
    ------
    DataError
        No crops, or as many labels as crops are not there.
    """
    if not len(crops) or len(crops) != len(labels):
        message = f"Samples: {len(crops)} crops and {len(labels)} labels"
        raise DataError("length_mismatch", message, "Give at least one crop and a label for each.")
    found: dict[str, list[RGB]] = {}
    for crop, label in zip(crops, labels, strict=True):
        found.setdefault(str(label), []).append(crop)
    if len(found) <= 8:
        wide = min(per_class, max(len(some) for some in found.values()))
        rows = [[tile(crop) for crop in some[:wide]] + [None] * (wide - len(some)) for some in found.values()]
        return mosaic_figure(rows, row_names=list(found), size=9)
    across = 6
    inches = WIDTH / across - 0.08
    flat: list[tuple[RGB | None, str]] = [(tile(some[0]), fitted(name, inches, 8)) for name, some in found.items()]
    flat += [(None, "")] * (-len(flat) % across)
    tiles = [[picture for picture, _ in flat[i : i + across]] for i in range(0, len(flat), across)]
    captions = [[name for _, name in flat[i : i + across]] for i in range(0, len(flat), across)]
    return mosaic_figure(tiles, captions=captions, size=8)


@styled
def colour_maps(crop: RGB) -> Figure:
    """One face in colour, grey, two heat maps of its grey, each channel, and the histogram of the channels.

    Parameters
    ----------
    crop : uint8 array (rows, cols, 3), RGB

    Returns
    -------
    Figure
    """
    small = np.clip(
        shrink(crop, *(max(1, round(s * min(1, 240 / max(crop.shape[:2])))) for s in crop.shape[:2])), 0, 255
    )
    pixels = small.round().astype(np.uint8)
    grey = to_grey(pixels @ np.array([0.299, 0.587, 0.114]), 0, 255)
    only = [pixels * np.eye(3, dtype=np.uint8)[c] for c in range(3)]
    heat = [(np.asarray(mpl.colormaps[name](grey))[:, :, :3] * 255).astype(np.uint8) for name in ("inferno", "viridis")]
    shown = [("colour", pixels), ("grey", grey), ("heat: inferno", heat[0]), ("heat: viridis", heat[1])]
    shown += [("red", only[0]), ("green", only[1]), ("blue", only[2])]
    tiles: list[RGB | None] = [tile(picture, 2 * TILE) for _, picture in shown]
    names = [name for name, _ in shown] + ["histogram"]
    figure = mosaic_figure([tiles[:4], [*tiles[4:], None]], captions=[names[:4], names[4:]], size=9)
    host = figure.axes[0]
    inset = host.inset_axes((3 * 1.06, host.get_ylim()[0] - 1, 1, 1), transform=host.transData)
    for channel, colour in enumerate((PALETTE[1], PALETTE[2], PALETTE[0])):
        inset.hist(pixels[:, :, channel].ravel(), bins=32, range=(0, 256), histtype="step", color=colour, linewidth=1.3)
    inset.set_xticks([0, 128, 255], ["", "", ""])
    inset.set_yticks([])
    inset.set_xlim(0, 256)
    return figure
