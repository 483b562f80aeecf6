"""Writes a display matrix into an MP4 file that has none."""

import struct
from pathlib import Path

RIGHT_ANGLES = {
    "as it is": (1, 0, 0, 1),
    "mirrored": (-1, 0, 0, 1),
    "on its head": (-1, 0, 0, -1),
    "mirrored on its head": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "a quarter clockwise": (0, 1, -1, 0),
    "transposed the other way": (0, -1, -1, 0),
    "a quarter counterclockwise": (0, -1, 1, 0),
}
"""a, b, c, d of all eight ways to lay a picture on its sides."""


def set_display_matrix(path: Path, a: float, b: float, c: float, d: float) -> None:
    """Change the first track of an MP4 file; ISO/IEC 14496-12, 8.3.2: nine numbers, the corners' in 16.16."""
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd") - 4
    assert content[header + 8] == 0, "a track header of version 0"
    numbers = [round(number * 65536) for number in (a, b)] + [0] + [round(number * 65536) for number in (c, d)]
    content[header + 48 : header + 84] = struct.pack(">9i", *numbers, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
