"""What HDR video says of the screen it was made on: handed to the encoder where that takes it, else said to be lost."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from av import VideoFrame
from av.sidedata.sidedata import Type

from mien.media.video.side_data import side_data_of

_PQ: Final = 16  # AVCOL_TRC_SMPTE2084 and AVCOL_TRC_ARIB_STD_B67 of FFmpeg's pixfmt.h: the curves of HDR
_HLG: Final = 18
_LEFT_OUT: Final = {
    Type.DYNAMIC_HDR_PLUS: "HDR10+",
    Type.DYNAMIC_HDR_VIVID: "HDR Vivid",
    Type.DOVI_METADATA: "Dolby Vision",
    Type.DOVI_RPU_BUFFER: "Dolby Vision",
}
"""What changes from scene to scene, for which the encoder has no place."""


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
