"""Encodes TIFF files of 16 bits, which Pillow does for grey alone, with everything a picture says of itself."""

import io
import struct
from typing import Any, Final

import cv2
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mien.media.pictures.picture import Metadata

_XMP: Final = 700
_TEXT: Final = 2
"""TIFF's type of text; other tags of the first directory are numbers that the encoder writes itself."""
_ASIDE: Final = (IFD.Exif, IFD.GPSInfo)
"""Tags that point to directories of their own."""
_LONG: Final = 4
_UNDEFINED: Final = 7


def encoded_tiff(samples: NDArray[Any], metadata: Metadata) -> bytes:
    """Encode (h, w, 1..4) samples, grey or BGR and alpha not multiplied in, 16 bits."""
    channels = samples.shape[2]
    if channels >= 3:
        order = cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGRA2RGBA
        samples = cv2.cvtColor(samples, order)
    exif = Image.Exif()
    exif.load(metadata.exif or b"")
    aside = {pointer: found for pointer in _ASIDE if (found := exif.get_ifd(pointer))}
    extra: list[tuple[int, int, int, Any, bool]] = [
        # The bytes that were read, whatever alphabet they are in.
        (int(tag), _TEXT, 0, text.encode("latin-1", "replace"), True)
        for tag, text in exif.items()
        if isinstance(text, str)
    ]
    # tifffile does not write pointers: their places in the order are kept by the numbers before, which nobody uses.
    extra += [(int(pointer) - 1, _LONG, 1, 0, True) for pointer in aside]
    if metadata.xmp:
        extra.append((_XMP, 1, len(metadata.xmp), metadata.xmp, True))
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        samples[..., 0] if channels == 1 else samples,
        photometric="rgb" if channels >= 3 else "minisblack",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        planarconfig="contig" if channels > 1 else None,
        compression="adobe_deflate",
        byteorder="<",
        iccprofile=metadata.icc_profile,
        resolution=metadata.dpi,
        metadata=None,
        software=False,
        extratags=extra,
    )
    for pointer, found in aside.items():
        _append_directory(file, int(pointer), found)
    return file.getvalue()


def _append_directory(file: io.BytesIO, pointer: int, tags: dict[int, Any]) -> None:
    """Put a directory at the end, at an even place, and let the first one point to it."""
    place = file.seek(0, io.SEEK_END)
    place += file.write(bytes(place % 2))
    directory = ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
        if isinstance(value, bytes):
            directory.tagtype[tag] = _UNDEFINED
    file.write(directory.tobytes(place))
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        entry = tiff.pages.first.tags[pointer - 1].offset
    file.getbuffer()[entry : entry + 12] = struct.pack("<HHII", pointer, _LONG, 1, place)
