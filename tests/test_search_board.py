"""The board of a search: means over the folds that are done, the best so far, and what tells candidates apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from eigenface.search.eigen.board import Board


def board(scores: list[list[float | None]], **parameters: list[Any]) -> Board:
    """None stands for a fold that is not done."""
    named = parameters or {"svc__C": list(range(len(scores)))}
    made = Board(
        {10 + at: {name: values[at] for name, values in named.items()} for at in range(len(scores))},
        [str(fold) for fold in range(len(scores[0]))],
    )
    for at, row in enumerate(scores):
        for fold, score in enumerate(row):
            if score is not None:
                made.add(10 + at, str(fold), score)
    return made


def test_a_board_has_means_over_the_folds_that_are_done() -> None:
    made = board([[0.5, 0.7], [0.9, None], [None, None], [np.nan, 0.9]])
    np.testing.assert_allclose(made.means(), [0.6, 0.9, np.nan, np.nan])
    assert made.complete().tolist() == [True, False, False, True]


def test_a_lucky_first_fold_is_not_the_best_where_most_are_done_on_all() -> None:
    assert board([[0.5, 0.7, 0.6], [0.4, 0.5, 0.5], [0.9, 0.9, None]]).best() == 10


def test_where_all_are_fitted_fold_by_fold_the_first_to_be_complete_is_not_the_best_for_that() -> None:
    assert board([[0.5, 0.5, 0.5], [0.4, 0.5, None], [0.7, 0.6, None]]).best() == 12


def test_a_board_without_scores_has_no_best() -> None:
    assert board([[None, None]]).best() is None
    assert board([[np.nan, np.nan], [np.nan, None]]).standing() == "none could be fitted so far"


def test_only_what_differs_is_named_and_shortly() -> None:
    made = board([[0.5], [0.25]], pca__n_components=[3, 3], svc__C=[10**-0.5, 1.0], svc=["x" * 99, "y\n y"])
    assert made.said(11) == "C=1, svc=y y"
    assert made.standing() == f"best so far 0.5000 with C=0.316228, svc={'x' * 39}…"
