"""XMP: keeps what a picture says of itself and takes out what no longer is true of it (ISO 16684-1)."""

from enum import Enum
from typing import Final
from xml.dom.minidom import Attr, Document, Element, Node, parseString
from xml.parsers.expat import ExpatError


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
