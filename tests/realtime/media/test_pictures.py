"""Picture files of every kind people have."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from mien.media.pictures import PICTURE_SUFFIXES, Picture, read_picture, write_picture
from mien.pipeline.offline import is_picture
from mien_models.errors import PhotoError, SinkError


def a_ramp(height: int = 40, width: int = 60) -> NDArray[np.uint8]:
    """An RGB picture that has no symmetry."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.dstack([columns * 4, rows * 6, (rows + columns) * 2]).astype(np.uint8)


def an_icc_profile() -> bytes:
    # The stubs leave the type of a built-in profile open.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType]
    return srgb.tobytes()


def with_a_changed_square(picture: Picture) -> Picture:
    composed = picture.image_bgr.copy()
    composed[10:20, 12:30] = 255 - composed[10:20, 12:30]
    return picture.changed_to(composed)


def outside_of_square(samples: NDArray[Any]) -> NDArray[Any]:
    kept = np.ones(samples.shape[:2], bool)
    kept[10:20, 12:30] = False
    return np.asarray(samples[kept])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_a_turned_picture_comes_upright_and_is_written_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    turns: dict[int, Image.Transpose] = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.fromarray(a_ramp())
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif[Base.Artist] = "somebody"
    stored.save(tmp_path / f"in{suffix}", exif=exif, quality=95)
    picture = read_picture(tmp_path / f"in{suffix}")
    error = np.abs(picture.image_bgr[..., ::-1].astype(int) - a_ramp())
    assert error.mean() < 3
    write_picture(tmp_path / "out.jpg", picture)
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.size == (60, 40)
        assert written.getexif().get(Base.Orientation, 1) == 1
        assert written.getexif()[Base.Artist] == "somebody"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bits_are_turned_upright_too(tmp_path: Path, orientation: int) -> None:
    import tifffile

    upright = a_ramp().astype(np.uint16) * 257
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: upright.swapaxes(0, 1)[::-1],
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: upright.swapaxes(0, 1)[:, ::-1],
    }[orientation]
    tag = (274, "H", 1, orientation, False)
    tifffile.imwrite(tmp_path / "in.tif", np.ascontiguousarray(stored), photometric="rgb", extratags=[tag])
    picture = read_picture(tmp_path / "in.tif")
    np.testing.assert_array_equal(picture.samples[..., ::-1], upright)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_come_back_bit_for_bit_where_nothing_was_swapped(
    tmp_path: Path, suffix: str, channels: int, rng: np.random.Generator
) -> None:
    stored = rng.integers(0, 65536, (40, 60, channels), np.uint16)
    cv2.imwrite(str(tmp_path / f"in{suffix}"), stored)
    changed = with_a_changed_square(read_picture(tmp_path / f"in{suffix}"))
    assert write_picture(tmp_path / f"out{suffix}", changed) == ()
    written = cv2.imread(str(tmp_path / f"out{suffix}"), cv2.IMREAD_UNCHANGED)
    assert written is not None
    assert written.dtype == np.uint16
    written = written.reshape(40, 60, -1)
    np.testing.assert_array_equal(outside_of_square(written), outside_of_square(stored))
    assert (written[10:20, 12:30] != stored[10:20, 12:30]).mean() > 0.5


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_comes_back_unchanged_outside_of_the_swap(
    tmp_path: Path, mode: str, rng: np.random.Generator
) -> None:
    rgba = rng.integers(0, 256, (40, 60, 4), np.uint8)
    stored = Image.fromarray(rgba, "RGBA").convert("RGB" if mode in ("1", "P") else mode)
    stored = stored.convert(mode)
    stored.save(tmp_path / "in.png")
    changed = with_a_changed_square(read_picture(tmp_path / "in.png"))
    write_picture(tmp_path / "out.png", changed)
    with Image.open(tmp_path / "out.png") as written:
        expected = np.asarray(stored.convert("RGBA"))
        np.testing.assert_array_equal(
            outside_of_square(np.asarray(written.convert("RGBA"))), outside_of_square(expected)
        )
        assert (written.mode in ("L", "LA")) == (mode in ("1", "L", "LA"))


def test_transparency_is_shown_on_white_and_given_back(tmp_path: Path) -> None:
    rgba = np.dstack([a_ramp(), np.full((40, 60), 128, np.uint8)])
    rgba[:5, :, 3] = 0
    Image.fromarray(rgba, "RGBA").save(tmp_path / "in.png")
    picture = read_picture(tmp_path / "in.png")
    assert (picture.image_bgr[:5] == 255).all()
    composed = picture.image_bgr.copy()
    composed[20:30, 20:30] = (composed[20:30, 20:30].astype(int) + 140) // 2
    again = picture.changed_to(composed)
    write_picture(tmp_path / "out.png", again)
    shown = read_picture(tmp_path / "out.png").image_bgr
    np.testing.assert_array_equal(again.samples[..., 3], rgba[..., 3])
    assert np.abs(shown[20:30, 20:30].astype(int) - composed[20:30, 20:30]).max() <= 1


def test_a_jpeg_keeps_exif_profile_and_xmp_but_no_thumbnail_of_the_old_face(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Copyright] = "nobody"
    exif[IFD.Exif] = {Base.DateTimeOriginal: "2020:01:01 00:00:00", Base.MakerNote: b"\xff\xd8old face"}
    profile = an_icc_profile()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
    Image.fromarray(a_ramp()).save(tmp_path / "in.jpg", exif=exif, icc_profile=profile, xmp=xmp, dpi=(300, 300))
    write_picture(tmp_path / "out.jpg", read_picture(tmp_path / "in.jpg"))
    with Image.open(tmp_path / "out.jpg") as written:
        kept = written.getexif().get_ifd(IFD.Exif)
        assert written.getexif()[Base.Copyright] == "nobody"
        assert kept[Base.DateTimeOriginal] == "2020:01:01 00:00:00"
        assert Base.MakerNote not in kept
        assert written.info["icc_profile"] == profile
        assert written.info["xmp"] == xmp
        assert written.info["dpi"] == (300, 300)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_what_a_camera_wrote_is_kept_in_every_format(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[Base.Make] = "a camera"
    exif[IFD.Exif] = {Base.FNumber: 2.8, Base.LensModel: "a lens"}
    exif[IFD.GPSInfo] = {1: "N"}
    Image.fromarray(a_ramp()).save(tmp_path / "in.jpg", exif=exif)
    notes = write_picture(tmp_path / f"out{suffix}", with_a_changed_square(read_picture(tmp_path / "in.jpg")))
    assert notes == ()
    with Image.open(tmp_path / f"out{suffix}") as written:
        found = written.getexif()
        assert found[Base.Make] == "a camera"
        assert float(found.get_ifd(IFD.Exif)[Base.FNumber]) == pytest.approx(2.8)
        assert found.get_ifd(IFD.Exif)[Base.LensModel] == "a lens"
        assert found.get_ifd(IFD.GPSInfo)[1] == "N"


def test_metadata_that_a_format_cannot_hold_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.ImageDescription] = "x" * 70_000
    Image.fromarray(a_ramp()).save(tmp_path / "in.png", exif=exif)
    (note,) = write_picture(tmp_path / "out.jpg", read_picture(tmp_path / "in.png"))
    assert note == "Its EXIF data cannot be written as JPEG and is left out."
    assert read_picture(tmp_path / "out.jpg").image_bgr.shape == (40, 60, 3)


def test_what_pillow_finds_odd_is_not_written_on_the_terminal(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Make] = "a camera"
    whole = exif.tobytes()
    Image.fromarray(a_ramp()).save(tmp_path / "odd.dat", "JPEG", exif=whole[:14])
    # Warnings are errors in tests, and what raises is no picture.
    assert is_picture(tmp_path / "odd.dat")


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_keep_their_colour_profile(tmp_path: Path, suffix: str) -> None:
    profile = an_icc_profile()
    picture = Picture(a_ramp(), a_ramp().astype(np.uint16) * 257)
    picture = Picture(picture.image_bgr, picture.samples, type(picture.metadata)(icc_profile=profile))
    write_picture(tmp_path / f"out{suffix}", picture)
    with Image.open(tmp_path / f"out{suffix}") as written:
        assert written.info["icc_profile"] == profile


def test_cmyk_is_read_as_rgb_and_said(tmp_path: Path) -> None:
    flat = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).convert("CMYK").save(tmp_path / "in.jpg", quality=95)
    picture = read_picture(tmp_path / "in.jpg")
    assert np.abs(picture.image_bgr[..., ::-1].astype(int) - flat).max() < 8
    assert "CMYK" in picture.notes[0]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_of_an_animation_the_first_picture_is_taken_and_said(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue", "green")]
    frames[0].save(tmp_path / f"in{suffix}", save_all=True, append_images=frames[1:])
    picture = read_picture(tmp_path / f"in{suffix}")
    assert picture.image_bgr[5, 5].argmax() == 2
    assert "only the first" in picture.notes[0]


def test_names_may_hold_spaces_and_any_letter(tmp_path: Path) -> None:
    name = tmp_path / "ein Gesicht – 顔 ß.png"
    write_picture(name, Picture(a_ramp(), a_ramp()))
    np.testing.assert_array_equal(read_picture(name).image_bgr, a_ramp())


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "in.png")
    assert read_picture(tmp_path / "in.png").image_bgr.tolist() == [[[0, 0, 255]]]


def test_a_gigantic_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    # A PNG header of 20000x20000 without the pixels: whoever decodes it fails with another sentence.
    png = io.BytesIO()
    Image.new("1", (1, 1)).save(png, "PNG")
    whole = bytearray(png.getvalue())
    header = b"IHDR" + (20000).to_bytes(4, "big") * 2 + bytes(whole[24:29])
    whole[12:29] = header
    import zlib

    whole[29:33] = zlib.crc32(header).to_bytes(4, "big")
    (tmp_path / "in.png").write_bytes(whole)
    with pytest.raises(PhotoError, match="megapixels"):
        read_picture(tmp_path / "in.png")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"hello, I am no picture at all", "no picture that Mien can read"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC picture"),
    ],
)
def test_what_is_no_picture_gets_its_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "in.jpg").write_bytes(content)
    with pytest.raises(PhotoError, match=sentence):
        read_picture(tmp_path / "in.jpg")


def test_a_missing_file_and_a_folder_get_their_sentences(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="There is no picture"):
        read_picture(tmp_path / "nowhere.png")
    with pytest.raises(PhotoError, match="is a folder"):
        read_picture(tmp_path)


def encoded(suffix: str) -> bytes:
    output = io.BytesIO()
    exif = Image.Exif()
    exif[Base.Artist] = "x"
    Image.fromarray(a_ramp()).save(output, suffix, exif=exif)
    return output.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_truncated_picture_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").write_bytes(encoded(kind)[: len(encoded(kind)) * 2 // 3])
    with pytest.raises(PhotoError, match=r"damaged|no picture"):
        read_picture(tmp_path / "in")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=20))
def test_damaged_bytes_give_a_picture_or_a_sentence(tmp_path: Path, kind: str, damage: list[tuple[int, int]]) -> None:
    content = bytearray(encoded(kind))
    for place, value in damage:
        content[place % len(content)] = value
    (tmp_path / "in").write_bytes(content)
    try:
        picture = read_picture(tmp_path / "in")
    except PhotoError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert picture.image_bgr.shape[:2] == picture.samples.shape[:2]


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_every_format_takes_every_picture(tmp_path: Path, suffix: str, channels: int, depth: Any) -> None:
    samples = np.full((16, 16, channels), 200 * (257 if depth is np.uint16 else 1), depth)
    bgr = np.full((16, 16, 3), 200, np.uint8)
    write_picture(tmp_path / f"out{suffix.upper()}", Picture(bgr, samples))
    written = read_picture(tmp_path / f"out{suffix.upper()}").samples
    tops = np.iinfo(written.dtype).max, np.iinfo(depth).max
    assert np.abs(written[..., 0] / tops[0] - samples[..., 0] / tops[1]).max() <= 56 / 255


def test_an_unknown_suffix_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"'.xyz'. Use one of .jpg"):
        write_picture(tmp_path / "out.xyz", Picture(a_ramp(), a_ramp()))


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.png").write_bytes(b"old")

    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SinkError, match=r"No space left on device\. Free some space"):
        write_picture(tmp_path / "out.png", Picture(a_ramp(), a_ramp()))
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    assert (tmp_path / "out.png").read_bytes() == b"old"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("top", [255, 65_535])
@pytest.mark.parametrize("channels", [2, 4])
def test_what_is_drawn_over_nothing_is_seen_and_a_watermark_is_no_veil(top: int, channels: int) -> None:
    samples = np.zeros((8, 8, channels), np.uint8 if top == 255 else np.uint16)
    samples[:4] = top
    picture = Picture(np.full((8, 8, 3), 255, np.uint8), samples)
    composed = picture.image_bgr.copy()
    composed[:, :4] = 30  # a label's plate, half of it where nothing can be seen
    composed[:, 6:] = 253
    again = picture.changed_to(composed)
    colour, alpha = again.samples[..., 0] / top, again.samples[..., -1] / top
    shown = (colour * alpha + 1 - alpha) * 255
    assert np.abs(shown[:, :4] - 30).max() <= 1
    np.testing.assert_array_equal(again.samples[4:, 4:], samples[4:, 4:])
