"""Pictures whose faces are known, to judge detectors by: `boxes.csv`, or a `labels.csv` that says there are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from eigenface.cli.talk import note
from eigenface.datasets.annotation import box_of
from eigenface.datasets.boxes import BOXES
from eigenface.datasets.place import Place, look, picture_names
from eigenface.datasets.splits import split_by_name
from eigenface.datasets.table import Row, read_table
from eigenface.errors import DataError
from eigenface.types import Box

NO_FACE = "no_face"
"""Label of the pictures without a face."""

TEST_SHARE = 0.3
"""Share of the pictures that a detector is judged by, and that training leaves out."""


@dataclass(frozen=True)
class BoxedSet:
    """Pictures whose faces are known: boxes and labels by file, and what decides on which side of a split one is."""

    name: str
    place: Place
    boxes: Mapping[str, Sequence[tuple[Box, str]]]
    keys: Mapping[str, str]

    def part(self, part: str) -> list[str]:
        """The files of `all` pictures, or of those `held` aside from training."""
        files = sorted(self.boxes)
        if part == "all":
            return files
        return [files[i] for i in split_by_name([self.keys[file] for file in files], TEST_SHARE)[1]]


def read_sets(data: Path, names: Sequence[str] = ()) -> Iterator[BoxedSet]:
    """The sets of DATA: itself, or those in it.

    Raises
    ------
    DataError
        Where there is none, or not the one named.
    """
    folder = data / "detection" if (data / "detection").is_dir() else data
    itself = not folder.is_dir() or any((folder / table).exists() for table in ("boxes.csv", "labels.csv"))
    places = [folder] if itself else sorted(p for p in folder.iterdir() if p.is_dir() or p.suffix == ".zip")
    places = [path for path in places if not names or path.stem in names]
    missing = set(names) - {path.stem for path in places}
    if missing:
        raise DataError("no_data", f"{data}: there is no set {', '.join(sorted(missing))}", "Check --sets.")
    count = 0
    for path in places:
        found = _read_set(look(path))
        if found is None:
            note(f"{path.name}: no boxes.csv, and no labels.csv with {NO_FACE} throughout; left out.")
            continue
        count += 1
        yield found
    if not count:
        raise DataError("no_data", f"{data}: no set with boxes.csv in it", "Give a folder or zip that has one.")


def _read_set(place: Place) -> BoxedSet | None:
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


def key_of(file: str, row: Mapping[str, str]) -> str:
    """What decides on which side of a split a picture is: its group, or its name without folders and suffix.

    `turned_faces` has windows of pictures that `wider_subset` has whole: they are on the same side.
    """
    return PurePosixPath(row.get("group") or file).name.removesuffix(".jpg").removeprefix("wider_")


def _box(row: Row, where: str) -> Box:
    try:
        x, y, width, height = (float(row[name]) for name in BOXES[1:5])
    except ValueError:
        raise DataError(
            "bad_box", f"{where}: {row['file']} has a box that is no numbers", "Boxes are numbers of pixels."
        ) from None
    return box_of(x, y, width, height, f"{where}: {row['file']}")
