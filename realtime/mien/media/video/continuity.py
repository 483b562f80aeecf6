"""Time that goes on: files whose clock jumps, because recordings were joined, restarted or interrupted."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, TypeAlias

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

AnyPacket: TypeAlias = "Packet[Any]"

_TS_DISCONT: Final = 0x0200  # AVFMT_TS_DISCONT of FFmpeg's avformat.h
_AHEAD_S: Final = (Fraction(10), Fraction(3600))
"""A step ahead of more than this is a jump: in containers made to be joined (MPEG-TS and its kind; ffmpeg takes
the same figure), and in others, in which a picture may well be shown for minutes."""
_BACK_S: Final = (Fraction(1, 10), Fraction(1, 2))
"""A step back of more than this is a jump, in the same two kinds; up to it, packets lie a little out of order."""
_REORDERED_S: Final = Fraction(1)
"""Pictures are shown earlier than one that is decoded before them by less than this."""
_MOST_GATHERED: Final = 17
"""H.264 and H.265 keep sixteen pictures at most for later ones."""
_LATE_S: Final = Fraction(5)
"""Pictures jump within this time of their sound, or the sound jumped alone."""
_SOUND_CUT_S: Final = Fraction(1, 2)
"""Sound that lasts longer than its pictures is cut by this much at most where the next recording begins."""
_DENSE: Final = frozenset({"audio", "video"})
"""Streams whose packets follow each other; subtitles come when something is said."""


@dataclass(slots=True, eq=False)
class _Clock:
    """One stretch of the file in which time runs on."""

    number: int
    first_s: Fraction
    """When the earliest picture of it is shown, in the file's time."""
    last_s: Fraction
    """When the latest one is."""
    offset_s: Fraction = Fraction(0)
    """What is added to the file's time."""

    def fits(self, at_s: Fraction) -> bool:
        """Tell whether a packet of this time can belong to this stretch."""
        return self.first_s - _AHEAD_S[0] <= at_s <= self.last_s + _AHEAD_S[0]


@dataclass(slots=True, eq=False)
class _Track:
    """How far one stream has come."""

    clock: _Clock
    is_dense: bool
    at_s: Fraction | None = None
    """The last packet's time in the file."""
    end_s: Fraction = Fraction(0)
    """When what was let through ends, in the time that goes on."""
    has_jumped: bool = False
    """Whether it has just come to another clock: what overlaps with the end under the old one is dropped."""
    held: list[AnyPacket] = field(default_factory=list)  # pyright: ignore[reportUnknownVariableType]
    """After a jump: packets that wait until it is known where the pictures go on."""
    held_since_s: Fraction = Fraction(0)


class Continuity:
    """Shifts the packets of a file so that its time goes on where it jumps; keeps how far each stream has come.

    The pictures say where: the first one after a jump follows one frame after the last one before it. Sound and
    subtitles are shifted by as much, so that they stay in step, and sound that would overlap is dropped.
    """

    def __init__(self, container: InputContainer, pictures: VideoStream) -> None:
        """Take a file and the stream whose time is followed; a packet's times are changed in place."""
        kind = 0 if is_joinable(container) else 1
        self._ahead_s, self._back_s = _AHEAD_S[kind], _BACK_S[kind]
        self._pictures = pictures.index
        self._frame_s = 1 / (pictures.guessed_rate or pictures.average_rate or Fraction(25))
        self._clocks: list[_Clock] = []
        self._tracks: dict[int, _Track] = {}

    @property
    def jumps(self) -> int:
        """How often the time of the pictures has jumped."""
        return max(0, len(self._clocks) - 1)

    def __call__(self, packet: AnyPacket) -> list[AnyPacket]:
        """Take the next packet; give those that are ready, in the order of each stream: this one, none, or several."""
        at_s = _seconds(packet, packet.dts)
        shown_s = at_s if packet.pts is None else _seconds(packet, packet.pts)
        if shown_s is None:  # the end of a stream, or a file without times
            return [*self._released(packet.stream.index), packet]
        if not self._clocks:
            self._clocks.append(_Clock(0, shown_s, shown_s))
        is_dense = packet.stream.type in _DENSE
        track = self._tracks.setdefault(packet.stream.index, _Track(self._clocks[-1], is_dense))
        if packet.stream.index == self._pictures:
            return self._picture(track, packet, at_s, shown_s)
        if is_dense:
            return self._other(track, packet, shown_s)
        track.clock = next((clock for clock in reversed(self._clocks) if clock.fits(shown_s)), self._clocks[-1])
        return self._let_through(track, packet)

    def _picture(self, track: _Track, packet: AnyPacket, at_s: Fraction | None, shown_s: Fraction) -> list[AnyPacket]:
        clock = track.clock
        if at_s is None or track.at_s is None:
            is_back = shown_s < clock.last_s - _REORDERED_S
        else:
            is_back = at_s < track.at_s - self._back_s
        if is_back or self._is_ahead(track, shown_s):
            before = self._clocks[clock.number - 1] if clock.number and track.held else None
            if before is not None and abs(shown_s - before.last_s) < _REORDERED_S:
                return self._let_through(track, packet, before)
            settled = self._settled(track)
            track.clock = _Clock(len(self._clocks), shown_s, shown_s)
            self._clocks.append(track.clock)
            track.held, track.at_s = [packet], at_s
            return settled + self._settled_if_known(track, at_s)
        clock.first_s, clock.last_s = min(clock.first_s, shown_s), max(clock.last_s, shown_s)
        track.at_s = track.at_s if at_s is None else at_s
        if track.held:
            track.held.append(packet)
            return self._settled_if_known(track, at_s)
        late = [other for other in self._tracks.values() if other.held and clock.last_s - other.held_since_s > _LATE_S]
        return [*self._let_through(track, packet), *(done for other in late for done in self._gone_alone(other))]

    def _is_ahead(self, track: _Track, at_s: Fraction) -> bool:
        together = [other.at_s for other in self._tracks.values() if other.clock is track.clock and other.is_dense]
        if track.is_dense and track.at_s is not None:
            together.append(track.clock.last_s)
        furthest_s = max((other_s for other_s in together if other_s is not None), default=at_s)
        return at_s > furthest_s + self._ahead_s

    def _settled_if_known(self, track: _Track, at_s: Fraction | None) -> list[AnyPacket]:
        """After a jump, wait for the picture that is shown first: none comes that is shown before it is decoded."""
        is_known = at_s is not None and at_s >= track.clock.first_s
        return self._settled(track) if is_known or len(track.held) >= _MOST_GATHERED else []

    def _settled(self, track: _Track) -> list[AnyPacket]:
        """Let the pictures go on one frame after the last one, or later where the sound lasts much longer."""
        if not track.held:
            return []
        sound_s = max(other.end_s for other in self._tracks.values() if other.is_dense) - _SOUND_CUT_S
        track.clock.offset_s = max(track.end_s, sound_s) - track.clock.first_s
        held, track.held = track.held, []
        ready = [done for packet in held for done in self._let_through(track, packet)]
        for other in self._tracks.values():
            if other is not track and other.held:
                waiting, other.held = other.held, []
                ready += [done for packet in waiting for done in self._other(other, packet, _shown_s(packet))]
        return ready

    def _other(self, track: _Track, packet: AnyPacket, at_s: Fraction) -> list[AnyPacket]:
        """Take a packet of another stream; after a jump it waits until the pictures have jumped too."""
        is_back = track.at_s is not None and at_s < track.at_s - self._back_s
        if track.held or is_back or self._is_ahead(track, at_s):
            pictures = self._tracks.get(self._pictures)
            newer = self._clocks[track.clock.number + 1 :]
            found = next((clock for clock in newer if clock.fits(at_s)), None)
            if track.held or found is None or (pictures is not None and pictures.held and found is pictures.clock):
                track.held_since_s = track.held_since_s if track.held else self._clocks[-1].last_s
                track.held.append(packet)
                return []
            track.clock, track.has_jumped = found, True
        track.at_s = at_s
        return self._let_through(track, packet)

    def _released(self, index: int) -> list[AnyPacket]:
        """Give what still waits when a stream ends."""
        track = self._tracks.get(index)
        if track is None:
            return []
        return self._settled(track) if index == self._pictures else self._gone_alone(track)

    def _gone_alone(self, track: _Track) -> list[AnyPacket]:
        """Let what waited in vain go on where its own stream left off."""
        held, track.held = track.held, []
        if held:
            at_s, number = _shown_s(held[0]), self._clocks[-1].number
            track.clock = _Clock(number, at_s, at_s, track.end_s - at_s)
            track.at_s = _shown_s(held[-1])
        return [done for packet in held for done in self._let_through(track, packet)]

    def _let_through(self, track: _Track, packet: AnyPacket, clock: _Clock | None = None) -> list[AnyPacket]:
        offset_s, length_s = (clock or track.clock).offset_s, (packet.duration or 0) * packet.time_base
        start_s = _shown_s(packet) + offset_s
        if track.has_jumped and start_s < track.end_s - length_s / 2:
            return []
        track.has_jumped = False
        shift = round(offset_s / packet.time_base)
        if shift:
            packet.dts = None if packet.dts is None else packet.dts + shift
            packet.pts = None if packet.pts is None else packet.pts + shift
        if packet.stream.index == self._pictures:
            length_s = length_s or self._frame_s
        track.end_s = max(track.end_s, start_s + length_s)
        return [packet]


def is_joinable(container: InputContainer) -> bool:
    """Tell whether files of this kind may be laid one behind the other, so that their time need not go on."""
    return bool(container.format.flags & _TS_DISCONT)


def _seconds(packet: AnyPacket, ticks: int | None) -> Fraction | None:
    return None if ticks is None else ticks * packet.time_base


def _shown_s(packet: AnyPacket) -> Fraction:
    """Give the time of a packet that has one."""
    return (packet.dts or 0 if packet.pts is None else packet.pts) * packet.time_base
