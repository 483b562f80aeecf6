"""H.264 as streams without a container carry it: start codes, and what a decoder must know before each key frame."""

from collections.abc import Sequence
from typing import Final, cast

from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.stream import VideoStream

_FILTERS: Final = "h264_mp4toannexb,dump_extra=freq=keyframe"
"""Encoders of some systems write lengths instead of start codes; all of them keep the parameters beside the packets."""


class AnnexB:
    """Has state: FFmpeg's filters for one encoder's packets."""

    def __init__(self, template: VideoStream) -> None:
        """Take the stream that the packets are of."""
        self._filters = BitStreamFilterContext(_FILTERS, template)

    def of(self, packet: "Packet[VideoStream]") -> Sequence["Packet[VideoStream]"]:
        """Give the packet in that form; the one that was given is empty then."""
        return cast("Sequence[Packet[VideoStream]]", self._filters.filter(packet))  # pyright: ignore[reportUnknownMemberType]
