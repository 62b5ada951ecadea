"""Looking for blood: trees, the map of where, local colour, and the task that puts them together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eigenface.datasets.blood_faces import make_blood_faces, paint_face
from eigenface.datasets.blood_paint import paint_blood
from eigenface.datasets.cropping import CroppedFaces
from eigenface.datasets.drawn import make_faces
from eigenface.errors import ModelError
from eigenface.features.blood import (
    PLANES,
    SUMMARY,
    BloodMapper,
    blood_map,
    load_blood_mapper,
    pixel_features,
    save_blood_mapper,
    skin_references,
    summary,
)
from eigenface.features.context import CONTEXT, map_context
from eigenface.features.local_colour import ColourCoder, colour_planes, local_colour
from eigenface.features.trees import BoostedTrees
from eigenface.steps.blood import BloodMap, ColourFisher
from eigenface.steps.blood_learning import boost, learn_blood_mapper, learn_colour_words

DRAWN = make_faces(("female", "male"), 16, size=(70, 120), random_state=5)


def test_boosting_learns_what_no_single_question_tells() -> None:
    rng = np.random.default_rng(0)
    planes = rng.normal(size=(4, 6000)).astype(np.float32)
    truth = (planes[0] > 0) ^ (planes[2] > 0)
    trees = boost(planes[:, :4000], truth[:4000], trees=30, levels=4)
    assert ((trees(planes[:, 4000:]) > 0) == truth[4000:]).mean() > 0.9
    again = boost(planes[:, :4000], truth[:4000], trees=30, levels=4)
    assert (again(planes) == trees(planes)).all()


def test_trees_survive_being_written_as_arrays_and_refuse_what_does_not_fit() -> None:
    rng = np.random.default_rng(1)
    trees = BoostedTrees(rng.integers(0, 5, (7, 3)), rng.normal(size=(7, 3)).astype(np.float32),
                         rng.normal(size=(7, 8)).astype(np.float32), 0.5)  # fmt: skip
    planes = rng.normal(size=(5, 40)).astype(np.float32)
    assert (BoostedTrees.of(trees.arrays())(planes) == trees(planes)).all()
    with pytest.raises(ValueError, match="expected leaves"):
        BoostedTrees(trees.columns, trees.thresholds, trees.leaves[:, :4], 0.0)
    with pytest.raises(ValueError, match="columns and thresholds"):
        BoostedTrees(trees.columns - 5, trees.thresholds, trees.leaves, 0.0)


def test_pixels_are_described_beside_the_skin_of_their_own_face() -> None:
    pale, dark = (np.full((50, 50, 3), skin, np.uint8) for skin in ((230, 190, 170), (110, 70, 50)))
    for skin in (pale, dark):
        described = pixel_features(skin, 24)
        assert described.shape == (PLANES, 24 * 24)
        assert np.isfinite(described).all()
        assert np.abs(described[6:12]).max() < 1e-3  # beside its own skin, skin is nothing


def test_the_skin_is_found_where_blood_covers_half_a_face() -> None:
    skin, blood = np.array([70.0, 14, 18]), np.array([30.0, 48, 30])
    grain = np.random.default_rng(0).normal(size=(100, 3))
    usual, pale = skin_references((np.repeat([blood, skin], (55, 45), axis=0) + grain).astype(np.float32))
    assert np.linalg.norm(pale - skin) < 3
    usual, pale = skin_references((np.repeat([blood, skin], (40, 60), axis=0) + grain).astype(np.float32))
    assert np.linalg.norm(usual - skin) < 3


def test_a_map_learned_from_painted_faces_finds_paint_on_others(tmp_path: Path) -> None:
    faces = [paint_face(crop, bloody=number % 2 == 0, random_state=number) for number, crop in enumerate(DRAWN.crops)]
    mapper = learn_blood_mapper(faces[:24], side=32, trees=25, second_trees=25, levels=4)
    assert mapper.second is not None
    inside, outside = [], []
    for face in faces[24:]:
        found = mapper.map(face.pixels)
        painted = np.asarray(face.mask.reshape(32, 5, 32, 5).mean(axis=(1, 3)))
        inside += found[painted > 0.5].tolist()
        outside += found[painted == 0].tolist()
    assert np.mean(inside) > 1.5 * np.mean(outside)
    save_blood_mapper(mapper, tmp_path / "map.npz")
    again = load_blood_mapper(tmp_path / "map.npz")
    assert (again.summaries(DRAWN.crops) == mapper.summaries(DRAWN.crops)).all()
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="no blood map"):
        load_blood_mapper(tmp_path / "bad.npz")


def test_a_mapper_refuses_trees_and_scales_that_do_not_fit() -> None:
    trees = BoostedTrees(np.array([[PLANES]]), np.zeros((1, 1), np.float32), np.zeros((1, 2), np.float32), 0.0)
    ones = np.ones(SUMMARY, np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        BloodMapper(48, trees, ones, ones)
    with pytest.raises(ValueError, match="multiple of 4"):
        BloodMapper(50, BoostedTrees(trees.columns * 0, trees.thresholds, trees.leaves, 0.0), ones, ones)
    fitting = BoostedTrees(trees.columns - 1, trees.thresholds, trees.leaves, 0.0)
    BloodMapper(48, fitting, ones, ones, BoostedTrees(trees.columns, trees.thresholds, trees.leaves, 0.0))
    far = BoostedTrees(trees.columns + CONTEXT, trees.thresholds, trees.leaves, 0.0)
    with pytest.raises(ValueError, match="second trees that do not fit"):
        BloodMapper(48, fitting, ones, ones, far)


def test_second_trees_have_the_last_word_and_survive_being_written() -> None:
    zero = np.zeros(SUMMARY, np.float32)
    first, second = (
        BoostedTrees(np.array([[0]]), np.zeros((1, 1), np.float32), np.full((1, 2), leaf, np.float32), 0.0)
        for leaf in (3.0, -3.0)
    )
    both = BloodMapper(48, first, zero, zero + 1, second)
    crop = DRAWN.crops[0]
    assert BloodMapper(48, first, zero, zero + 1).map(crop).min() > 0.9
    assert both.map(crop).max() < 0.1
    assert BloodMapper.of(48, both.arrays()).map(crop).max() < 0.1


@pytest.mark.parametrize("side", [24, 48, 64])
def test_the_context_of_an_even_map_is_that_map(side: int) -> None:
    context = map_context(np.full((side, side), 2.0, np.float32))
    assert context.shape == (CONTEXT, side * side)
    usual = 1 / (1 + np.exp(-2))
    assert np.allclose(context[0], 2)
    assert np.abs(context[1:35] - usual).max() < 1e-3  # itself, blurred, mirrored, moved, widened, thinned
    assert np.abs(context - context[:, :1]).max() < 1e-3


def test_the_context_tells_a_streak_from_a_patch_that_is_as_red() -> None:
    rng = np.random.default_rng(0)
    planes, truth = [], []
    for number in range(40):
        odds = np.full((48, 48), -3, np.float32)
        row, col, streak = *rng.integers(10, 28, 2), number % 2 == 0
        where = (slice(row, row + 12), slice(col, col + 2 if streak else col + 12))
        odds[where] = 2
        inside = (odds > 0).ravel()
        planes.append(map_context(odds)[:, inside])
        truth.append(np.full(inside.sum(), streak))
    learned, told = (np.concatenate(parts[:30], axis=-1) for parts in (planes, truth))
    fresh, right = (np.concatenate(parts[30:], axis=-1) for parts in (planes, truth))
    assert np.unique(learned[:2], axis=1).shape[1] == 1  # the map at a pixel says the same of both
    trees = boost(learned, told, trees=10, levels=3)
    assert ((trees(fresh) > 0) == right).mean() > 0.95


def test_a_summary_tells_how_much_and_where() -> None:
    empty, spot = np.zeros((48, 48), np.float32), np.zeros((48, 48), np.float32)
    spot[2:10, 2:10] = 1
    assert summary(empty).shape == (SUMMARY,)
    assert not summary(empty).any()
    cells = summary(spot)[-16:].reshape(4, 4)
    assert cells[0, 0] == 1
    assert cells.sum() == 1


def test_the_shipped_map_sees_painted_blood_and_not_bare_skin() -> None:
    skin = np.full((120, 120, 3), (214, 172, 146), np.uint8)
    painted = [blood_map(paint_blood(skin, random_state=seed).pixels).max() for seed in range(10)]
    assert blood_map(skin).shape == (48, 48)
    assert blood_map(skin).max() < 0.5
    assert np.median(painted) > 0.7


def test_local_colour_is_of_the_face_beside_its_middle() -> None:
    crop = np.full((64, 64, 3), (200, 150, 130), np.uint8)
    assert np.abs(colour_planes(crop, 64)).max() < 1e-5
    described = local_colour(DRAWN.crops[0], 64, 4, 4)
    assert described.shape == (12 * 12, 128)
    assert np.isfinite(described).all()


def test_colour_words_are_learned_and_code_crops_of_any_size() -> None:
    words = learn_colour_words(DRAWN.crops, words=4, each=60)
    rng = np.random.default_rng(0)
    crops = [*DRAWN.crops[:3], rng.integers(0, 256, (3, 5, 3), dtype=np.uint8)]
    for mirror in (True, False):
        rows = ColourCoder(words).code(crops, mirror=mirror)
        assert rows.shape == (4, 2 * 4 * 42)
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("step", [BloodMap(), ColourFisher(), ColourFisher(mirror=False)], ids=repr)
def test_steps_learn_nothing_of_the_faces_they_are_fitted_on(step: BloodMap | ColourFisher) -> None:
    before = step.transform(DRAWN.crops[:4])
    step.fit(DRAWN.crops[4:])
    assert (step.transform(DRAWN.crops[:4]) == before).all()
    with pytest.raises(TypeError, match="crop 0"):
        step.transform(["a.jpg"])


def test_the_task_learns_painted_faces_and_tells_new_ones() -> None:
    from eigenface.fitting import fit_model
    from eigenface.tasks import get_task

    task = get_task("blood")
    names = np.array([str(number) for number in range(len(DRAWN.crops))])
    faces = CroppedFaces(list(DRAWN.crops), np.asarray(DRAWN.labels), names)
    made = make_blood_faces(faces.select(np.arange(0, 32, 2)), each=4, random_state=0)
    fresh = make_blood_faces(faces.select(np.arange(1, 32, 2)), each=4, random_state=1)
    model = fit_model(task.pipelines[""](), made, task, name="blood", folds=2)
    assert model.program is not None
    said = model.classes_[model.predict_proba(fresh.crops).argmax(axis=1)]
    assert (said == fresh.labels).mean() > 0.6  # of 64: one time in twenty by luck
