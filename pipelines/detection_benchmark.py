"""Compare detectors: `python -m eigenface.pipelines.detection_benchmark DATA --out DIR`.

Recall, precision and average precision by size and label of the face, false alarms where there is no face, and
milliseconds a frame, of the library's detectors beside OpenCV's stock cascade in the same run. DATA is a folder or zip
with boxes.csv (`file,x,y,width,height,label`), or with a labels.csv in which every picture is `no_face`; or a folder of
such, or one with a folder `detection` of such. Writes benchmark.md, benchmark.json and curves.png. Boxes found are kept
in DIR/found: a run that is stopped goes on, and only a detector or data that changed are asked again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eigenface import __version__
from eigenface.bundle import atomic_file
from eigenface.cli.talk import Bar, note
from eigenface.datasets.drawn import draw_photo
from eigenface.errors import EigenfaceError, PictureError, RequestError
from eigenface.image import load_picture
from eigenface.journal import Journal
from eigenface.pipelines.detector.boxed_sets import BoxedSet, read_sets
from eigenface.pipelines.detector.finders import (
    STOCK,
    Finder,
    finders,
    one_thread,
    stock_finder,
    timed,
    twin_finder,
)
from eigenface.progress import Progress
from eigenface.report.detection import Comparison, SetScores, detection_table, markdown, recall_figure, set_scores
from eigenface.report.matching import Shot
from eigenface.report.style import png
from eigenface.types import Box, Pixels
from eigenface.vision import cv2

_FRAMES = {"640x480": (640, 480), "1920x1080": (1920, 1080)}  # columns, rows
_MOST_FRAMES = 4
_LEAST_FRAME = (480, 360)  # a smaller picture would be enlarged, and has nothing to find in its details


@dataclass(frozen=True)
class Seen:
    """A picture after every detector looked at it: its size, and what each found."""

    width: int
    height: int
    found: Mapping[str, Sequence[Sequence[float]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, write, print the table."""
    options = parser().parse_args(argv)
    try:
        with Bar() as bar, one_thread():
            compared = run(options, bar)
        print(write(compared, options.out), end="")
    except EigenfaceError as error:
        print(f"detection_benchmark: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("detection_benchmark: stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The script's options."""
    made = argparse.ArgumentParser(prog="python -m eigenface.pipelines.detection_benchmark", description=__doc__)
    made.add_argument("data", type=Path)
    made.add_argument("--out", type=Path, required=True, help="folder for table, figures and what was found")
    made.add_argument("--detectors", default="", help="names with commas between; without, all there are")
    made.add_argument("--sets", default="", help="names of sets with commas between; without, all there are")
    made.add_argument(
        "--twins",
        type=Path,
        help="folder that train_detector wrote: judge its twins, each by the pictures that it never saw; detectors "
        "that ship have seen them, and are judged where --detectors names them",
    )
    made.add_argument("--rounds", type=int, default=5, help="rounds of timing, 0 for none (5)")
    made.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    return made


def run(options: argparse.Namespace, progress: Progress) -> Comparison:
    """What the script does, step by step."""
    names = _names(options.detectors)
    if options.twins is None:
        some = finders(names)
    else:  # the detectors that ship have seen these pictures: they are judged where they are asked for by name
        some = [*(finders(names) if names else map(stock_finder, STOCK)), twin_finder(options.twins)]
    found = list(read_sets(options.data, _names(options.sets)))
    try:
        (options.out / "found").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            "cannot_write", f"{options.out}: cannot be written ({error.strerror})", "Give another --out."
        ) from None
    scores: list[SetScores] = []
    large: list[tuple[BoxedSet, str]] = []
    for one in found:
        files = one.files()
        seen = look_at(one, files, some, options.out / "found", progress, fresh=options.fresh)
        shots = {finder.name: [_shot(one, file, seen[file].found[finder.name]) for file in files] for finder in some}
        scores.append(set_scores(one.name, shots))
        if any(one.boxes.values()):
            wide = [f for f in files if seen[f].width >= _LEAST_FRAME[0] and seen[f].height >= _LEAST_FRAME[1]]
            large += [(one, file) for file in wide]
    speeds = timed(some, frames(large), options.rounds) if options.rounds > 0 else {}
    return Comparison({finder.name: finder.threshold for finder in some}, scores, speeds)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def look_at(
    one: BoxedSet,
    files: Sequence[str],
    some: Sequence[Finder],
    folder: Path,
    progress: Progress,
    *,
    fresh: bool = False,
) -> dict[str, Seen]:
    """What each detector finds in these pictures; a journal a detector knows those it saw before."""
    journals = {finder.name: _journal(one, finder, folder, fresh=fresh) for finder in some}
    try:
        asked: dict[str, list[Finder]] = defaultdict(list)
        for finder in some:
            for file in files:
                if file not in journals[finder.name]:
                    asked[file].append(finder)
        for number, (file, data) in enumerate(one.place.contents(asked), start=1):
            pixels = _pixels(data, file)
            for finder in asked[file]:
                boxes = [] if pixels is None else finder.find(pixels, one.keys[file])
                found = [[*_corners(box), score] for box, score in boxes]
                size = [0, 0] if pixels is None else [pixels.shape[1], pixels.shape[0]]
                journals[finder.name].record(file, {"size": size, "found": found})
            progress(number, len(asked), f"pictures of {one.name}")
        first = journals[some[0].name]
        sizes = {file: first[file]["size"] for file in files}
        found_by = {file: {name: journal[file]["found"] for name, journal in journals.items()} for file in files}
        return {file: Seen(width, height, found_by[file]) for file, (width, height) in sizes.items()}
    finally:
        for journal in journals.values():
            journal.close()


def _journal(one: BoxedSet, finder: Finder, folder: Path, *, fresh: bool) -> Journal:
    """The journal of a set and a detector as they are now; those of earlier data or models go."""
    files = hashlib.sha256(repr(sorted(one.place.files.items())).encode()).hexdigest()
    job = {"data": files, "detector": finder.fingerprint(), "opencv": cv2.__version__, "version": __version__}
    stem = re.sub(r"[^\w.]+", "_", f"{one.name}_{finder.name}").strip("_")
    path = folder / f"{stem}-{hashlib.sha256(repr(job).encode()).hexdigest()[:8]}.journal"
    for other in folder.glob(f"{stem}-*.journal"):
        if other != path and re.fullmatch(r"[0-9a-f]{8}", other.stem.removeprefix(f"{stem}-")):
            other.unlink()
    return Journal(path, job, fresh=fresh)


def _pixels(data: bytes, name: str) -> Pixels | None:
    """A picture's pixels; None, with a note, where it cannot be read: its faces then count as missed."""
    try:
        return load_picture(data, name=name).pixels
    except PictureError as error:
        note(str(error))
        return None


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.width, box.height


def _shot(one: BoxedSet, file: str, found: Sequence[Sequence[float]]) -> Shot:
    return Shot(
        tuple(box for box, _ in one.boxes[file]),
        tuple(label for _, label in one.boxes[file]),
        tuple((Box(*values[:4]), values[4]) for values in found),
    )


def frames(pictures: Sequence[tuple[BoxedSet, str]]) -> dict[str, list[Pixels]]:
    """Frames to be timed on, cut out of pictures spread over the sets; drawn ones where none is large enough.

    A large frame is tiled with the small ones, so that its faces are as many and as sharp as a real one's.
    """
    cols, rows = _FRAMES["640x480"]
    places = np.unique(np.linspace(0, len(pictures) - 1, _MOST_FRAMES).astype(int)).tolist() if pictures else []
    small = [
        _covering(pixels, cols, rows)
        for one, file in (pictures[i] for i in places)
        if (pixels := _pixels(one.place.read(file), file)) is not None
    ] or [draw_photo(2, (rows, cols))[0]]
    wide, high = _FRAMES["1920x1080"]
    tiles = [np.tile(np.concatenate([one, np.flip(one, 1)], axis=1), (-(-high // rows), 2, 1)) for one in small]
    return {"640x480": small, "1920x1080": [np.ascontiguousarray(one[:high, :wide]) for one in tiles]}


def _covering(pixels: Pixels, cols: int, rows: int) -> Pixels:
    """The middle of a picture, shrunk or enlarged until it covers a frame."""
    scale = max(cols / pixels.shape[1], rows / pixels.shape[0])
    size = (max(cols, round(pixels.shape[1] * scale)), max(rows, round(pixels.shape[0] * scale)))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (size[1] - rows) // 2, (size[0] - cols) // 2
    middle: Pixels = np.ascontiguousarray(resized[top : top + rows, left : left + cols])
    return middle


def write(compared: Comparison, out: Path) -> str:
    """benchmark.md, benchmark.json and curves.png, each whole or not there; returns the first."""
    text = markdown(detection_table(compared))
    files: dict[str, bytes] = {
        "benchmark.md": text.encode(),
        "benchmark.json": (json.dumps(compared.as_dict(), indent=1, allow_nan=False) + "\n").encode(),
    }
    if any(not one.faceless for one in compared.sets):
        files["curves.png"] = png(recall_figure(compared))
    for name, data in files.items():
        with atomic_file(out / name) as handle:
            handle.write(data)
    return text


if __name__ == "__main__":
    sys.exit(main())
