"""Whether a video was there to its end: what it announces is compared with what was read."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from mien.media.video.continuity import is_joinable

_ENDS_EARLY_S: Final = 0.5
_BACK_S: Final = 0.1
_ELSEWHERE_S: Final = 10
_ENDS_EARLY: Final = 1 / 50
"""Part of a file's length by which it may end before it says."""


@dataclass(slots=True)
class _Doubt:
    """A packet was called damaged."""

    end_s: Fraction
    """When it ends, or the one after it."""
    packets_left: int = 2
    """Within so many packets another recording begins: parsers are one behind."""
    has_begun: bool = False
    """Whether one of them was a key frame."""


class Completeness:
    """Counts what was read of a file and what was damaged."""

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream) -> None:
        self._path, self._container, self._stream = path, container, stream
        self._packets = 0
        self._damaged = 0
        self._ends_s = Fraction(0)
        self._doubts: dict[int, _Doubt] = {}

    def see(self, packet: "Packet[Any]") -> None:
        """Take in a packet with the times that it has in the file."""
        if packet.stream.index == self._stream.index and packet.size > 0:
            self._packets += 1
        self._settle(packet)
        if packet.dts is not None:
            end_s = (packet.dts + (packet.duration or 0)) * packet.time_base
            if packet.is_corrupt:
                self._doubts[packet.stream.index] = _Doubt(end_s)
            elif packet.stream.index in self._doubts:
                self._doubts[packet.stream.index].end_s = end_s
            shown_s = end_s if packet.pts is None else (packet.pts + (packet.duration or 0)) * packet.time_base
            self._ends_s = max(self._ends_s, end_s, shown_s)
        elif packet.is_corrupt:
            self.count_damage()

    def count_damage(self) -> None:
        """Count something that could not be read or decoded."""
        self._damaged += 1

    @property
    def announced(self) -> int | None:
        """How many frames the file announces and shows, without empty chunks and what an edit list leaves out.

        None where it does not say. An index may grow while it is read, so ask after the last packet.
        """
        if self._has_index:
            return sum(entry.size > 0 and not entry.is_discard for entry in self._stream.index_entries)
        if self._is_avi and not _is_cut_riff(self._path):
            return None
        return self._stream.frames or None

    def lack(self, frames: int) -> str | None:
        """After the last packet, say how many of the frames were read; None when nothing was missing."""
        self._damaged += len(self._doubts)
        self._doubts.clear()
        announced = self.announced
        of = f" of {announced}" if announced is not None and announced > frames else ""
        return f"{frames}{of} frames" if self._damaged or self._ends_early() else None

    @property
    def _has_index(self) -> bool:
        """Whether the demuxer lists every packet that it is going to give."""
        return "mov" in self._container.format.name.split(",") and len(self._stream.index_entries) > 0

    @property
    def _is_avi(self) -> bool:
        return self._container.format.name == "avi"

    def _settle(self, packet: "Packet[Any]") -> None:
        """Forgive a packet that was called damaged where recordings were joined and nothing of them is missing.

        A demuxer only sees that the numbers of its pieces do not go on, be it a loss or where another recording begins:
        at a time that is nowhere near, or at once with a key frame.
        """
        doubt = self._doubts.get(packet.stream.index)
        if doubt is None or packet.dts is None:
            return
        gap_s = packet.dts * packet.time_base - doubt.end_s
        is_gap = (packet.duration or 0) * packet.time_base / 2 < gap_s < _ELSEWHERE_S
        is_elsewhere = not -_BACK_S <= gap_s < _ELSEWHERE_S
        doubt.packets_left -= 1
        doubt.has_begun = doubt.has_begun or packet.is_keyframe
        if is_gap or is_elsewhere or not doubt.packets_left:
            del self._doubts[packet.stream.index]
            self._damaged += is_gap or not (is_elsewhere or doubt.has_begun)

    def _ends_early(self) -> bool:
        if self._is_avi:
            return _is_cut_riff(self._path)
        if self._has_index:
            return self._packets < sum(entry.size > 0 for entry in self._stream.index_entries)
        if self._stream.frames:
            return self._packets < self._stream.frames
        return self._missing_s() > max(_ENDS_EARLY_S, (self._container.duration or 0) / av.time_base * _ENDS_EARLY)

    def _missing_s(self) -> float:
        """Say how much of the announced time was not there."""
        container = self._container
        if is_joinable(container) or not container.duration:
            return 0.0  # what it is said to last was guessed from the times of its packets
        return ((container.start_time or 0) + container.duration) / av.time_base - float(self._ends_s)


def _is_cut_riff(path: Path) -> bool:
    """Whether the last of a file's RIFF chunks is not there to its end (an AVI of more than 1 GB has several).

    A recording that was never finished says 0.
    """
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            kind, length = struct.unpack("<4sI", file.read(8))
            if kind != b"RIFF":
                return False
            if length == 0:
                return True
            at += 8 + length + length % 2
    return at > size + 1
