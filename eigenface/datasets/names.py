"""Pictures whose files' names say what they show: class folders, and the names of LFW, UTKFace, ORL and Yale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sized
from pathlib import PurePosixPath

from eigenface.datasets.about import ABOUT
from eigenface.datasets.assembly import assemble, plain_sample
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.place import Place
from eigenface.errors import DataError

_UTKFACE = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+")
_LFW = re.compile(r"(.+)_\d{4}")
_ORL = re.compile(r"(?:.*/)?(s\d{1,2})/(\d{1,2})\.pgm")
_YALE = re.compile(r"(subject\d{2})\.([a-z]+)(?:\.[a-z]{3})?")
_RACES = ("white", "black", "asian", "indian", "other")
_OF_LFW = {"George_W_Bush", "Colin_Powell", "Tony_Blair"}
_MOST = 0.9  # share of the names that must be of a kind
_PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}


def load_names(place: Place, pictures: list[str], kind: str | None = None) -> Dataset:
    """The data set of pictures by their names; `kind` is recognised without."""
    prefix = _common_folder(pictures)
    names = [name[len(prefix) :] for name in pictures]
    made = {
        "folders": _from_folders,
        "utkface": _from_utkface,
        "lfw": _from_people,
        "orl": _from_orl,
        "yale": _from_yale,
    }
    return made[kind or _recognised(names)](place, prefix, names)


def _recognised(names: list[str]) -> str:
    files = [PurePosixPath(name).name for name in names]
    for kind, matches in (
        ("utkface", [_UTKFACE.match(file) for file in files]),
        ("lfw", [_is_lfw(name) for name in names]),
        ("orl", [_ORL.fullmatch(name) for name in names]),
        ("yale", [_YALE.fullmatch(file) for file in files]),
    ):
        if _share(matches) > _MOST:
            return kind
    return "folders"


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
    samples = [plain_sample(place, prefix, name, name.split("/", 1)[0]) for name in names if "/" in name]
    said = [f"{len(loose)} pictures lie in no class folder and are left out."] if loose else []
    return assemble(place, prefix, samples, {}, said)


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
    samples = [plain_sample(place, prefix, name, person, person) for name, person in zip(names, people, strict=True)]
    about = ABOUT["lfw"] if _OF_LFW.issubset(people) else ""  # others name their pictures so as well
    return assemble(place, prefix, samples, {}, about=about)


def _from_utkface(place: Place, prefix: str, names: list[str]) -> Dataset:
    samples, ages, races = [], [], []
    for name in names:
        found = _UTKFACE.match(PurePosixPath(name).name)
        if not found:
            continue
        samples.append(plain_sample(place, prefix, name, ("male", "female")[int(found[2])]))
        ages.append(found[1])
        races.append(_RACES[int(found[3])])
    said = _odd(names, samples, "UTKFace")
    return assemble(place, prefix, samples, {"age": ages, "race": races}, said, about=ABOUT["utkface"])


def _from_orl(place: Place, prefix: str, names: list[str]) -> Dataset:
    """Forty people in folders; in the order of their numbers, so that the first five are those that papers mean."""
    matches = {name: _ORL.fullmatch(name) for name in names}
    found = {name: (match[1], int(match[2])) for name, match in matches.items() if match}
    order = sorted(found, key=lambda name: (int(found[name][0][1:]), found[name][1]))
    samples = [plain_sample(place, prefix, name, found[name][0]) for name in order]
    return assemble(place, prefix, samples, {}, _odd(names, found, "ORL"), about=ABOUT["orl"])


def _from_yale(place: Place, prefix: str, names: list[str]) -> Dataset:
    matches = {name: _YALE.fullmatch(PurePosixPath(name).name) for name in names}
    found = {name: (match[1], match[2]) for name, match in matches.items() if match}
    samples = [plain_sample(place, prefix, name, subject) for name, (subject, _) in found.items()]
    # The makers' own copy calls one picture subject01.gif: the light from the middle, which is missing there.
    conditions = ["centerlight" if condition == "gif" else condition for _, condition in found.values()]
    said = _odd(names, found, "Yale")
    return assemble(place, prefix, samples, {"condition": conditions}, said, about=ABOUT["yale"])


def _odd(names: Sized, found: Sized, whose: str) -> list[str]:
    odd = len(names) - len(found)
    return [f"{odd} names are not {whose}'s and are left out."] if odd else []
