"""What a decoded frame carries beside its pixels, and how it gets into the file that is written: HDR, all around."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final, cast

from av import VideoFrame
from av.sidedata.sidedata import SideData, Type

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
_PQ: Final = 16  # AVCOL_TRC_SMPTE2084 and AVCOL_TRC_ARIB_STD_B67 of FFmpeg's pixfmt.h: the curves of HDR
_HLG: Final = 18
_LEFT_OUT: Final = {
    Type.DYNAMIC_HDR_PLUS: "HDR10+",
    Type.DYNAMIC_HDR_VIVID: "HDR Vivid",
    Type.DOVI_METADATA: "Dolby Vision",
    Type.DOVI_RPU_BUFFER: "Dolby Vision",
}
"""What changes from scene to scene, for which the encoder has no place."""


def side_data_of(frame: VideoFrame, kind: Type) -> bytes | None:
    """Give one kind of side data as FFmpeg's structure lies in memory; None where the frame has none."""
    # PyAV's annotation knows of motion vectors only; what comes is a mapping from every type.
    found = cast("Mapping[Type, SideData]", frame.side_data).get(kind)
    return None if found is None else bytes(found)


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


def mastering_options(first: VideoFrame) -> dict[str, str]:
    """Give x264's options for the mastering screen (SMPTE ST 2086) and the light levels (CTA-861.3) of a frame.

    x264 counts chromaticity in steps of 0.00002 and luminance in steps of 0.0001 cd/m2.
    """
    screen = side_data_of(first, Type.MASTERING_DISPLAY_METADATA)
    light = side_data_of(first, Type.CONTENT_LIGHT_LEVEL)
    found: list[str] = []
    if screen is not None and len(screen) >= 88:
        *numbers, has_primaries, has_luminance = struct.unpack("=20i2i", screen[:88])
        red, green, blue, white, (least, most) = _pairs(numbers)
        if has_primaries and has_luminance:
            colours = f"G{_xy(green)}B{_xy(blue)}R{_xy(red)}WP{_xy(white)}"
            found.append(f"mastering-display={colours}L({round(most * 10_000)},{round(least * 10_000)})")
    if light is not None and len(light) >= 8:
        found.append("cll={},{}".format(*struct.unpack("=2I", light[:8])))
    return {"x264-params": ":".join(found)} if found else {}


def hdr_notes(first: VideoFrame) -> list[str]:
    """Say what HDR loses."""
    notes = list[str]()
    if first.color_trc in (_PQ, _HLG):
        notes.append("The video is HDR: its curve and depth are kept, but new faces are worked on in 8 bits.")
    names = dict.fromkeys(name for kind, name in _LEFT_OUT.items() if side_data_of(first, kind) is not None)
    return notes + [f"The {name} data, which brightens scene by scene, is left out." for name in names]


def _pairs(numbers: Sequence[int]) -> list[tuple[Fraction, Fraction]]:
    fractions = [Fraction(top, bottom or 1) for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
    return list(zip(fractions[::2], fractions[1::2], strict=True))


def _xy(chromaticity: tuple[Fraction, Fraction]) -> str:
    return "({},{})".format(*(round(number * 50_000) for number in chromaticity))
