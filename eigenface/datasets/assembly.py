"""From what a loader found to a data set that was looked over: two classes at least, oddities said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eigenface.datasets.annotation import SQUARE, BoxRule
from eigenface.datasets.dataset import Dataset, Sample
from eigenface.datasets.place import Place
from eigenface.errors import DataError


def plain_sample(place: Place, prefix: str, name: str, label: str, group: str | None = None) -> Sample:
    """A whole picture as a sample."""
    return Sample(name, label, group, place.files[prefix + name])


def assemble(
    place: Place,
    prefix: str,
    samples: Sequence[Sample],
    columns: Mapping[str, Sequence[str]],
    said: Sequence[str] = (),
    *,
    rule: BoxRule = SQUARE,
    about: str = "",
) -> Dataset:
    """The data set of these samples, with what a user should know of them.

    Parameters
    ----------
    place : Place
    prefix : str
        What stands before every sample's name in the place, ending in / where it is not empty.
    samples : sequence of Sample (n,)
    columns : mapping of str to sequence (n,)
    said : sequence of str
        Warnings so far.
    rule : BoxRule
    about : str

    Raises
    ------
    DataError
        Where there are less than two classes.
    """
    warnings = [*said, about] if about else list(said)
    counts = Counter(sample.label for sample in samples)
    if len(counts) < 2:
        only = f"one class only, {next(iter(counts))}" if counts else "no class folders"
        raise DataError(
            "one_class", f"{place.root}: {only}", "Give one sub-folder a class, two at least, or a labels.csv."
        )
    single = sorted(label for label, count in counts.items() if count == 1)
    if single and len(single) < len(counts):  # identities with a picture each are usual
        warnings.append(f"One picture only in: {', '.join(single[:5])}{' ...' if len(single) > 5 else ''}.")
    if place.root.is_dir() and not columns:
        folders = (folder.name for folder in (place.root / prefix).iterdir() if folder.is_dir())
        empty = sorted(name for name in folders if not name.startswith(".") and name not in counts)
        if empty:
            warnings.append(f"No pictures in: {', '.join(empty[:5])}.")
    arrays = {key: np.array(values, dtype=np.str_) for key, values in columns.items()}
    return Dataset(
        _name(place.root), place.root, tuple(samples), arrays, tuple(warnings), prefix, rule=rule, about=about
    )


def _name(root: Path) -> str:
    whole = root.resolve()
    return whole.name if root.is_dir() else whole.stem
