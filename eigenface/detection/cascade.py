"""A cascade of Haar features that looks at small pictures in less time than OpenCV, and finds the same windows.

`cv2.CascadeClassifier` asks windows one by one, and where a face is most of them pass most of the trees. The compiled
part asks eight neighbours at once. It knows cascades whose trees have two nodes, as that of frontal faces has.

Reference: Lienhart and Maydt, An extended set of Haar-like features, ICIP 2002, doi:10.1109/ICIP.2002.1038171.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from eigenface.engine import compiled
from eigenface.vision import cv2

_TREE = np.dtype(
    [
        ("corners", np.int16, (2, 3, 4)),
        ("weights", np.float32, (2, 3)),
        ("limits", np.float32, (2,)),
        ("leaves", np.float32, (3,)),
        ("turned", np.int32),
    ]
)
"""A tree as the compiled part reads it; of each corner first the column and the row, then its place in rows of sums."""

_DOWN = 256  # what a row counts in a corner's number
_LARGEST = 8192  # pixels of a picture for which this is worth while
_EIGHT = 8  # windows that are asked at once: sums have so many columns more


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """What an XML file of OpenCV says.

    Parameters
    ----------
    side : int
        Of its window, in pixels.
    ends : int32 array (stages,)
        The number of trees in a stage and all before.
    least : float32 array (stages,)
        Sum of leaves from which a window passes a stage.
    trees : array (trees,) of `_TREE`
        Corners by their column and their row in one number.
    """

    side: int
    ends: NDArray[np.int32]
    least: NDArray[np.float32]
    trees: NDArray[np.void]

    def windows(self, grey: NDArray[np.uint8], factor: float, low: int, high: int) -> NDArray[np.int32] | None:
        """As `cv2.CascadeClassifier.detectMultiScale2` finds them without neighbours asked for.

        Parameters
        ----------
        grey : uint8 array (rows, cols)
        factor : float
            From one size of windows to the next.
        low, high : int
            Sides in pixels of the smallest and of the largest window.

        Returns
        -------
        int32 array (n, 4) : x, y, width, height; or None
            None where OpenCV is to be asked.
        """
        module = compiled("looks")
        if module is None or not module.SAME or grey.size > _LARGEST:
            return None
        scales = self._scales(grey.shape, factor, low, high)
        if not len(scales):
            return None
        pictures = tuple(
            cv2.resize(grey, (round(cols), round(rows)), interpolation=cv2.INTER_LINEAR_EXACT)
            for rows, cols in (np.array(grey.shape, np.float32) / scales[:, None]).tolist()
        )
        apart = max(picture.shape[1] for picture in pictures) + _EIGHT
        step = np.where(scales >= 2, 1, 2)
        windows = np.array([picture.shape for picture in pictures]) + 1 - self.side
        parts = -(-windows[0, 1] // 32)  # OpenCV's threads share rows; some are nobody's, and with one thread as well
        below = np.minimum(np.maximum((windows[:, 0] // step + parts - 1) // parts, 1) * step * parts, windows[:, 0])
        steps = np.column_stack([step, below]).astype(np.int32)
        found = np.empty((sum(picture.size for picture in pictures), 3), np.int32)
        about = (self.side, apart, _placed(self, apart), self.ends, self.least)
        count = module.passing(pictures, steps, *about, found)
        number, places = found[:count, 0], found[:count, 1:]
        corners = np.rint(places.astype(np.float32) * scales[number, None])
        sides = np.minimum(np.rint(self.side * scales)[number, None], grey.shape[::-1] - corners)
        return np.hstack([corners, sides]).astype(np.int32)

    def _scales(self, shape: tuple[int, ...], factor: float, low: int, high: int) -> NDArray[np.float32]:
        """By how much windows are larger than the cascade's own."""
        scales, scale = [], 1.0
        while round(self.side * scale) <= min(*shape, high):
            if round(self.side * np.float32(scale)) >= low:
                scales.append(scale)
            scale *= factor
        return np.array(scales, np.float32)


@functools.lru_cache(maxsize=8)
def _placed(cascade: Cascade, apart: int) -> NDArray[np.void]:
    """A cascade's trees with corners as places in rows of sums that are `apart`."""
    trees = cascade.trees.copy()
    trees["corners"] = trees["corners"] % _DOWN + trees["corners"] // _DOWN * apart
    return trees


@functools.cache
def load_cascade(path: Path) -> Cascade | None:
    """The cascade in a file of OpenCV; None where its trees have not two nodes each, or features are tilted."""
    root = ElementTree.parse(path).getroot()
    nodes = _numbers(root, "internalNodes")
    known = root.find(".//tilted") is None and nodes.size % 8 == 0
    nodes = nodes.reshape(-1, 8) if known else np.empty((0, 8))
    if not len(nodes) or not (nodes[:, 0] + nodes[:, 1] == 1).all() or not (nodes[:, 4:6] == [-1, -2]).all():
        return None
    corners, weights = _features(root)
    which = nodes[:, [2, 6]].astype(np.intp)
    trees = np.empty(len(nodes), _TREE)
    trees["corners"], trees["weights"], trees["limits"] = corners[which], weights[which], nodes[:, [3, 7]]
    trees["leaves"] = _numbers(root, "leafValues").reshape(-1, 3)
    trees["turned"] = -(nodes[:, 0] == 0).astype(np.int32)
    ends = [len(weak) for weak in root.iter("weakClassifiers")]
    least = _numbers(root, "stageThreshold").astype(np.float32) - np.float32(1e-5)  # as OpenCV reads them
    side = int(root.findtext("cascade/width", "0"))
    return Cascade(side, np.cumsum(ends, dtype=np.int32), least, trees)


def _numbers(root: ElementTree.Element, name: str) -> NDArray[np.float64]:
    """All numbers in elements of a name."""
    return _read(element.text or "" for element in root.iter(name))


def _read(texts: Iterable[str]) -> NDArray[np.float64]:
    """All numbers in texts; numpy itself takes several times as long."""
    return np.array([float(word) for word in " ".join(texts).split()])


def _features(root: ElementTree.Element) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Corners (n, 3, 4) of the rectangles of features, and their weights (n, 3); one that is missing weighs nothing."""
    listed = list(root.iter("rects"))
    texts = (rectangle.text or "" for rectangles in listed for rectangle in rectangles)
    x, y, wide, high, weight = _read(texts).reshape(-1, 5).T
    there = np.arange(3) < np.array([len(rectangles) for rectangles in listed])[:, None]
    corners, weights = np.zeros((len(listed), 3, 4), np.int16), np.zeros((len(listed), 3), np.float32)
    corners[there] = np.column_stack([across + _DOWN * down for down in (y, y + high) for across in (x, x + wide)])
    weights[there] = weight
    return corners, weights
