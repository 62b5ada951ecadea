"""PASCAL VOC: an XML file a picture, with a named box a face.

References
----------
Everingham et al., The PASCAL Visual Object Classes (VOC) challenge, 2010, doi:10.1007/s11263-009-0275-4.
"""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import PurePosixPath
from xml.etree import ElementTree

from eigenface.datasets.annotation import box_of
from eigenface.datasets.boxes import Annotation, Options, boxed
from eigenface.datasets.classmap import AS_THEY_STAND
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.place import Place, picture_names
from eigenface.errors import DataError
from eigenface.types import Box

_EDGES = ("xmin", "ymin", "xmax", "ymax")


def annotation_files(place: Place) -> list[str]:
    """The XML files of a place."""
    return [name for name in place.files if PurePosixPath(name).suffix.lower() == ".xml"]


def is_voc(place: Place) -> bool:
    """Whether the first XML file of a place is an annotation; one that cannot be read is none."""
    with suppress(DataError):
        return any(b"<annotation" in place.read(name, 2000) for name in annotation_files(place)[:1])
    return False


def load_voc(place: Place, options: Options) -> Dataset:
    """The faces of pictures with an XML file each.

    A picture is found by its XML's own name, else by the one inside, which is the old one in sets stored again.

    Raises
    ------
    DataError
        Where there is none, or one is broken or lacks something.
    """
    names = annotation_files(place)
    if not names:
        raise DataError("no_annotations", f"{place.root}: no XML files", "VOC has one a picture.")
    stems = {PurePosixPath(picture).stem for picture in picture_names(place)}
    found: list[Annotation] = []
    empty = 0
    for name, data in place.contents(names):
        inside, faces = read_annotation(data, place.where(name))
        empty += not faces
        stem = PurePosixPath(name).stem
        picture = stem if stem in stems or not inside else inside
        found += [Annotation(picture, called, box) for called, box in faces]
    if not found:
        raise DataError(
            "no_annotations", f"{place.root}: no boxes in {len(names)} XML files", "Give boxes to learn from."
        )
    said = [f"{empty} of {len(names)} pictures have no boxes."] if empty else []
    return boxed(place, names[0], found, options, AS_THEY_STAND, said)


def read_annotation(data: bytes, where: str) -> tuple[str, list[tuple[str, Box]]]:
    """The picture's name in one XML file, "" where it has none, and its named boxes.

    Raises
    ------
    DataError
        In one line.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # of no use here, and able to fill the memory
        raise DataError("broken_xml", f"{where}: defines entities", "Write plain PASCAL VOC.")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError("broken_xml", f"{where}: broken XML ({error})", "Correct it or take it away.") from None
    if root.tag != "annotation":
        raise DataError("broken_xml", f"{where}: is <{root.tag}>, not <annotation>", "Take it away.")
    faces = [_face(item, f"{where}, object {number}") for number, item in enumerate(root.iter("object"), start=1)]
    return (root.findtext("filename") or "").strip(), faces


def _face(item: ElementTree.Element, where: str) -> tuple[str, Box]:
    name = (item.findtext("name") or "").strip()
    if not name:
        raise DataError("missing_value", f"{where}: no name", "Give it one or take it away.")
    edges = [_number(item.findtext(f"bndbox/{edge}")) for edge in _EDGES]
    if any(math.isnan(edge) for edge in edges):
        raise DataError("bad_box", f"{where}: no whole bndbox", f"It has {', '.join(_EDGES)}, in pixels.")
    left, top, right, bottom = edges
    return name, box_of(left, top, right - left, bottom - top, where)


def _number(text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
