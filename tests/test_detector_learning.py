"""How a detector is learned: sides are told, what twins find says what scores mean, and nobody judges what it saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray

from eigenface.annotate import png_bytes
from eigenface.boosting.faces import SIDE, FaceBank, ShakenFaces, Shaking
from eigenface.boosting.mining import Scene
from eigenface.boosting.recipe import Telling, own_recipes
from eigenface.boosting.sides import Teller
from eigenface.boosting.trees import Growth, grow_forest
from eigenface.detection import get_detector
from eigenface.detection.boosted import CERTAINLY
from eigenface.detection.forest import Forest
from eigenface.detection.verify import Verifier, describe
from eigenface.image import load_picture
from eigenface.pipelines import train_detector
from eigenface.pipelines.detector.boxed_sets import fold_of, read_sets
from eigenface.pipelines.detector.evidence import Findings, learn_evidence, learn_verifier, matched, verified
from eigenface.pipelines.detector.material import Material
from eigenface.types import Box

SQUARE = Box(28, 28, 40, 40)


def head(rng: np.random.Generator, *, right: bool) -> NDArray[np.uint8]:
    """A picture (96, 96) of something round with a dark nose to one side."""
    rows, cols = np.mgrid[0:96, 0:96]
    grey = 120 + rng.normal(0, 3, (96, 96)) + 60 * (np.hypot(rows - 48, cols - 48) < 20)
    grey[42:54, 60:70] = 20
    picture = np.clip(grey, 0, 255).astype(np.uint8)
    return picture if right else picture[:, ::-1].copy()


def bank_of(rights: list[bool], kind: str, rng: np.random.Generator) -> FaceBank:
    bank = FaceBank()
    for number, right in enumerate(rights):
        bank.add(head(rng, right=right), SQUARE, kind, str(number))
    return bank


def turned_forest(rng: np.random.Generator) -> Forest:
    """Learned from heads turned to the right against those turned to the left and nothing at all."""
    copies = [
        ShakenFaces(bank_of([right] * 30, "profile", rng), [], Shaking(mirror=False), side=16, random_state=0).windows(
            range(30), [4] * 30, [False] * 30
        )
        for right in (True, False)
    ]
    codes = np.ascontiguousarray(np.concatenate(copies).T)
    return grow_forest(codes, np.arange(240) < 120, 30, Growth(depth=2, share=0.2), side=16, random_state=0)


def test_faces_whose_side_is_told_come_again_turned_to_the_right() -> None:
    rng = np.random.default_rng(0)
    forest = turned_forest(rng)
    rights = [True, False, False, True, False]
    bank = bank_of(rights, "masked", rng)
    bank.add(np.full((96, 96), 120, np.uint8), SQUARE, "masked", "plain")  # no side can be told
    bank.add(head(rng, right=True), SQUARE, "lfw", "known")  # this kind is never asked
    told = Teller(forest, forest, Telling("noted", frontal=1e9)).told(bank, np.zeros(len(bank), bool))
    assert told.kinds == [*bank.kinds, *["turned mask"] * 5]
    assert told.keys[len(bank) :] == [str(number) for number in range(5)]
    for crop in told.crops[len(bank) :]:
        assert crop[42:54, 60:70].mean() < 60
        assert crop[42:54, 26:36].mean() > 90
    assert len(bank) == 7  # as it was


def test_a_face_that_the_frontal_forest_learned_easily_does_not_count_as_turned() -> None:
    rng = np.random.default_rng(1)
    forest = turned_forest(rng)
    bank = bank_of([True, True], "masked", rng)
    told = Teller(forest, forest, Telling("noted", frontal=-1e9)).told(bank, np.array([True, False]))
    assert told.keys[2:] == ["0"]  # kept aside: the frontal forest knows nothing of it


def findings(seed: int) -> Findings:
    """Candidates of which evidence and verifier say something each."""
    rng = np.random.default_rng(seed)
    right = (rng.random(600) < 0.5).astype(int)
    right[:20] = -1
    evidence = rng.normal(2.5, 1.2, 600) + 2.5 * right
    found = np.column_stack([np.zeros((600, 2)), rng.uniform(30, 120, 600), evidence, evidence, evidence - 1])
    size = 48
    looks = np.full((600, size, size), 128, np.uint8)
    squares = rng.integers(0, 256, (40, size, size)).astype(np.uint8)
    squares[:20, :, 20:28] = 255  # a pillar is what the verifier has to learn
    return Findings(squares, np.arange(40) < 20, found, looks, right)


def test_scores_are_probabilities() -> None:
    some = [findings(seed) for seed in range(2)]
    rng = np.random.default_rng(9)
    odds = [rng.normal(3 * one.right, 1.5).astype(np.float32) for one in some]
    learned = learn_evidence(some, odds)
    assert learned.weights[1] > 0.3
    for one, said in zip(some, odds, strict=True):
        scores = learned.scores(one.found, said)
        known = one.right >= 0
        assert abs(scores[known].mean() - one.right[known].mean()) < 0.05
        sure = known & (scores > 0.9)
        assert one.right[sure].mean() > 0.93
        assert sure.sum() > 100


def test_a_verifier_learns_what_makes_the_difference() -> None:
    some = [findings(seed) for seed in range(3)]
    verifier = learn_verifier(some[:2])
    odds = verifier.judge(list(some[2].squares))
    assert (odds[some[2].faces] > 0).mean() > 0.9
    assert (odds[~some[2].faces] < 0).mean() > 0.9


def test_what_is_certain_is_not_looked_at_again() -> None:
    one = findings(0)
    one.found[:, 3] = 100.0
    one.found[5, 3] = 1.0
    verifier = Verifier(np.ones(describe([one.looks[0]]).shape[1], np.float32), 7.0)
    odds = verified(one, verifier)
    assert (np.delete(odds, 5) == CERTAINLY).all()
    assert odds[5] != CERTAINLY


def test_candidates_are_faces_none_or_neither(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", b"never read")
        archive.writestr(
            "boxes.csv", "file,x,y,width,height,label\na.png,10,10,50,50,bare\na.png,200,10,50,50,unknown\n"
        )
    one = next(iter(read_sets(tmp_path / "set.zip")))
    found = np.zeros((5, 6))
    found[:, :4] = [
        (12, 10, 50, 9),  # the face
        (6, 8, 50, 5),  # the same once more
        (100, 100, 50, 5),
        (202, 10, 50, 9),  # nobody knows
        (35, 10, 50, 5),  # half of it
    ]
    assert matched(found, one, "a.png").tolist() == [1, -1, 0, -1, -1]
    assert matched(np.empty((0, 6)), one, "a.png").tolist() == []


def spots(folder: Path, rng: np.random.Generator) -> None:
    """Pictures with a ringed spot in each, as PASCAL VOC, and beside them pictures without one."""
    (folder / "spots" / "annotations").mkdir(parents=True)
    (folder / "empty").mkdir()
    for number in range(90):
        grey = rng.normal(120, 4, (96, 128))
        x, y = int(rng.integers(24, 104)), int(rng.integers(24, 72))
        grey[y - 10 : y + 10, x - 10 : x + 10] = 30
        grey[y - 4 : y + 4, x - 4 : x + 4] = 230
        (folder / "spots" / f"{number}.png").write_bytes(png_of(grey))
        box = {"xmin": x - 14, "ymin": y - 14, "xmax": x + 14, "ymax": y + 14}
        edges = "".join(f"<{edge}>{at}</{edge}>" for edge, at in box.items())
        xml = f"<annotation><object><name>spot</name><bndbox>{edges}</bndbox></object></annotation>"
        (folder / "spots" / "annotations" / f"{number}.xml").write_text(xml)
    for number in range(30):
        grey = rng.normal(120, 4, (96, 128))
        grey[30:40] = 30
        (folder / "empty" / f"{number}.png").write_bytes(png_of(grey))
    rows = ["file,label", *(f"{number}.png,no_face" for number in range(30))]
    (folder / "empty" / "labels.csv").write_text("\n".join(rows))


def png_of(grey: NDArray[np.float64]) -> bytes:
    return png_bytes(np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2))


@pytest.mark.slow
def test_somebody_trains_a_detector_of_their_own_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: replace(recipe, rounds=(40, 80)) for name, recipe in own_recipes(800).items()}
    monkeypatch.setattr(train_detector, "own_recipes", lambda objects: few)
    spots(tmp_path / "data", np.random.default_rng(0))
    argv = [str(tmp_path / "data"), "--own", "--out", str(tmp_path / "out")]
    assert train_detector.main(argv) == 0
    detector = get_detector(str(tmp_path / "out" / "detector.npz"))
    spots(tmp_path / "others", np.random.default_rng(1))
    sets = {one.name: one for one in read_sets(tmp_path / "others")}
    right = 0
    for file, ((box, _),) in sets["spots"].boxes.items():
        found = detector.detect(load_picture(sets["spots"].place.read(file), name=file).pixels)
        right += any(one.box.iou(box) > 0.5 for one in found)
    assert right > 40
    alarms = [
        detector.detect(load_picture(sets["empty"].place.read(file), name=file).pixels) for file in sets["empty"].boxes
    ]
    assert sum(map(bool, alarms)) < 3
    assert (tmp_path / "out" / "twin2.npz").exists()


def test_too_few_boxes_are_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spots(tmp_path, np.random.default_rng(0))
    for number in range(20, 90):
        (tmp_path / "spots" / "annotations" / f"{number}.xml").unlink()
    assert train_detector.main([str(tmp_path), "--own", "--out", str(tmp_path / "out")]) == 2
    assert "20 boxes of 18 pixels or more" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("fold", range(3))
def test_a_twin_gets_no_scene_of_its_fold(fold: int) -> None:
    keys = [f"picture {number}" for number in range(30)]
    scenes = [Scene(np.full((8, 8), number, np.uint8), np.empty((0, 4))) for number in range(30)]
    textures = [np.full((SIDE, SIDE), number, np.uint8) for number in range(30)]
    seen = Material(FaceBank(), scenes, keys, textures, keys).without(fold)
    left = [number for number, key in enumerate(keys) if fold_of(key) != fold]
    assert 10 < len(left) < 28
    assert [int(scene.grey[0, 0]) for scene in seen.scenes] == [int(one[0, 0]) for one in seen.textures] == left
    assert seen.scene_keys == seen.texture_keys == [keys[number] for number in left]
