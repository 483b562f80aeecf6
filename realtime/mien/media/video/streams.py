"""Which stream of a file is the film."""

from typing import Any

from av.stream import Disposition, Stream
from av.video.stream import VideoStream


def is_film(stream: VideoStream) -> bool:
    """Whether a stream holds moving pictures that can be decoded: no cover of a song, no codec that nobody knows."""
    return not stream.disposition & Disposition.attached_pic and _has_decoder(stream)


def kind_of(stream: Stream) -> str:
    """Say what a stream is that is no film."""
    if stream.type != "video":
        return stream.type
    return "a cover" if stream.disposition & Disposition.attached_pic else "a video of an unknown kind"


def _has_decoder(stream: Any) -> bool:  # noqa: ANN401 - PyAV says that there always is one
    return getattr(stream, "codec_context", None) is not None
