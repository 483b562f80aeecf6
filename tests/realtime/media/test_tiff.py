"""TIFF files of every arrangement: read right to the level, or refused with the reason."""

import io
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import IFDRational

from mien.media.pictures import Picture, read_picture, write_picture
from mien.media.pictures.picture import Metadata
from mien_models.errors import PhotoError

SIZE = (40, 56)


def ramp(channels: int) -> NDArray[np.uint16]:
    """(h, w, channels) of 16 bits without any symmetry; the last channel is never zero."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    planes = [columns * 1100, rows * 1600, (rows + columns) * 680, 65_535 - columns * 900]
    return np.dstack(planes[:channels] if channels != 2 else [planes[0], planes[3]]).astype(np.uint16)


def samples_of(path: Path) -> NDArray[Any]:
    """Read as Mien does, with red first."""
    samples = read_picture(path).samples
    return np.dstack([samples[..., 2::-1], samples[..., 3:]]) if samples.shape[2] >= 3 else samples


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("compression", [None, "adobe_deflate", "lzma"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_sixteen_bits_are_read_however_they_lie(
    tmp_path: Path, byteorder: Any, tile: Any, compression: str | None, planar: str
) -> None:
    stored = ramp(3)
    laid = stored.transpose(2, 0, 1) if planar == "separate" else stored
    tifffile.imwrite(
        tmp_path / "in.tif",
        laid,
        photometric="rgb",
        planarconfig=planar,
        byteorder=byteorder,
        tile=tile,
        compression=compression,
        predictor=compression == "adobe_deflate",
        bigtiff=tile is not None,
    )
    np.testing.assert_array_equal(samples_of(tmp_path / "in.tif"), stored)
    assert read_picture(tmp_path / "in.tif").notes == ()


@pytest.mark.parametrize("bits", [1, 8, 16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_white_is_zero_is_shown_white(tmp_path: Path, bits: int, byteorder: Any) -> None:
    grey = ramp(1)[..., 0] >> (16 - bits)
    top = (1 << bits) - 1
    stored = (top - grey).astype(np.uint16 if bits == 16 else np.uint8)
    if bits == 1:
        stored = stored.astype(bool)
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="miniswhite", byteorder=byteorder)
    expected = grey * 255 if bits == 1 else grey
    np.testing.assert_array_equal(samples_of(tmp_path / "in.tif")[..., 0], expected)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha_comes_back_however_it_is_stored(tmp_path: Path, channels: int, planar: str) -> None:
    plain = ramp(channels)
    for kind in ("unassalpha", "assocalpha"):
        stored = plain.copy()
        if kind == "assocalpha":
            share = plain[..., -1:] / 65_535
            stored[..., :-1] = np.rint(plain[..., :-1] * share)
        tifffile.imwrite(
            tmp_path / "in.tif",
            stored.transpose(2, 0, 1) if planar == "separate" else stored,
            photometric="rgb" if channels == 4 else "minisblack",
            planarconfig=planar,
            extrasamples=[kind],
        )
        found = samples_of(tmp_path / "in.tif").astype(int)
        np.testing.assert_array_equal(found[..., -1], plain[..., -1])
        assert np.abs(found[..., :-1] - plain[..., :-1]).max() <= (0 if kind == "unassalpha" else 6)


def test_a_channel_that_is_no_alpha_is_left_out_and_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", ramp(4), photometric="rgb", extrasamples=["unspecified"])
    picture = read_picture(tmp_path / "in.tif")
    assert not picture.has_alpha
    assert "further channels" in picture.notes[0]


def test_sixteen_bits_packed_with_lzw_are_read(tmp_path: Path) -> None:
    bgr = np.ascontiguousarray(ramp(3)[..., ::-1])
    cv2.imwrite(str(tmp_path / "in.tif"), bgr, [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_PREDICTOR, 2])
    with tifffile.TiffFile(tmp_path / "in.tif") as tiff:
        assert tiff.pages.first.compression == 5
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").samples, bgr)


def test_white_is_zero_packed_with_lzw_is_read(tmp_path: Path) -> None:
    grey = ramp(1)[..., 0]
    Image.fromarray(65_535 - grey).save(tmp_path / "in.tif", compression="tiff_lzw")
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as tiff:
        tiff.pages.first.tags[262].overwrite(0)
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").samples[..., 0], grey)


@pytest.mark.skipif(shutil.which("convert") is None, reason="ImageMagick is not installed")
def test_planes_packed_with_lzw_are_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", ramp(3), photometric="rgb")
    names = [str(tmp_path / name) for name in ("plain.tif", "in.tif")]
    subprocess.run(["convert", names[0], "-interlace", "plane", "-compress", "LZW", names[1]], check=True)
    with tifffile.TiffFile(tmp_path / "in.tif") as tiff:
        assert (tiff.pages.first.planarconfig, tiff.pages.first.compression) == (2, 5)
    np.testing.assert_array_equal(samples_of(tmp_path / "in.tif"), ramp(3))


def test_a_palette_of_sixteen_bits_is_looked_up(tmp_path: Path) -> None:
    levels = np.arange(65_536, dtype=np.uint16)
    palette = np.stack([levels, levels[::-1], levels // 2])
    indices = ramp(1)[..., 0]
    tifffile.imwrite(tmp_path / "in.tif", indices, photometric="palette", colormap=palette)
    np.testing.assert_array_equal(samples_of(tmp_path / "in.tif"), palette[:, indices].transpose(1, 2, 0))


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_inks_of_sixteen_bits_become_colours_and_it_is_said(tmp_path: Path, planar: str) -> None:
    rgb = np.full((*SIZE, 3), (0.8, 0.4, 0.2))
    inks = np.round(np.dstack([1 - rgb, np.zeros(SIZE)]) * 65_535).astype(np.uint16)
    laid = inks.transpose(2, 0, 1) if planar == "separate" else inks
    tifffile.imwrite(tmp_path / "in.tif", laid, photometric="separated", planarconfig=planar)
    picture = read_picture(tmp_path / "in.tif")
    assert np.abs(picture.image_bgr[..., ::-1] - rgb * 255).max() <= 2
    assert "CMYK" in picture.notes[0]


@pytest.mark.parametrize("bits", [8, 16])
def test_lab_becomes_colours_and_it_is_said(tmp_path: Path, bits: int) -> None:
    # sRGB's red and a middle grey in CIE Lab under D50 (ICC profile connection space, ISO 15076-1).
    lab = np.zeros((*SIZE, 3))
    lab[:, :28], lab[:, 28:] = (54.29, 80.81, 69.89), (53.39, 0, 0)
    scale = (255 / 100, 1, 1) if bits == 8 else (65_535 / 100, 256, 256)
    stored = np.rint(lab * scale).astype(np.int32).astype(np.uint8 if bits == 8 else np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="cielab")
    picture = read_picture(tmp_path / "in.tif")
    assert np.abs(picture.image_bgr[0, 0].astype(int) - (0, 0, 255)).max() <= 5
    assert np.abs(picture.image_bgr[0, 40].astype(int) - 127).max() <= 2
    assert "Lab" in picture.notes[0]


@pytest.mark.parametrize(
    ("stored", "options", "sentence"),
    [
        (ramp(3).astype(np.float32) / 65_535, {"photometric": "rgb"}, "numbers with a point"),
        (ramp(1)[..., 0].astype(np.float64), {"photometric": "minisblack"}, "numbers with a point"),
        (ramp(1)[..., 0].astype(np.float16), {"photometric": "minisblack"}, "numbers with a point"),
        (ramp(1)[..., 0].astype(np.int16), {"photometric": "minisblack"}, "numbers with a sign"),
        ((ramp(1)[..., 0] >> 9).astype(np.int8), {"photometric": "minisblack"}, "numbers with a sign"),
        (ramp(3).astype(np.uint32), {"photometric": "rgb"}, "32 bits a sample"),
        (ramp(3), {"photometric": "ycbcr"}, "YCBCR"),
        (ramp(1)[..., 0], {"photometric": "cfa"}, "raw file"),
    ],
)
def test_what_has_no_sure_meaning_is_refused_in_one_sentence(
    tmp_path: Path, stored: NDArray[Any], options: dict[str, Any], sentence: str
) -> None:
    tifffile.imwrite(tmp_path / "in.tif", stored, metadata=None, **options)
    with pytest.raises(PhotoError, match=sentence) as refused:
        read_picture(tmp_path / "in.tif")
    assert len(str(refused.value).splitlines()) == 1


def test_a_packing_that_nobody_knows_is_refused_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for stored in (ramp(3), (ramp(3) >> 8).astype(np.uint8)):
        tifffile.imwrite(tmp_path / "in.tif", stored, photometric="rgb")
        with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as tiff:
            tiff.pages.first.tags[259].overwrite(50_001)
        with pytest.raises(PhotoError, match="packed with WEBP"):
            read_picture(tmp_path / "in.tif")
    assert capfd.readouterr() == ("", "")


def test_of_several_pictures_the_first_whole_one_is_taken_and_it_is_said(tmp_path: Path) -> None:
    for depth in (0, 8):
        with tifffile.TiffWriter(tmp_path / "in.tif") as tiff:
            kind = np.uint8 if depth else np.uint16
            small = np.zeros((8, 8, 3), kind)
            tiff.write(small, photometric="rgb", subfiletype=1)
            tiff.write((ramp(3) >> depth).astype(kind), photometric="rgb")
            tiff.write(np.zeros((*SIZE, 3), kind), photometric="rgb")
        np.testing.assert_array_equal(samples_of(tmp_path / "in.tif"), ramp(3) >> depth)
        assert "holds 2 pictures" in read_picture(tmp_path / "in.tif").notes[0]


def test_a_huge_tiff_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", ramp(3), photometric="rgb")
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as tiff:
        for tag in (256, 257):
            tiff.pages.first.tags[tag].overwrite(20_000)
    with pytest.raises(PhotoError, match="megapixels"):
        read_picture(tmp_path / "in.tif")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_depth_and_everything_said_of_the_picture_are_written_again(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Artist] = "Maker", "José".encode()
    exif[IFD.Exif] = {Base.ExposureTime: IFDRational(1, 50), Base.DateTimeOriginal: "2020:01:01 00:00:00"}
    exif[IFD.GPSInfo] = {1: "N", 2: (48.0, 8.0, 9.5)}
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
    metadata = Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"), xmp=xmp, dpi=(300.0, 300.0))
    bgr = (ramp(3) >> 8).astype(np.uint8)
    write_picture(tmp_path / f"out{suffix}", Picture(bgr, ramp(3), metadata))
    again = read_picture(tmp_path / f"out{suffix}")
    np.testing.assert_array_equal(again.samples, ramp(3))
    found = Image.Exif()
    found.load(again.metadata.exif or b"")
    assert again.metadata.xmp == xmp
    assert again.metadata.dpi == pytest.approx((300, 300), abs=0.01)
    assert (found[Base.Make], found[Base.Artist].encode("latin-1")) == ("Maker", "José".encode())
    assert float(found.get_ifd(IFD.Exif)[Base.ExposureTime]) == pytest.approx(0.02)
    assert found.get_ifd(IFD.GPSInfo)[2] == pytest.approx((48.0, 8.0, 9.5))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("said", "is_kept"),
    [
        ("A woman by the sea", True),
        ('{"shape": [3, 48, 64]}', False),
        ("ImageJ=1.54f\nimages=3\n", False),
        ('<?xml version="1.0"?><OME>für</OME>', False),
    ],
)
def test_a_description_that_is_for_programs_does_not_describe_the_new_file(
    tmp_path: Path, bits: int, said: str, is_kept: bool
) -> None:
    samples = np.full((48, 64, 3), 90, np.uint8 if bits == 8 else np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", description=said.encode(), metadata=None)
    read = read_picture(tmp_path / "in.tif")
    write_picture(tmp_path / "out.tif", read)
    with tifffile.TiffFile(tmp_path / "out.tif") as written:
        assert (written.pages.first.tags.get(270) is not None) == is_kept


def test_a_picture_that_is_no_tiff_but_says_so_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "in.tif").write_bytes(b"II*\0" + struct.pack("<I", 8) + io.BytesIO(bytes(50)).getvalue())
    with pytest.raises(PhotoError, match=r"damaged|no picture"):
        read_picture(tmp_path / "in.tif")
