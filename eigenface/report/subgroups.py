"""How often is it wrong, and for whom: accuracy and recall for parts of the data such as bands of age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenface.errors import DataError
from eigenface.report.bootstrap import Estimate, wilson

MOST_VALUES = 12
"""Numbers with more different values than this are cut into bands."""
MOST_WORDS = 30
"""Words beyond the commonest so many fall under `other`."""
BANDS = 5
UNKNOWN, OTHER = "unknown", "other"


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One part of the data and how well it is answered.

    Parameters
    ----------
    by, value : str
        What the data are parted by (`age`) and which part this is (`20 to 29`).
    n : int
        Pictures in it, at least 1.
    accuracy : Estimate
        With Wilson's 95 % interval, which takes pictures for independent.
    recall : dict
        For each class the share of its pictures that are recognised, 0..1, or None where the part has none.
    """

    by: str
    value: str
    n: int
    accuracy: Estimate
    recall: Mapping[str, float | None]

    def as_dict(self) -> dict[str, Any]:
        """The row for JSON."""
        row: dict[str, Any] = {"by": self.by, "value": self.value, "n": self.n}
        return row | {"accuracy": self.accuracy.as_dict(), "recall": dict(self.recall)}


def _number(value: object) -> float | None:
    """The value as a number, NaN where it is missing, None where it is a word."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def parts(values: ArrayLike) -> tuple[list[str], NDArray[np.intp]]:
    """Part rows by a value each; many different numbers become five bands of about equal size.

    Parameters
    ----------
    values : array (n,) of str, numbers or None
        Missing ones (None, NaN, empty) form a part of their own, the last.

    Returns
    -------
    list of str, intp array (n,)
        The parts' names, numbers in rising order, words in that of the alphabet, and each row's part.

    Examples
    --------
    >>> parts(["b", "a", None])
    (['a', 'b', 'unknown'], array([1, 0, 2]))
    """
    raw = np.asarray(values, dtype=object)
    numbers = [_number(value) for value in raw]
    if all(number is not None for number in numbers) and len(raw):
        amounts = np.array(numbers, dtype=np.float64)
        known = np.isfinite(amounts)
        different = np.unique(amounts[known])
        if len(different) > MOST_VALUES:
            starts = np.unique(np.quantile(amounts[known], np.linspace(0, 1, BANDS + 1)[:-1], method="higher"))
            band = np.searchsorted(starts, amounts, side="right") - 1
            tops = [float(amounts[known & (band == i)].max()) for i in range(len(starts))]
            names = [f"{low:g}" if low == top else f"{low:g} to {top:g}" for low, top in zip(starts, tops, strict=True)]
        else:
            band, names = np.searchsorted(different, amounts), [f"{value:g}" for value in different]
        codes = np.where(known, band, len(names)).astype(np.intp)
        return (names, codes) if known.all() else ([*names, UNKNOWN], codes)
    words = [UNKNOWN if _missing(value) else str(value) for value in raw]
    common = [word for word, _ in Counter(words).most_common() if word != UNKNOWN]
    if len(common) > MOST_WORDS:
        kept = {*common[: MOST_WORDS - 1], UNKNOWN}
        words = [word if word in kept else OTHER for word in words]
    named = sorted(set(words) - {UNKNOWN, OTHER})
    names = named + [name for name in (OTHER, UNKNOWN) if name in words]
    place = {name: i for i, name in enumerate(names)}
    return names, np.array([place[word] for word in words], dtype=np.intp)


def _missing(value: object) -> bool:
    number = _number(value)
    return number is not None and np.isnan(number)


def subgroup_rows(
    truth: NDArray[np.intp], predicted: NDArray[np.intp], classes: Sequence[str], by: Mapping[str, ArrayLike]
) -> tuple[Subgroup, ...]:
    """Part the data by each of `by` and score every part.

    Parameters
    ----------
    truth, predicted : intp array (n,)
        Places in `classes`.
    classes : sequence of str (k,)
    by : mapping of str to array (n,)
        What to part by; see `parts`.

    Returns
    -------
    tuple of Subgroup
        Without what names single pictures (file names) rather than groups.

    Raises
    ------
    DataError
        An array is not as long as the data.
    """
    rows = []
    right = truth == predicted
    for title, values in by.items():
        if len(np.asarray(values, dtype=object)) != len(truth):
            raise DataError(
                "length_mismatch",
                f"Subgroups by {title}: {len(np.asarray(values, dtype=object))} values for {len(truth)} labels",
                "Give one value for each picture, None where it is not known.",
            )
        names, codes = parts(values)
        if OTHER in names and (codes == names.index(OTHER)).mean() > 0.5:
            continue  # nearly every picture has a word of its own: a name, not a group
        for place, name in enumerate(names):
            inside = codes == place
            recall = {
                label: float(right[inside & (truth == c)].mean()) if (inside & (truth == c)).any() else None
                for c, label in enumerate(classes)
            }
            accuracy = wilson(float(right[inside].sum()), float(inside.sum()))
            rows.append(Subgroup(title, name, int(inside.sum()), accuracy, recall))
    return tuple(rows)
