"""`python benchmarks/memory.py --faces 10000 30000`: time and memory of training on many faces, and how they grow.

Faces are drawn, then moved, zoomed, turned and lit at random. Each number of faces is a process of its own. Memory is
what a process has for itself: pages of files, in which crops and rows lie beyond the bound, are the system's to put
away. Seconds are of one core of this machine, on this day.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from eigenface.augment import jittered
from eigenface.calibrate import calibrate_pipeline, folds_by_group
from eigenface.datasets.drawn import make_faces
from eigenface.streaming import CropRoom, limit
from eigenface.tasks.recipes import eigenface_pipeline, fisher_pipeline
from eigenface.threads import one_blas_thread
from eigenface.types import Pixels

_DRAWN = 400


class Peak:
    """The most memory that this process had for itself while a block ran, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.bytes = max(self.bytes, own_bytes())


def own_bytes() -> int:
    """Memory of this process without pages of files; where the system does not say, all of it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return 1024 * int(lines["RssAnon"].split()[0])


def generate(count: int, memory: int) -> tuple[list[Pixels], NDArray[np.str_], NDArray[np.str_]]:
    """Crops, labels and persons of `count` faces, each a changed copy of a drawn one."""
    drawn = make_faces(n_per_class=_DRAWN // 2, size=(120, 160))
    rng, change, room = np.random.default_rng(0), jittered(0.06, 0.12, 9), CropRoom(memory // 4)
    of = np.arange(count) % len(drawn.crops)
    crops = []
    for index in of:
        moved = change(drawn.crops[index], rng) * float(rng.uniform(0.6, 1.1)) + rng.normal(0, 6)
        crops.append(room.keep(np.clip(moved, 0, 255).astype(np.uint8)))
    return crops, drawn.labels[of], drawn.groups[of]


def one(count: int, variant: str, memory: int) -> None:
    """A line of the table: faces drawn, described, calibrated in three folds and fitted, as `train` does it."""
    pipeline = {"fisher": fisher_pipeline, "eigenfaces": eigenface_pipeline}[variant]()
    limit(pipeline, count, memory)
    with one_blas_thread, Peak() as peak:
        crops, labels, groups = generate(count, memory)
        drawn = peak.bytes
        began = time.process_time()
        folds = folds_by_group(labels, groups, 3)
        fitted = calibrate_pipeline(pipeline, crops, labels, folds, memory=memory)
        spent = time.process_time() - began
    right = (fitted.pipeline.classes_[fitted.out_of_fold.argmax(axis=1)] == labels).mean()
    sizes = f"{sum(crop.nbytes for crop in crops) / 1e9:.2f} | {drawn / 1e9:.2f} | {peak.bytes / 1e9:.2f}"
    print(f"| {variant} | {count} | {spent:.1f} | {1e3 * spent / count:.1f} | {sizes} | {right:.3f} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, nargs="+", default=[1000, 2000, 4000])
    parser.add_argument("--variant", choices=("fisher", "eigenfaces"), default="fisher")
    parser.add_argument("--memory", type=float, default=4, help="gigabytes that training may take")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.faces[0], options.variant, int(options.memory * 1e9))
        return
    print("| model | faces | CPU seconds | ms a face | GB of crops | GB before training | GB at most | right |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for count in options.faces:
        command = [sys.executable, __file__, "--one", "--faces", str(count), "--variant", options.variant]
        subprocess.run([*command, "--memory", str(options.memory)], check=True)


if __name__ == "__main__":
    main()
