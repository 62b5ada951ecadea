"""Pictures whose faces are known: `boxes.csv`, PASCAL VOC, or a `labels.csv` that says there are none."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from eigenface.cli.talk import note
from eigenface.datasets.annotation import box_of
from eigenface.datasets.boxes import BOXES
from eigenface.datasets.place import Place, look, picture_names
from eigenface.datasets.table import Row, read_table
from eigenface.datasets.voc import annotation_files, is_voc, read_annotation
from eigenface.errors import DataError
from eigenface.types import Box

NO_FACE = "no_face"
"""Label of the pictures without a face."""

FOLDS = 3
"""Parts of all pictures: each is judged by a detector that learned from the others."""


@dataclass(frozen=True)
class BoxedSet:
    """Pictures whose faces are known: boxes and labels by file, and what decides in which fold one is."""

    name: str
    place: Place
    boxes: Mapping[str, Sequence[tuple[Box, str]]]
    keys: Mapping[str, str]

    def files(self, fold: int | None = None) -> list[str]:
        """The names of all pictures, or of those of a fold."""
        return [file for file in sorted(self.boxes) if fold is None or fold_of(self.keys[file]) == fold]


def read_sets(data: Path, names: Sequence[str] = ()) -> Iterator[BoxedSet]:
    """The sets of DATA: itself, or those in it.

    Raises
    ------
    DataError
        Where there is none, or not the one named.
    """
    folder = data / "detection" if (data / "detection").is_dir() else data
    itself = not folder.is_dir() or _is_set(folder)
    places = [folder] if itself else sorted(p for p in folder.iterdir() if p.is_dir() or p.suffix == ".zip")
    places = [path for path in places if not names or path.stem in names]
    missing = set(names) - {path.stem for path in places}
    if missing:
        raise DataError("no_data", f"{data}: there is no set {', '.join(sorted(missing))}", "Check --sets.")
    count = 0
    for path in places:
        found = _read_set(look(path))
        if found is None:
            note(f"{path.name}: no boxes.csv, no PASCAL VOC, and no labels.csv with {NO_FACE} throughout; left out.")
            continue
        count += 1
        yield found
    if not count:
        raise DataError(
            "no_data", f"{data}: no set with boxes.csv or PASCAL VOC in it", "Give a folder or zip that has one."
        )


def _is_set(folder: Path) -> bool:
    """Whether it is a set itself, not a folder of sets."""
    if any((folder / table).exists() for table in ("boxes.csv", "labels.csv")):
        return True
    return any(path.suffix.lower() == ".xml" for at in (folder, folder / "annotations") for path in at.glob("*"))


def _read_set(place: Place) -> BoxedSet | None:
    if not {"boxes.csv", "labels.csv"} & set(place.files) and is_voc(place):
        return _read_voc(place)
    for table, needed in (("boxes.csv", BOXES), ("labels.csv", ("file", "label"))):
        if table in place.files:
            rows = read_table(place.read(table), place.where(table), needed=needed)
            break
    else:
        return None
    if table == "labels.csv" and any(row["label"] != NO_FACE for row in rows):
        return None
    boxes: dict[str, list[tuple[Box, str]]] = {file: [] for file in picture_names(place)}
    keys = {file: key_of(file, {}) for file in boxes}
    for row in rows:
        if row["file"] not in boxes:
            raise DataError(
                "missing_files", f"{place.where(table)}: {row['file']} is not there", "Put it there or delete the row."
            )
        keys[row["file"]] = key_of(row["file"], row)
        if table == "boxes.csv":
            boxes[row["file"]].append((_box(row, place.where(table)), row["label"]))
    return BoxedSet(place.root.stem, place, boxes, keys)


def _read_voc(place: Place) -> BoxedSet:
    """Pictures with an XML file of the same name each; a picture without one shows nothing that is looked for."""
    boxes: dict[str, list[tuple[Box, str]]] = {file: [] for file in picture_names(place)}
    by_stem = {PurePosixPath(file).stem: file for file in boxes}
    for name, data in place.contents(annotation_files(place)):
        inside, found = read_annotation(data, place.where(name))
        file = by_stem.get(PurePosixPath(name).stem, by_stem.get(PurePosixPath(inside).stem))
        if file is None:
            raise DataError(
                "missing_files", f"{place.where(name)}: its picture is not there", "Put it there or delete the XML."
            )
        boxes[file] += [(box, label) for label, box in found]
    return BoxedSet(place.root.stem, place, boxes, {file: key_of(file, {}) for file in boxes})


def key_of(file: str, row: Mapping[str, str]) -> str:
    """What decides in which fold a picture is: its group, or its name without folders and suffix.

    `turned_faces` has windows of pictures that `wider_subset` has whole: they are in the same fold.
    """
    return PurePosixPath(row.get("group") or file).name.removesuffix(".jpg").removeprefix("wider_")


def fold_of(key: str) -> int:
    """The fold, from 0 to `FOLDS` - 1, of pictures with this key, whatever else is in the data."""
    return zlib.crc32(key.encode()) * FOLDS >> 32


def _box(row: Row, where: str) -> Box:
    try:
        x, y, width, height = (float(row[name]) for name in BOXES[1:5])
    except ValueError:
        raise DataError(
            "bad_box", f"{where}: {row['file']} has a box that is no numbers", "Boxes are numbers of pixels."
        ) from None
    return box_of(x, y, width, height, f"{where}: {row['file']}")
