"""`make bench`: what search, answers and the server cost, against peers in the same run, in one table.

Ratios compare; absolute figures are of this machine, on this day. Faces are drawn, so that nothing has to be there.
With `--plots DIR`, time and memory against the number of faces as pictures.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import answers
import serving
from growth import lines_of, plot_growth
from timing import Measured

from eigenface.vision import cv2


def search(rows: int) -> Iterator[Measured]:
    """The 144 candidates of the course, 5 folds: with and without the compiled part, stock plain and with memory."""
    names = ("GridSearchCV", "GridSearchCV, Pipeline(memory=)", "without", "with", "halving")
    seconds = dict(zip(names, (row[0] for row in lines_of("search.py", "--rows", str(rows))), strict=True))
    for ours, said in (("with", "compiled"), ("without", "numpy alone"), ("halving", "compiled, halving=3")):
        for peer in names[:2]:
            what = f"search, 144 candidates x 5 folds, {rows} faces, {said}"
            yield Measured(what, 1e3 * seconds[ours], 1e3 * seconds[peer], f"stock {peer}")


def page(seconds: float) -> Iterator[Measured]:
    """The server under 16 clients: milliseconds an answer, all clients together."""
    own, seed, again = serving.measure(16, seconds)
    what = f"server, 16 clients, 1 megapixel (99 % within {own.slowest(0.99):.2f} s)"
    yield Measured(what, 1e3 / own.a_second, 1e3 / seed.a_second, "seeds' function in Flask")
    yield Measured(f"the same, restarted: {len(again.lost)} requests lost", 1e3 / again.a_second)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plots", type=Path, help="also write plots of time and memory there")
    parser.add_argument("--counts", type=int, nargs="+", default=[500, 1000, 2000, 4000], help="faces of the plots")
    parser.add_argument("--rows", type=int, default=2000, help="faces of the search")
    parser.add_argument("--seconds", type=float, default=8, help="time that clients have")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print("| what | ms | against, ms | ratio |\n|---|---|---|---|", flush=True)
    parts = (answers.crops(), answers.photos(), answers.tasks_together(), answers.processes())
    for part in (*parts, page(options.seconds), search(options.rows)):
        for line in part:
            print(line, flush=True)
    if options.plots:
        for path in plot_growth(options.plots, options.counts):
            print(path)


if __name__ == "__main__":
    main()
