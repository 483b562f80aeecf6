"""Says in an MP4 or MOV that it is seen all around: the spherical video metadata, version 1, that players look for."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from av import VideoFrame
from av.sidedata.sidedata import Type

from mien.media.video.side_data import side_data_of

_UUID: Final = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_EQUIRECTANGULAR: Final = 0  # AVSphericalProjection of FFmpeg's spherical.h
_STEREO: Final = {1: "left-right", 2: "top-bottom"}
"""AVStereo3DType of FFmpeg's stereo3d.h."""
_XML: Final = (
    '<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"><GSpherical:Spherical>true</GSpherical:Spherical>'
    "<GSpherical:Stitched>true</GSpherical:Stitched>"
    "<GSpherical:StitchingSoftware>Mien</GSpherical:StitchingSoftware>"
    "<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>{stereo}</rdf:SphericalVideo>"
)


def spherical_box(first: VideoFrame) -> bytes | None:
    """Give the box for a video whose frames are like this one; None where it is flat or of a rarer projection."""
    mapping = side_data_of(first, Type.SPHERICAL)
    if mapping is None or struct.unpack("=i", mapping[:4])[0] != _EQUIRECTANGULAR:
        return None
    eyes = side_data_of(first, Type.STEREO3D)
    mode = _STEREO.get(struct.unpack("=i", eyes[:4])[0]) if eyes else None
    stereo = f"<GSpherical:StereoMode>{mode}</GSpherical:StereoMode>" if mode else ""
    content = _UUID + _XML.format(stereo=stereo).encode()
    return struct.pack(">I4s", len(content) + 8, b"uuid") + content


def put_into_first_track(path: Path, box: bytes) -> bool:
    """Add a box to the first track of a finished file; False, and nothing is done, where its index is not at the end.

    Nothing before the index moves, so that it still says where everything lies.
    """
    with path.open("r+b") as file:
        boxes = list(_boxes(file, 0, path.stat().st_size))
        kind, place, size = boxes[-1] if boxes else (b"", 0, 0)
        if kind != b"moov":
            return False
        track = next(
            ((at, length) for name, at, length in _boxes(file, place + 8, place + size) if name == b"trak"), None
        )
        if track is None:
            return False
        file.seek(place)
        index = bytearray(file.read(size))
        end = track[0] - place + track[1]
        index[track[0] - place : track[0] - place + 4] = struct.pack(">I", track[1] + len(box))
        index[:4] = struct.pack(">I", size + len(box))
        index[end:end] = box
        file.seek(place)
        file.write(index)
    return True


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Give kind, place and size of the boxes between two places (ISO/IEC 14496-12, 4.2)."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
        size = size or end - start
        if size < 8:
            return
        yield kind, start, size
        start += size
