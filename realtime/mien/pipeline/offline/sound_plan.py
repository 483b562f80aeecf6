"""Decides, before the first frame is swapped, what becomes of each track of sound: copied, encoded or left out."""

import io
import json
import logging
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.codec import Codec
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard, Stream

from mien.media.formats import Container
from mien.media.video.continuity import is_joinable
from mien.media.video.film_file import ffmpeg_path
from mien.media.video.sound import ANSWER, SoundEncoding

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


_LOG = logging.getLogger(__name__)
_PROGRAM: Final = ("-P", "-m", "mien.media.video.sound")
_TRIAL_S: Final = 60
_PACKETS: Final = 8
_PCM: Final = re.compile(r"pcm_\D*(\d+)")


@dataclass(frozen=True, slots=True)
class TrackPlan:
    """What becomes of one track of sound."""

    is_copied: bool = False
    encoding: SoundEncoding | None = None
    """How it is encoded anew; where that is None too, the track is left out."""
    changes: bool = False
    """Whether it becomes another sound midway, so that copied packets would be noise after that."""
    nameless_channels: int = 0
    """How many channels the decoder is to give without saying where they belong; 0: as the file says."""


def plan_sound(path: Path, container: Container) -> Mapping[int, TrackPlan]:
    """Try with the first packets of every track what `container` takes; gives the plans by the streams' index."""
    changing = changing_sound(path)
    with av.open(ffmpeg_path(path), metadata_errors="replace") as source:
        return {
            stream.index: _plan(path, stream, container, changes=stream.index in changing)
            for stream in source.streams.audio
        }


def _plan(path: Path, stream: AudioStream, container: Container, *, changes: bool) -> TrackPlan:
    if not changes and codec_name(stream) in container.copied_sound and _can_copy(path, stream.index, container.muxer):
        return TrackPlan(is_copied=True)
    if container.audio_codec is None:
        return TrackPlan()
    for channels in dict.fromkeys((0, _pcm_channels(stream))):
        answer = _ask(path, stream.index, container.muxer, container.audio_codec, channels)
        if answer is not None:
            return TrackPlan(encoding=SoundEncoding(**answer), changes=changes, nameless_channels=channels)
    return TrackPlan()


def _can_copy(path: Path, index: int, muxer: str) -> bool:
    """Put a track's first packets into a container in memory."""
    try:
        with (
            av.open(ffmpeg_path(path), metadata_errors="replace") as source,
            av.open(io.BytesIO(), "w", format=muxer) as target,
        ):
            stream = source.streams[index]
            copied = target.add_stream_from_template(stream)
            target.start_encoding()
            for other in source.streams:
                other.discard = Discard.default if other is stream else Discard.all
            for packet in islice(source.demux(stream), _PACKETS):
                if packet.dts is not None:
                    packet.stream = copied
                    target.mux(packet)
    except (FFmpegError, ValueError) as error:
        _LOG.debug("Track %d cannot be copied into %s: %s", index, muxer, error)
        return False
    return True


def _ask(path: Path, index: int, muxer: str, codec: str, channels: int) -> "dict[str, Any] | None":
    command = [sys.executable, *_PROGRAM, str(path.absolute()), str(index), muxer, codec, str(channels)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, errors="replace", timeout=_TRIAL_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        _LOG.debug("The trial of track %d ended with %d: %s", index, done.returncode, done.stderr.strip())
        return None
    answer: dict[str, Any] | None = json.loads(done.stdout.rpartition(ANSWER)[2])
    return answer


def _pcm_channels(stream: AudioStream) -> int:
    """Count the channels of plain samples without asking for their layout, which may be the one PyAV fails on."""
    bits = _PCM.match(codec_name(stream))
    if bits is None:
        return 0
    bit_rate = stream.codec_context.bit_rate
    if not bit_rate or not stream.codec_context.sample_rate:
        return 0
    return bit_rate // (stream.codec_context.sample_rate * int(bits[1]))


def codec_name(stream: Stream) -> str:
    """Give the codec's own name, not that of one of its decoders."""
    context = getattr(stream, "codec_context", None)
    name = str(getattr(context, "name", None) or getattr(stream, "name", None) or "unknown")
    try:
        return Codec(name, "r").canonical_name
    except ValueError:
        return name
