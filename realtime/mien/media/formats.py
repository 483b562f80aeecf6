"""Which files Mien writes, with which muxer and codec, and how good and how large recordings are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from mien.config.choices import RecordingQuality
from mien_models.errors import SinkError

MEDIA_TYPES: Final = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
}
"""By suffix in lower case: what Mien writes and the library `c2pa` signs."""


_INSTEAD: Final = {".mkv": ".mp4", ".webm": ".mp4", ".avi": ".mp4", ".bmp": ".png"}
"""Well-known kinds for which C2PA or the library has no place to put them, and what to take."""


def check_carries(path: Path) -> None:
    """Refuse a file that could be written, but not say that a face in it was replaced.

    Raises:
        SinkError: it is of such a kind; the message names the one to take.
    """
    instead = _INSTEAD.get(path.suffix.lower())
    if instead is not None:
        raise SinkError(
            f"A {path.suffix} file cannot carry Content Credentials, which say that a face was replaced. "
            f"Write {path.with_suffix(instead).name!r}."
        )


def media_type(path: Path) -> str:
    """Give the media type of a file that `check_carries` lets pass, by its suffix."""
    return MEDIA_TYPES[path.suffix.lower()]


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
    alpha_codec: str | None = None
    """The codec for video that is transparent; None where the container cannot show what is under it."""
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
    ".mp4": Container("mp4", "libx264", "aac", _IN_MP4, safe_options=_FRAGMENTED),
    ".m4v": Container("mp4", "libx264", "aac", _IN_MP4, safe_options=_FRAGMENTED),
    ".mov": Container("mov", "libx264", "aac", _IN_MOV, "prores_ks", _FRAGMENTED),
    ".gif": Container("gif", "gif", None, alpha_codec="gif"),
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


_FACTORS: Final = {
    RecordingQuality.BEST: 16,
    RecordingQuality.GOOD: 20,
    RecordingQuality.SMALL: 27,
    RecordingQuality.STREAM: None,
}
"""x264's constant rate factor: six more are half the size. None: none counts."""


@dataclass(frozen=True, slots=True)
class RecordingWish:
    """What the user wants of recordings; counts from the next file on."""

    quality: int | None = 20
    """x264's constant rate factor, smaller is better; 20 is visually clean. None: as a stream of that size is."""
    height: int | None = None
    """Rows; None: those of the picture."""

    @classmethod
    def of(cls, quality: RecordingQuality, height: int | None) -> Self:
        """Take how good recordings are to be, in a word."""
        return cls(_FACTORS[quality], height)

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """Give width and height for pictures of a size: never larger, the width follows the height."""
        rows = height if self.height is None else min(self.height, height)
        return 2 * round(width * rows / height / 2), rows
