"""Whatever a user hands over becomes an upright RGB picture, or one clear error."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from eigenface.errors import PictureError
from eigenface.image import load_picture, looks_like_picture

ROWS, COLS = 24, 36
GRADIENT = np.tile(np.linspace(20, 230, COLS).astype(np.uint8), (ROWS, 1))
COLOUR = np.stack([GRADIENT, GRADIENT[:, ::-1], np.full_like(GRADIENT, 90)], axis=-1)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int, depth: int = 1, colour: int = 0, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("PPM", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 12),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 12),
        ("JPEG2000", {}, 12),
        ("AVIF", {"quality": 95}, 30),
    ],
)
def test_colour_formats_give_the_pixels_that_were_saved(kind: str, options: dict[str, object], tolerance: int) -> None:
    picture = load_picture(encoded(Image.fromarray(COLOUR), kind, **options))
    assert picture.pixels.shape == (ROWS, COLS, 3)
    assert np.abs(picture.pixels.astype(int) - COLOUR).max() <= tolerance
    assert not picture.warnings


@pytest.mark.parametrize(("cols", "rows"), [(1, 1), (1, 300), (2047, 1023), (2500, 2000)])
def test_pixels_of_every_size_are_the_users_own(cols: int, rows: int) -> None:
    """Also where Pillow keeps a picture in several pieces; and they can be written to, and stay when Pillow lets go."""
    pixels = np.random.default_rng(0).integers(0, 256, (rows, cols, 3)).astype(np.uint8)
    given = encoded(Image.fromarray(pixels), "BMP")
    loaded = load_picture(given).pixels
    load_picture(given).pixels[:] = 7
    assert np.array_equal(loaded, pixels)
    assert loaded.flags.c_contiguous


def test_grey_pictures_of_any_depth_show_the_same_gradient() -> None:
    sixteen = Image.fromarray(GRADIENT.astype(np.uint16) * 257)
    floats = Image.fromarray(GRADIENT.astype(np.float32) / 255)
    alpha = Image.merge("LA", (Image.fromarray(GRADIENT), Image.new("L", (COLS, ROWS), 255)))
    for data in (
        encoded(Image.fromarray(GRADIENT), "PNG"),
        encoded(Image.fromarray(GRADIENT), "PPM"),
        encoded(sixteen, "PNG"),
        encoded(sixteen, "TIFF"),
        encoded(floats, "TIFF"),
        encoded(alpha, "PNG"),
    ):
        pixels = load_picture(data).pixels
        assert np.abs(pixels.astype(int) - GRADIENT[:, :, None]).max() <= 1


def test_one_bit_palette_cmyk_and_gif_are_read() -> None:
    half = GRADIENT > 128
    assert (load_picture(encoded(Image.fromarray(half), "PNG")).pixels[..., 0] == half * 255).all()
    palette = Image.fromarray(COLOUR).quantize(64)
    assert np.abs(load_picture(encoded(palette, "PNG")).pixels.astype(int) - COLOUR).mean() < 8
    cmyk = load_picture(encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG", quality=95)).pixels
    assert np.abs(cmyk.astype(int) - COLOUR).mean() < 8
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    first = load_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])).pixels
    assert first[4, 4].tolist() == [255, 0, 0]


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (6, 6), (200, 10, 10, 0))
    clear.putpixel((2, 3), (200, 10, 10, 255))
    pixels = load_picture(encoded(clear, "PNG")).pixels
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[3, 2].tolist() == [200, 10, 10]
    assert load_picture(np.array(clear)).pixels[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_exif_turn_is_obeyed(turn: int) -> None:
    back = [
        lambda a: a,
        np.fliplr,
        lambda a: np.rot90(a, 2),
        np.flipud,
        lambda a: a.transpose(1, 0, 2),
        lambda a: np.rot90(a, 1),
        lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        lambda a: np.rot90(a, 3),
    ]
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = np.ascontiguousarray(back[turn - 1](COLOUR))
    assert (load_picture(encoded(Image.fromarray(stored), "PNG", exif=exif)).pixels == COLOUR).all()


def test_paths_bytes_and_arrays_agree(tmp_path: Path) -> None:
    path = tmp_path / "åäö och blanksteg.png"
    path.write_bytes(encoded(Image.fromarray(COLOUR), "PNG"))
    for source in (path, str(path), path.read_bytes(), COLOUR):
        assert (load_picture(source).pixels == COLOUR).all()
    assert load_picture(str(path)).source == str(path)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "unsupported_format"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "unsupported_format"),
        (b"\xff\xd8\xff\xe0" + bytes(30), "damaged"),
        (png_header(0, 5), "damaged"),
        (png_header(50_000, 50_000), "too_many_pixels"),
        (png_header(8_000, 8_000), "too_many_pixels"),
        (png_header(10_000, 10_000), "too_many_pixels"),  # of which Pillow warns
        (png_header(2**31 - 1, 2**31 - 1), "too_many_pixels"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"<?xml version='1.0'?><svg/>", "unsupported_format"),
        (b"<html><body></body></html>", "not_a_picture"),
        (b"%PDF-1.7 " + bytes(64), "not_a_picture"),
        (bytes(4096), "not_a_picture"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        load_picture(data, name="it.jpg")
    assert caught.value.code == code
    assert caught.value.message.startswith("it.jpg: ")
    assert caught.value.hint


def test_what_is_no_file_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    for source, said in (
        (tmp_path / "none.jpg", "no such file"),
        (tmp_path / "a.jpg" / "b.jpg", "no such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "pipe.jpg", "a device or a pipe"),
        (tmp_path / "loop.jpg", "may not be read"),
        (tmp_path / ("a" * 5000), "may not be read"),
        ("a\0b.jpg", "no file has such a name"),
    ):
        with pytest.raises(PictureError, match=said) as caught:
            load_picture(source)
        assert caught.value.code == "not_found"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(COLOUR), "PNG"))
    path.chmod(0)
    with pytest.raises(PictureError, match="may not be read"):
        load_picture(path)


def test_modes_off_the_beaten_track_are_read() -> None:
    clear = Image.fromarray(COLOUR).quantize(32)
    clear.info["transparency"] = 0
    wide = Image.fromarray(np.stack([GRADIENT] * 2, axis=-1), "LA")
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("lime", "blue")]
    maps = b"P5 36 24 65535 " + (GRADIENT.astype(">u2") * 257).tobytes()
    plain = b"P2 2 1 255 10 200"
    for data, pixel in (
        (encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]), (0, 255, 0)),
        (encoded(wide, "PNG"), None),
        (encoded(clear, "PNG"), None),
        (encoded(Image.fromarray(COLOUR), "JPEG", progressive=True), None),
        (encoded(Image.fromarray(GRADIENT), "JPEG"), (20, 20, 20)),
        (encoded(Image.fromarray(COLOUR).convert("YCbCr"), "TIFF"), None),
        (encoded(Image.fromarray(COLOUR).convert("LAB"), "TIFF"), None),
        (encoded(Image.fromarray(GRADIENT.astype(np.int32) * 200), "TIFF"), None),
        (encoded(Image.fromarray(COLOUR).convert("RGBA"), "WEBP"), None),
        (maps, (20, 20, 20)),
        (plain, (10, 10, 10)),
    ):
        pixels = load_picture(data).pixels
        assert pixels.dtype == np.uint8
        assert pixel is None or np.abs(pixels[0, 0].astype(int) - pixel).max() <= 3


def test_floats_that_are_no_numbers_are_black_or_white() -> None:
    values = np.array([[0.5, np.nan], [np.inf, -np.inf]], np.float32)
    pixels = load_picture(encoded(Image.fromarray(values), "TIFF")).pixels
    assert pixels[0, 1].tolist() == [0, 0, 0]
    assert pixels[1].tolist() == [[255] * 3, [0] * 3]


def test_the_warning_filters_of_the_program_stand_as_they_did() -> None:
    before = list(warnings.filters)
    threads = [threading.Thread(target=load_picture, args=(encoded(Image.fromarray(COLOUR), "PNG"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
    code = (
        "import warnings, numpy, PIL.Image\nbefore = warnings.filters[:]\n"
        "import eigenface.image\nassert before == warnings.filters"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_damaged_exif_leaves_the_picture_as_it_is_stored() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff\x06\0\0\0" * 3
    picture = load_picture(encoded(Image.fromarray(COLOUR), "JPEG", quality=95, exif=exif))
    assert picture.pixels.shape in ((ROWS, COLS, 3), (COLS, ROWS, 3))


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_a_turned_picture_cut_short_is_refused_as_an_upright_one(turn: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = turn
    whole = encoded(Image.fromarray(noise), "JPEG", quality=90, exif=exif)
    with pytest.raises(PictureError, match="46 of 200 rows"):
        load_picture(whole[: len(whole) // 4])
    assert load_picture(whole[: len(whole) * 9 // 10]).warnings


def test_arrays_of_other_kinds_are_refused() -> None:
    for array in (np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(PictureError):
            load_picture(array)


def test_a_cut_picture_is_judged_with_a_warning_or_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), "JPEG", quality=90)
    nearly = load_picture(whole[: len(whole) * 9 // 10])
    assert "cut short" in nearly.warnings[0]
    assert nearly.pixels.shape == (200, 200, 3)
    with pytest.raises(PictureError) as caught:
        load_picture(whole[: len(whole) // 4])
    assert caught.value.code == "damaged"


def test_a_huge_picture_costs_no_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_header(50_000, 50_000, data=bytes(6251) * 50))
    code = (
        "import resource, sys\nfrom eigenface.errors import PictureError\nfrom eigenface.image import load_picture\n"
        "import numpy\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: load_picture(sys.argv[1])\nexcept PictureError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bomb)], capture_output=True, text=True, check=True)
    kilobytes = int(done.stdout) if sys.platform != "darwin" else int(done.stdout) // 1024
    assert kilobytes < 20_000


def test_the_pixel_limit_can_be_raised() -> None:
    with pytest.raises(PictureError, match="--max-pixels"):
        load_picture(COLOUR, max_pixels=100)
    assert load_picture(COLOUR, max_pixels=ROWS * COLS).width == COLS


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]), st.integers(0, 400)
)
def test_damaged_bytes_only_ever_raise_picture_errors(noise: bytes, kind: str, at: int) -> None:
    data = bytearray(encoded(Image.fromarray(COLOUR), kind))
    data[at % len(data) : at % len(data) + len(noise)] = noise
    for damaged in (bytes(data), noise):
        with contextlib.suppress(PictureError):
            assert load_picture(damaged).pixels.dtype == np.uint8


def test_pictures_are_known_by_their_first_bytes() -> None:
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF"):
        assert looks_like_picture(encoded(Image.fromarray(COLOUR), kind)[:16]), kind
    assert not looks_like_picture(b"file,label\na.jpg")
    assert not looks_like_picture(b"")
