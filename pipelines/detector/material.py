"""The faces, and the pictures without one, that the shipped detector learns from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

import numpy as np

from eigenface.boosting.faces import SIDE, FaceBank
from eigenface.boosting.mining import Scene
from eigenface.boosting.recipe import OBJECT, TURNED
from eigenface.datasets.annotation import SQUARE, BoxRule, find_rule
from eigenface.datasets.boxes import BOXES
from eigenface.datasets.place import Place, look, picture_names
from eigenface.datasets.table import Row, read_table
from eigenface.detection.pyramid import Grey
from eigenface.errors import DataError
from eigenface.image import load_picture
from eigenface.pipelines.detector.boxed_sets import FOLDS, fold_of, key_of, read_sets
from eigenface.types import Box
from eigenface.vision import cv2

_LEAST = 18  # pixels of the square of a face worth learning from
_TEXTURES = 4  # of a picture without a face
_LEAST_BOXES = 20  # of a fold, of objects of somebody's own


@dataclass(frozen=True)
class Scenes:
    """Pictures whose faces are all known.

    Parameters
    ----------
    path : str
    rule : BoxRule
        What its boxes mean.
    kind : callable
        From a row of boxes.csv to a kind of face; empty for one that is not learned from.
    turns : int
        Quarter turns of the picture that show no upright face: as many more pictures without one.
    whole : bool
        There is room around the faces, so that windows beside them are without a face.
    """

    path: str
    rule: BoxRule
    kind: Callable[[Row], str]
    turns: int = 2
    whole: bool = True


@dataclass(frozen=True)
class Portraits:
    """Pictures of one face each, always at the same place.

    Parameters
    ----------
    path : str
    square : tuple of float
        Middle of the detection's square in widths and heights, its side over the root of width times height.
    kind : str
    most : int
        Faces that are taken, spread over the set.
    each : int
        Most of one person.
    wanted : callable
        Which rows of labels.csv.
    """

    path: str
    square: tuple[float, float, float]
    kind: str
    most: int = 100_000
    each: int = 100_000
    wanted: Callable[[Row], bool] = lambda row: True


def _masked(row: Row) -> str:
    return {"with_mask": "masked", "without_mask": "bare"}.get(row["label"], "badly")


def _wider(row: Row) -> str:
    clear = row["invalid"] != "1" and row["blur"] != "2" and row["occlusion"] != "2"
    return ("tilted" if row["label"] == "turned" else "bare") if clear else ""


def _turned(row: Row) -> str:
    if row["label"] in ("frontal", "unknown"):
        return {"frontal": "frontal"}.get(row["label"], "")
    return f"{row['label']} {'right' if float(row['pan']) > 0 else 'left'}" if row["pan"] else row["label"]


SCENES = (
    Scenes("detection/kaggle853_voc.zip", find_rule("head"), _masked),
    Scenes("detection/wider_subset.zip", find_rule("face"), _wider),
    Scenes("detection/caltech_faces.zip", SQUARE, lambda row: "caltech"),
    Scenes("detection/cmu_mit.zip", BoxRule(0.87, 0.03), lambda row: "cmu", turns=1),
    Scenes("detection/turned_faces.zip", SQUARE, _turned, turns=1, whole=False),
)
EMPTY = "detection/nonfaces.zip"

PORTRAITS = (
    Portraits("gender/lfw.zip", (0.487, 0.487, 0.605), "lfw", each=10),
    Portraits("gender/utkface.zip", (0.495, 0.4125, 1.03), "tight", most=2500),
    Portraits("gender/tight_crops.zip", (0.51, 0.4987, 1.07), "tight", most=1000),
    Portraits("mask/maskedfacenet_crops.zip", (0.497, 0.55, 0.681), "drawn mask"),
    Portraits(
        "mask/mask12k_crops.zip", (0.5, 0.505, 0.98), "tight mask", wanted=lambda row: row["label"] == "with_mask"
    ),
)
"""Squares are medians of the frontal cascade's over pictures of the set in which it fires."""


@dataclass
class Material:
    """What a detector learns from, or is judged by.

    Parameters
    ----------
    bank : FaceBank
    scenes : list of Scene
    scene_keys : list of str
        What decides in which fold each of them is.
    textures : list of uint8 arrays (96, 96)
        Parts of pictures without a face.
    texture_keys : list of str
    """

    bank: FaceBank = field(default_factory=FaceBank)
    scenes: list[Scene] = field(default_factory=list)
    scene_keys: list[str] = field(default_factory=list)
    textures: list[Grey] = field(default_factory=list)
    texture_keys: list[str] = field(default_factory=list)

    def without(self, fold: int | None) -> Material:
        """The same without the scenes and textures of a fold; its faces stay, for what is cut by faces kept aside."""
        if fold is None:
            return self
        scenes = [fold_of(key) != fold for key in self.scene_keys]
        textures = [fold_of(key) != fold for key in self.texture_keys]
        return Material(
            self.bank,
            list(compress(self.scenes, scenes)),
            list(compress(self.scene_keys, scenes)),
            list(compress(self.textures, textures)),
            list(compress(self.texture_keys, textures)),
        )


def read_material(data: Path) -> Material:
    """Faces and pictures below DATA."""
    material = Material()
    rng = np.random.default_rng(0)
    for source in SCENES:
        for file, rows, grey in _pictures(look(data / source.path), "boxes.csv", BOXES):
            key = key_of(file, rows[0] if rows else {})
            boxes = [_box(row) for row in rows]
            for row, box in zip(rows, boxes, strict=True):
                kind, square = source.kind(row), source.rule.square(box)
                if kind and square.width >= _LEAST:
                    name, _, side = kind.partition(" ")
                    noted = side or name not in TURNED
                    material.bank.add(grey, square, name if noted else f"{name} ?", key, mirrored=side == "left")
            _add_scenes(material, source, grey, key, boxes, [source.rule.square(box) for box in boxes])
    for file, _, grey in _pictures(look(data / EMPTY), "labels.csv", ("file", "label")):
        key = key_of(file, {})
        for turned in (grey, grey[:, ::-1], grey[::-1], np.rot90(grey)):
            material.scenes.append(Scene(np.ascontiguousarray(turned), np.empty((0, 4))))
            material.scene_keys.append(key)
        material.textures += [_texture(grey, rng) for _ in range(_TEXTURES)]
        material.texture_keys += [key] * _TEXTURES
    for portraits in PORTRAITS:
        _add_portraits(material, data, portraits)
    return material


def own_material(data: Path) -> Material:
    """What somebody's own sets show: every box is what is looked for, its square the one of the same area.

    Raises
    ------
    DataError
        Where there are too few boxes.
    """
    material = Material()
    rng = np.random.default_rng(0)
    for one in read_sets(data):
        for file, found in one.boxes.items():
            grey, key = _grey(one.place, file), one.keys[file]
            boxes = [box for box, _ in found]
            squares = [SQUARE.square(box) for box in boxes]
            for square in squares:
                if square.width >= _LEAST:
                    material.bank.add(grey, square, OBJECT, key)
            both = [(box.x, box.y, box.width, box.height) for box in (*boxes, *squares)]
            material.scenes.append(Scene(grey, np.array(both, float).reshape(-1, 4)))
            material.scene_keys.append(key)
            if not found:
                material.textures += [_texture(grey, rng) for _ in range(_TEXTURES)]
                material.texture_keys += [key] * _TEXTURES
    folds = [sum(fold_of(key) == fold for key in material.bank.keys) for fold in range(FOLDS)]
    if min(folds) < _LEAST_BOXES:
        raise DataError(
            "too_few_boxes",
            f"{data}: {len(material.bank)} boxes of {_LEAST} pixels or more, by picture in {FOLDS} folds of {folds}",
            f"Give at least {_LEAST_BOXES} in each fold: some {2 * FOLDS * _LEAST_BOXES} boxes in as many pictures.",
        )
    return material


def _add_scenes(material: Material, source: Scenes, grey: Grey, key: str, boxes: list[Box], squares: list[Box]) -> None:
    scenes = []
    if source.whole:
        both = [(box.x, box.y, box.width, box.height) for box in (*boxes, *squares)]
        scenes.append(Scene(grey, np.array(both, float).reshape(-1, 4)))
    for quarter in (2, 1)[: source.turns]:
        scenes.append(Scene(np.ascontiguousarray(np.rot90(grey, quarter)), np.empty((0, 4))))
    material.scenes += scenes
    material.scene_keys += [key] * len(scenes)


def _add_portraits(material: Material, data: Path, portraits: Portraits) -> None:
    place = look(data / portraits.path)
    rows = [row for row in read_table(place.read("labels.csv"), place.where("labels.csv")) if portraits.wanted(row)]
    seen: Counter[str] = Counter()
    for row in rows[:: max(1, len(rows) // portraits.most)]:
        key = row.get("group") or row["file"]
        seen[key] += 1
        if seen[key] > portraits.each:
            continue
        grey = _grey(place, row["file"])
        high, wide = grey.shape
        x, y, side = portraits.square
        side *= np.sqrt(high * wide)
        if side < _LEAST:
            continue
        material.bank.add(grey, Box(x * wide - side / 2, y * high - side / 2, side, side), portraits.kind, key)


def _pictures(place: Place, table: str, needed: tuple[str, ...]) -> Iterator[tuple[str, list[Row], Grey]]:
    rows: dict[str, list[Row]] = {file: [] for file in picture_names(place)}
    for row in read_table(place.read(table), place.where(table), needed=needed):
        rows[row["file"]].append(row)
    for file, mine in rows.items():
        yield file, mine, _grey(place, file)


def _grey(place: Place, file: str) -> Grey:
    grey: Grey = cv2.cvtColor(load_picture(place.read(file), name=file).pixels, cv2.COLOR_RGB2GRAY)
    return grey


def _box(row: Mapping[str, str]) -> Box:
    return Box(*(float(row[name]) for name in BOXES[1:5]))


def _texture(grey: Grey, rng: np.random.Generator) -> Grey:
    least = min(grey.shape)
    side = int(rng.integers(least // 2, least + 1))
    y, x = (int(rng.integers(0, size - side + 1)) for size in grey.shape)
    texture: Grey = cv2.resize(grey[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return texture
