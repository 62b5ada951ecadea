"""From a photo to an answer: faces largest first, one box a face, the same from everywhere and every thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import eigenface
from eigenface.crops import CropSpec, crop_face
from eigenface.datasets.drawn import DrawnFaces, draw_photo
from eigenface.detection import get_detector
from eigenface.detection.merge import keep_best
from eigenface.errors import PictureError, RequestError
from eigenface.facespace import FRAME, load_face_space
from eigenface.model import FaceClassifier
from eigenface.program import Operation, Program
from eigenface.recognise import Options, answer_or_refusal, recognise
from eigenface.review import Review
from eigenface.types import Box, Detection, Face, Verdict, check_pixels


def test_drawn_faces_are_found_where_they_were_drawn() -> None:
    found = drawn = 0
    for seed in range(12):
        pixels, boxes = draw_photo(1 + seed % 3, random_state=seed)
        detections = get_detector().detect(pixels)
        drawn += len(boxes)
        found += sum(any(box.iou(d.box) > 0.4 for d in detections) for box in boxes)
        assert [d.box.area for d in detections] == sorted((d.box.area for d in detections), reverse=True)
        assert all(0 <= d.score <= 1 and d.box.width == d.box.height for d in detections)
    assert found >= 0.9 * drawn


def test_pictures_without_faces_have_none() -> None:
    rng = np.random.default_rng(0)
    for pixels in (
        np.full((200, 300, 3), 128, np.uint8),
        rng.integers(0, 256, (240, 320, 3), dtype=np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.full((12, 3000, 3), 90, np.uint8),
        np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (200, 1, 3)),
    ):
        assert get_detector().detect(pixels) == []


def test_a_large_photo_costs_about_what_a_small_one_does() -> None:
    pixels, _ = draw_photo(2, random_state=3)
    large = np.asarray(Image.fromarray(pixels).resize((3840, 2880)))
    small, big = get_detector().detect(pixels), get_detector().detect(large)
    assert len(small) == len(big) > 0
    ratio = large.shape[0] / pixels.shape[0]
    for a, b in zip(small, big, strict=True):
        assert abs(b.box.x / ratio - a.box.x) < 15
        assert abs(b.box.width / ratio / a.box.width - 1) < 0.2


def test_thresholds_leave_faces_out() -> None:
    pixels, _ = draw_photo(1, random_state=1)
    found = get_detector().detect(pixels)
    assert get_detector().detect(pixels, min_score=1.0) == []
    assert get_detector().detect(pixels, min_face=round(found[0].box.width * 1.5)) == []
    with pytest.raises(RequestError, match="no detector 'cnn'"):
        get_detector("cnn")


def test_one_face_has_one_box() -> None:
    face = Box(10, 10, 100, 100)
    nested, beside = Box(40, 40, 30, 30), Box(150, 10, 90, 90)
    kept = keep_best([Detection(nested, 0.95), Detection(face, 0.93), Detection(beside, 0.8)])
    assert [d.box for d in kept] == [face, beside]


def test_the_crop_is_what_the_framing_says(drawn: DrawnFaces) -> None:
    pixels = np.arange(60 * 80 * 3, dtype=np.uint32).reshape(60, 80, 3).astype(np.uint8)
    box = Box(20, 10, 20, 20)
    assert (crop_face(pixels, box) == pixels[10:30, 20:40]).all()
    wide = crop_face(pixels, box, CropSpec(1.5, 0.1))
    assert (wide == pixels[7:37, 15:45]).all()
    beyond = crop_face(pixels, Box(-5, -5, 20, 20))
    assert (beyond[5:, 5:] == pixels[:15, :15]).all()
    assert (beyond[:5] == beyond[5]).all()
    spec = CropSpec(1.7, -0.2)
    back = spec.within(spec.around(box))
    assert np.allclose([back.x, back.y, back.width, back.height], [20, 10, 20, 20])


def test_a_photo_and_its_whole_crop_are_answered_alike(model: FaceClassifier) -> None:
    pixels, _ = draw_photo(2, random_state=5)
    answer = recognise(pixels, [model])
    assert len(answer.faces) == 2
    for face in answer.faces:
        crop = crop_face(pixels, face.box, model.crop)
        whole = recognise(crop, [model], Options(whole=True))
        assert whole.faces[0].score == 1
        assert whole.faces[0].box == Box(0, 0, crop.shape[1], crop.shape[0])
        for name, p in face.probabilities.items():
            assert whole.faces[0].probabilities[name] == pytest.approx(p, abs=1e-6)


def test_a_portrait_said_to_be_a_crop_is_framed_as_in_a_photo(model: FaceClassifier) -> None:
    photo, (face,) = draw_photo(1, random_state=5)
    centre_x, centre_y = face.centre
    half = face.width
    portrait = crop_face(photo, Box(centre_x - half, centre_y - half, 2 * half, 2 * half))
    in_photo, as_crop = recognise(portrait, [model]), recognise(portrait, [model], Options(whole=True))
    assert as_crop.faces[0].box == Box(0, 0, portrait.shape[1], portrait.shape[0])
    assert as_crop.faces[0].probabilities == pytest.approx(in_photo.faces[0].probabilities, abs=1e-6)
    stretched = model.predict_proba([portrait])[0]
    assert as_crop.faces[0].probabilities[model.classes_[0]] != pytest.approx(stretched[0], abs=1e-3)


def test_a_blank_picture_said_to_be_a_crop_is_taken_as_it_is(model: FaceClassifier) -> None:
    blank = np.full((90, 60, 3), 127, np.uint8)
    answer = recognise(blank, [model], Options(whole=True))
    assert answer.faces[0].probabilities[model.classes_[0]] == pytest.approx(model.predict_proba([blank])[0][0])


def test_paths_bytes_and_arrays_give_one_answer(model: FaceClassifier, tmp_path: Path) -> None:
    pixels, _ = draw_photo(1, random_state=2)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    answers = [model.predict_photo(source) for source in (path, path.read_bytes(), pixels)]
    assert answers[0].faces == answers[1].faces == answers[2].faces
    assert (answers[0].width, answers[0].height) == (pixels.shape[1], pixels.shape[0])
    assert eigenface.detect_faces(path)[0].box == answers[0].faces[0].box


def test_several_models_answer_side_by_side(model: FaceClassifier) -> None:
    other = FaceClassifier({**model.meta, "name": "second"}, program=model.program)
    pixels, _ = draw_photo(1, random_state=2)
    said = recognise(pixels, [model, other]).as_dict()["faces"][0]
    assert list(said["answers"]) == ["looks", "second"]
    assert said["answers"]["second"]["probabilities"] == said["probabilities"]
    assert "answers" not in recognise(pixels, [model]).as_dict()["faces"][0]


def test_a_refused_picture_is_an_answer_in_a_batch(model: FaceClassifier) -> None:
    answer = answer_or_refusal(b"no picture", [model], name="a.jpg")
    assert answer.error is not None
    assert answer.error["code"] == "not_a_picture"
    assert (answer.width, answer.faces, answer.task) == (None, (), "looks")
    with pytest.raises(PictureError):
        recognise(b"no picture", [model])


def test_eight_threads_give_equal_answers(model: FaceClassifier) -> None:
    pixels, _ = draw_photo(3, random_state=4)
    expected = recognise(pixels, [model]).faces
    answers: list[tuple[Face, ...]] = []

    def ask() -> None:
        answers.extend(recognise(pixels, [model]).faces for _ in range(3))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 24


def test_faces_lie_nearer_to_face_space_than_noise(drawn: DrawnFaces) -> None:
    space = load_face_space()
    photos = [draw_photo(1, random_state=seed) for seed in range(6)]
    faces = [crop_face(pixels, boxes[0], FRAME) for pixels, boxes in photos]
    noise = [np.random.default_rng(i).integers(0, 256, (80, 80, 3), dtype=np.uint8) for i in range(6)]
    assert space.distance(faces).max() < space.distance(noise).min()
    coarse, fine = (
        np.abs(space.reconstruct(faces, k)[0].astype(int) - space.reconstruct(faces)[0]).mean() for k in (2, 60)
    )
    assert fine < coarse


def test_a_second_look_is_asked_for_with_reasons() -> None:
    review = Review(least_probability=0.8, smallest_face=32)
    sure, unsure = np.array([0.05, 0.95]), np.array([0.4, 0.6])
    assert review.reasons(sure, Box(0, 0, 50, 50), 0.1, 0.5) == ()
    reasons = review.reasons(unsure, Box(0, 0, 20, 20), 0.9, 0.5)
    assert [word in text for word, text in zip(("60.0%", "20 pixels", "covered"), reasons, strict=True)] == [True] * 3


def test_values_check_themselves() -> None:
    with pytest.raises(ValueError, match="positive width"):
        Box(0, 0, 0, 5)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        Detection(Box(0, 0, 1, 1), 1.5)
    with pytest.raises(ValueError, match="add up to 1"):
        Verdict("a", {"a": 0.5})
    with pytest.raises(ValueError, match="label among"):
        Verdict("c", {"a": 0.5, "b": 0.5})
    with pytest.raises(ValueError, match="rows, cols, 3"):
        check_pixels(np.zeros((3, 3), np.uint8))


def test_tasks_and_models_that_are_not_there_are_named() -> None:
    with pytest.raises(RequestError, match="there is no model 'gendre'"):
        eigenface.load_model("gendre")


def test_models_that_frame_faces_alike_describe_them_once(
    drawn: DrawnFaces, counted: Callable[[str], list[int]]
) -> None:
    described = counted("hog")
    union = Operation(
        "union",
        branches=tuple(
            (Operation("grey"), Operation("resize", {"size": s}), Operation("hog", {"cell": 8, "mirror": False}))
            for s in (32, 48)
        ),
    )
    last = Operation("linear", arrays={"coefficients": np.full((1, 324 + 900), 0.01), "intercept": np.zeros(1)})
    odds = Operation("sigmoid", {"slope": 1.0, "offset": 0.0})
    models = [
        FaceClassifier(
            {"task": n, "name": n, "classes": ["a", "b"], "crop": crop}, program=Program([union, last, odds])
        )
        for n, crop in (("one", {"scale": 1.0}), ("two", {"scale": 1.0}), ("wide", {"scale": 1.5}))
    ]
    answer = recognise(drawn.crops[0], models, Options(whole=True))
    alone = [recognise(drawn.crops[0], [model], Options(whole=True)).faces[0].label for model in models]
    assert [verdict.label for verdict in answer.faces[0].answers.values()] == alone
    assert len(described) == 2 + 2 + 3 * 2  # two framings together, then every model alone
