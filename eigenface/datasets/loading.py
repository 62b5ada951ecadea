"""Recognising what people have: class folders, a labels.csv, LFW's or UTKFace's names; in a folder or a zip."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from eigenface.datasets.dataset import Dataset, Sample
from eigenface.datasets.place import Place, is_picture, look
from eigenface.datasets.table import Row, read_table
from eigenface.errors import DataError, PictureError

KINDS = ("folders", "csv", "utkface", "lfw")
"""Forms of data that `load_dataset` knows."""

_UTKFACE = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+")
_LFW = re.compile(r"(.+)_\d{4}")
_RACES = ("white", "black", "asian", "indian", "other")
_TABLE = "labels.csv"
_PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}


def load_dataset(path: str | Path, *, kind: str | None = None) -> Dataset:
    """Labelled pictures of a folder or zip.

    Parameters
    ----------
    path : path
        A folder with one sub-folder a class; a folder or zip with `labels.csv` (`file,label[,group,...]`, files
        relative to it); pictures under UTKFace's names (`age_gender_race_time.jpg`); or LFW's people
        (`person/person_0001.jpg`).
    kind : {"folders", "csv", "utkface", "lfw"}, optional
        What it is; recognised without.

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
    place = look(Path(path))
    tables = sorted((name for name in place.files if PurePosixPath(name).name == _TABLE), key=lambda n: n.count("/"))
    if kind == "csv" or (kind is None and tables):
        if not tables:
            raise DataError("no_table", f"{path}: holds no {_TABLE}", "It has the columns file,label[,group,...].")
        depth = tables[0].count("/")
        rivals = [name for name in tables if name.count("/") == depth]
        if len(rivals) > 1:
            shown = f"{', '.join(rivals[:3])}{' ...' if len(rivals) > 3 else ''}"
            raise DataError(
                "several_tables", f"{path}: {len(rivals)} tables: {shown}", "Give the folder of one of them."
            )
        return _from_table(place, tables[0])
    pictures = [name for name in place.files if is_picture(place, name)]
    if not pictures:
        raise DataError(
            "no_pictures",
            f"{path}: no pictures in it",
            "Give a folder with one sub-folder a class, or a folder or zip with labels.csv.",
        )
    prefix = _common_folder(pictures)
    names = [name[len(prefix) :] for name in pictures]
    if kind == "utkface" or (kind is None and _share(_UTKFACE.match(PurePosixPath(n).name) for n in names) > 0.9):
        return _from_utkface(place, prefix, names)
    if kind == "lfw" or (kind is None and _share(_is_lfw(name) for name in names) > 0.9):
        return _from_people(place, prefix, names)
    return _from_folders(place, prefix, names)


def _share(matches: Iterable[object]) -> float:
    found = [bool(match) for match in matches]
    return sum(found) / len(found)


def _common_folder(names: list[str]) -> str:
    """The folder that holds everything, where a zip packs one folder: `data/` of `data/female/1.jpg`."""
    prefix = ""
    while True:
        firsts = {name[len(prefix) :].split("/", 1)[0] for name in names}
        nested = all(name[len(prefix) :].count("/") >= 2 for name in names)
        if len(firsts) != 1 or not nested:
            return prefix
        prefix += f"{firsts.pop()}/"


def _is_lfw(name: str) -> bool:
    path = PurePosixPath(name)
    found = _LFW.fullmatch(path.stem)
    return bool(found) and path.parent.name == found[1]  # type: ignore[index]


def _from_folders(place: Place, prefix: str, names: list[str]) -> Dataset:
    loose = [name for name in names if "/" not in name]
    _refuse_parts(place, names)
    samples = [_sample(place, prefix, name, name.split("/", 1)[0]) for name in names if "/" in name]
    said = [f"{len(loose)} pictures lie in no class folder and are left out."] if loose else []
    return _checked(place, prefix, samples, {}, said)


def _refuse_parts(place: Place, names: list[str]) -> None:
    """A data set that is split into train and test already has its classes one level below."""
    below: dict[str, set[str]] = {}
    for name in names:
        parts = PurePosixPath(name).parts
        if len(parts) > 1:
            below.setdefault(parts[0], set()).add(parts[1] if len(parts) > 2 else "")
    insides = list(below.values())
    if len(below) > 1 and {name.lower() for name in below} <= _PARTS and insides[0] != {""}:
        raise DataError(
            "parts_not_classes",
            f"{place.root}: its folders {', '.join(sorted(below))} are parts of a data set, not classes",
            "Give one of them, or put their classes together.",
        )


def _from_people(place: Place, prefix: str, names: list[str]) -> Dataset:
    people = [PurePosixPath(name).parent.name for name in names]
    samples = [_sample(place, prefix, name, person, person) for name, person in zip(names, people, strict=True)]
    return _checked(place, prefix, samples, {}, [])


def _from_utkface(place: Place, prefix: str, names: list[str]) -> Dataset:
    samples, ages, races, odd = [], [], [], 0
    for name in names:
        found = _UTKFACE.match(PurePosixPath(name).name)
        if not found:
            odd += 1
            continue
        samples.append(_sample(place, prefix, name, ("male", "female")[int(found[2])]))
        ages.append(found[1])
        races.append(_RACES[int(found[3])])
    said = [f"{odd} names are not UTKFace's and are left out."] if odd else []
    return _checked(place, prefix, samples, {"age": ages, "race": races}, said)


def _from_table(place: Place, table: str) -> Dataset:
    where = f"{place.root}/{table}" if place.root.is_dir() else f"{place.root}: {table}"
    try:
        data = place.read(table)
    except PictureError as error:  # of a zip's member
        raise DataError("damaged", error.message, error.hint) from None
    except OSError as error:
        raise DataError(
            "cannot_read", f"{where}: cannot be read ({error.strerror})", "Check its permissions."
        ) from None
    rows = read_table(data, where)
    prefix = table[: -len(_TABLE)]
    files = {name[len(prefix) :]: size for name, size in place.files.items() if name.startswith(prefix)}
    missing = [row["file"] for row in rows if row["file"] not in files]
    if missing:
        shown = ", ".join(missing[:3])
        raise DataError(
            "missing_files",
            f"{where}: {len(missing)} of {len(rows)} files are not there: {shown}{' ...' if len(missing) > 3 else ''}",
            "Names are relative to the CSV. Correct them, or put the files there.",
        )
    said: list[str] = []
    kept = _without_repeats(rows, where, said)
    columns = {key: [row[key] for row in kept] for key in kept[0] if key not in ("file", "label", "group")}
    named = sum(bool(row.get("group")) for row in kept)
    grouped = named == len(kept)
    if 0 < named < len(kept):
        said.append(f"{len(kept) - named} of {len(kept)} rows name no group: groups are not used.")
    samples = [_sample(place, prefix, row["file"], row["label"], row["group"] if grouped else None) for row in kept]
    return _checked(place, prefix, samples, columns, said)


def _without_repeats(rows: list[Row], where: str, said: list[str]) -> list[Row]:
    kept: dict[str, Row] = {}
    for row in rows:
        first = kept.setdefault(row["file"], row)
        if first["label"] != row["label"]:
            raise DataError(
                "two_labels",
                f"{where}: {row['file']} is both {first['label']} and {row['label']}",
                "Give every file one label.",
            )
    if len(kept) < len(rows):
        said.append(f"{len(rows) - len(kept)} rows repeat a file and are left out.")
    return list(kept.values())


def _sample(place: Place, prefix: str, name: str, label: str, group: str | None = None) -> Sample:
    return Sample(name, label, group, place.files[prefix + name])


def _checked(
    place: Place, prefix: str, samples: list[Sample], columns: dict[str, list[str]], said: list[str]
) -> Dataset:
    counts = Counter(sample.label for sample in samples)
    if len(counts) < 2:
        only = f"one class only, {next(iter(counts))}" if counts else "no class folders"
        raise DataError(
            "one_class", f"{place.root}: {only}", "Give one sub-folder a class, two at least, or a labels.csv."
        )
    single = sorted(label for label, count in counts.items() if count == 1)
    if single and len(single) < len(counts):  # identities with a picture each are usual
        said.append(f"One picture only in: {', '.join(single[:5])}{' ...' if len(single) > 5 else ''}.")
    if place.root.is_dir():
        folders = (folder.name for folder in (place.root / prefix).iterdir() if folder.is_dir())
        empty = sorted(name for name in folders if not name.startswith(".") and name not in counts)
        if empty and not columns:
            said.append(f"No pictures in: {', '.join(empty[:5])}.")
    arrays = {key: np.array(values, dtype=np.str_) for key, values in columns.items()}
    return Dataset(_name(place.root), place.root, tuple(samples), arrays, tuple(said), prefix)


def _name(root: Path) -> str:
    whole = root.resolve()
    return whole.name if root.is_dir() else whole.stem
