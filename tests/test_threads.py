"""Work in threads: in order, not far ahead, and nothing that was done is lost when something goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from eigenface import threads
from eigenface.threads import Shared, ahead, side_by_side


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_CORES", 2)


def slower_first(number: int) -> int:
    time.sleep(0.02 if number == 0 else 0)
    return number * number


def test_answers_come_in_the_order_of_the_pieces() -> None:
    assert side_by_side(slower_first, range(9)) == [number * number for number in range(9)]
    assert list(ahead(slower_first, range(9))) == [number * number for number in range(9)]
    assert side_by_side(slower_first, []) == list(ahead(slower_first, [])) == []


def test_two_pieces_are_worked_on_at_once() -> None:
    both = threading.Barrier(2, timeout=10)
    assert sorted(side_by_side(lambda _: both.wait(), [0, 1])) == [0, 1]
    assert sorted(ahead(lambda _: both.wait(), [0, 1])) == [0, 1]


def test_pieces_are_not_drawn_far_ahead() -> None:
    drawn = []

    def pieces() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    answers = ahead(slower_first, pieces())
    assert next(answers) == 0
    assert len(drawn) <= 6
    answers.close()
    assert len(drawn) <= 6


def test_what_the_pieces_raise_comes_after_what_was_before_it() -> None:
    def pieces() -> Iterator[int]:
        yield from (1, 2)
        raise OSError("no more")

    answers = ahead(slower_first, pieces())
    assert [next(answers), next(answers)] == [1, 4]
    with pytest.raises(OSError, match="no more"):
        next(answers)


def test_what_the_work_raises_comes_in_its_place() -> None:
    answers = ahead(lambda number: 1 // number, [1, 0, 1])
    assert next(answers) == 1
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_the_first_in_opens_and_the_last_out_closes() -> None:
    said = []

    class Told:
        def __enter__(self) -> None:
            said.append("open")

        def __exit__(self, *_: object) -> None:
            said.append("closed")

    shared = Shared(Told)
    with shared:
        with shared:
            pass
        assert said == ["open"]
    assert said == ["open", "closed"]
    with shared:
        pass
    assert said == ["open", "closed"] * 2
