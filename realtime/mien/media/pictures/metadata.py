"""What a picture file says of itself: taken out for safe keeping, without what no longer holds."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from PIL import Image
from PIL.ExifTags import IFD, Base

from mien.media.pictures.picture import Metadata
from mien.media.pictures.xmp import Untrue, still_true

_KEPT_TAGS: Final = frozenset(
    {
        Base.ImageDescription,
        Base.Make,
        Base.Model,
        Base.XResolution,
        Base.YResolution,
        Base.ResolutionUnit,
        Base.Software,
        Base.DateTime,
        Base.Artist,
        Base.HostComputer,
        Base.Copyright,
        Base.XPTitle,
        Base.XPComment,
        Base.XPAuthor,
        Base.XPKeywords,
        Base.XPSubject,
    }
)
"""Of a TIFF's first directory, which else holds where its strips lie in the old file."""
_OF_PROGRAMS: Final = ("ImageJ=", "<?xml", "<OME", '{"shape"', "SCANIMAGE", "Aperio")
"""How descriptions begin that are for programs: they list the planes and sizes of the old file."""
_DROPPED_EXIF_TAGS: Final = frozenset(
    # Maker notes break when they are moved and may hold a preview; the pointer leads nowhere in a new file.
    {Base.MakerNote, 0xA005}
)


def orientation_of(opened: Image.Image) -> int:
    """Give the EXIF orientation, 1 where there is none."""
    try:
        orientation = opened.getexif().get(Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a damaged EXIF block raises whatever its parser trips over
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def metadata_of(opened: Image.Image, notes: list[str]) -> tuple[Metadata, frozenset[Untrue]]:
    """Take everything that a new file may carry, and what its XMP announces beyond; damage is said in `notes`."""
    return metadata_from(opened.getexif, opened.info, opened.size, notes)


def metadata_from(
    exif_of: Callable[[], Image.Exif], info: Mapping[Any, Any], size: tuple[int, int], notes: list[str]
) -> tuple[Metadata, frozenset[Untrue]]:
    """Take it from its parts: `exif_of` reads the EXIF block, `info` and the stored `size` are as Pillow gives them."""
    try:
        exif = _kept_exif(exif_of(), size)
    except Exception:  # noqa: BLE001 - as above
        exif = None
        notes.append("Its EXIF data is damaged and is left out.")
    icc_profile = info.get("icc_profile")
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    kept, untrue = still_true(xmp) if isinstance(xmp, bytes) else (None, frozenset[Untrue]())
    return Metadata(exif, icc_profile if isinstance(icc_profile, bytes) else None, kept, _dpi_of(info)), untrue


def _kept_exif(found: Image.Exif, size: tuple[int, int]) -> bytes | None:
    """Copy the tags that still hold for an upright picture with another face."""
    kept = Image.Exif()
    for tag in _KEPT_TAGS & set(found):
        kept[tag] = _as_read(found[tag])
    if str(found.get(Base.ImageDescription, "")).lstrip().startswith(_OF_PROGRAMS):
        del kept[Base.ImageDescription]
    exif_ifd = {tag: value for tag, value in found.get_ifd(IFD.Exif).items() if tag not in _DROPPED_EXIF_TAGS}
    gps_ifd = dict(found.get_ifd(IFD.GPSInfo))
    orientation = found.get(Base.Orientation, 1)
    if Base.ExifImageWidth in exif_ifd and isinstance(orientation, int) and orientation >= 5:
        exif_ifd[Base.ExifImageWidth], exif_ifd[Base.ExifImageHeight] = size[1], size[0]
    if exif_ifd:
        kept[IFD.Exif] = exif_ifd
    if gps_ifd:
        kept[IFD.GPSInfo] = gps_ifd
    return kept.tobytes().removeprefix(b"Exif\x00\x00") if len(kept) else None


def _as_read(value: object) -> object:
    """Give text as the bytes that were read: Pillow reads them as Latin-1, and writes ASCII alone."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def _dpi_of(info: Mapping[Any, Any]) -> tuple[float, float] | None:
    match info.get("dpi"):
        case (x, y):
            x_dpi, y_dpi = float(x), float(y)
            return (x_dpi, y_dpi) if x_dpi > 0 and y_dpi > 0 else None
        case _:
            return None
