"""One look for every figure: 6 inches (600 px) wide, colours that colour-blind readers tell apart, short names."""

from __future__ import annotations

import io
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

P = ParamSpec("P")

WIDTH = 6.0
INK, MUTED, FAINT = "#1b1f24", "#5c6570", "#c9d0d8"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6a3d9a", "#595959")
"""Wong's colours without yellow, which is lost on white. https://doi.org/10.1038/nmeth.1618"""
DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (3, 1, 1, 1)), (0, (2, 2)))
HEAT = LinearSegmentedColormap.from_list("eigenface_heat", ["#ffffff", "#c6dcec", "#5ba0cd", "#0072b2", "#003f66"])
"""White to dark blue: read by lightness alone."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": "#e4e8ec",
    "grid.linewidth": 0.8,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "text.usetex": False,
    "axes.unicode_minus": False,
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in this style, whatever the user's own matplotlib settings are."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(STYLE):  # type: ignore[arg-type]
            return draw(*args, **kwargs)

    return inside


def canvas(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of this size in inches whose parts make room for each other."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    return figure


def printable(text: object) -> str:
    """The text on one line, without characters that steer a terminal.

    >>> printable("a\\n\\x1b[31mb")
    'a [31mb'
    """
    cleaned = (
        " " if c.isspace() else c for c in str(text) if c.isspace() or not unicodedata.category(c).startswith("C")
    )
    return " ".join("".join(cleaned).split())


def short(text: object, limit: int = 18) -> str:
    """The text as a figure can hold it: one line, at most `limit` characters, no mathematics between dollar signs.

    >>> short("George_W_Bush_the_elder", 12), short("5$")
    ('George_W_Bu…', '5\\\\$')
    """
    line = printable(text)
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    return line.replace("$", r"\$")


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """How wide a line of this size in points is, in inches."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        wide = text_to_path.get_text_width_height_descent(text, FontProperties(family="DejaVu Sans", size=size), False)[
            0
        ]
    return float(wide) / 72


def fitted(text: object, inches: float, size: float) -> str:
    """The text on one line, cut until it is no wider than this."""
    line = printable(text)
    limit = len(line)
    while limit > 2 and text_width(short(line, limit), size) > inches:
        limit -= 1
    return short(line, limit)


def percent(share: float) -> str:
    """A share as a whole percentage, `<1 %` and `>99 %` where rounding would hide something.

    >>> percent(0.254), percent(0.001), percent(1.0)
    ('25 %', '<1 %', '100 %')
    """
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{share * 100:.0f} %"


def grid_lines(axes: Axes, which: str = "both") -> None:
    """Faint lines behind the data along an axis or both."""
    axes.grid(True, axis=which)  # type: ignore[arg-type]


def legend_below(
    figure: Figure, axes: Axes | None = None, *, columns: int = 2, handles: Sequence[Any] = (), title: str | None = None
) -> None:
    """A legend under everything else, where it covers no data."""
    entries = list(handles) or axes.get_legend_handles_labels()[0] if axes is not None else list(handles)
    if entries:
        ncols = min(columns, len(entries))
        figure.legend(
            handles=entries, loc="outside lower center", ncols=ncols, handlelength=2.4, title=title, title_fontsize=9
        )


def bare(axes: Axes) -> None:
    """Take ticks and frame from axes that show a picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def png(figure: Figure, dpi: int = 180) -> bytes:
    """The figure as the bytes of a PNG file, the same for the same figure; glyphs the font lacks are drawn as boxes."""
    target = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(target, format="png", dpi=dpi, metadata={"Software": None})
    return target.getvalue()
