"""Spans of time as people write and say them."""

from __future__ import annotations

import re

from eigenface.errors import RequestError

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def seconds_of(text: str) -> float:
    """Seconds that a text such as `5m`, `90s`, `2h`, `1h30m` or `300` means.

    Raises
    ------
    RequestError
        With code `bad_duration`.

    Examples
    --------
    >>> seconds_of("1h30m"), seconds_of("0.5m"), seconds_of("300")
    (5400.0, 30.0, 300.0)
    """
    plain = text.strip().lower()
    parts = re.findall(r"([\d.]+)([hms])", plain)
    try:
        whole = "".join(number + unit for number, unit in parts) == plain
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts) if whole and parts else float(plain)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise RequestError("bad_duration", f"{text}: no span of time", "Write 5m, 90s, 2h or 1h30m.")
    return seconds


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(42.4), duration(840), duration(7500)
    ('42 seconds', '14 minutes', '2 hours 5 minutes')
    """
    if seconds < 90:
        return _counted(max(1, round(seconds)), "second")
    hours, minutes = divmod(round(seconds / 60), 60) if seconds > 5400 else (0, round(seconds / 60))
    counted = ((hours, "hour"), (minutes, "minute"))
    return " ".join(_counted(number, unit) for number, unit in counted if number)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
