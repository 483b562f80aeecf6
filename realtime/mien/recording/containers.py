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
    copied_sound: frozenset[str] = frozenset()
    """The codecs of sound that may be copied: those that players look for here, not all that FFmpeg takes."""
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
_IN_BOTH: Final = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "alac"})
# Plain samples in MP4 are young (ISO/IEC 23003-5): an FFmpeg of 2022 plays them as noise.
_IN_MP4: Final = _IN_BOTH | {"opus", "flac"}
_IN_MOV: Final = _IN_BOTH | {
    *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw", "adpcm_ima_qt"),
}
_CONTAINERS: Final = {
    ".mp4": Container("mp4", "libx264", "aac", _IN_MP4, _FRAGMENTED),
    ".m4v": Container("mp4", "libx264", "aac", _IN_MP4, _FRAGMENTED),
    ".mov": Container("mov", "libx264", "aac", _IN_MOV, _FRAGMENTED),
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
