"""When a label calls for attention: it has stayed on a face for a while, and nobody was told a moment ago."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from eigenface.video.tracks import Track

_SURE = 0.7  # probability of a label from which it counts


@dataclass(frozen=True, slots=True)
class Alert:
    """A label that has stayed: the track, its label, and whether somebody is to be told or was a moment ago."""

    track: Track
    label: str
    told: bool


@dataclass
class _Stay:
    label: str
    since: float
    over: bool = False  # its alert was given


class Alarm:
    """Watches tracks for labels.

    Parameters
    ----------
    labels : collection of str
        Labels that call for attention.
    stay : float
        Seconds that one must stay on a track.
    dead_time : float
        Seconds after an alert during which no other of the same label is told; it is only logged.
    """

    def __init__(self, labels: Collection[str], *, stay: float = 1.0, dead_time: float = 30.0) -> None:
        self._labels = frozenset(labels)
        self._stay, self._dead_time = stay, dead_time
        self._stays: dict[int, dict[str, _Stay]] = {}
        self._told: dict[str, float] = {}

    def see(self, tracks: Sequence[Track], time: float) -> list[Alert]:
        """The alerts that the tracks at `time` in seconds give; one for every time that a label comes and stays."""
        self._stays = {track.number: self._stays.get(track.number, {}) for track in tracks}
        alerts = []
        for track in tracks:
            sure = {v.label for v in track.answers.values() if v.probabilities.get(v.label, 0.0) >= _SURE}
            wanted = sure & self._labels
            before = self._stays[track.number]
            now = self._stays[track.number] = {label: before.get(label, _Stay(label, time)) for label in wanted}
            for stay in now.values():
                if not stay.over and time - stay.since >= self._stay:
                    stay.over = True
                    told = time - self._told.get(stay.label, -float("inf")) >= self._dead_time
                    if told:
                        self._told[stay.label] = time
                    alerts.append(Alert(track, stay.label, told))
        return alerts
