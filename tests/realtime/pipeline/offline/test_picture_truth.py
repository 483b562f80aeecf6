"""What a picture file held beside its picture is said, and what is written says nothing that is not so."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from mien.media.pictures import read_picture, write_picture
from mien.media.pictures.metadata import Untrue, still_true
from mien.media.video.upright import upright_bgr
from mien.pipeline.offline import swap_file

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
GAIN_MAP = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
CONTAINER = """<C:Directory xmlns:C="http://ns.google.com/photos/1.0/container/"
 xmlns:Item="http://ns.google.com/photos/1.0/container/item/"><rdf:Seq>
<rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>
<rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="GainMap" Item:Length="99"/></rdf:li>
</rdf:Seq></C:Directory>"""
TITLE = """<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Alt>
<rdf:li xml:lang="x-default">Hé &amp; ho</rdf:li></rdf:Alt></dc:title>"""


def xmp(attributes: str = "", elements: str = "") -> bytes:
    body = f'<rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description>'
    whole = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}>{body}</rdf:RDF></x:xmpmeta>'
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{whole}<?xpacket end="w"?>'.encode()


def a_picture() -> Image.Image:
    rows, columns = np.mgrid[0:40, 0:60]
    return Image.fromarray(np.dstack([columns * 4, rows * 6, (rows + columns) * 2]).astype(np.uint8))


def jpeg(**options: Any) -> bytes:
    file = io.BytesIO()
    a_picture().save(file, "JPEG", **options)
    return file.getvalue()


def test_an_ultra_hdr_picture_loses_its_gain_map_and_says_so_in_both_places(brighten: Any, tmp_path: Path) -> None:
    gain_map = jpeg(quality=30)
    source = jpeg(xmp=xmp(GAIN_MAP, CONTAINER + TITLE)) + gain_map
    (tmp_path / "in.jpg").write_bytes(source)
    result = swap_file(tmp_path / "in.jpg", tmp_path / "out.jpg", [brighten])
    written = (tmp_path / "out.jpg").read_bytes()
    assert sum("gain map" in note for note in result.notes) == 1
    assert written.count(b"\xff\xd8\xff") == 1
    for word in (b"hdr-gain-map", b"hdrgm", b"GainMap", b"Directory"):
        assert word not in written
    assert "Hé &amp; ho".encode() in written


@pytest.mark.parametrize("mark", [b"ns.apple.com/HDRGainMap/1.0/", b"urn:iso:std:iso:ts:21496:-1"])
def test_a_gain_map_that_only_the_second_picture_names_is_said(tmp_path: Path, mark: bytes) -> None:
    file = io.BytesIO()
    a_picture().save(file, "MPO", save_all=True, append_images=[a_picture()])
    (tmp_path / "in.jpg").write_bytes(file.getvalue() + mark)
    notes = read_picture(tmp_path / "in.jpg").left_out
    assert len(notes) == 1
    assert "gain map" in notes[0]


def test_the_second_picture_of_a_camera_with_two_lenses_is_said(tmp_path: Path) -> None:
    a_picture().save(tmp_path / "in.jpg", "MPO", save_all=True, append_images=[a_picture()])
    assert "holds 2 pictures" in read_picture(tmp_path / "in.jpg").left_out[0]


def test_a_motion_photo_loses_its_film_and_says_so(brighten: Any, tmp_path: Path) -> None:
    camera = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
    block = xmp(f'{camera} GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" GCamera:burst="x"', "")
    (tmp_path / "in.jpg").write_bytes(jpeg(xmp=block) + b"\0\0\0\x18ftypmp42 the old face")
    result = swap_file(tmp_path / "in.jpg", tmp_path / "out.jpg", [brighten])
    written = (tmp_path / "out.jpg").read_bytes()
    assert any("motion video" in note for note in result.notes)
    assert b"MotionPhoto" not in written
    assert b"ftypmp42" not in written
    assert b"GCamera:burst" in written


def test_names_and_pictures_of_the_face_that_was_there_are_taken_out() -> None:
    regions = '<mwg:Regions xmlns:mwg="http://www.metadataworkinggroup.com/schemas/regions/" mwg:Name="Ada"/>'
    thumbnail = '<xmp:Thumbnails xmlns:xmp="http://ns.adobe.com/xap/1.0/">AAAA</xmp:Thumbnails>'
    kept, untrue = still_true(
        xmp('xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"', regions + thumbnail)
    )
    assert kept is None
    assert untrue >= {Untrue.FACES, Untrue.PICTURE}
    kept, _ = still_true(xmp("", regions + thumbnail + TITLE))
    assert kept is not None
    assert b"Ada" not in kept
    assert b"AAAA" not in kept


def test_a_block_that_is_true_stays_byte_for_byte() -> None:
    block = xmp("", TITLE)
    assert still_true(block) == (block, frozenset())


@pytest.mark.parametrize(
    "block",
    [
        b"<not xml",
        b"",
        b'<!DOCTYPE a [<!ENTITY b "xxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;&c;&c;</a>',
        b"<a>" * 3000 + b"</a>" * 3000,
    ],
)
def test_a_block_that_is_no_sound_xml_is_left_out(block: bytes) -> None:
    assert still_true(block)[0] is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_as_ffmpeg_turns_it(tmp_path: Path, orientation: int) -> None:
    import av

    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    a_picture().save(tmp_path / "in.avif", exif=exif, quality=95)
    with av.open(str(tmp_path / "in.avif")) as file:
        expected = upright_bgr(next(file.decode(video=0)), is_exact=True)
    found = read_picture(tmp_path / "in.avif").image_bgr
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 3


def test_depth_and_curve_of_an_avif_are_said(tmp_path: Path) -> None:
    file = io.BytesIO()
    a_picture().save(file, "AVIF")
    content = bytearray(file.getvalue())
    content[content.index(b"av1C") + 6] |= 0x40
    content[content.index(b"colrnclx") + 11] = 16
    (tmp_path / "in.avif").write_bytes(content)
    from mien.media.pictures.metadata import leavings_of

    with Image.open(io.BytesIO(file.getvalue())) as opened:
        notes = leavings_of(tmp_path / "in.avif", opened, ())
    assert [word in note for word, note in zip(("10 bits", "HDR (PQ)"), notes, strict=True)] == [True, True]


def test_words_that_are_left_out_are_said(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("parameters", "a face")
    a_picture().save(tmp_path / "in.png", pnginfo=words)
    assert read_picture(tmp_path / "in.png").left_out == ("Its text notes are left out.",)
    a_picture().save(tmp_path / "in.jpg", comment="a face")
    assert read_picture(tmp_path / "in.jpg").left_out == ("Its comment is left out.",)


def test_of_a_picture_that_is_copied_nothing_is_said_to_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "in.jpg").write_bytes(jpeg(xmp=xmp(GAIN_MAP, CONTAINER)))
    result = swap_file(tmp_path / "in.jpg", tmp_path / "out.jpg", [])
    assert len(result.notes) == 1
    assert "copied byte for byte" in result.notes[0]


def test_a_plain_picture_loses_nothing_and_nothing_is_said(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png", ".webp", ".tif", ".avif"):
        a_picture().save(tmp_path / f"in{suffix}")
        picture = read_picture(tmp_path / f"in{suffix}")
        assert picture.notes == ()
        assert write_picture(tmp_path / f"out{suffix}", picture) == ()
