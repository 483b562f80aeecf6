"""Subtitles of any kind of text, as the kind that MP4 and MOV hold (3GPP timed text)."""

from typing import Any, Final

from av.codec import Codec
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

_CODEC: Final = "mov_text"
_MUXERS: Final = frozenset({"mp4", "mov"})


def is_convertible(stream: Stream, muxer: str) -> bool:
    """Whether a stream holds subtitles in text that a container can hold in another form."""
    if muxer not in _MUXERS or not isinstance(stream, SubtitleStream):
        return False
    return Codec(stream.codec_context.name, "r").text_sub


class TextSubtitles:
    """Converts one stream; fonts and places are lost, italics stay."""

    def __init__(self, target: OutputContainer, source: SubtitleStream) -> None:
        self._target = target
        self._source = source
        stream = target.add_stream(_CODEC)
        assert isinstance(stream, SubtitleStream)  # noqa: S101 - timed text makes subtitles
        source.codec_context.open(strict=False)
        stream.codec_context.subtitle_header = source.codec_context.subtitle_header
        if source.time_base is not None:
            stream.codec_context.time_base = source.time_base
        self.stream = stream
        """The stream in the output."""

    def take(self, packet: "Packet[Any]") -> None:
        """Convert one packet, whose time counts from the start of the output; what cannot be read is left out."""
        try:
            found = self._source.decode2(packet)
            if found is None or not len(found):
                return
            converted: Packet[Any] = self.stream.codec_context.encode_subtitle(found)  # pyright: ignore[reportUnknownVariableType]
        except (FFmpegError, ValueError):
            return
        converted.pts = converted.dts = packet.pts
        converted.duration, converted.time_base = packet.duration, packet.time_base
        converted.stream = self.stream
        self._target.mux(converted)
