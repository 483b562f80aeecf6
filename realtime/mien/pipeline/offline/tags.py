"""A video file's tags: carried over where they still hold, as QuickTime keys where a muxer has no other place."""

import io
from collections.abc import Mapping
from typing import Final

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

_OF_THE_OLD_FILE: Final = frozenset(
    {
        *("major_brand", "minor_version", "compatible_brands", "encoder"),
        # What FLV says of its own streams.
        *("duration", "width", "height", "framerate", "filesize", "totalduration", "totaldatarate", "bytelength"),
        *("videodatarate", "videocodecid", "audiodatarate", "audiocodecid", "audiosamplerate", "audiosamplesize"),
        *("stereo", "hasvideo", "hasaudio", "hasmetadata", "haskeyframes", "hascuepoints", "canseektoend"),
        *("lasttimestamp", "lastkeyframetimestamp", "lastkeyframelocation", "datasize", "videosize", "audiosize"),
    }
)
_AS_KEYS: Final = {"movflags": "use_metadata_tags"}


def kept_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Leave out what describes the old file."""
    return {key: text for key, text in tags.items() if key.lower() not in _OF_THE_OLD_FILE}


def tag_options(tags: Mapping[str, str], muxer: str) -> dict[str, str]:
    """Give the muxer's options with which most of the tags are kept: found out by writing them into memory.

    QuickTime keys hold any tag (creation date, place, make and model of a telephone), but take the place of those boxes
    in which players look for a title; so they are written only where something would be lost.
    """
    if muxer not in ("mp4", "mov") or not lost_tags(tags, muxer, {}):
        return {}
    return dict(_AS_KEYS)


def lost_tags(tags: Mapping[str, str], muxer: str, options: Mapping[str, str]) -> list[str]:
    """Say which tags a muxer does not write."""
    file = io.BytesIO()
    try:
        with av.open(file, "w", format=muxer, options=dict(options)) as target:
            target.metadata.update(tags)
            stream = target.add_stream("mpeg4", rate=25)
            assert isinstance(stream, VideoStream)  # noqa: S101 - MPEG-4 makes pictures
            stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
            target.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
            target.mux(stream.encode(None))
        file.seek(0)
        with av.open(file, "r", metadata_errors="replace") as written:
            found = {key.lower() for key in written.metadata}
    except (FFmpegError, ValueError):
        return list(tags)
    return [key for key, text in tags.items() if text and key.lower() not in found]
