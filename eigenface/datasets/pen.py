"""A pen for drawn pictures: soft-edged polygons, ovals and strokes, placed by one affine map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eigenface.vision import cv2

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
Colour = NDArray[np.float64]

CENTRE = (128.0, 132.0)
"""The middle of the face, in units."""


class Pen:
    """Paints polygons given in units into a float picture (rows, cols, 3), through an affine map (2, 3)."""

    def __init__(self, picture: Floats, place: Points) -> None:
        self.picture, self.place = picture, place
        self.pixels_a_unit = float(np.sqrt(abs(np.linalg.det(place[:, :2]))))

    def shape(self, points: Points, colour: Colour, *, soft: float = 0.0, strength: float = 1.0) -> None:
        """Fill a polygon (n, 2); `soft` blurs its edge by so many units, `strength` 0..1 lets through what is below."""
        where = points @ self.place[:, :2].T + self.place[:, 2]
        blur = soft * self.pixels_a_unit
        room = int(3 * blur) + 2
        rows, cols = self.picture.shape[:2]
        left, top = np.maximum(np.floor(where.min(axis=0)).astype(int) - room, 0)
        right, bottom = np.minimum(np.ceil(where.max(axis=0)).astype(int) + room, [cols, rows])
        if left >= right or top >= bottom:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(mask, [np.rint((where - [left, top]) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        if blur > 0.3:
            mask = cv2.GaussianBlur(mask, (0, 0), blur)
        below = self.picture[top:bottom, left:right]
        below += (np.clip(colour, 0, 255).astype(np.float32) - below) * (mask[..., None] * np.float32(strength / 255))

    def oval(
        self, x: float, y: float, wide: float, high: float, colour: Colour, *, soft: float = 0.0, strength: float = 1.0
    ) -> None:
        """Fill an ellipse of these half axes."""
        self.shape(arc((x, y), wide, high, 0, 360), colour, soft=soft, strength=strength)

    def stroke(self, points: Points, width: float, colour: Colour, *, soft: float = 0.0, strength: float = 1.0) -> None:
        """Draw a line along points (n, 2), thickest in its middle."""
        along = np.gradient(points, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
        half = width / 2 * (0.35 + 0.65 * np.sin(np.linspace(0, np.pi, len(points))))[:, None]
        self.shape(
            np.concatenate([points + across * half, (points - across * half)[::-1]]),
            colour,
            soft=soft,
            strength=strength,
        )


def arc(centre: tuple[float, float], wide: float, high: float, start: float, end: float, n: int = 40) -> Points:
    """Points along an ellipse from one angle in degrees to another, 0 to the right, 90 below."""
    angles = np.radians(np.linspace(start, end, n))
    return np.stack([centre[0] + wide * np.cos(angles), centre[1] + high * np.sin(angles)], axis=1)


def at(points: list[tuple[float, float]]) -> Points:
    """Points given from the middle of the face."""
    return np.array(points) + CENTRE


def curve(points: list[tuple[float, float]]) -> Points:
    """A smooth line through three points given from the middle of the face."""
    first, middle, last = (np.array(point) for point in points)
    return bow(points[0], tuple(2 * middle - (first + last) / 2), points[2])


def bow(first: tuple[float, float], towards: tuple[float, ...], last: tuple[float, float], n: int = 24) -> Points:
    """A quadratic Bezier curve between two points, drawn towards a third, all given from the middle of the face."""
    t = np.linspace(0, 1, n)[:, None]
    along = (1 - t) ** 2 * np.array(first) + 2 * t * (1 - t) * np.array(towards) + t**2 * np.array(last)
    return np.asarray(along + CENTRE)
