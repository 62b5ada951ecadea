"""When each track had which label: a film in a few lines, enough to draw it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` to `end`, in seconds, a track had a label (empty where no model was asked)."""

    track: int
    label: str
    begin: float
    end: float


class Spans:
    """Gathers spans from faces in the order of their frames.

    Parameters
    ----------
    gap : float
        Seconds without a track after which a new span begins.

    Examples
    --------
    >>> spans = Spans(gap=1.0)
    >>> for time in (0.0, 0.5, 1.0, 9.0):
    ...     spans.see(1, "male", time)
    >>> [(span.begin, span.end) for span in spans.all]
    [(0.0, 1.0), (9.0, 9.0)]
    """

    def __init__(self, *, gap: float = 1.0) -> None:
        self.all: list[Span] = []
        self._gap = gap
        self._last: dict[int, int] = {}

    def see(self, track: int, label: str, time: float) -> None:
        """A face at `time` in seconds."""
        place = self._last.get(track)
        if place is not None:
            span = self.all[place]
            if span.label == label and time - span.end <= self._gap:
                self.all[place] = Span(track, label, span.begin, time)
                return
        self._last[track] = len(self.all)
        self.all.append(Span(track, label, time, time))
