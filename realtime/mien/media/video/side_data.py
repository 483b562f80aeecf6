"""What a decoded frame carries beside its pixels: the display matrix, HDR's mastering data and the like."""

from collections.abc import Mapping
from typing import cast

from av import VideoFrame
from av.sidedata.sidedata import SideData, Type


def side_data_of(frame: VideoFrame, kind: Type) -> bytes | None:
    """Give one kind of side data as FFmpeg's structure lies in memory; None where the frame has none."""
    # PyAV's annotation knows of motion vectors only; what comes is a mapping from every type.
    found = cast("Mapping[Type, SideData]", frame.side_data).get(kind)
    return None if found is None else bytes(found)
