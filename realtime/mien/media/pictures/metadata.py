"""What a picture file says of itself: taken out for safe keeping, without what no longer holds."""

import re
import struct
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final
from xml.dom.minidom import Attr, Document, Element, Node, parseString
from xml.parsers.expat import ExpatError

from PIL import Image
from PIL.ExifTags import IFD, Base

from mien.media.pictures.picture import Metadata

_GAIN_MAPS: Final = (b"hdr-gain-map/1.0", b"ns.apple.com/HDRGainMap", b"urn:iso:std:iso:ts:21496:-1")
"""What stands in the second picture of a JPEG that brightens the first (ISO 21496-1, Ultra HDR, Apple)."""
_MOTION: Final = (b"MotionPhoto_Data",)
_PREVIEW: Final = "Large Thumbnail"
_IPTC: Final = 0x0404  # of Photoshop's image resources
_HEAD: Final = 1 << 16
"""Bytes in which an AVIF describes itself."""
_CURVES: Final = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of HDR, ITU-T H.273."""
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


class Untrue(Enum):
    """Something that an XMP block announces and a newly written file does not hold."""

    GAIN_MAP = "gain map"
    MOTION = "motion"
    PICTURE = "picture"
    FACES = "faces"
    OTHER = "other"


_GOOGLE: Final = "http://ns.google.com/photos/1.0/"
_NAMESPACES: Final = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": Untrue.GAIN_MAP,
    "http://ns.apple.com/HDRGainMap/1.0/": Untrue.GAIN_MAP,
    "http://ns.apple.com/pixeldatainfo/1.0/": Untrue.OTHER,
    _GOOGLE + "container/": Untrue.OTHER,
    _GOOGLE + "container/item/": Untrue.OTHER,
    _GOOGLE + "image/": Untrue.PICTURE,
    _GOOGLE + "depthmap/": Untrue.PICTURE,
    "http://ns.google.com/photos/dd/1.0/device/": Untrue.PICTURE,
    _GOOGLE + "audio/": Untrue.OTHER,
    "http://ns.adobe.com/xmp/note/": Untrue.OTHER,  # where the rest of a long block lies
    "http://www.metadataworkinggroup.com/schemas/regions/": Untrue.FACES,
    "http://ns.microsoft.com/photo/1.2/": Untrue.FACES,
    "http://ns.apple.com/faceinfo/1.0/": Untrue.FACES,
}
"""Whole namespaces that speak of other parts of the old file, or of whose face it shows."""
_CAMERA: Final = _GOOGLE + "camera/"
_NAMES: Final = {
    ("http://ns.adobe.com/xap/1.0/", "Thumbnails"): Untrue.PICTURE,
    ("http://ns.adobe.com/tiff/1.0/", "Orientation"): Untrue.OTHER,
    ("http://purl.org/dc/terms/", "provenance"): Untrue.OTHER,  # the old file's Content Credentials
}
_NOT_XMP: Final = (b"<!DOCTYPE", b"<!ENTITY", b"\0")
"""XMP in files is UTF-8 and has no document type, with which a short block could unfold to a long one."""
_XMLNS: Final = "http://www.w3.org/2000/xmlns/"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def still_true(xmp: bytes) -> tuple[bytes | None, frozenset[Untrue]]:
    """Take out of a block what does not hold for an upright picture with another face and nothing beside it.

    Returns:
        The block (the same bytes where all holds, None where nothing is left or it is no XML) and what was untrue.
    """
    block = xmp.strip(b"\0 \r\n\t")
    if any(mark in block for mark in _NOT_XMP):
        return None, frozenset({Untrue.OTHER})
    try:
        document = parseString(block)  # noqa: S318 - they were refused above
        found = frozenset(_prune(document.documentElement)) if document.documentElement else frozenset[Untrue]()
    except (ExpatError, ValueError, RecursionError):
        return None, frozenset({Untrue.OTHER})
    if not found:
        return xmp, found
    return _written(document) if _says_something(document) else None, found


def _prune(element: Element) -> set[Untrue]:
    found: set[Untrue] = set()
    for number in range(element.attributes.length - 1, -1, -1):
        attribute = element.attributes.item(number)
        untrue = _untrue(attribute) if isinstance(attribute, Attr) else None
        if isinstance(attribute, Attr) and untrue is not None:
            element.removeAttributeNode(attribute)
            found.add(untrue)
    for child in list(element.childNodes):
        if not isinstance(child, Element):
            continue
        untrue = _untrue(child)
        if untrue is None:
            found |= _prune(child)
        else:
            found |= {untrue} | _prune(child)
            element.removeChild(child)
    return found


def _untrue(node: Attr | Element) -> Untrue | None:
    space, name = str(node.namespaceURI), str(node.localName)
    if space == _XMLNS and isinstance(node, Attr):  # the name of a namespace that is taken out
        return Untrue.OTHER if node.value in _NAMESPACES else None
    if space == _CAMERA:
        return Untrue.MOTION if name.startswith(("MicroVideo", "MotionPhoto")) else None
    return _NAMESPACES.get(space) or _NAMES.get((space, name))


def _says_something(document: Document) -> bool:
    for description in document.getElementsByTagNameNS(_RDF, "Description"):
        attributes = [description.attributes.item(number) for number in range(description.attributes.length)]
        if any(attribute and attribute.namespaceURI not in (_XMLNS, _RDF) for attribute in attributes):
            return True
        if any(child.nodeType == Node.ELEMENT_NODE for child in description.childNodes):
            return True
    return False


def _written(document: Document) -> bytes:
    """Write the block without an XML declaration, which XMP has no place for."""
    return "".join(node.toxml() for node in document.childNodes).encode()


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


def leavings_of(path: Path, opened: Image.Image, untrue: Iterable[Untrue]) -> list[str]:
    """Give a sentence for everything in the file that will be left out; `untrue` is what its XMP announces of it."""
    announced, notes = set(untrue), list[str]()
    content = path.read_bytes() if opened.format in ("JPEG", "MPO") else b""
    head = _head(path) if opened.format == "AVIF" else b""
    if Untrue.GAIN_MAP in announced or any(mark in content for mark in _GAIN_MAPS) or b"tmap" in head[: _ftyp(head)]:
        notes.append("Its gain map, which makes it brighter on HDR screens, is left out: the standard picture is kept.")
    elif (others := _other_pictures(opened)) > 0:
        notes.append(f"{path.name} holds {others + 1} pictures; only the first one is taken.")
    if Untrue.MOTION in announced or any(mark in content for mark in _MOTION):
        notes.append("Its motion video is left out: it shows the face that was there.")
    if Untrue.PICTURE in announced:
        notes.append("The small picture or depth map in its XMP is left out: it shows the face that was there.")
    if Untrue.FACES in announced:
        notes.append("The names of faces in its XMP are left out: they are no longer true.")
    return [*notes, *_words(opened), *_depth(path, head)]


def _other_pictures(opened: Image.Image) -> int:
    if opened.format != "MPO":
        return 0
    entries: list[dict[str, Any]] = getattr(opened, "mpinfo", {}).get(0xB002, [])
    return sum(not str(entry["Attribute"]["MPType"]).startswith(_PREVIEW) for entry in entries[1:])


def _words(opened: Image.Image) -> list[str]:
    photoshop = opened.info.get("photoshop")
    if isinstance(photoshop, dict) and _IPTC in photoshop:
        return ["Its IPTC block is left out."]
    texts = getattr(opened, "text", {}) if opened.format == "PNG" else {}
    if any(key != "XML:com.adobe.xmp" for key in texts):
        return ["Its text notes are left out."]
    return ["Its comment is left out."] if opened.info.get("comment") else []


def _depth(path: Path, head: bytes) -> list[str]:
    """Look at an AVIF's depth (av1C, AV1 in ISOBMFF 2.3.3) and curve (colr, ISO/IEC 14496-12 12.1.5)."""
    notes: list[str] = []
    coding = head.find(b"av1C")
    if coding >= 0 and len(head) > coding + 6 and head[coding + 6] & 0x40:
        bits = 12 if head[coding + 6] & 0x20 else 10
        notes.append(f"{path.name} has {bits} bits a colour, which were rounded to 8.")
    colours = re.search(rb"colrnclx(.{6})", head, re.DOTALL)
    curve = _CURVES.get(struct.unpack(">3H", colours[1])[1]) if colours else None
    if curve:
        notes.append(f"{path.name} is HDR ({curve}): it is worked on and written as if it were an ordinary picture.")
    return notes


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _ftyp(head: bytes) -> int:
    return int.from_bytes(head[:4], "big")
