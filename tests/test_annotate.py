"""Annotated pictures: boxes and plates stay in the picture, are legible, and say what was answered."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from eigenface import annotate as drawing
from eigenface.annotate import annotate, plate_text, png_bytes
from eigenface.types import Answer, Box, Face, Verdict


def face(x: float, y: float, side: float, label: str = "male", probability: float = 0.9, *reasons: str) -> Face:
    verdict = Verdict(label, {label: probability, "other": 1 - probability}, reasons)
    return Face(Box(x, y, side, side), 0.8, {"task": verdict})


def ground(width: int, height: int, value: int = 120) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def drawn(pixels: np.ndarray, *faces: Face) -> np.ndarray:
    return annotate(pixels, Answer("a", "t", "t", pixels.shape[1], pixels.shape[0], 0.0, faces))


def test_a_copy_is_marked_and_the_picture_left_alone() -> None:
    pixels = ground(200, 200)
    before = pixels.copy()
    marked = drawn(pixels, face(60, 80, 60))
    assert (pixels == before).all()
    assert marked.shape == pixels.shape
    assert marked.dtype == np.uint8
    changed = (marked != pixels).any(axis=2)
    assert changed[80, 60:120].all()
    assert not changed[95:130, 75:105].any()  # the face itself stays visible
    assert not changed[160:].any()
    assert (drawn(pixels) == pixels).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (40, 3), (24, 24), (300, 200)])
@pytest.mark.parametrize("label", ["m", "a very long name of a class indeed", "žena", "女性"])
def test_any_size_takes_a_face_at_any_border(size: tuple[int, int], label: str) -> None:
    side = float(max(size))
    for x, y in ((0, 0), (-side / 2, -side / 2), (size[0] - 1, size[1] - 1)):
        assert drawn(ground(*size), face(x, y, side, label)).shape == (size[1], size[0], 3)


def test_plates_say_label_percentage_and_doubt() -> None:
    assert plate_text(face(0, 0, 9)) == "male 90%"
    assert plate_text(face(0, 0, 9, "male", 0.55, "Uncertain.")) == "male 55% ?"
    assert plate_text(Face(Box(0, 0, 9, 9), 0.8)) == "0.80"
    two = Face(Box(0, 0, 9, 9), 0.8, {"a": Verdict("x", {"x": 0.7, "y": 0.3}), "b": Verdict("unknown", {})})
    assert plate_text(two) == "x 70%\nunknown"


def test_neighbours_plates_do_not_cover_each_other() -> None:
    alone = drawn(ground(400, 300), face(100, 100, 80))
    both = drawn(ground(400, 300), face(100, 100, 80), face(110, 100, 80))
    assert (alone[80:98, 100:150] == both[80:98, 100:150]).all()


@pytest.mark.parametrize("neighbour", [(105, 34, 64), (105, 182, 64), (20, 60, 78)])
def test_a_plate_hides_no_neighbours_face(neighbour: tuple[int, int, int]) -> None:
    pixels, (x, y, side) = ground(400, 300), neighbour
    for label in ("m", "a_longer_label"):
        both = drawn(pixels, face(100, 100, 80, label), face(x, y, side, label))
        for left, top, size in ((100, 100, 80), neighbour):
            inner = slice(top + 6, top + size - 6), slice(left + 6, left + size - 6)
            assert (both[inner] == pixels[inner]).all()


@pytest.mark.parametrize("value", [0, 120, 255])
def test_a_box_is_seen_on_any_ground(value: int) -> None:
    marked = drawn(ground(200, 200, value), face(60, 80, 60)).astype(int)
    edge = marked[100, 50:75].sum(axis=1)
    assert np.ptp(edge) > 200


def test_ink_stands_out_from_every_colour() -> None:
    def luminance(colour: tuple[int, ...]) -> float:
        return float(np.dot([(value / 255) ** 2.2 for value in colour], [0.2126, 0.7152, 0.0722]))

    for colour in (*drawing._COLOURS, drawing._REVIEW):
        ink = 0.0 if drawing._ink(colour) == "black" else 1.0
        low, high = sorted((luminance(colour), ink))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour


def test_classes_have_their_colours_whoever_is_in_the_picture() -> None:
    first = drawn(ground(200, 200), face(60, 80, 60, "male"))
    verdict = Verdict("other", {"male": 0.1, "other": 0.9})
    second = drawn(ground(200, 200), Face(Box(60, 80, 60, 60), 0.8, {"task": verdict}))
    assert (first[110, 60] != second[110, 60]).any()


@pytest.mark.parametrize("label", ["kvinna å", "женщина", "女性", "žena"])
def test_labels_of_any_script_are_drawn_or_spelled_out(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, file = drawing._drawable(label)
    assert (text == label and file) or text.isascii()
    monkeypatch.setattr(drawing, "_has_all", lambda file, text: False)
    drawing._drawable.cache_clear()
    plain, none = drawing._drawable(label)
    drawing._drawable.cache_clear()
    assert none is None
    assert plain.isascii()
    assert "?" not in plain


def test_png_gives_the_pixels_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png_bytes(pixels)))) == pixels).all()
