"""Results of a search as a CSV that opens in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.bundle import atomic_file


def write_csv(results: Mapping[str, Any], path: Path) -> None:
    """One row a candidate, the best first: rank, mean, deviation, parameters, scores by fold, seconds.

    Parameters
    ----------
    results : mapping
        As GridSearchCV makes it.
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
    faces = [name for name in results if name == "n_resources"]
    columns = ["rank_test_score", "mean_test_score", "std_test_score", *faces, *parameters, *folds, *times]
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
