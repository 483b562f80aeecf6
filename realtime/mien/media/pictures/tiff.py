"""TIFF files that Pillow reads wrong or not at all, 16 bits above all: read right, or refused with the reason."""

import contextlib
import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mien.media.pictures.picture import Samples, eight_bit
from mien_models.errors import PhotoError

LZW: Final = 5
"""Compression, tag 259."""
_DEFLATE: Final = 8
_MAGICS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""What a TIFF and a BigTIFF begin with."""
_UNSIGNED: Final = 1
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _MASK, _CMYK, _YCBCR = range(7)
_CIE_LAB: Final = 8
_RAW: Final = frozenset({32803, 34892})  # a sensor's own samples, TIFF/EP and DNG
_PILLOWS: Final = frozenset({_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR})
_PILLOWS_PACKINGS: Final = frozenset({*range(1, 9), 32773, 32946, 34925, 50000})
"""Compression, tag 259: what the libtiff that Pillow brings unpacks."""
_REDUCED_OR_MASK: Final = 1 | 4
"""Bits of NewSubfileType: a smaller copy of another page, or its mask."""
_INKS: Final = {_RGB: 3, _CMYK: 4, _CIE_LAB: 3}
"""How many samples make a colour, where it is not one."""
_UNASSOCIATED: Final = 2
_ALPHAS: Final = {1: True, _UNASSOCIATED: False}
"""ExtraSamples that are alpha, and whether colours are multiplied by it."""


@dataclass(frozen=True, slots=True)
class TiffFacts:
    """What a TIFF file is to be read with."""

    page: int
    """The first page that is a picture of its own."""
    pictures: int
    """How many of those there are."""
    size: tuple[int, int]
    """Width and height as stored."""
    is_pillows: bool
    """Whether Pillow reads it right; else `read_tiff` does."""
    is_big: bool
    """Whether it is a BigTIFF."""
    orientation: int
    info: Mapping[str, Any]
    """ICC profile, XMP and resolution under the names that Pillow gives them."""


def tiff_facts(path: Path) -> TiffFacts | None:
    """Look at a file's directory; None where it is no TIFF.

    Raises:
        PhotoError: it holds no picture, only a sensor's raw samples.
    """
    with path.open("rb") as file:
        if file.read(4) not in _MAGICS:
            return None
    try:
        with tifffile.TiffFile(path) as tiff:
            return _facts(path, [page.aspage() for page in tiff.pages])
    except PhotoError:
        raise
    except Exception:  # noqa: BLE001 - a damaged directory raises whatever its parser trips over: Pillow says the word
        return None


def read_tiff(path: Path, page_number: int, notes: list[str]) -> Samples:
    """Decode one page that is not Pillow's; what is not kept is said in `notes`.

    Returns:
        The samples as stored, not yet turned: (h, w, 1..4), grey or BGR, alpha last and not multiplied in.

    Raises:
        PhotoError: it is of a kind without a sure meaning, or packed in a way that is rarely met.
    """
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[page_number].aspage()
        _check(path, page)
        samples = _samples(path, page)
        inks = _INKS.get(page.photometric, 1)
        colours, extra = samples[..., :inks], samples[..., inks:]
        kinds = page.extrasamples or (_UNASSOCIATED,) * extra.shape[2]  # as Pillow and OpenCV write it
        alpha = next((number for number, kind in enumerate(kinds) if kind in _ALPHAS), None)
        if extra.shape[2] > (alpha is not None):
            notes.append(f"{path.name} has further channels beside its colours and transparency, which are left out.")
        bgr = _COLOURS[page.photometric](colours, page, path, notes)
        if alpha is None:
            return np.ascontiguousarray(bgr)
        opacity = extra[..., alpha : alpha + 1]
        if bgr.dtype != opacity.dtype:
            opacity = eight_bit(opacity)
        is_premultiplied = _ALPHAS[kinds[alpha]]
        return np.dstack([_divided(bgr, opacity) if is_premultiplied else bgr, opacity])


def _facts(path: Path, pages: Sequence[tifffile.TiffPage]) -> TiffFacts:
    full = [number for number, page in enumerate(pages) if not page.subfiletype & _REDUCED_OR_MASK]
    page = pages[full[0] if full else 0]
    if page.photometric in _RAW or (not full and _holds_raw(page)):
        raise PhotoError(f"{str(path)!r} is a camera's raw file. Develop it and save it as JPEG or PNG first.")
    orientation = int(page.tags.valueof(274, 1))
    return TiffFacts(
        page=page.index,
        pictures=max(1, len(full)),
        size=(page.imagewidth, page.imagelength),
        is_pillows=_is_pillows(page),
        is_big=page.parent.is_bigtiff,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        info=_info(page),
    )


def _is_pillows(page: tifffile.TiffPage) -> bool:
    is_plain = page.bitspersample <= 8 and page.sampleformat in (0, _UNSIGNED)
    return is_plain and page.photometric in _PILLOWS and page.compression in _PILLOWS_PACKINGS


def _holds_raw(page: tifffile.TiffPage) -> bool:
    return any(sub.aspage().photometric in _RAW for sub in page.pages or ())


def _check(path: Path, page: tifffile.TiffPage) -> None:
    bits, name = page.bitspersample, str(path)
    if page.sampleformat == 3:
        raise PhotoError(f"{name!r} holds numbers with a point, which have no fixed white. Save it with 8 or 16 bits.")
    if page.sampleformat not in (0, _UNSIGNED):
        raise PhotoError(f"{name!r} holds numbers with a sign, which have no fixed black. Save it with 8 or 16 bits.")
    if bits not in (8, 16):
        raise PhotoError(f"{name!r} has {bits} bits a sample, which Mien cannot read. Save it with 8 or 16 bits.")
    if page.photometric not in _COLOURS:
        kind = getattr(page.photometric, "name", page.photometric)
        raise PhotoError(f"{name!r} holds its colours as {kind}, which Mien cannot read. Save it as RGB.")
    if page.samplesperpixel < _INKS.get(page.photometric, 1):
        raise PhotoError(f"{name!r} has {page.samplesperpixel} inks or channels. Save it as RGB with 8 or 16 bits.")


def _samples(path: Path, page: tifffile.TiffPage) -> NDArray[Any]:
    """Decode to (h, w, channels), whatever way planes, tiles and bytes lie."""
    try:
        array = decoded_without_lzw(path, page) if page.compression == LZW else page.asarray()
    except (ValueError, NotImplementedError, ImportError) as error:
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        kind = getattr(page.compression, "name", page.compression)
        raise PhotoError(f"{str(path)!r} is packed with {kind}, which Mien cannot read. Save it without.") from error
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    is_planar = page.planarconfig == 2 and page.samplesperpixel > 1
    return np.moveaxis(array.reshape(shape[2], *shape[:2]), 0, -1) if is_planar else array.reshape(shape)


def _grey(colours: NDArray[Any], page: tifffile.TiffPage, _path: Path, _notes: list[str]) -> NDArray[Any]:
    return np.iinfo(colours.dtype).max - colours if page.photometric == _WHITE_IS_ZERO else colours


def _bgr(colours: NDArray[Any], _page: tifffile.TiffPage, _path: Path, _notes: list[str]) -> NDArray[Any]:
    return colours[..., ::-1]


def _looked_up(colours: NDArray[Any], page: tifffile.TiffPage, _path: Path, _notes: list[str]) -> NDArray[Any]:
    return np.moveaxis(np.asarray(page.colormap, np.uint16)[:, colours[..., 0]], 0, -1)[..., ::-1]


def _printed(colours: NDArray[Any], page: tifffile.TiffPage, path: Path, notes: list[str]) -> NDArray[Any]:
    notes.append(f"{path.name} is CMYK, made for print; it is worked on and written as RGB with 8 bits a colour.")
    inks = Image.frombytes("CMYK", (page.imagewidth, page.imagelength), eight_bit(colours).tobytes())
    return np.asarray(rgb_from_cmyk(inks, page.tags.valueof(34675)))[..., ::-1]


def _seen(colours: NDArray[Any], page: tifffile.TiffPage, path: Path, notes: list[str]) -> NDArray[Any]:
    notes.append(f"{path.name} is Lab; it is worked on and written as RGB with 8 bits a colour.")
    lightness, signed = eight_bit(colours[..., :1]), colours[..., 1:]
    if signed.dtype == np.uint16:  # two's complement, in 256ths
        signed = np.clip((signed.view(np.int16).astype(np.int32) + 128) >> 8, -128, 127).astype(np.int8).view(np.uint8)
    stored = np.dstack([lightness, signed])
    lab = Image.frombytes("LAB", (page.imagewidth, page.imagelength), stored.tobytes())
    return np.asarray(rgb_from_lab(lab))[..., ::-1]


_Convert: TypeAlias = Callable[[NDArray[Any], tifffile.TiffPage, Path, list[str]], NDArray[Any]]
_COLOURS: Final[Mapping[int, _Convert]] = {
    _WHITE_IS_ZERO: _grey,
    _BLACK_IS_ZERO: _grey,
    _RGB: _bgr,
    _PALETTE: _looked_up,
    _CMYK: _printed,
    _CIE_LAB: _seen,
}
"""How the samples of each PhotometricInterpretation become grey or BGR."""


def _divided(colours: NDArray[Any], opacity: NDArray[Any]) -> NDArray[Any]:
    """Undo a multiplication by alpha; what cannot be seen is black."""
    top = np.iinfo(colours.dtype).max
    whole = np.divide(colours * float(top), opacity, out=np.zeros(colours.shape), where=opacity > 0)
    divided: NDArray[Any] = np.minimum(np.rint(whole), top).astype(colours.dtype)
    return divided


def _info(page: tifffile.TiffPage) -> dict[str, Any]:
    info: dict[str, Any] = {"icc_profile": page.tags.valueof(34675), "xmp": page.tags.valueof(700)}
    unit = {2: 1.0, 3: 2.54}.get(int(page.tags.valueof(296, 2)))
    x, y = page.tags.valueof(282), page.tags.valueof(283)
    if unit and x and y and x[1] and y[1]:
        info["dpi"] = (x[0] / x[1] * unit, y[0] / y[1] * unit)
    return info


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


def rgb_from_cmyk(inks: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Convert with the file's own profile; without one as Pillow does, which is what viewers do too."""
    if icc_profile is not None:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            return _into_srgb(inks, ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)))
    return inks.convert("RGB")


def rgb_from_lab(lab: Image.Image) -> Image.Image:
    """Convert CIE L*a*b* under D50, which is what TIFF files hold."""
    # The stubs leave the type of a built-in profile open.
    profile = ImageCms.createProfile("LAB")  # pyright: ignore[reportUnknownVariableType]
    return _into_srgb(lab, ImageCms.ImageCmsProfile(profile))  # pyright: ignore[reportUnknownArgumentType]


def _into_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType]
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    if converted is None:
        raise ImageCms.PyCMSError("nothing was converted")
    return converted
