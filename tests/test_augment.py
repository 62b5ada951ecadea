"""Copies of training faces: as many as asked, changed as said, and never in what judges their face."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from eigenface.augment import Copies, copies_of, in_turn, jittered, through, to_grey
from eigenface.calibrate import calibrate_pipeline, folds_by_group
from eigenface.datasets.drawn import DrawnFaces
from eigenface.steps.faces import GreyFaces


def test_shares_and_labels_say_how_many_copies_there_are(drawn: DrawnFaces) -> None:
    made, origin, classes = copies_of(drawn.crops, drawn.labels, [Copies(to_grey, 0.5), Copies(to_grey, 2, "female")])
    of_women = drawn.labels[origin] == "female"
    women = (drawn.labels == "female").sum()
    assert len(made) == len(origin)
    assert 0.25 * len(drawn.crops) < len(made) - 2 * women < 0.75 * len(drawn.crops)
    assert of_women.sum() >= 2 * women
    assert (classes == drawn.labels[origin]).all()
    women_only, whose, painted = copies_of(drawn.crops, drawn.labels, [Copies(to_grey, 1, "female", "male")])
    assert len(women_only) == women
    assert (drawn.labels[whose] == "female").all()
    assert (painted == "male").all()
    again, same, _ = copies_of(drawn.crops, drawn.labels, [Copies(to_grey, 0.5), Copies(to_grey, 2, "female")])
    assert (same == origin).all()
    assert all((one == two).all() for one, two in zip(made, again, strict=True))
    with pytest.raises(ValueError, match=r"share in 0\.\.50"):
        Copies(to_grey, 0)


def test_changes_do_what_they_say() -> None:
    rng = np.random.default_rng(0)
    crop = np.zeros((60, 40, 3), np.uint8)
    crop[20:40, 10:30, 0] = 200
    grey = to_grey(crop, rng)
    assert (grey == grey[:, :, :1]).all()
    moved = [jittered(0.1, 0.1, 10)(crop, rng) for _ in range(20)]
    assert all(one.shape == crop.shape for one in moved)
    assert len({one.tobytes() for one in moved}) == 20
    fine = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    blurred = through(24)(fine, rng)
    assert blurred.shape == fine.shape
    assert np.abs(np.diff(blurred.astype(int), axis=1)).mean() < np.abs(np.diff(fine.astype(int), axis=1)).mean() / 3
    assert through(24)(crop[:20, :20], rng) is not crop
    assert (through(24)(crop[:20, :20], rng) == crop[:20, :20]).all()
    both = in_turn(to_grey, through(24))(fine, rng)
    assert (both == both[:, :, :1]).all()


class Remembering(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Knows the rows that it was fitted on: decides 1 for a row it has seen, and 0 for others."""

    def fit(self, X: Any, y: Any) -> Remembering:
        self.classes_ = np.unique(y)
        self.known_ = {row.tobytes() for row in X}
        self.count_ = len(X)
        return self

    def decision_function(self, X: Any) -> Any:
        return np.array([float(row.tobytes() in self.known_) for row in X])


def test_no_face_is_judged_by_what_learned_from_its_copy(drawn: DrawnFaces) -> None:
    def same(crop: Any, rng: Any) -> Any:
        return crop.copy()

    pipeline = Pipeline([("faces", GreyFaces(16)), ("last", Remembering())])
    folds = folds_by_group(drawn.labels, drawn.groups, 3)
    done = calibrate_pipeline(pipeline, drawn.crops, drawn.labels, folds, [Copies(same, 2)])
    assert np.ptp(done.out_of_fold[:, 0]) < 1e-9  # no face was known out of fold
    assert done.pipeline.steps[-1][1].estimator_.count_ == 3 * len(drawn.crops)
