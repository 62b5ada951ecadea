"""Faces that scikit-learn has downloaded: `fetch_olivetti_faces` and `fetch_lfw_people`, read from its cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from eigenface.datasets.about import ABOUT
from eigenface.datasets.dataset import Dataset, Sample
from eigenface.datasets.names import load_names
from eigenface.datasets.place import look, picture_names
from eigenface.errors import DataError

PREFIX = "sklearn:"
"""With what names of such data begin."""

SETS = {"olivetti_faces": "fetch_olivetti_faces()", "lfw_people": "fetch_lfw_people(min_faces_per_person=500)"}
"""Data by name, and the call of `sklearn.datasets` that downloads them; LFW's so that little of it is held."""


def load_from_sklearn(name: str, *, download: bool = False) -> Dataset:
    """The faces of `sklearn:olivetti_faces` or `sklearn:lfw_people`, from the folder `sklearn.datasets.get_data_home`.

    Olivetti's labels are s1..s40, its pictures are face crops already; LFW's labels are people, its pictures are
    photos of 250 x 250.

    Parameters
    ----------
    name : str
    download : bool
        Download what is not there; without it nothing is.

    Raises
    ------
    DataError
        Where the name is another, or the data are not there; the hint says how to download them.
    """
    wanted = name.removeprefix(PREFIX)
    if wanted not in SETS:
        raise DataError(
            "no_data", f"{name}: there is no such data", f"There are {', '.join(PREFIX + s for s in SETS)}."
        )
    try:
        return _olivetti(download) if wanted == "olivetti_faces" else _lfw(download)
    except OSError as error:  # what scikit-learn raises without the data and without the net
        hint = f"python -c 'from sklearn.datasets import *; {SETS[wanted]}' downloads them."
        why = f"cannot be downloaded ({error})" if download else f"not in {_home()}"
        raise DataError("not_downloaded", f"{name}: {why}", hint) from None


def _home() -> Path:
    from sklearn.datasets import get_data_home

    return Path(get_data_home())


def _olivetti(download: bool) -> Dataset:
    from sklearn.datasets import fetch_olivetti_faces

    faces = fetch_olivetti_faces(download_if_missing=download)
    pixels = np.rint(faces.images * 255).astype(np.uint8)
    samples = tuple(
        Sample(f"s{person + 1}/{index % 10 + 1}", f"s{person + 1}", None, pixels[index].size)
        for index, person in enumerate(faces.target)
    )
    about = ABOUT["olivetti"]
    return Dataset("olivetti_faces", _home(), samples, warnings=(about,), pixels=pixels, about=about)


def _lfw(download: bool) -> Dataset:
    folder = _home() / "lfw_home" / "lfw_funneled"
    if not folder.is_dir():
        if not download:
            raise FileNotFoundError(folder)
        from sklearn.datasets import fetch_lfw_people

        fetch_lfw_people(min_faces_per_person=500)
    place = look(folder)  # the files themselves: scikit-learn would hold all of them at once
    pictures = picture_names(place)
    if not pictures:
        raise FileNotFoundError(folder)
    return replace(load_names(place, pictures, "lfw"), name="lfw_people", warnings=(ABOUT["lfw"],), about=ABOUT["lfw"])
