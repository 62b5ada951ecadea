"""Results of a search in GridSearchCV's form, and as a CSV that opens in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from eigenface.bundle import atomic_file


class Cell(NamedTuple):
    """One candidate on one fold: its score, and the seconds of fitting and scoring."""

    score: float
    fit_seconds: float
    score_seconds: float


def cv_results(
    candidates: Sequence[Mapping[str, Any]], cells: Mapping[tuple[int, int], Cell], n_folds: int
) -> dict[str, Any]:
    """The table that GridSearchCV calls `cv_results_`: parameters, scores by fold, mean, deviation, rank, seconds."""
    table = np.array([[cells[index, fold] for fold in range(n_folds)] for index in range(len(candidates))])
    scores, fit_seconds, score_seconds = table[..., 0], table[..., 1], table[..., 2]
    results: dict[str, Any] = {
        "mean_fit_time": fit_seconds.mean(axis=1),
        "std_fit_time": fit_seconds.std(axis=1),
        "mean_score_time": score_seconds.mean(axis=1),
        "std_score_time": score_seconds.std(axis=1),
    }
    for name in sorted({name for candidate in candidates for name in candidate}):
        column = np.ma.MaskedArray(np.empty(len(candidates), dtype=object), mask=True)
        for index, candidate in enumerate(candidates):
            if name in candidate:
                column[index] = candidate[name]
        results[f"param_{name}"] = column
    results["params"] = [dict(candidate) for candidate in candidates]
    for fold in range(n_folds):
        results[f"split{fold}_test_score"] = scores[:, fold]
    results["mean_test_score"] = scores.mean(axis=1)
    results["std_test_score"] = scores.std(axis=1)
    results["rank_test_score"] = rankdata(-results["mean_test_score"], method="min").astype(np.int32)
    return results


def write_csv(results: Mapping[str, Any], path: Path) -> None:
    """One row a candidate, the best first: rank, mean, deviation, parameters, scores by fold, seconds."""
    names = [name for name in results if name.startswith("param_")]
    folds = [name for name in results if name.startswith("split")]
    columns = ["rank_test_score", "mean_test_score", "std_test_score", *names, *folds, "mean_fit_time", "mean_score_time"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.removeprefix("param_") for column in columns])
    for index in np.argsort(results["rank_test_score"], kind="stable"):
        row = [results[column][index] for column in columns]
        writer.writerow(["" if value is np.ma.masked else f"{value:.6g}" if isinstance(value, float) else value for value in row])
    with atomic_file(path) as handle:
        handle.write(text.getvalue().encode())
