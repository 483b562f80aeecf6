"""Sound that becomes another midway: the rate, the channels or the codec, where recordings were joined."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
from av.error import FFmpegError
from av.packet import Packet

from mien.media.video.continuity import is_joinable
from mien.media.video.ffmpeg_path import ffmpeg_path

_SURE: Final = 5
"""So many packets in a row are no mistake of a decoder that has just begun."""


def changing_sound(path: Path) -> frozenset[int]:
    """Name the streams of sound that do not go on as they begin, by their index: copied, the rest would be noise.

    Only containers that keep no account of it are looked through, which takes some ten seconds for an hour.
    """
    try:
        with av.open(ffmpeg_path(path), metadata_errors="replace") as source:
            if not is_joinable(source) or not source.streams.audio:
                return frozenset()
            return _changing(source.demux(*source.streams.audio))
    except (FFmpegError, OSError, ValueError):
        return frozenset()  # whoever reads it next says what is wrong


def _changing(packets: "Iterator[Packet[Any]]") -> frozenset[int]:
    first: dict[int, object] = {}
    others: Counter[int] = Counter()
    changing: set[int] = set()
    for packet in packets:
        form = None if packet.size == 0 else _form_of(packet)
        index = packet.stream.index
        if form is None:
            continue
        if first.setdefault(index, form) == form:
            others[index] = 0
            continue
        others[index] += 1
        if others[index] >= _SURE:
            changing.add(index)
    return frozenset(changing)


def _form_of(packet: "Packet[Any]") -> object | None:
    """Give what has to stay the same; None where a packet holds no frame yet."""
    try:
        decoded: list[object] = list(packet.decode())
    except FFmpegError:
        return "nothing that can be decoded"
    frames = [frame for frame in decoded if isinstance(frame, av.AudioFrame)]
    return (frames[0].sample_rate, frames[0].layout.nb_channels) if frames else None
