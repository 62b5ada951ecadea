"""Results of a search in GridSearchCV's form, and as a CSV that opens in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from eigenface.bundle import atomic_file


class Cell(NamedTuple):
    """One candidate on one fold.

    `score` is NaN where the candidate could not be fitted; `error` says why. `fit_seconds` are of all its learning
    steps, also of those that another candidate had fitted before.
    """

    score: float
    fit_seconds: float
    score_seconds: float
    error: str = ""


def cv_results(
    candidates: Sequence[Mapping[str, Any]], cells: Mapping[tuple[int, int], Cell], n_folds: int
) -> dict[str, Any]:
    """The table that GridSearchCV calls `cv_results_`: parameters, scores by fold, mean, deviation, rank, seconds.

    Parameters
    ----------
    candidates : sequence of mappings (c,)
    cells : mapping of (candidate, fold) to Cell
        All c * n_folds of them.
    n_folds : int

    Returns
    -------
    dict of str to arrays (c,) or a list (c,)
    """
    table = np.array([[cells[index, fold][:3] for fold in range(n_folds)] for index in range(len(candidates))])
    scores, fit_seconds, score_seconds = table[..., 0], table[..., 1], table[..., 2]
    results: dict[str, Any] = {
        "mean_fit_time": fit_seconds.mean(axis=1),
        "std_fit_time": fit_seconds.std(axis=1),
        "mean_score_time": score_seconds.mean(axis=1),
        "std_score_time": score_seconds.std(axis=1),
    }
    for name in dict.fromkeys(name for candidate in candidates for name in candidate):
        results[f"param_{name}"] = _column(candidates, name)
    results["params"] = [dict(candidate) for candidate in candidates]
    for fold in range(n_folds):
        results[f"split{fold}_test_score"] = scores[:, fold]
    results["mean_test_score"] = scores.mean(axis=1)
    results["std_test_score"] = scores.std(axis=1)
    results["rank_test_score"] = _ranks(results["mean_test_score"])
    return results


def _column(candidates: Sequence[Mapping[str, Any]], name: str) -> Any:
    """A parameter's values, masked where a candidate lacks it, typed as GridSearchCV types them."""
    present = {index: candidate[name] for index, candidate in enumerate(candidates) if name in candidate}
    try:
        kinds = np.array(list(present.values()))
        dtype = kinds.dtype if kinds.ndim == 1 and kinds.dtype.kind != "U" else np.dtype(object)
    except ValueError:  # lists of unlike lengths
        dtype = np.dtype(object)
    column = np.ma.MaskedArray(np.empty(len(candidates), dtype), mask=True)
    for index, value in present.items():
        column[index] = value
    return column


def _ranks(means: NDArray[np.float64]) -> NDArray[np.int32]:
    """1 for the best; equals share the better rank; what could not be fitted comes last."""
    known = np.where(np.isnan(means), (np.nanmin(means) if not np.isnan(means).all() else 0) - 1, means)
    return np.asarray(rankdata(-known, method="min"), np.int32)


def write_csv(results: Mapping[str, Any], path: Path) -> None:
    """One row a candidate, the best first: rank, mean, deviation, parameters, scores by fold, seconds.

    Parameters
    ----------
    results : mapping
        As `cv_results` or GridSearchCV makes it.
    path : path
        Appears whole or not at all.

    Raises
    ------
    ModelError
        With code `cannot_write`.
    """
    parameters = [name for name in results if name.startswith("param_")]
    folds = [name for name in results if name.startswith("split")]
    times = ["mean_fit_time", "mean_score_time"]
    columns = ["rank_test_score", "mean_test_score", "std_test_score", *parameters, *folds, *times]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.removeprefix("param_") for column in columns])
    for index in np.argsort(results["rank_test_score"], kind="stable"):
        writer.writerow([_said(results[column][index]) for column in columns])
    with atomic_file(path) as handle:
        handle.write(text.getvalue().encode())


def _said(value: Any) -> Any:
    if value is np.ma.masked:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value
