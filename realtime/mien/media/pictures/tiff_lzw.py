"""TIFF pages packed with LZW, which tifffile leaves to a package of 80 MB: unpacked by the libtiff that Pillow brings.

Each segment is unpacked as if it were a grey picture of its bytes, and appended to a copy of the file, whose directory
then names a packing that tifffile knows: planes, tiles, byte order and differences stay its business.
"""

import io
import struct
import zlib
from pathlib import Path
from typing import Any, Final

import tifffile
from numpy.typing import NDArray
from PIL import Image

LZW: Final = 5
"""Compression, tag 259."""
_DEFLATE: Final = 8


def decoded_without_lzw(path: Path, page: tifffile.TiffPage) -> NDArray[Any]:
    """Decode a page whose segments are packed with LZW, into what tifffile would give."""
    copy = io.BytesIO(path.read_bytes())
    with tifffile.TiffFile(copy, mode="r+") as tiff:
        plain = tiff.pages[page.index].aspage()
        counts, offsets = (325, 324) if page.is_tiled else (279, 273)
        repacked = [zlib.compress(_unpacked(copy, *place, page), level=0) for place in _segments(page)]
        places: list[int] = []
        for segment in repacked:
            places.append(copy.seek(0, io.SEEK_END))
            copy.write(segment)
        plain.tags[offsets].overwrite(places if len(places) > 1 else places[0], dtype=16 if tiff.is_bigtiff else 4)
        sizes = [len(segment) for segment in repacked]
        plain.tags[counts].overwrite(sizes if len(sizes) > 1 else sizes[0], dtype=4)
        plain.tags[259].overwrite(_DEFLATE)
    copy.seek(0)
    with tifffile.TiffFile(copy) as tiff:
        return tiff.pages[page.index].asarray()


def _segments(page: tifffile.TiffPage) -> list[tuple[int, int, int]]:
    """Give each segment's offset, packed size and rows."""
    places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if page.is_tiled:
        return [(*place, page.tilelength) for place in places]
    step, strips = page.rowsperstrip, -(-page.imagelength // page.rowsperstrip)
    rows = [min(step, page.imagelength - step * (number % strips)) for number in range(len(places))]
    return [(*place, count) for place, count in zip(places, rows, strict=True)]


def _unpacked(file: io.BytesIO, offset: int, size: int, rows: int, page: tifffile.TiffPage) -> bytes:
    width = page.tilewidth if page.is_tiled else page.imagewidth
    channels = 1 if page.planarconfig == 2 else page.samplesperpixel
    packed = file.getbuffer()[offset : offset + size].tobytes()
    tags = {256: width * channels * page.bitspersample // 8, 257: rows, 258: 8, 259: LZW, 262: 1}
    tags |= {273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: rows, 279: len(packed)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    grey = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + packed
    with Image.open(io.BytesIO(grey), formats=("TIFF",)) as opened:
        return opened.tobytes()
