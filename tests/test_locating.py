"""The main face of a picture, and pictures given as crops: looked at once, however much is asked of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eigenface.annotate import png_bytes
from eigenface.crops import CropSpec, crop_face, whole_box
from eigenface.datasets.drawn import draw_photo
from eigenface.detection import get_detector
from eigenface.locating import framed, given_as_crop, main_of
from eigenface.model import FaceClassifier
from eigenface.program import Operation, Program
from eigenface.recognise import Options, recognise
from eigenface.types import Box, Detection
from eigenface.webapp.app import create_app
from eigenface.webapp.service import FaceService


@pytest.fixture
def portrait() -> np.ndarray:
    """A picture of one face and much around it."""
    pixels, (face,) = draw_photo(1, random_state=5)
    (x, y), half = face.centre, face.width
    return crop_face(pixels, Box(x - half, y - half, 2 * half, 2 * half))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of all pictures that the detector looks at."""
    seen: list[tuple[int, ...]] = []
    detector: Any = get_detector()
    detect: Callable[..., list[Detection]] = detector.detect

    def counting(pixels: np.ndarray, **asked: Any) -> list[Detection]:
        seen.append(pixels.shape)
        return detect(pixels, **asked)

    monkeypatch.setattr(detector, "detect", counting)
    return seen


def test_of_faces_about_as_large_the_most_central_one_is_the_main_one() -> None:
    aside, central = Detection(Box(0, 0, 60, 60), 0.9), Detection(Box(80, 70, 50, 50), 0.8)
    passer_by = Detection(Box(95, 95, 20, 20), 1.0)
    assert main_of([aside, central, passer_by], 200, 200) is central
    assert main_of([aside, passer_by], 200, 200) is aside


def test_a_portrait_given_as_a_crop_is_cut_around_its_face_and_a_tight_one_is_not(portrait: np.ndarray) -> None:
    found = given_as_crop(portrait)
    assert (found.box, found.score) == (whole_box(portrait), 1)
    assert found.inner
    square, crop = framed(portrait, found, CropSpec(1.2), whole=True)
    assert square == found.inner
    assert crop.shape[0] == round(1.2 * square.width)
    tight = replace(found, inner=Box(0, 0, portrait.shape[1] * 0.9, portrait.shape[0] * 0.9))
    assert framed(portrait, tight, CropSpec(1.2), whole=True)[1] is portrait


def test_a_picture_given_as_a_crop_is_searched_once_for_all_models_and_the_page(
    model: FaceClassifier, portrait: np.ndarray, looks: list[tuple[int, ...]]
) -> None:
    other = FaceClassifier(model.meta | {"name": "other", "crop": {"scale": 1.4}}, program=model.program)
    answer = recognise(portrait, [model, other], Options(whole=True))
    assert looks == [portrait.shape]
    assert answer.faces[0].inner == given_as_crop(portrait).inner is not None
    looks.clear()
    client = create_app(FaceService([model, other])).test_client()
    form = {"image": (io.BytesIO(png_bytes(portrait)), "a.png"), "task": ["looks", "other"], "whole": "1"}
    page = client.post("/", data=form, content_type="multipart/form-data")
    assert page.status_code == 200
    assert looks == [portrait.shape]


def test_models_of_other_framings_describe_a_picture_that_is_a_crop_already_once(
    counted: Callable[[str], list[int]],
) -> None:
    described = counted("grey")
    branch = (Operation("grey"), Operation("resize", {"size": 8}))
    weights = {"coefficients": np.zeros((1, 64), np.float32), "intercept": np.zeros(1, np.float32)}
    models = []
    for scale in (0.9, 1.1):
        steps = (Operation("union", branches=(branch,)), Operation("linear", arrays=weights))
        program = Program((*steps, Operation("sigmoid", {"slope": 1.0, "offset": 0.0})))
        meta = {"task": "t", "name": f"t{scale}", "classes": ["a", "b"], "crop": {"scale": scale}}
        models.append(FaceClassifier(meta, program=program))
    blank = np.full((90, 90, 3), 120, np.uint8)
    assert len(recognise(blank, models, Options(whole=True)).faces[0].answers) == 2
    assert described == [1]
