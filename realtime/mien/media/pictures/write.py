"""Writes picture files whole or not at all, with everything the format can hold."""

import contextlib
import io
import logging
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mien.media.formats import check_carries
from mien.media.pictures.picture import Metadata, Picture, Samples, eight_bit
from mien_models.errors import SinkError
from mien_models.system.atomic_write import whole_or_nothing

_XMP: Final = 700
_TEXT: Final = 2
"""TIFF's type of text; other tags of the first directory are numbers that the encoder writes itself."""
_ASIDE: Final = (IFD.Exif, IFD.GPSInfo)
"""Tags that point to directories of their own."""
_LONG: Final = 4
_UNDEFINED: Final = 7
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Format:
    """What a kind of picture file can hold."""

    name: str
    """As Pillow calls it."""
    options: tuple[tuple[str, Any], ...] = ()
    has_alpha: bool = True
    has_sixteen_bit: bool = False
    max_side_px: int = 1 << 31


# 95 and 4:4:4: what a second JPEG generation costs is then below what the first one did.
_JPEG: Final = _Format("JPEG", (("quality", 95), ("subsampling", 0)), has_alpha=False, max_side_px=65_500)
_TIFF: Final = _Format("TIFF", (("compression", "tiff_adobe_deflate"),), has_sixteen_bit=True)
_FORMATS: Final = {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".png": _Format("PNG", has_sixteen_bit=True),
    ".webp": _Format("WEBP", (("quality", 95), ("exact", True)), max_side_px=16_383),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".avif": _Format("AVIF", (("quality", 92), ("subsampling", "4:4:4")), max_side_px=65_535),
}
_PNG_HEADER: Final = 33
"""Bytes of the signature and of IHDR, after which other chunks may stand (PNG, 5.6)."""
PICTURE_SUFFIXES: Final = tuple(_FORMATS)
"""The suffixes that `write_picture` knows, in lower case."""


def _as_it_is(_path: Path) -> None:
    """Add nothing."""


def write_picture(path: Path, picture: Picture, *, finish: Callable[[Path], None] = _as_it_is) -> tuple[str, ...]:
    """Write `picture` in the format that the suffix of `path` names.

    `finish` is called with the complete file before it takes its name.

    Returns:
        Sentences about what the format could not hold.

    Raises:
        SinkError: an unknown suffix, a size the format cannot hold, or the file cannot be written.
    """
    form = _format_of(path)
    height, width = picture.samples.shape[:2]
    if max(width, height) > form.max_side_px:
        raise SinkError(f"{form.name} holds at most {form.max_side_px} pixels a side, not {width}x{height}. Use PNG.")
    samples, notes = _samples_for(form, picture)
    content, left_out = _encoded(form, samples, picture)
    with whole_or_nothing(path) as part:
        part.write_bytes(content)
        finish(part)
    return *notes, *left_out


def check_picture_name(path: Path) -> None:
    """Check that `path` names a kind of picture that can be written.

    Raises:
        SinkError: an unknown suffix, or of a kind that cannot carry Content Credentials; the message says what to take.
    """
    _format_of(path)


def _format_of(path: Path) -> _Format:
    check_carries(path)
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        found = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise SinkError(
            f"Expected the name of a picture file, and {path.name!r} {found}. Use one of {' '.join(_FORMATS)}."
        )
    return form


def _samples_for(form: _Format, picture: Picture) -> tuple[Samples, tuple[str, ...]]:
    """Reduce the samples to what the format holds, and say so."""
    samples = picture.samples
    notes: list[str] = []
    if picture.has_alpha and not form.has_alpha:
        samples = picture.image_bgr
        notes.append(f"{form.name} has no transparency: the picture was laid over white.")
    if samples.dtype == np.uint16 and not form.has_sixteen_bit:
        samples = eight_bit(samples)
        notes.append(f"{form.name} holds 8 bits a colour: the picture's 16 were rounded.")
    return samples, tuple(notes)


def _encoded(form: _Format, samples: Samples, picture: Picture) -> tuple[bytes, tuple[str, ...]]:
    """Encode, with as much metadata as the format takes; also give sentences about what it did not.

    What a file says of itself may be too long for another format, or damaged in a way that only its writer minds.
    """
    whole = picture.metadata
    poorer = (
        (replace(whole, exif=None), "Its EXIF data"),
        (Metadata(), "What the file says of itself (EXIF, XMP, colour profile)"),
    )
    try:
        return _with(form, samples, whole), ()
    except Exception:  # noqa: BLE001 - whatever an encoder trips over
        _LOG.debug("%s does not take the picture's metadata", form.name, exc_info=True)
    for metadata, what in poorer:
        with contextlib.suppress(Exception):
            return _with(form, samples, metadata), (f"{what} cannot be written as {form.name} and is left out.",)
    raise SinkError(f"The picture cannot be written as {form.name}. Choose another format, such as PNG.")


def _with(form: _Format, samples: Samples, metadata: Metadata) -> bytes:
    if samples.dtype == np.uint16:
        if samples.shape[2] == 2:
            # Grey with alpha in 16 bits is known to few programs, Pillow and OpenCV not among them.
            samples = samples[..., (0, 0, 0, 1)]
        return _sixteen_bit_png(samples, metadata) if form.name == "PNG" else encoded_tiff(samples, metadata)
    encoded = io.BytesIO()
    exif = b"Exif\x00\x00" + metadata.exif if metadata.exif else None
    options = dict(form.options)
    options |= {"exif": exif, "icc_profile": metadata.icc_profile, "xmp": metadata.xmp, "dpi": metadata.dpi}
    kept = {name: value for name, value in options.items() if value is not None}
    if form is _TIFF and _has_directories(metadata.exif):
        # Pillow packs TIFFs by libtiff, which refuses directories inside the first one.
        del kept["compression"]
    _pillow_image(samples).save(encoded, form.name, **kept)
    return encoded.getvalue()


def _has_directories(exif_bytes: bytes | None) -> bool:
    """Whether EXIF data hold more than a first directory: what the camera did, and where."""
    if exif_bytes is None:
        return False
    exif = Image.Exif()
    exif.load(exif_bytes)
    return IFD.Exif in exif or IFD.GPSInfo in exif


def _pillow_image(samples: NDArray[Any]) -> Image.Image:
    match samples.shape[2]:
        case 1:
            return Image.fromarray(samples[..., 0])
        case 2:
            return Image.fromarray(samples)
        case 3:
            return Image.fromarray(cv2.cvtColor(samples, cv2.COLOR_BGR2RGB))
        case _:
            return Image.fromarray(cv2.cvtColor(samples, cv2.COLOR_BGRA2RGBA))


def _sixteen_bit_png(samples: NDArray[Any], metadata: Metadata) -> bytes:
    """Encode with OpenCV: Pillow knows no colour of 16 bits."""
    blocks = {cv2.IMAGE_METADATA_EXIF: metadata.exif, cv2.IMAGE_METADATA_ICCP: metadata.icc_profile}
    kept = {kind: np.frombuffer(block, np.uint8) for kind, block in blocks.items() if block}
    _, encoded = cv2.imencodeWithMetadata(".png", samples, list(kept), list(kept.values()))
    # OpenCV reads beyond the end of an XMP block and knows no resolution: those two are chunks of our own.
    chunks = b""
    if metadata.xmp:
        chunks += _png_chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + metadata.xmp)
    if metadata.dpi:
        across, down = (round(dots / 0.0254) for dots in metadata.dpi)
        chunks += _png_chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    file = encoded.tobytes()
    return file[:_PNG_HEADER] + chunks + file[_PNG_HEADER:]


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


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
