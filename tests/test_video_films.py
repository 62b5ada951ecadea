"""Films are read with their true times and turns, and written so that browsers play them, whatever stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from video_scenes import RATE, Scene, noisy, write_film

from eigenface.errors import EigenfaceError
from eigenface.types import Box, Pixels
from eigenface.video.film import GROWING, FilmWriter
from eigenface.video.fragments import keep_whole
from eigenface.video.frames import Film, FilmError
from eigenface.video.resume import earlier_run
from eigenface.video.timeline import Timeline, read_rows
from eigenface.video.tracks import Track

av = pytest.importorskip("av")


@pytest.fixture(scope="module")
def frames() -> list[Pixels]:
    return [pixels for _, pixels, _ in Scene([lambda t: (60 + 60 * t, 110)], 1.0, size=(192, 160))]


def read(path: Path) -> list[tuple[float, Pixels]]:
    with Film(str(path)) as film:
        return [(frame.time, frame.pixels) for frame in film]


@pytest.mark.parametrize(("turn", "times"), [(90, 1), (-90, 3), (180, 2)])
def test_a_films_turn_is_obeyed(frames: list[Pixels], tmp_path: Path, turn: int, times: int) -> None:
    path = write_film(tmp_path / "a.mp4", frames[:3], turn=turn)
    (_, shown), *_ = read(path)
    assert np.abs(shown.astype(int) - np.rot90(frames[0], times)).mean() < 6
    with Film(str(path)) as film:
        assert (film.width, film.height) == shown.shape[1::-1]


def test_uneven_times_are_kept_from_film_to_film(frames: list[Pixels], tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.2, 0.24, 0.9]
    path = write_film(tmp_path / "a.mp4", frames[:5], times=times)
    assert [time for time, _ in read(path)] == pytest.approx(times, abs=1e-3)
    writer = FilmWriter(tmp_path / "b.mp4", (192, 160), RATE)
    for time, pixels in read(path):
        writer.write(pixels, time)
    writer.close()
    assert [time for time, _ in read(tmp_path / "b.mp4")] == pytest.approx(times, abs=1e-3)


def test_odd_sizes_are_filled_up_and_pixels_stay(frames: list[Pixels], tmp_path: Path) -> None:
    odd = frames[0][:151, :187]
    writer = FilmWriter(tmp_path / "odd.mp4", (187, 151), RATE)
    writer.write(odd, 0.0)
    writer.close()
    (_, pixels), *_ = read(tmp_path / "odd.mp4")
    assert pixels.shape == (152, 188, 3)
    assert np.abs(pixels[:151, :187].astype(int) - odd).mean() < 6


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.mp4", b"", "is empty"),
        ("text.avi", b"these are words, no film" * 20, "not a film"),
        ("text.txt", b"words\nand lines\n" * 20, "not a film"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "not a film"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile /etc/hostname\n", "not a film"),
    ],
)
def test_what_is_no_film_is_refused_by_name(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FilmError, match=said) as refused:
        Film(str(tmp_path / name))
    assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", "ffconcat version 1.0\nfile {}\n"),
        ("list", "ffconcat version 1.0\nfile {}\n"),
    ],
)
def test_a_play_list_opens_no_other_film(frames: list[Pixels], tmp_path: Path, name: str, text: str) -> None:
    film = write_film(tmp_path / "secret.mp4", frames)
    for named in (film.name, film.as_uri()):
        (tmp_path / name).write_text(text.format(named), encoding="utf-8")
        with pytest.raises(FilmError, match="not a film"):
            Film(str(tmp_path / name))


def test_a_picture_is_no_film(frames: list[Pixels], tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.bmp"):
        Image.fromarray(frames[0]).save(tmp_path / name)
        with pytest.raises(FilmError, match="not a film"):
            Film(str(tmp_path / name))


def test_sound_alone_a_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as out:
        voice: Any = out.add_stream("aac", rate=44_100)
        voice.codec_context.layout = "mono"
        part = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        part.sample_rate, part.pts = 44_100, 0
        out.mux(voice.encode(part))
        out.mux(voice.encode(None))
    for path, said in ((tmp_path / "a.m4a", "sound only"), (tmp_path, "a folder"), (tmp_path / "no.mp4", "no such")):
        with pytest.raises(FilmError, match=said):
            Film(str(path))


def test_frames_beyond_the_limit_are_not_decoded(frames: list[Pixels], tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", frames[:2])
    with pytest.raises(FilmError, match="megapixels"):
        Film(str(path), max_pixels=1000)


def test_a_film_cut_short_gives_its_readable_part_and_says_so(frames: list[Pixels], tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.avi", noisy(frames), codec="mpeg4")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with Film(str(path)) as film:
        numbers = [frame.number for frame in film]
    assert 3 < len(numbers) < len(frames)
    assert numbers == list(range(len(numbers)))
    assert f"{len(numbers)} of {len(frames)} frames" in film.warnings[0]


def test_a_whole_film_gives_no_warning(frames: list[Pixels], tmp_path: Path) -> None:
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")):
        with Film(str(write_film(tmp_path / name, frames, codec=codec, sound="aac"))) as film:
            assert len(list(film)) == len(frames)
        assert not film.warnings


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_is_kept_as_long_as_it_was(frames: list[Pixels], tmp_path: Path, codec: str) -> None:
    source = write_film(tmp_path / "a.mov", frames, sound=codec) if codec == "aac" else _with_pcm(tmp_path, frames)
    with Film(str(source)) as film:
        writer = FilmWriter(tmp_path / "b.mp4", (film.width, film.height), film.rate, sound=film.sound)
        film.on_sound = writer.add_sound
        for frame in film:
            writer.write(frame.pixels, frame.time)
        writer.close()
    with av.open(str(tmp_path / "b.mp4")) as made:
        assert [stream.codec_context.name for stream in made.streams] == ["h264", "aac"]
        assert made.streams.video[0].codec_context.pix_fmt == "yuv420p"
        heard = sum(part.samples for part in made.decode(audio=0)) / 44_100
    assert heard == pytest.approx(1.0, abs=0.1)


def _with_pcm(folder: Path, frames: list[Pixels]) -> Path:
    path = folder / "a.mkv"
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("libx264", rate=RATE)
        voice: Any = out.add_stream("pcm_s16le", rate=44_100)
        track.height, track.width = frames[0].shape[:2]
        track.pix_fmt = "yuv420p"
        voice.codec_context.layout = "mono"
        for number, pixels in enumerate(frames):
            out.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            wave = np.full((1, 44_100 // RATE), 99, np.int16)
            part = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            part.sample_rate, part.pts = 44_100, number * 44_100 // RATE
            out.mux(voice.encode(part))
        out.mux(track.encode(None))
    return path


def test_what_is_on_disk_while_a_film_grows_plays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (64, 96, 3), np.uint8)
    writer = FilmWriter(tmp_path / "a.mp4", (96, 64), RATE, comment="mine")
    for number in range(100):
        writer.write(np.roll(base, number, 1), number / RATE)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes((tmp_path / "a.mp4").read_bytes())
    with av.open(str(copy)) as film:
        assert film.metadata["comment"] == "mine" + GROWING
    assert len(read(copy)) > 25
    earlier = earlier_run(copy, "mine")
    assert 25 <= earlier.frames < 100
    again = FilmWriter(copy, (96, 64), RATE, comment="mine", earlier=(earlier.frames, earlier.time))
    for number in range(earlier.frames, 100):
        again.write(np.roll(base, number, 1), number / RATE)
    again.close()
    writer.close()
    one, other = read(tmp_path / "a.mp4"), read(copy)
    assert [time for time, _ in one] == [time for time, _ in other] == pytest.approx(np.arange(100) / RATE, abs=1e-4)
    assert max(np.abs(a.astype(int) - b).mean() for (_, a), (_, b) in zip(one, other, strict=True)) < 12
    assert earlier_run(copy, "mine").finished


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_timeline_is_read_up_to_a_line_cut_short(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    lines = Timeline(path, ["mask"])
    for number in range(4):
        lines.add(number, number / RATE, [Track(7, Box(1.2, 2, 30, 30), 0.9)])
    lines.close()
    path.write_bytes(path.read_bytes()[:-5])
    rows = list(read_rows(path))
    assert [(row.frame, row.track, row.box) for row in rows] == [(n, 7, Box(1, 2, 30, 30)) for n in range(3)]


def test_a_full_disk_leaves_whole_lines_of_a_timeline(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "a.csv"
    lines, face = Timeline(path, ["mask"]), Track(7, Box(1.2, 2, 30, 30), 0.9)
    lines.add(0, 0.0, [face])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        with pytest.raises(EigenfaceError, match=r"a\.csv: cannot be written"):
            lines.add(1, 1 / RATE, [face] * 9)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lines.close()
    assert path.read_bytes().endswith(b"\n")
    assert [row.frame for row in read_rows(path)] == [0]


def test_a_fragment_cut_short_is_left_out_and_what_is_whole_stays(frames: list[Pixels], tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    writer = FilmWriter(path, (192, 160), RATE)
    for number in range(90):
        writer.write(frames[number % RATE], number / RATE)
    growing = path.read_bytes()
    writer.close()
    path.write_bytes(growing[:-100])
    keep_whole(path)
    kept = path.read_bytes()
    assert growing.startswith(kept)
    assert len(kept) < len(growing) - 100
    keep_whole(path)
    assert path.read_bytes() == kept
    whole = read(path)
    assert len(whole) % RATE == 0
    assert 0 < len(whole) < 90
