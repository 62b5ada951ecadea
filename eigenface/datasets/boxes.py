"""Faces that people drew boxes around: boxes.csv, and the annotation CSV whose columns lie.

Several faces of one picture are several samples, and the picture is their group: it is never on both sides of a split.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from eigenface.datasets.about import ABOUT
from eigenface.datasets.annotation import box_of, find_rule
from eigenface.datasets.assembly import assemble
from eigenface.datasets.classmap import AS_THEY_STAND, MASKS, ClassMap, find_class_map
from eigenface.datasets.dataset import Dataset, Sample
from eigenface.datasets.place import Place, picture_names
from eigenface.datasets.table import Row, read_table
from eigenface.errors import DataError
from eigenface.types import Box

BOXES = ("file", "x", "y", "width", "height", "label")
"""Columns of a boxes.csv: x and y are the left and the top edge; all in pixels."""

CORNERS = ("name", "x1", "x2", "y1", "y2", "classname")
"""Columns of the annotation CSV, whose box goes from (x1, x2) to (y1, y2)."""

_SQUARES, _ODD = 0.9, 0.1  # share of boxes that must be square, to a tenth, for all to be a detector's


@dataclass(frozen=True, slots=True)
class Options:
    """How boxed pictures are read.

    Parameters
    ----------
    classes : mapping or path, optional
        The class map; without it the one beside the data, or the usual one.
    boxes : str, optional
        Name of the rule in `annotation.RULES`; by the looks of the boxes without.
    least : float
        Shorter side in pixels of the smallest box that counts.
    """

    classes: Mapping[str, str] | str | Path | None = None
    boxes: str | None = None
    least: float = 0


@dataclass(frozen=True, slots=True)
class Annotation:
    """A box as somebody wrote it down: the picture's name, the face's, and what else there is in its row."""

    picture: str
    name: str
    box: Box
    more: Mapping[str, str] = field(default_factory=dict)


def load_boxes(place: Place, table: str, options: Options) -> Dataset:
    """The faces of a boxes.csv, a file of the place: `file,x,y,width,height,label[,group,...]`."""
    where = place.where(table)
    found = []
    invalid = 0
    for row in read_table(place.read(table), where, needed=BOXES):
        if row.get("invalid", "0") not in ("0", ""):
            invalid += 1
            continue
        box = box_of(*_numbers(row, BOXES[1:5], where), f"{where}: {row['file']}")
        more = {key: value for key, value in row.items() if key not in (*BOXES, "invalid")}
        found.append(Annotation(row["file"], row["label"], box, more))
    said = [f"{invalid} boxes are marked as invalid and left out."] if invalid else []
    return boxed(place, table, found, options, AS_THEY_STAND, said)


def load_corners(place: Place, table: str, options: Options) -> Dataset:
    """The faces of an annotation CSV, a file of the place: `name,x1,x2,y1,y2,classname`.

    What the columns are called is tried only where what they hold makes no boxes.
    """
    where = place.where(table)
    rows = read_table(place.read(table), where, needed=CORNERS)
    corners = [_numbers(row, CORNERS[1:5], where) for row in rows]  # x1, x2, y1, y2 as named
    lying = [(a, b, c - a, d - b) for a, b, c, d in corners]
    honest = [(a, c, b - a, d - c) for a, b, c, d in corners]
    as_named = not _are_boxes(lying) and _are_boxes(honest)
    said = ["x1, x2, y1, y2 are read as they are named: read as usual they make no boxes."] if as_named else []
    found = [
        Annotation(row["name"], row["classname"], box_of(*sides, f"{where}: {row['name']}"))
        for row, sides in zip(rows, honest if as_named else lying, strict=True)
    ]
    return boxed(place, table, found, options, MASKS, said, about=ABOUT["mask_csv"])


def _are_boxes(sides: Sequence[tuple[float, float, float, float]]) -> bool:
    return all(width > 0 and height > 0 for _, _, width, height in sides)


def _numbers(row: Row, names: Sequence[str], where: str) -> tuple[float, float, float, float]:
    values = []
    for name in names:
        try:
            values.append(float(row[name]))
        except ValueError:
            values.append(math.nan)
        if not math.isfinite(values[-1]):
            picture = next(iter(row.values()))
            raise DataError(
                "bad_box", f"{where}: {picture} has {name} {row[name]!r:.20}", "Boxes are numbers of pixels."
            )
    a, b, c, d = values
    return a, b, c, d


def boxed(
    place: Place,
    table: str,
    found: Sequence[Annotation],
    options: Options,
    usual: ClassMap,
    said: Sequence[str] = (),
    *,
    about: str = "",
) -> Dataset:
    """The data set of these annotations, which `table` (a file, or one of several) of the place holds.

    Raises
    ------
    DataError
        Where pictures are missing, no class is known, or no box is large enough.
    """
    where = place.where(table)
    classes = find_class_map(place, table[: table.rfind("/") + 1], options.classes, usual)
    warnings = [*said, *classes.check([one.name for one in found], where)]
    files = _files_of(place, table, [one.picture for one in found if classes.of(one.name)], where)
    samples: list[Sample] = []
    kept: list[Annotation] = []
    counts = Counter[str]()
    small = 0
    for one in found:
        label = classes.of(one.name)
        counts[one.picture] += 1
        if label is None:
            continue
        if min(one.box.width, one.box.height) < options.least:
            small += 1
            continue
        file = files[one.picture]
        face = f"{file}#{counts[one.picture]}"
        samples.append(Sample(face, label, one.more.get("group") or file, place.files[file], one.box, file))
        kept.append(one)
    if small:
        warnings.append(f"{small} boxes have a side of under {options.least:g} pixels and are left out.")
    columns = {key: [one.more.get(key, "") for one in kept] for key in (kept[0].more if kept else ()) if key != "group"}
    columns["width"] = [f"{one.box.width:g}" for one in kept]
    columns["height"] = [f"{one.box.height:g}" for one in kept]
    rule = options.boxes or _looks(kept)
    about = about or (ABOUT["kaggle_masks"] if all("maksssksksss" in sample.file for sample in samples) else "")
    return assemble(place, "", samples, columns, warnings, rule=find_rule(rule), about=about)


def _looks(found: Sequence[Annotation]) -> str:
    """The rule that boxes seem to follow: WIDER's has a column `blur`; a detector's boxes are square."""
    if found and "blur" in found[0].more:
        return "face"
    square = sum(abs(one.box.width - one.box.height) <= _ODD * one.box.height for one in found)
    return "square" if square > _SQUARES * len(found) else "head"


def _files_of(place: Place, table: str, names: Sequence[str], where: str) -> dict[str, str]:
    """The file of every picture named: below the table, or anywhere under its name, or under its name's stem.

    Pictures are often moved to a folder of their own, or stored in another format than their annotations say.
    """
    folder = table[: table.rfind("/") + 1]
    by_name, by_stem = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for picture in picture_names(place):
        by_name[PurePosixPath(picture).name].append(picture)
        by_stem[PurePosixPath(picture).stem].append(picture)
    files: dict[str, str] = {}
    for name in dict.fromkeys(names):
        path = PurePosixPath(name)
        found = [folder + name] if folder + name in place.files else by_name[path.name] or by_stem[path.stem]
        if len(found) > 1:
            raise DataError(
                "several_files", f"{where}: {name} may be {' or '.join(found[:2])}", "Give every picture its own name."
            )
        if found:
            files[name] = found[0]
    missing = sorted(set(names) - files.keys())
    if missing:
        shown = ", ".join(missing[:3])
        raise DataError(
            "missing_files",
            f"{where}: {len(missing)} of {len(set(names))} pictures are not there: {shown}"
            f"{' ...' if len(missing) > 3 else ''}",
            "Put them beside the annotations or in a folder below, or delete the rows.",
        )
    return files
