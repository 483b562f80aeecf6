"""Which video files Mien writes, and with which muxer and codec."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.credentials.carriers import check_carries
from mien_models.errors import SinkError


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of video file."""

    muxer: str
    """As FFmpeg calls it; named because a growing file ends in .part, which says nothing."""
    video_codec: str
    audio_codec: str | None
    """The codec for sound that cannot be copied; None where the container is silent."""
    safe_options: tuple[tuple[str, str], ...] = ()
    """Muxer options that keep an interrupted file playable, up to its last two seconds."""


_FRAGMENTED: Final = (
    # A fragmented file until it is closed, an ordinary one after (FFmpeg 7.1, movenc).
    ("movflags", "hybrid_fragmented"),
    # Microseconds. A fragment counts only once it is whole.
    ("frag_duration", "500000"),
    # Else up to 256 KiB wait in memory, which is a minute of a still picture.
    ("flush_packets", "1"),
)
# No .mkv and .webm: there is no place for Content Credentials in them.
_CONTAINERS: Final = {
    ".mp4": Container("mp4", "libx264", "aac", _FRAGMENTED),
    ".m4v": Container("mp4", "libx264", "aac", _FRAGMENTED),
    ".mov": Container("mov", "libx264", "aac", _FRAGMENTED),
    ".gif": Container("gif", "gif", None),
}
VIDEO_SUFFIXES: Final = tuple(_CONTAINERS)
"""The suffixes that `container_of` knows, in lower case."""


def container_of(path: Path) -> Container:
    """Give the container of a video file's suffix.

    Raises:
        SinkError: an unknown suffix, or of a kind that cannot carry Content Credentials; the message says what to take.
    """
    check_carries(path)
    container = _CONTAINERS.get(path.suffix.lower())
    if container is None:
        found = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        known = " ".join(_CONTAINERS)
        raise SinkError(f"Expected the name of a video file, and {path.name!r} {found}. Use one of {known}.")
    return container
