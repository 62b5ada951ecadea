"""Plots of time and memory against the number of faces: search, fit and predict."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from timing import milliseconds

from eigenface.datasets.drawn import make_faces
from eigenface.store import load_model

_HERE = Path(__file__).parent


def lines_of(script: str, *arguments: str) -> list[list[float]]:
    """The numbers of a table that a script here prints, a list a row."""
    command = [sys.executable, str(_HERE / script), *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in printed.splitlines() if "|" in line]
    numbers = [[float(cell) for cell in row if re.fullmatch(r"-?[\d.]+", cell)] for row in rows]
    return [row for row in numbers if row]


def plot_growth(folder: Path, counts: Sequence[int]) -> list[Path]:
    """Write one picture a kind of work; the paths."""
    search = lines_of("search.py", "--grow", *map(str, counts))
    fit = lines_of("memory.py", "--faces", *map(str, counts))
    model = load_model("gender")
    crops = make_faces(n_per_class=64, size=(80, 120)).crops
    predict = []
    for count in counts:
        some = [crops[i % len(crops)] for i in range(count)]
        predict.append([count, milliseconds(lambda s=some: model.predict_proba(s), 1) / 1e3])
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _plot(folder / "search.png", "search, 6 candidates x 5 folds", search, {1: "seconds", 2: "GB at most"}),
        _plot(folder / "fit.png", "train, Fisher vectors, 3 folds", fit, {1: "CPU seconds", 5: "GB at most"}),
        _plot(folder / "predict.png", "gender, all crops in one call", predict, {1: "seconds"}),
    ]


def _plot(path: Path, title: str, rows: Sequence[Sequence[float]], columns: dict[int, str]) -> Path:
    figure = Figure(figsize=(4 * len(columns), 3.4), layout="constrained")
    counts = [row[0] for row in rows]
    for place, (column, name) in enumerate(columns.items(), 1):
        axes = figure.add_subplot(1, len(columns), place)
        values = [max(row[column], 1e-6) for row in rows]
        axes.loglog(counts, values, "o-")
        axes.set_xticks(counts, [f"{count:,.0f}" for count in counts])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.set(xlabel="faces", ylabel=name, ylim=(min(values) / 2, max(values) * 2))
        for count, value in zip(counts, values, strict=True):
            axes.annotate(f"{value:.3g}", (count, value), (0, 7), textcoords="offset points", ha="center", fontsize=8)
        if len(rows) > 1:
            slope = np.log(values[-1] / values[-2]) / np.log(counts[-1] / counts[-2])
            axes.set_title(f"in the end as $n^{{{slope:.1f}}}$", fontsize=10)
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
    return path
