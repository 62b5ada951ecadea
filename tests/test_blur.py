"""Hidden faces cannot be brought back, nothing else of the picture changes, and no thumbnail shows them."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from command_line import Run
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from eigenface.annotate import png_bytes
from eigenface.blur import STYLES, Wrapping, hide_faces, picture_bytes, wrapping_of
from eigenface.datasets.drawn import draw_photo
from eigenface.detection import get_detector
from eigenface.image import load_picture
from eigenface.types import Box, Pixels


def noise(rows: int = 120, cols: int = 120, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (rows, cols, 3), dtype=np.uint8)


@pytest.mark.parametrize("style", STYLES)
def test_pictures_that_differ_within_cells_only_look_the_same(style: str) -> None:
    one = noise()
    other = one.copy()
    for top in range(0, 120, 20):
        for left in range(0, 120, 20):
            cell = other[top : top + 20, left : left + 20]
            cell[:] = cell[::-1, ::-1].copy()
    box = [Box(0, 0, 120, 120)]
    assert (one != other).mean() > 0.9
    assert (hide_faces(one, box, style=style, grow=1) == hide_faces(other, box, style=style, grow=1)).all()


@pytest.mark.parametrize(("style", "most"), [("pixels", 36), ("black", 1)])
@pytest.mark.parametrize("side", [24, 90, 300])
def test_few_colours_are_left_however_large_the_face(style: str, most: int, side: int) -> None:
    hidden = hide_faces(noise(320, 320), [Box(8, 9, side, side)], style=style, grow=1)[9 : 9 + side, 8 : 8 + side]
    assert len(np.unique(hidden.reshape(-1, 3), axis=0)) <= most


@pytest.mark.parametrize("style", STYLES)
def test_what_lies_beside_the_face_stays_and_the_original_too(style: str) -> None:
    pixels = noise()
    before = pixels.copy()
    hidden = hide_faces(pixels, [Box(40, 30, 20, 20)], style=style, grow=1.5)
    changed = (hidden != pixels).any(axis=2)
    rows, cols = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (pixels == before).all()
    assert (rows[0], rows[-1], cols[0], cols[-1]) == (25, 54, 35, 64)
    assert changed[25:55, 35:65].mean() > 0.9


def test_a_face_half_outside_keeps_no_more_of_itself() -> None:
    pixels = noise()
    hidden = hide_faces(pixels, [Box(-60, 0, 120, 120)], style="pixels", grow=1)
    assert len(np.unique(hidden[:, :60].reshape(-1, 3), axis=0)) == 18
    assert (hidden[:, 60:] == pixels[:, 60:]).all()
    assert (hide_faces(pixels, [Box(-50, -50, 40, 40), Box(300, 10, 9, 9)], style="black", grow=1) == pixels).all()


@pytest.mark.parametrize("style", STYLES)
def test_hidden_faces_are_found_no_more(style: str) -> None:
    pixels, boxes = draw_photo(2, random_state=5)
    assert len(get_detector("haar").detect(pixels)) == 2
    assert get_detector("haar").detect(hide_faces(pixels, boxes, style=style)) == []


@pytest.mark.parametrize(("style", "grow"), [("light", 1.3), ("blur", 0.5), ("blur", 9)])
def test_unknown_styles_and_sizes_are_named(style: str, grow: float) -> None:
    with pytest.raises(ValueError, match="expected a style"):
        hide_faces(noise(), [], style=style, grow=grow)


def jpeg_with_everything(pixels: Pixels) -> bytes:
    """A photo turned by its EXIF data, with place, camera, a maker's note, a thumbnail, XMP and a colour profile."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.MakerNote: b"PREVIEW" * 50, ExifTags.Base.ISOSpeedRatings: 200}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    exif[0xC000] = b"THUMBNAIL" * 300
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    sideways = Image.fromarray(np.ascontiguousarray(np.rot90(pixels)))
    sideways.save(buffer, "JPEG", quality=97, exif=exif, icc_profile=profile, xmp=b"<x>SECRET</x>")
    return buffer.getvalue()


def test_exif_goes_and_the_turn_is_applied() -> None:
    pixels = draw_photo(1, (120, 160))[0]
    data = jpeg_with_everything(pixels)
    shown = load_picture(data).pixels
    assert shown.shape == pixels.shape
    saved = picture_bytes(shown, wrapping_of(data))
    with Image.open(io.BytesIO(saved)) as image:
        assert image.format == "JPEG"
        assert not dict(image.getexif())
        assert image.info["icc_profile"][16:20] == b"RGB "
        assert np.abs(np.asarray(image).astype(int) - shown).mean() < 3
    assert not any(word in saved for word in (b"SECRET", b"PREVIEW", b"THUMBNAIL", b"Maker"))


def test_exif_is_kept_where_asked_but_nothing_that_holds_a_picture() -> None:
    data = jpeg_with_everything(draw_photo(1, (120, 160))[0])
    shown = load_picture(data).pixels
    saved = picture_bytes(shown, wrapping_of(data), keep_exif=True)
    assert (load_picture(saved).pixels.shape) == shown.shape  # not turned twice
    exif = Image.open(io.BytesIO(saved)).getexif()
    assert exif[ExifTags.Base.Make] == "Maker"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] == 200
    assert ExifTags.Base.Orientation not in exif
    assert not any(word in saved for word in (b"SECRET", b"PREVIEW", b"THUMBNAIL"))


def exif_with_thumbnail(thumbnail: bytes) -> bytes:
    """EXIF data as cameras write them: a first directory with the maker's name, a second with a small JPEG."""
    first = struct.pack("<HHHL4sL", 1, ExifTags.Base.Make, 2, 4, b"Cam\0", 26)
    second = struct.pack("<HHHLLHHLLL", 2, 0x201, 4, 1, 56, 0x202, 4, 1, len(thumbnail), 0)
    return b"Exif\0\0" + b"II*\0" + struct.pack("<L", 8) + first + second + thumbnail


@pytest.mark.parametrize("keep", [False, True])
def test_the_cameras_own_thumbnail_never_survives(keep: bool) -> None:
    pixels = draw_photo(1, (120, 160))[0]
    small, buffer = io.BytesIO(), io.BytesIO()
    Image.fromarray(pixels).resize((40, 30)).save(small, "JPEG")
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif_with_thumbnail(small.getvalue()))
    with Image.open(buffer) as image:
        assert image.getexif().get_ifd(ExifTags.IFD.IFD1)[0x202] == len(small.getvalue())
    assert small.getvalue()[40:] in buffer.getvalue()
    saved = picture_bytes(pixels, wrapping_of(buffer.getvalue()), keep_exif=keep)
    assert saved.count(b"\xff\xd8\xff") == 1
    exif = Image.open(io.BytesIO(saved)).getexif()
    assert exif.get(ExifTags.Base.Make) == ("Cam" if keep else None)
    assert not exif.get_ifd(ExifTags.IFD.IFD1)


def test_words_in_a_png_go() -> None:
    words, buffer = PngInfo(), io.BytesIO()
    words.add_text("Comment", "SECRET")
    words.add_itxt("XML:com.adobe.xmp", "<x>SECRET</x>")
    Image.fromarray(noise(9, 9)).save(buffer, "PNG", pnginfo=words)
    assert b"SECRET" in buffer.getvalue()
    for keep in (False, True):
        assert b"SECRET" not in picture_bytes(noise(9, 9), wrapping_of(buffer.getvalue()), keep_exif=keep)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_other_formats_keep_exif_where_asked_and_lose_it_else(kind: str) -> None:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "Maker", 8
    Image.fromarray(noise(20, 30)).save(buffer, kind, exif=exif)
    shown, wrapping = load_picture(buffer.getvalue()).pixels, wrapping_of(buffer.getvalue())
    for keep in (True, False):
        saved = picture_bytes(shown, wrapping, keep_exif=keep)
        assert load_picture(saved).pixels.shape == shown.shape == (30, 20, 3)
        assert (b"Maker" in saved) == keep
        assert Image.open(io.BytesIO(saved)).getexif().get(ExifTags.Base.Make) == ("Maker" if keep else None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("grey", [False, True])
def test_every_format_stays_what_it_was(kind: str, grey: bool, tmp_path: Path) -> None:
    image = Image.fromarray(draw_photo(1, (100, 140))[0]).convert("L" if grey else "RGB")
    image.save(tmp_path / "a.x", kind)
    wrapping = wrapping_of(tmp_path / "a.x")
    saved = Image.open(io.BytesIO(picture_bytes(load_picture(tmp_path / "a.x").pixels, wrapping)))
    assert (saved.format, wrapping.warnings) == (kind, ())
    assert saved.size == image.size
    if grey and kind not in ("WEBP", "AVIF", "GIF"):  # these know no grey
        assert saved.mode == "L"


def test_films_and_transparency_are_spoken_of(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise(30, 30, seed)) for seed in range(3)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    assert "only the first" in wrapping_of(tmp_path / "film.gif").warnings[0]
    Image.new("RGBA", (9, 9), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert "white" in wrapping_of(tmp_path / "clear.png").warnings[0]
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(tmp_path / "fine.png")
    wrapping = wrapping_of(tmp_path / "fine.png")
    assert wrapping.grey
    assert "256" in wrapping.warnings[0]


def test_damaged_exif_and_frames_are_no_bug() -> None:
    buffer = io.BytesIO()
    Image.fromarray(noise(40, 40)).save(buffer, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff broken")
    assert wrapping_of(buffer.getvalue()).exif == b""
    frames = [Image.fromarray(noise(40, 40, seed)) for seed in range(3)]
    film = io.BytesIO()
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:])
    for end in range(len(film.getvalue()) * 3 // 4, len(film.getvalue()), 97):
        assert wrapping_of(film.getvalue()[:end]).format == "GIF"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    Image.fromarray(draw_photo(2, random_state=5)[0]).save(folder / "two.jpg", quality=95)
    Image.fromarray(draw_photo(0, (90, 120))[0]).save(folder / "deep" / "none.png")
    (folder / "bad.jpg").write_bytes(b"no picture")
    return folder


def test_the_command_writes_every_picture_and_says_what_to_do(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (photos / "two.jpg").read_bytes()
    run = Run(capfd, "blur", photos, "--out", tmp_path / "out")
    assert run.status == 1  # one was refused
    assert "look at every picture" in run.err
    assert "No face was found" in run.err
    assert "bad.jpg" in run.err
    below = tmp_path / "out" / photos.relative_to("/")
    assert (photos / "two.jpg").read_bytes() == before
    with Image.open(below / "two.jpg") as image:
        assert image.format == "JPEG"
    assert get_detector("haar").detect(load_picture(below / "two.jpg").pixels) == []
    assert (load_picture(below / "deep" / "none.png").pixels == load_picture(photos / "deep" / "none.png").pixels).all()
    assert not (below / "bad.jpg").exists()


def test_a_picture_is_never_written_over_itself(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(photos)
    before = (photos / "two.jpg").read_bytes()
    run = Run(capfd, "blur", "two.jpg", "--out", ".", "--force")
    assert (run.status, "is the picture itself" in run.err) == (2, True)
    assert (photos / "two.jpg").read_bytes() == before
    assert Run(capfd, "blur", "two.jpg", "--out", "out").status == 0
    assert "is there already" in Run(capfd, "blur", "two.jpg", "--out", "out").err
    assert Run(capfd, "blur", "two.jpg", "--out", "out", "--force", "--style", "black", "--grow", "2").status == 0
    assert (load_picture(photos / "out" / "two.jpg").pixels < 8).all(axis=2).mean() > 0.1


def test_pictures_in_zips_and_ready_made_faces(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/two.png", png_bytes(draw_photo(1, random_state=5)[0]))
    faces = "\n".join(f"0,{' '.join(str((i * 7 + n) % 256) for i in range(2304))},Training" for n in range(2))
    (tmp_path / "faces.csv").write_text(f"emotion,pixels,Usage\n{faces}\n")
    run = Run(capfd, "blur", tmp_path / "a.zip", tmp_path / "faces.csv", "--out", tmp_path / "out", "--style", "black")
    assert run.status == 0, run.err
    written = sorted(path.name for path in (tmp_path / "out").rglob("*.*") if path.is_file())
    assert len(written) == 3
    assert "two.png" in written
    ready = [path for path in (tmp_path / "out").rglob("*.png") if path.name != "two.png"]
    assert all((load_picture(path).pixels == 0).all() for path in ready)


def test_pixels_without_a_file_become_a_png() -> None:
    pixels = noise(8, 8)
    assert (np.asarray(Image.open(io.BytesIO(picture_bytes(pixels, Wrapping())))) == pixels).all()


def test_a_run_that_was_stopped_goes_on_when_asked_to(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(draw_photo(1, (240, 240), random_state=3)[0]).save(tmp_path / "in" / name)
    command = ("blur", tmp_path / "in", "--out", tmp_path / "out")
    assert Run(capfd, *command).status == 0
    first, second = sorted((tmp_path / "out").rglob("*.png"))
    first.write_bytes(b"done")
    second.unlink()
    run = Run(capfd, *command, "--go-on")
    assert run.status == 0
    assert "1 were there already" in run.err
    assert first.read_bytes() == b"done"
    assert second.exists()
