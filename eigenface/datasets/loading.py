"""Recognising what people have: class folders, tables, annotated boxes, known names; in a folder or a zip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from eigenface.datasets.about import ABOUT
from eigenface.datasets.boxes import BOXES, CORNERS, Options, load_boxes, load_corners
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.fer2013 import is_pixel_table, load_fer2013
from eigenface.datasets.labelled import load_labelled
from eigenface.datasets.names import load_names
from eigenface.datasets.place import Place, look, picture_names
from eigenface.datasets.sklearn_faces import PREFIX, load_from_sklearn
from eigenface.datasets.table import LABELLED, columns_of
from eigenface.datasets.voc import is_voc, load_voc
from eigenface.errors import DataError

KINDS = ("folders", "csv", "utkface", "lfw", "orl", "yale", "boxes", "voc", "corners", "fer2013")
"""Forms of data that `load_dataset` knows."""

_TABLES = {"csv": "labels.csv", "boxes": "boxes.csv"}
_HEADER = 4096  # bytes that a line of columns' names lies in


def load_dataset(
    path: str | Path,
    *,
    kind: str | None = None,
    classes: Mapping[str, str] | str | Path | None = None,
    boxes: str | None = None,
    least: float = 0,
    download: bool = False,
) -> Dataset:
    """Labelled pictures of a folder or zip.

    Parameters
    ----------
    path : path
        A folder with one sub-folder a class; a folder or zip with `labels.csv` (`file,label[,group,...]`, files
        relative to it); pictures under the names of UTKFace (`age_gender_race_time.jpg`), LFW
        (`person/person_0001.jpg`), ORL (`s1/1.pgm`) or Yale (`subject01.happy`); FER2013's CSV
        (`emotion,pixels,Usage`), packed or not; scenes with boxes: `boxes.csv` (`file,x,y,width,height,label`),
        PASCAL VOC's XML files, or a CSV `name,x1,x2,y1,y2,classname`. A CSV may be given itself.
        `sklearn:olivetti_faces` and `sklearn:lfw_people` are what scikit-learn has downloaded.
    kind : {"folders", "csv", "utkface", "lfw", "orl", "yale", "boxes", "voc", "corners", "fer2013"}, optional
        What it is; recognised without.
    classes : mapping or path, optional
        What the names of boxes mean, {name: class} or a CSV `name,class` or a JSON of it; without it a `classes.csv`
        or `classes.json` beside the annotations, or what is usual for this form.
    boxes : {"head", "face", "square"}, optional
        What boxes surround; recognised without.
    least : float
        Shorter side in pixels of the smallest box that counts.
    download : bool
        Let scikit-learn download what its cache lacks.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        In one line, where nothing can be made of it.
    """
    if kind is not None and kind not in KINDS:
        raise DataError("unknown_kind", f"there is no kind of data {kind!r}", f"There are {', '.join(KINDS)}.")
    if str(path).startswith(PREFIX):
        return load_from_sklearn(str(path), download=download)
    path, options = Path(path), Options(classes, boxes, least)
    if kind == "fer2013" or (kind is None and is_pixel_table(path)):
        return replace(load_fer2013(path), about=ABOUT["fer2013"])
    table = path.name if path.is_file() and path.suffix.lower() == ".csv" else None
    place = look(path.parent if table else path)
    if table and kind not in (None, "csv", "boxes", "corners"):
        raise DataError("not_a_dataset", f"{path}: a CSV cannot be of the kind {kind}", "Give the folder around it.")
    if table:
        return _of_table(place, table, kind or _kind_of(place, table) or "csv", options)
    for form, name in _TABLES.items():
        if kind in (None, form) and (found := _find_table(place, name, asked=kind == form)):
            return _of_table(place, found, form, options)
    if kind == "voc" or (kind is None and is_voc(place)):
        return load_voc(place, options)
    if kind in (None, "corners") and (found := _find_corners(place, asked=kind == "corners")):
        return _of_table(place, found, "corners", options)
    pictures = picture_names(place)
    if not pictures:
        raise DataError(
            "no_pictures",
            f"{path}: no pictures in it",
            "Give a folder with one sub-folder a class, or a folder or zip with labels.csv.",
        )
    return load_names(place, pictures, kind)


def _of_table(place: Place, table: str, kind: str, options: Options) -> Dataset:
    if kind == "boxes":
        return load_boxes(place, table, options)
    if kind == "corners":
        return load_corners(place, table, options)
    return load_labelled(place, table)


def _find_table(place: Place, wanted: str, *, asked: bool) -> str | None:
    """The one table of this name that lies highest."""
    tables = sorted((name for name in place.files if PurePosixPath(name).name == wanted), key=lambda n: n.count("/"))
    return _only(place, tables, wanted, asked=asked)


def _find_corners(place: Place, *, asked: bool) -> str | None:
    tables = [name for name in place.files if name.lower().endswith(".csv") and _kind_of(place, name) == "corners"]
    return _only(place, sorted(tables, key=lambda n: n.count("/")), ",".join(CORNERS), asked=asked)


def _only(place: Place, tables: list[str], wanted: str, *, asked: bool) -> str | None:
    if not tables:
        if asked:
            columns = LABELLED if wanted == _TABLES["csv"] else BOXES if wanted == _TABLES["boxes"] else CORNERS
            more = "[,group,...]" if columns != CORNERS else ""
            raise DataError(
                "no_table", f"{place.root}: holds no {wanted}", f"It has the columns {','.join(columns)}{more}."
            )
        return None
    rivals = [name for name in tables if name.count("/") == tables[0].count("/")]
    if len(rivals) > 1:
        shown = f"{', '.join(rivals[:3])}{' ...' if len(rivals) > 3 else ''}"
        raise DataError(
            "several_tables", f"{place.root}: {len(rivals)} tables: {shown}", "Give the folder of one of them."
        )
    return tables[0]


def _kind_of(place: Place, table: str) -> str | None:
    """What a CSV is by the names of its columns; None also where it cannot be read, for it may have no part in this."""
    try:
        columns = set(columns_of(place.read(table, _HEADER)))
    except DataError:
        return None
    for kind, needed in (("boxes", BOXES), ("corners", CORNERS), ("csv", LABELLED)):
        if columns >= set(needed):
            return kind
    return None
