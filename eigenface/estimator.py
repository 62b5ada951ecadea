"""The scikit-learn estimator inside a saved model: stored by skops without its arrays, rebuilt from our list of types.

Large arrays leave the estimator before it is written and stand in the bundle once, shared with the program; a marker
takes their place. What is built again must be of a type that skops knows to be safe or that stands in `OUR_TYPES`.
"""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.bundle import check_members
from eigenface.errors import ModelError

OUR_TYPES = frozenset(
    {
        "eigenface.baselines.RedPixelThreshold",
        "eigenface.calibrate.Calibrated",
        "eigenface.steps.directions.KernelDirections",
        "eigenface.steps.blood.BloodMap",
        "eigenface.steps.blood.ColourFisher",
        "eigenface.steps.eigen.Eigenfaces",
        "eigenface.steps.eigen.Rounded",
        "eigenface.steps.faces.ColourFaces",
        "eigenface.steps.faces.GreyFaces",
        "eigenface.steps.fisher.FisherVectors",
        "eigenface.steps.identity.NearestPerson",
        "eigenface.steps.identity.PersonSpace",
        "eigenface.steps.identity.UnitRows",
        "eigenface.steps.maps.ColourBands",
        "eigenface.steps.maps.HOG",
        "eigenface.steps.maps.LBP",
        "eigenface.steps.maps.Weighted",
        "eigenface.steps.ridge.KernelRidgeClassifier",
    }
)
"""Types of this library that a saved model may hold beside those of scikit-learn that skops trusts."""

_MARK = "array of the bundle: "
_SMALLEST = 256  # bytes; smaller arrays stay where they are


class ArrayStore:
    """Arrays by short names, equal ones under one name."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self._names: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def put(self, array: NDArray[Any]) -> str:
        """Keep `array` and return the name it has."""
        key = (array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes())
        name = self._names.setdefault(key, f"a{len(self._names)}")
        self.arrays.setdefault(name, array)
        return name


def dump_estimator(estimator: Any, store: ArrayStore) -> bytes:
    """Bytes of `estimator` for `load_estimator`, its larger arrays put into `store`.

    Raises
    ------
    ModelError
        With code `type_not_listed`, where reading it back would be refused.
    """
    from skops.io import dumps, get_untrusted_types

    memo: dict[int, Any] = {}
    for holder, key in list(_places(estimator)):
        array = holder[key]
        if array.nbytes >= _SMALLEST and array.dtype.kind in "fiub":
            memo[id(array)] = np.array([_MARK + store.put(array)])
    written: bytes = dumps(copy.deepcopy(estimator, memo))
    strangers = sorted(set(get_untrusted_types(data=written)) - OUR_TYPES)
    if strangers:
        raise ModelError(
            "type_not_listed",
            f"the pipeline holds {', '.join(strangers)}, which an .eigenface file may not",
            "Save it as .joblib, which answers through scikit-learn and is loaded with trust.",
        )
    return written


def load_estimator(written: bytes, arrays: Mapping[str, NDArray[Any]], where: str) -> Any:
    """The estimator that `dump_estimator` wrote, its arrays put back.

    Raises
    ------
    ModelError
        With code `type_not_listed`, before anything is built, or `damaged_model`.
    """
    from skops.io import get_untrusted_types, loads

    try:
        with zipfile.ZipFile(io.BytesIO(written)) as inner:
            check_members(inner, where)
        strangers = sorted(set(get_untrusted_types(data=written)) - OUR_TYPES)
        if strangers:
            raise ModelError(
                "type_not_listed",
                f"{where}: holds types that are not on the list: {', '.join(strangers)}",
                "Nothing of it was run. Use it only if you know who made it, as a .joblib with trust.",
            )
        estimator = loads(written, trusted=sorted(OUR_TYPES))
        for holder, key in list(_places(estimator)):
            array = holder[key]
            if array.dtype.kind == "U" and array.shape == (1,) and str(array[0]).startswith(_MARK):
                holder[key] = np.array(arrays[str(array[0])[len(_MARK) :]])
    except ModelError:
        raise
    except Exception as error:  # skops meets damaged bytes with errors of many kinds
        raise ModelError(
            "damaged_model", f"{where}: the estimator cannot be rebuilt ({error})", "Train the model again."
        ) from error
    return estimator


def _places(thing: Any, seen: set[int] | None = None) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) under which an array stands: attributes, lists and dictionaries, however deep."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, dict):
        entries: Any = thing.items()
        holder: Any = thing
    elif isinstance(thing, list):
        entries, holder = enumerate(thing), thing
    elif isinstance(thing, tuple):
        for part in thing:
            yield from _places(part, seen)
        return
    elif hasattr(thing, "get_params"):
        entries, holder = vars(thing).items(), vars(thing)
    else:
        return
    for key, value in entries:
        if type(value) is np.ndarray:
            yield holder, key
        else:
            yield from _places(value, seen)
