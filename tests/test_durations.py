"""Spans of time are read and said as people write them."""

import pytest

from eigenface.durations import duration, seconds_of
from eigenface.errors import RequestError


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.01, "1 second"),
        (42.4, "42 seconds"),
        (14 * 60, "14 minutes"),
        (7210, "2 hours"),
        (7500, "2 hours 5 minutes"),
        (3600 * 2 - 20, "2 hours"),
    ],
)
def test_durations_read_as_people_say_them(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("90s", 90),
        ("2h", 7200),
        ("1h30m", 5400),
        (" 1H30m ", 5400),
        ("45", 45),
        (".5m", 30),
    ],
)
def test_spans_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 m", "0s", "-5m", "5d", "1.2.3s", "inf", "nan", "m5", "1h30"])
def test_what_is_no_span_is_refused(text):
    with pytest.raises(RequestError, match="no span of time"):
        seconds_of(text)
