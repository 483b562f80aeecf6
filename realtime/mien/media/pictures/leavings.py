"""What a picture file holds beside its picture and a new file will not: found, so that it can be said."""

import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from PIL import Image

from mien.media.pictures.xmp import Untrue

_GAIN_MAPS: Final = (b"hdr-gain-map/1.0", b"ns.apple.com/HDRGainMap", b"urn:iso:std:iso:ts:21496:-1")
"""What stands in the second picture of a JPEG that brightens the first (ISO 21496-1, Ultra HDR, Apple)."""
_MOTION: Final = (b"MotionPhoto_Data",)
_PREVIEW: Final = "Large Thumbnail"
_IPTC: Final = 0x0404  # of Photoshop's image resources
_HEAD: Final = 1 << 16
"""Bytes in which an AVIF describes itself."""
_CURVES: Final = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of HDR, ITU-T H.273."""


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
