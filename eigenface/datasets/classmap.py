"""Which class an annotation's name means: a table beside the data, as `classes.csv` or `classes.json`, not code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eigenface.datasets.place import Place
from eigenface.datasets.table import read_table
from eigenface.errors import DataError

_FILES = ("classes.csv", "classes.json")
_HINT = "A class map is a CSV name,class or a JSON object of name to class."


@dataclass(frozen=True, slots=True)
class ClassMap:
    """Names that annotations have and the classes that they mean.

    Parameters
    ----------
    classes : mapping of str to str
    rest : bool
        Whether names that are not in it are classes of their own; else such annotations are left out.
    """

    classes: Mapping[str, str]
    rest: bool = False

    def of(self, name: str) -> str | None:
        """The class of a name; None where it is left out.

        >>> ClassMap({"face_with_mask": "with_mask"}).of("hat")
        """
        return self.classes.get(name, name if self.rest else None)

    def check(self, names: Sequence[str], where: str) -> list[str]:
        """Say how many annotations of which names are left out.

        Raises
        ------
        DataError
            Where nothing is left.
        """
        lost = Counter(name for name in names if self.of(name) is None)
        if not lost:
            return []
        shown = ", ".join(f"{name} ({count})" for name, count in lost.most_common(6))
        more = " ..." if len(lost) > 6 else ""
        if lost.total() == len(names):
            raise DataError(
                "no_class_known",
                f"{where}: the class map has none of its names: {shown}{more}",
                f"It has {', '.join(self.classes)}; put a classes.csv (name,class) beside the annotations.",
            )
        return [f"{lost.total()} of {len(names)} boxes are of names without a class and left out: {shown}{more}."]


MASKS = ClassMap({"face_with_mask": "with_mask", "face_no_mask": "without_mask", "face_other_covering": "without_mask"})
"""Of the annotation CSV `name,x1,x2,y1,y2,classname`, which has twenty names."""

AS_THEY_STAND = ClassMap({"mask_weared_incorrect": "worn_incorrectly"}, rest=True)
"""Every name is a class; one that its makers misspelt is called as everywhere else."""


def find_class_map(
    place: Place, folder: str, given: Mapping[str, str] | str | Path | None, usual: ClassMap
) -> ClassMap:
    """The class map that was given, or lies in `folder` of the place or at its root, or else the usual one.

    Raises
    ------
    DataError
        Where the map cannot be read.
    """
    if isinstance(given, Mapping):
        return ClassMap(_checked(given, "the class map"))
    if given is not None:
        try:
            return _read(Path(given).read_bytes(), str(given))
        except OSError as error:
            raise DataError("no_class_map", f"{given}: cannot be read ({error.strerror})", _HINT) from None
    for name in dict.fromkeys([*(folder + file for file in _FILES), *_FILES]):
        if name in place.files:
            return _read(place.read(name), place.where(name))
    return usual


def _read(data: bytes, where: str) -> ClassMap:
    if not where.lower().endswith(".json"):
        return ClassMap({row["name"]: row["class"] for row in read_table(data, where, needed=("name", "class"))})
    try:
        return ClassMap(_checked(json.loads(data), where))
    except (ValueError, RecursionError):
        raise DataError("bad_class_map", f"{where}: no JSON", _HINT) from None


def _checked(classes: object, where: str) -> dict[str, str]:
    if not isinstance(classes, Mapping) or not classes:
        raise DataError("bad_class_map", f"{where}: no names in it", _HINT)
    for name, label in classes.items():
        if not isinstance(name, str) or not isinstance(label, str) or not label:
            raise DataError("bad_class_map", f"{where}: {name!r} means {label!r:.40}, which is no class", _HINT)
    return dict(classes)
