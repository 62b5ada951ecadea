"""Learn where eyes are: `python -m eigenface.pipelines.train_registration DATA --out FILE`.

DATA is the folder of the sets; the faces are those of gender/lfw.zip. Nobody marked their eyes: OpenCV's two eye
cascades do, on a face and on its mirror image, and a face counts where three of the four agree.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenface.cli.talk import Bar, note
from eigenface.datasets.place import look
from eigenface.datasets.splits import split_by_name
from eigenface.datasets.table import read_table
from eigenface.detection import get_detector
from eigenface.detection.pyramid import Grey
from eigenface.detection.registration import ROOM, SIDE, EyeFinder, Eyes, Step, looked_at, mirrored, save_eye_finder
from eigenface.errors import EigenfaceError
from eigenface.image import load_picture
from eigenface.progress import Progress
from eigenface.vision import CASCADES, cv2

_SOURCE, _EVERY = "gender/lfw.zip", 4  # and how many of its pictures are looked at: one in so many
_CASCADES = ("haarcascade_eye.xml", "haarcascade_eye_tree_eyeglasses.xml")
_UPPER = (slice(40, 92), slice(34, 126))  # of a square: where eyes may be
_LARGER = 2  # times as large, so that eyes are no smaller than a cascade's window
_EYE = (24, 76)  # pixels of a window there
_AGREE, _AGREEING = 0.1, 3  # eye distances; marks of four
_STEPS, _COPIES, _RIDGE = 3, 6, 1.0
_TURN, _SCALE, _SHIFT = 6.0, 0.08, 4.0  # spreads of what a first guess is wrong by: degrees, logarithm, pixels
_ASIDE = 0.3


def main(argv: Sequence[str] | None = None) -> int:
    """Mark eyes, learn, say how far off it is on people kept aside."""
    options = parser().parse_args(argv)
    try:
        with Bar() as bar:
            squares, eyes, people = marked_faces(options.data, bar)
        learned, aside = split_by_name(people, _ASIDE)
        finder = learn([squares[i] for i in learned], eyes[learned])
        found = finder([squares[i] for i in aside])
        apart = np.linalg.norm(eyes[aside, 1] - eyes[aside, 0], axis=1)
        errors = np.linalg.norm(found - eyes[aside], axis=2).mean(axis=1) / apart
        note(f"{len(learned)} faces; {np.median(errors):.3f} eye distances off, in the median of {len(aside)} others")
        save_eye_finder(finder, options.out)
    except EigenfaceError as error:
        note(str(error))
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The script's options."""
    made = argparse.ArgumentParser(prog="train_registration", description="Learn where eyes are.")
    made.add_argument("data", type=Path, help="folder of the sets")
    made.add_argument("--out", type=Path, required=True, help="file to write, such as eyes.npz")
    return made


def marked_faces(data: Path, progress: Progress) -> tuple[list[Grey], Eyes, list[str]]:
    """Squares as `registration.looked_at` gives them, eyes (n, 2, 2) in their pixels, and whose they are."""
    place = look(data / _SOURCE)
    rows = read_table(place.read("labels.csv"), place.where("labels.csv"))[::_EVERY]
    squares, eyes, people = [], [], []
    for number, row in enumerate(rows, start=1):
        pixels = load_picture(place.read(row["file"]), name=row["file"]).pixels
        found = get_detector().detect(pixels)
        if found:
            square = looked_at(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), found[0].box)
            marks = mark(square)
            if marks is not None:
                squares.append(square)
                eyes.append(marks)
                people.append(row.get("group") or row["file"])
        progress(number, len(rows), "faces")
    return squares, np.array(eyes), people


def mark(square: Grey) -> Eyes | None:
    """The eyes (2, 2) of a square on which the cascades agree."""
    pairs = [_pair(square, name) for name in _CASCADES]
    turned = [_pair(np.ascontiguousarray(square[:, ::-1]), name) for name in _CASCADES]
    pairs += [None if one is None else mirrored(one[None])[0] for one in turned]
    seen = np.array([one for one in pairs if one is not None])
    if len(seen) < _AGREEING:
        return None
    middle = np.median(seen, axis=0)
    near = np.linalg.norm(seen - middle, axis=2).max(axis=1) < _AGREE * (middle[1, 0] - middle[0, 0])
    return np.asarray(seen[near].mean(axis=0)) if near.sum() >= _AGREEING else None


def _pair(square: Grey, name: str) -> Eyes | None:
    """The likeliest two windows of an eye cascade: far enough apart, nearly level, about the middle."""
    cascade = cv2.CascadeClassifier(str(CASCADES / name))
    upper = cv2.resize(square[_UPPER], None, fx=_LARGER, fy=_LARGER, interpolation=cv2.INTER_LINEAR)
    windows, agreeing = cascade.detectMultiScale2(upper, 1.05, 3, minSize=(_EYE[0],) * 2, maxSize=(_EYE[1],) * 2)
    boxes = np.array(windows, float).reshape(-1, 4)
    points = (boxes[:, :2] + boxes[:, 2:] / 2) / _LARGER + [_UPPER[1].start, _UPPER[0].start]
    best: tuple[float, Eyes] | None = None
    for left, one in zip(points, np.ravel(agreeing), strict=True):
        for right, other in zip(points, np.ravel(agreeing), strict=True):
            across, down = right - left
            if not 0.15 * SIDE <= across <= 0.3 * SIDE or abs(down) > 0.45 * across:
                continue
            worth = float(one) + float(other) - abs((left[0] + right[0] - SIDE) / 2) / 2
            if best is None or worth > best[0]:
                best = worth, np.array([left, right])
    return best[1] if best else None


def learn(squares: Sequence[Grey], eyes: Eyes, *, random_state: int = 0) -> EyeFinder:
    """A finder from squares and the eyes (n, 2, 2) in them; every face is learned from in its mirror image as well.

    Its first guesses are wrong by as much as boxes are: each copy of a face starts from another.
    """
    rng = np.random.default_rng(random_state)
    squares = [*squares, *(np.ascontiguousarray(square[:, ::-1]) for square in squares)] * _COPIES
    eyes = np.concatenate([np.concatenate([eyes, mirrored(eyes)])] * _COPIES)
    middle = (SIDE - 1) / 2
    finder = EyeFinder((eyes.mean(axis=0) - middle) * ROOM / SIDE, ())
    turn = np.exp(rng.normal(0, _SCALE, len(eyes)) + 1j * np.deg2rad(rng.normal(0, _TURN, len(eyes))))
    points = (finder.first(len(eyes)) - middle) @ [1, 1j] * turn[:, None]
    guess = np.stack([points.real, points.imag], axis=-1) + middle + rng.normal(0, _SHIFT, (len(eyes), 1, 2))
    for _ in range(_STEPS):
        features = finder.features(squares, guess)
        ways = [finder.way(one) for one in guess]
        there = np.stack([points @ way[:, :2].T + way[:, 2] for points, way in zip(eyes, ways, strict=True)])
        step = _ridge(features, (there - finder.frame).reshape(len(eyes), -1))
        guess = finder.moved(squares, guess, step)
        finder = EyeFinder(finder.usual, (*finder.steps, step))
    return finder


def _ridge(features: NDArray[np.float32], targets: NDArray[np.float64]) -> Step:
    centre, offset = features.mean(axis=0), targets.mean(axis=0)
    centred = features - centre
    products = centred.T @ centred
    products[np.diag_indices(len(products))] += _RIDGE * len(centred) * centred.var(axis=0).mean()
    weights = np.linalg.solve(products, centred.T @ (targets - offset).astype(np.float32))
    return Step(centre, weights.astype(np.float32), offset.astype(np.float32))


if __name__ == "__main__":
    sys.exit(main())
