"""Splits: nobody on both sides, every class on both, refused in one line where that cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenface.datasets.splits import split_by_group
from eigenface.errors import DataError


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=1, max_size=60), st.integers(0, 5))
def test_every_picture_is_on_one_side_and_no_person_on_both(rows: list[tuple[str, int]], seed: int) -> None:
    labels, groups = [row[0] for row in rows], np.array([f"{row[0]}{row[1]}" for row in rows])
    try:
        train, test = split_by_group(labels, groups, random_state=seed)
    except DataError:
        assert min(len({g for g in groups if g[0] == label}) for label in set(labels)) < 2
        return
    assert sorted([*train, *test]) == list(range(len(rows)))
    assert not set(groups[train]) & set(groups[test])
    assert {labels[i] for i in train} == {labels[i] for i in test} == set(labels)


def test_shares_are_kept_in_every_class() -> None:
    labels = np.array(["a"] * 100 + ["b"] * 20)
    _, test = split_by_group(labels, None, test_share=0.25)
    assert (labels[test] == "a").sum() == 25
    assert (labels[test] == "b").sum() == 5


def test_seed_decides() -> None:
    labels = ["a", "b"] * 50
    first, again, other = (split_by_group(labels, None, random_state=seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_person_of_two_classes_stays_whole() -> None:
    labels = ["a", "b"] * 10
    persons = np.repeat(np.arange(10), 2)
    labels[1] = "a"
    labels[3] = "a"
    labels = [*labels, "b", "b"]
    persons = np.array([*persons, 10, 11])
    train, test = split_by_group(labels, persons)
    assert not set(persons[train]) & set(persons[test])


def test_class_with_one_person_cannot_be_split() -> None:
    with pytest.raises(DataError, match="class b has 1 person, scene or set of equal pictures: none can be kept aside"):
        split_by_group(["a", "a", "b", "b"], ["x", "y", "z", "z"])


@pytest.mark.parametrize("share", [0, -1, 0.6, 2])
def test_absurd_share_is_refused(share: float) -> None:
    with pytest.raises(DataError, match="a test share of"):
        split_by_group(["a", "b"] * 5, None, test_share=share)


@given(st.lists(st.sets(st.sampled_from("abc"), min_size=1), min_size=8, max_size=40), st.integers(0, 5))
def test_scenes_of_several_classes_stay_whole_and_every_class_is_on_both_sides(
    scenes: list[set[str]], seed: int
) -> None:
    rows = [(label, f"scene {number}") for number, held in enumerate(scenes) for label in sorted(held)]
    labels, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    try:
        train, test = split_by_group(labels, groups, random_state=seed)
    except DataError:
        assert min(len(set(groups[labels == label])) for label in set(labels)) < 4
        return
    assert not set(groups[train]) & set(groups[test])
    assert set(labels[train]) == set(labels[test]) == set(labels)


def test_rare_class_that_is_never_the_most_frequent_of_a_scene_is_split() -> None:
    labels = ["common", "common", "rare"] * 10
    groups = np.repeat(np.arange(10), 3)
    train, test = split_by_group(labels, groups)
    assert len(test) == 6
    assert {labels[i] for i in train} == {labels[i] for i in test} == {"common", "rare"}
