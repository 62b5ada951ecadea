"""Look at a face space: scree with elbow, the mean face and its eigenfaces, originals beside their reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from eigenface.errors import DataError
from eigenface.report.mosaic import mosaic_figure, tile, to_grey
from eigenface.report.style import PALETTE, canvas, grid_lines, legend_below, percent, styled

LEVELS = (0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Eigenfaces:
    """A face space as PCA learned it.

    Parameters
    ----------
    mean : float array (p,)
        The mean face, flat.
    components : float array (m, p)
        Orthonormal rows, the eigenfaces, by falling variance.
    explained : float array (m,)
        Share of the variance that each explains, 0..1.
    shape : (rows, cols)
        Of a face; rows * cols = p.
    faces : float array (f, p)
        A few faces on the scale of the mean, to reconstruct; may be empty.

    Raises
    ------
    DataError
        The shapes do not fit together.

    References
    ----------
    Turk and Pentland (1991), Eigenfaces for recognition. https://doi.org/10.1162/jocn.1991.3.1.71
    """

    mean: NDArray[np.floating[Any]]
    components: NDArray[np.floating[Any]]
    explained: NDArray[np.floating[Any]]
    shape: tuple[int, int]
    faces: NDArray[np.floating[Any]] = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        p, m = self.shape[0] * self.shape[1], len(self.components)
        fits = self.mean.shape == (p,) and self.components.shape == (m, p) and self.explained.shape == (m,) and m > 0
        if not fits or (len(self.faces) and self.faces.shape[1:] != (p,)):
            got = f"mean {self.mean.shape}, components {self.components.shape}, explained {self.explained.shape}"
            hint = "Give mean (p,), components (m, p), explained (m,), faces (f, p) with p = rows * cols."
            raise DataError("bad_eigenfaces", f"Eigenfaces: {got}, faces {self.faces.shape} for {self.shape}", hint)

    def rebuild(self, k: int) -> NDArray[np.float64]:
        """The faces (f, p) from their first `k` components alone."""
        basis = self.components[:k].astype(np.float64)
        centred = self.faces - self.mean
        rebuilt: NDArray[np.float64] = self.mean + (centred @ basis.T) @ basis
        return rebuilt


def needed_components(explained: NDArray[np.floating[Any]], share: float) -> int | None:
    """How many components explain at least `share` (0..1) of the variance, or None if all of them do not.

    >>> needed_components(np.array([0.6, 0.25, 0.1]), 0.8), needed_components(np.array([0.6]), 0.8)
    (2, None)
    """
    reached = np.flatnonzero(np.cumsum(explained) >= share - 1e-9)
    return int(reached[0]) + 1 if len(reached) else None


def elbow(explained: NDArray[np.floating[Any]]) -> int:
    """Where the cumulative curve bends: the component farthest above the line from its first point to its last.

    Parameters
    ----------
    explained : float array (m,)
        Share of the variance of each component, falling.

    Returns
    -------
    int
        1..m.

    References
    ----------
    Satopaa et al. (2011), Finding a "kneedle" in a haystack. https://doi.org/10.1109/ICDCSW.2011.20

    Examples
    --------
    >>> elbow(np.array([0.5, 0.3, 0.02, 0.02, 0.02]))
    2
    """
    curve = np.cumsum(explained)
    if len(curve) < 3 or curve[-1] - curve[0] < 1e-12:
        return 1
    straight = np.linspace(curve[0], curve[-1], len(curve))
    return int(np.argmax(curve - straight)) + 1


@styled
def scree(space: Eigenfaces) -> Figure:
    """Variance of each component over the cumulative curve, with the elbow and the marks at 80, 90 and 95 %.

    Parameters
    ----------
    space : Eigenfaces

    Returns
    -------
    Figure

    References
    ----------
    Cattell (1966), The scree test for the number of factors. https://doi.org/10.1207/s15327906mbr0102_10
    """
    shares = np.asarray(space.explained, dtype=np.float64)
    place, bend = np.arange(1, len(shares) + 1), elbow(shares)
    figure = canvas(4.9)
    single, total = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.5))
    mark = {"marker": "o", "markersize": 3} if len(shares) <= 60 else {}
    single.plot(place, 100 * shares, color=PALETTE[0], **mark)
    single.set_yscale("log")
    single.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    single.set_ylabel("% of variance")
    single.set_title("each component, logarithmic", fontweight="normal", fontsize=9)
    single.minorticks_off()
    total.plot(place, 100 * np.cumsum(shares), color=PALETTE[0], **mark)
    total.set_title("all up to this one", fontweight="normal", fontsize=9)
    total.set_ylabel("% of variance")
    total.set_xlabel("component")
    total.set_ylim(0, 104)
    total.set_xlim(0, len(shares) + 1)
    handles = [single.axvline(bend, color=PALETTE[1], linestyle="--", linewidth=1.4, label=f"elbow: {bend}")]
    total.axvline(bend, color=PALETTE[1], linestyle="--", linewidth=1.4)
    for level, marker, colour in zip(LEVELS, "os^", (PALETTE[2], PALETTE[3], PALETTE[6]), strict=True):
        count = needed_components(shares, level)
        label = f"{percent(level)}: {count}" if count else f"{percent(level)}: not reached"
        x, y = ([count], [100 * float(shares[:count].sum())]) if count else ([], [])
        handles += total.plot(x, y, marker, color=colour, markersize=8, label=label, zorder=4, clip_on=False)
    for axes in (single, total):
        grid_lines(axes)
    legend_below(figure, handles=handles, columns=4 if needed_components(shares, LEVELS[-1]) else 2)
    return figure


@styled
def eigenface_gallery(space: Eigenfaces, *, count: int = 17) -> Figure:
    """The mean face and the first eigenfaces; grey is no change, each with its number and share of the variance.

    Parameters
    ----------
    space : Eigenfaces
    count : int
        Eigenfaces at most.

    Returns
    -------
    Figure
    """
    tiles = [tile(to_grey(space.mean.reshape(space.shape)))]
    names = ["mean"]
    for number, (row, share) in enumerate(zip(space.components[:count], space.explained, strict=False), 1):
        reach = float(np.percentile(np.abs(row), 99.5))
        tiles.append(tile(to_grey(row.reshape(space.shape), -reach, reach)))
        names.append(f"{number} · {100 * share:.2g} %")
    across = 6
    pad = -len(tiles) % across if len(tiles) > across else 0
    padded: list[NDArray[np.uint8] | None] = [*tiles, *[None] * pad]
    names += [""] * pad
    rows = [padded[i : i + across] for i in range(0, len(padded), across)]
    return mosaic_figure(rows, captions=[names[i : i + across] for i in range(0, len(names), across)], size=9)


def default_counts(components: int, columns: int = 5) -> list[int]:
    """Numbers of components to reconstruct with, about evenly on a logarithmic scale.

    >>> default_counts(100)
    [5, 11, 22, 47, 100]
    """
    start = min(5, components)
    return sorted({round(float(k)) for k in np.geomspace(start, components, columns)})


@styled
def reconstructions(space: Eigenfaces, *, counts: Sequence[int] | None = None, faces: int = 5) -> Figure:
    """Faces beside what is left of them with ever more components; the share of the variance over each column.

    Parameters
    ----------
    space : Eigenfaces
        With at least one face.
    counts : sequence of int, optional
        Numbers of components, each 1..m; by default five, evenly on a logarithmic scale.
    faces : int
        Rows at most.

    Returns
    -------
    Figure

    Raises
    ------
    DataError
        There are no faces.
    """
    if not len(space.faces):
        raise DataError("no_rows", "Reconstructions: no faces given", "Pass a few faces with the eigenfaces.")
    some = Eigenfaces(space.mean, space.components, space.explained, space.shape, space.faces[:faces])
    chosen = list(counts) if counts is not None else default_counts(len(space.components))
    low, high = float(some.faces.min()), float(some.faces.max())
    columns = [some.faces, *(some.rebuild(k) for k in chosen)]
    rows: list[list[NDArray[np.uint8] | None]] = [
        [tile(to_grey(column[i].reshape(space.shape), low, high)) for column in columns] for i in range(len(some.faces))
    ]
    totals = np.cumsum(space.explained)
    heads = ["original", *(f"{k} · {percent(float(totals[k - 1]))}" for k in chosen)]
    return mosaic_figure(rows, size=9, column_names=heads)
