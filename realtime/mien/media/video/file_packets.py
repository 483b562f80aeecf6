"""The packets of a video file, one after the other: their time goes on, and what is damaged is counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from mien.media.convert import decoder_of
from mien.media.video.completeness import Completeness
from mien.media.video.continuity import AnyPacket, Continuity


class FilePackets:
    """Reads a file that is open, once. Has state: how far it has come, and what was missing."""

    def __init__(self, path: Path, container: InputContainer, pictures: VideoStream) -> None:
        """Take a file and the stream of it whose pictures are wanted."""
        self._container = container
        self._pictures = pictures.index
        self._decode = decoder_of(pictures)
        self._continuity = Continuity(container, pictures)
        self._recording = -1
        self._is_opening = True
        self._forgivable = 0
        self._unopened: set[int | None] = set()
        self.completeness: Final = Completeness(path, container, pictures)

    @property
    def jumps(self) -> int:
        """How often the file's clock has jumped."""
        return self._continuity.jumps

    @property
    def unopened(self) -> int:
        """How many pictures could not be decoded because a recording begins between two key frames."""
        return len(self._unopened)

    def __iter__(self) -> Iterator[AnyPacket]:
        """Give the packets of every stream, at times that go on."""
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:  # the file ends in the middle of something
                self.completeness.count_damage()
                return
            if packet is None:
                return
            self.completeness.see(packet)
            yield from self._continuity(packet)

    def pictures_of(self, packet: AnyPacket) -> Iterator[av.VideoFrame]:
        """Decode a packet; one of another stream holds no picture, and what cannot be decoded is counted."""
        if packet.stream.index != self._pictures:
            return
        self._open(packet)
        try:
            for frame in self._decode(packet):
                if isinstance(frame, av.VideoFrame):
                    self._unopened.discard(frame.pts)
                    if frame.is_corrupt:
                        self._count_damage()
                    yield frame
        except FFmpegError:
            self._count_damage()

    def _open(self, packet: AnyPacket) -> None:
        """Count the packets before a recording's first key frame, which need others that are not there."""
        if self._recording != self.jumps:
            self._recording, self._is_opening = self.jumps, True
        self._is_opening = self._is_opening and not packet.is_keyframe
        if self._is_opening and packet.size > 0:
            self._forgivable += 1
            self._unopened.add(packet.dts if packet.pts is None else packet.pts)

    def _count_damage(self) -> None:
        """Count a picture; a decoder with several threads complains some packets later."""
        if self._forgivable:
            self._forgivable -= 1
        else:
            self.completeness.count_damage()
