"""A film in fragments, as it grows: cut to those that are whole, or copied into the plain form with its index first."""

from __future__ import annotations

import os
from pathlib import Path

from eigenface.video.codecs import av

_HEAD = 8  # bytes that say a part's size and kind
_ENDS = (b"moov", b"mdat")  # kinds of parts up to which a film plays


def keep_whole(path: Path) -> None:
    """Cut off what follows the last whole fragment: the disk was full before it was all there."""
    with path.open("r+b") as film:
        size, place, whole = film.seek(0, os.SEEK_END), 0, 0
        while place + _HEAD <= size:
            film.seek(place)
            head = film.read(_HEAD)
            place += max(_HEAD, int.from_bytes(head[:4], "big"))
            if place <= size and head[4:] in _ENDS:
                whole = place
        if whole:
            film.truncate(whole)


def make_plain(path: Path, comment: str) -> None:
    """Copy the fragments into one film with its index first, in place of the old file only when all is written."""
    partial = path.with_name(path.name + ".partial")
    try:
        with (
            av.open(str(path)) as source,
            av.open(str(partial), "w", format="mp4", options={"movflags": "faststart"}) as out,
        ):
            out.metadata["comment"] = comment
            tracks = {track.index: out.add_stream_from_template(track) for track in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = tracks[packet.stream.index]
                    out.mux(packet)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
