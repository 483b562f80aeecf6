"""Finds out how a track of sound can be encoded, by doing it: its first frames, into memory, and read back.

Run as a program: PyAV 18 frees a channel layout twice whose speakers stand in an order of the file's own, and that ends
the process that decodes such sound.
"""

import dataclasses
import io
import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Final

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.stream import Discard

from mien.media.video.sound import SoundEncoder, SoundEncoding, encodings_of

_PACKETS: Final = 400
"""The first ones may be damaged, or sound may begin in the middle of something."""
_SAMPLES: Final = 8192
ANSWER: Final = "=== answer ==="
"""Stands before the answer."""


def main() -> None:
    """Answer for one track: arguments are the file, the track's index, muxer, encoder, and the channels it has or 0."""
    path, index, muxer, codec, channels = sys.argv[1:]
    encoding = _best(path, int(index), muxer, codec, int(channels))
    sys.stdout.write(f"\n{ANSWER}\n{json.dumps(dataclasses.asdict(encoding) if encoding else None)}\n")


def nameless(channels: int) -> dict[str, str]:
    """Give a decoder's options by which it forgets where a file's speakers stand."""
    return {"ch_layout": f"{channels} channels"} if channels else {}


def _best(path: str, index: int, muxer: str, codec: str, channels: int) -> SoundEncoding | None:
    frames = list(_first_frames(path, index, channels))
    if not frames:
        return None
    return next((encoding for encoding in encodings_of(frames[0], codec) if _works(encoding, frames, muxer)), None)


def _first_frames(path: str, index: int, channels: int) -> Iterator[av.AudioFrame]:
    samples = 0
    with av.open(path, metadata_errors="replace") as source:
        for other in source.streams:
            other.discard = Discard.default if other.index == index else Discard.all
        stream = source.streams[index]
        assert isinstance(stream, AudioStream)  # noqa: S101 - only those are asked for
        stream.codec_context.options = nameless(channels)
        for packet in islice(source.demux(stream), _PACKETS):
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            for frame in frames:
                samples += frame.samples
                yield frame
            if samples >= _SAMPLES:
                return


def _works(encoding: SoundEncoding, frames: list[av.AudioFrame], muxer: str) -> bool:
    file = io.BytesIO()
    try:
        with av.open(file, "w", format=muxer) as target:
            encoder = SoundEncoder(target, encoding)
            for frame in frames:
                encoder.encode(frame)
            encoder.finish()
        file.seek(0)
        with av.open(file, "r") as written:
            return any(frame.samples for frame in written.decode(audio=0))
    except (FFmpegError, ValueError, IndexError):
        return False


if __name__ == "__main__":
    main()
