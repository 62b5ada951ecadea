"""Going on where an earlier run was stopped: what it left of the film and the timeline, and who was who in them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eigenface.errors import RequestError
from eigenface.video.codecs import av
from eigenface.video.film import GROWING, OURS
from eigenface.video.lookback import Answered
from eigenface.video.timeline import Row, header_size, read_rows
from eigenface.video.tracks import MEMORY, Track

PREROLL = MEMORY + 1.0
"""Seconds that are answered again, so that the tracker knows what it knew."""

_SAME = 0.4  # overlap of a track with a row of the timeline


@dataclass(frozen=True)
class Earlier:
    """What an earlier run left that is whole: so many frames of the film, up to `time`; or all of it."""

    frames: int = 0
    time: float = 0.0
    finished: bool = False


def earlier_run(out: Path, job: str) -> Earlier:
    """What stands in the film of an earlier run of the same job.

    Raises
    ------
    RequestError
        With code `other_job` where the film was made otherwise, or is no film of ours.
    """
    if not out.exists() or not out.stat().st_size:
        return Earlier()
    said, times = _whole_frames(out)
    if said == job:
        return Earlier(finished=True)
    if said != job + GROWING:
        raise RequestError(
            "other_job",
            f"{out}: belongs to another job: another film, task or option",
            "Leave --resume out to write it anew, or give it another name.",
        )
    return Earlier(len(times) - 1, times[-1]) if len(times) > 1 else Earlier()


def is_ours(out: Path) -> bool:
    """Whether a film was made here, so that it may be written anew."""
    return _whole_frames(out)[0].startswith(OURS)


def _whole_frames(out: Path) -> tuple[str, list[float]]:
    """The film's comment, and the times of its frames up to and with the last that begins a group.

    What follows that one may be cut short.
    """
    times: list[float] = []
    last, said = 0, ""
    try:
        with av.open(str(out)) as film:
            said = film.metadata.get("comment", "")
            for packet in film.demux(film.streams.video[0]):
                if packet.pts is not None:
                    times.append(float(packet.pts * packet.time_base))
                    last = len(times) if packet.is_keyframe else last
    except (av.FFmpegError, OSError, IndexError):
        pass  # no film, or one cut in the middle of a packet
    return said, times[:last]


class Numbers:
    """Gives tracks the numbers that they had before: a track that lies where a row lies is that row's.

    Parameters
    ----------
    rows : sequence of Row
        The last of the earlier run.
    highest : int
        The highest number it gave.
    """

    def __init__(self, rows: Sequence[Row] = (), highest: int = 0) -> None:
        self._rows: dict[int, list[Row]] = {}
        for row in rows:
            self._rows.setdefault(row.frame, []).append(row)
        self._next = highest + 1
        self._known: dict[int, int] = {}

    def learn(self, answered: Answered) -> None:
        """A frame that was answered in the earlier run, answered again."""
        taken = {self._known.get(track.number) for track in answered.tracks}
        for track in answered.tracks:
            for row in self._rows.get(answered.frame.number, ()):
                if track.number not in self._known and row.track not in taken and row.box.iou(track.box) > _SAME:
                    self._known[track.number] = row.track
                    taken.add(row.track)

    def renumber(self, answered: Answered) -> Answered:
        """A frame with the numbers that its tracks had; new tracks get the next ones."""
        tracks: list[Track] = []
        for track in answered.tracks:
            known = self._known.get(track.number)
            if known is None or any(other.number == known for other in tracks):
                self._known[track.number], self._next = self._next, self._next + 1
            tracks.append(replace(track, number=self._known[track.number]))
        return replace(answered, tracks=tuple(tracks))


def cut_timeline(path: Path, time: float, on_row: Callable[[Row], None] = lambda row: None) -> Numbers:
    """Cut a timeline before `time`, hand over each row that stays, and say who was who in the last of them."""
    rows: deque[Row] = deque()
    highest = size = 0
    if path.exists():
        size = header_size(path)
        for row in read_rows(path):
            if row.time >= time:
                break
            size, highest = size + len(row.line.encode()), max(highest, row.track)
            rows.append(row)
            while row.time - rows[0].time > PREROLL:
                rows.popleft()
            on_row(row)
        os.truncate(path, size)
    return Numbers(rows, highest)
