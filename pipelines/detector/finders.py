"""Detectors as a benchmark sees them: every candidate with its score, what is timed, and whether it is still the same.

Beside the library's own stand OpenCV's frontal cascade as people run it, with its usual settings and with those of a
course project. It has no scores: how many windows agree stands for one, which is what its setting is about.
"""

from __future__ import annotations

import contextlib
import hashlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from eigenface import __version__
from eigenface.datasets.drawn import draw_photo
from eigenface.detection import DETECTORS, get_detector
from eigenface.detection.boosted import load_detector
from eigenface.errors import RequestError
from eigenface.pipelines.detector.boxed_sets import FOLDS, fold_of
from eigenface.report.detection import Speed
from eigenface.report.matching import Scored
from eigenface.threads import one_blas_thread
from eigenface.types import Box, Detection, Pixels
from eigenface.vision import CASCADES, cv2

STOCK = {"stock Haar (1.1, 5)": (1.1, 5), "stock Haar (1.5, 3)": (1.5, 3)}
"""The frontal default cascade by its factor between window sizes and the windows that must agree."""

_STOCK_SIDE = 30  # smallest window in pixels
_TIMED_SIDE = 40  # the smallest face looked for where an own detector is timed


@dataclass(frozen=True)
class Finder:
    """A detector.

    Parameters
    ----------
    name : str
    threshold : float
        Least score that it answers with.
    find : callable
        Every candidate of an RGB picture; the second argument is what decides in which fold the picture is.
    answer : callable
        What is timed.
    """

    name: str
    threshold: float
    find: Callable[[Pixels, str], list[Scored]]
    answer: Callable[[Pixels], object]

    def fingerprint(self) -> str:
        """SHA-256 of its candidates in drawn photos: another model, or other settings, hardly find the same."""
        drawn = [draw_photo(3, (240, 320), random_state=seed)[0] for seed in range(3)]
        found = [self.find(one, str(number)) for number, one in enumerate(drawn)]
        return hashlib.sha256(repr((__version__, found)).encode()).hexdigest()


class _Scoring(Protocol):
    min_score: float

    def detect(self, pixels: Pixels, *, min_face: int = ..., min_score: float | None = ...) -> list[Detection]: ...


def own_finder(name: str) -> Finder:
    """A detector of the library; boxes and scores are rounded as its answers are.

    Raises
    ------
    RequestError
        Where there is none of this name.
    """
    detector = cast(_Scoring, get_detector(name))
    return Finder(
        name,
        detector.min_score,
        lambda pixels, key: _candidates(detector, pixels),
        lambda pixels: detector.detect(pixels, min_face=_TIMED_SIDE),
    )


def _candidates(detector: _Scoring, pixels: Pixels) -> list[Scored]:
    found = detector.detect(pixels, min_score=0.0)
    return [(Box(*one.box.as_dict().values()), round(one.score, 4)) for one in found]


def twin_finder(folder: Path) -> Finder:
    """The twins that `train_detector` left in a folder: each picture is looked at by the one that never saw it."""
    twins = [load_detector(folder / f"twin{fold}.npz") for fold in range(FOLDS)]
    return Finder(
        "twins",
        twins[0].min_score,
        lambda pixels, key: _candidates(twins[fold_of(key)], pixels),
        lambda pixels: twins[0].detect(pixels, min_face=_TIMED_SIDE),
    )


def stock_finder(name: str) -> Finder:
    """OpenCV's frontal cascade with one of the settings in `STOCK`.

    It is asked for every box on which two windows agree. Of those, the boxes on which more than `neighbours` agree are
    the ones that it gives when it is asked for that many: groups do not depend on it.
    """
    factor, neighbours = STOCK[name]
    cascade = cv2.CascadeClassifier(str(CASCADES / "haarcascade_frontalface_default.xml"))
    side = (_STOCK_SIDE, _STOCK_SIDE)

    def find(pixels: Pixels, key: str) -> list[Scored]:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        boxes, agreeing = cascade.detectMultiScale2(grey, factor, 1, minSize=side)
        return [(Box(*map(int, box)), float(count)) for box, count in zip(boxes, agreeing, strict=True)]

    def answer(pixels: Pixels) -> object:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        return cascade.detectMultiScale(grey, factor, neighbours, minSize=side)

    return Finder(name, float(neighbours + 1), find, answer)


def finders(names: Sequence[str] = ()) -> list[Finder]:
    """The stock cascades, then the library's detectors of these names, or all; one under two names stands once."""
    wanted = list(dict.fromkeys(names or ("default", *DETECTORS)))
    if not names:
        wanted = [name for name in wanted if name == "default" or get_detector(name) is not get_detector("default")]
    if set(wanted) & set(STOCK):
        raise RequestError("bad_detectors", f"{', '.join(STOCK)} are always there", "Name others.")
    return [*(stock_finder(name) for name in STOCK), *(own_finder(name) for name in wanted)]


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread for OpenCV and BLAS; with more, windows come in another order, which changes how they are grouped."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with one_blas_thread:
            yield
    finally:
        cv2.setNumThreads(before)


def timed(some: Sequence[Finder], frames: Mapping[str, Sequence[Pixels]], rounds: int) -> dict[str, dict[str, Speed]]:
    """Processor time on one thread, by size of frame and detector, beside the first one's in the same round.

    In a round every detector answers every frame, turn by turn and each time in another order, so that what else the
    machine does meets all alike.
    """
    with one_thread():
        return {size: _paired(some, pictures, rounds) for size, pictures in frames.items()}


def _paired(some: Sequence[Finder], pictures: Sequence[Pixels], rounds: int) -> dict[str, Speed]:
    for finder in some:
        finder.answer(pictures[0])  # what is loaded at first use is not counted
    spent = np.zeros((rounds, len(some)))
    for number in range(rounds):
        for turn, pixels in enumerate(pictures):
            for place in np.roll(np.arange(len(some)), number + turn).tolist():
                began = time.process_time()
                some[place].answer(pixels)
                spent[number, place] += time.process_time() - began
    ratios = spent[:, :1] / np.maximum(spent, 1e-9)
    return {
        finder.name: Speed(1e3 * statistics.median(spent[:, i]) / len(pictures), statistics.median(ratios[:, i]))
        for i, finder in enumerate(some)
    }
