"""Pictures put together from packets: as soon as the last one is there, and without a queue behind one that was lost.

aiortc waits for the first packet of the next picture, gives one picture for each packet that comes, and asks for a lost
packet once. On a line that loses one packet in a hundred the pictures that waited for it then stay late for good, and a
packet that is lost on its second way, too, holds everything up until another is lost.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcrtpreceiver import NackGenerator
from aiortc.rtp import RtpPacket
from av.frame import Frame

_ASK_AGAIN_S: Final = 0.05
"""Lost packets are asked for as often as this; on a longer way some come twice, which costs less than waiting."""


class Burst(JitterFrame):
    """Pictures that became whole at the same moment, oldest first; for aiortc it is the first of them."""

    def __init__(self, frames: list[JitterFrame]) -> None:
        """Take at least one."""
        super().__init__(frames[0].data, frames[0].timestamp)
        self._rest = [(one.data, one.timestamp - frames[0].timestamp) for one in frames[1:]]

    def each(self) -> Iterator[JitterFrame]:
        """Give one after the other, with the first one's time, whatever it is by now, and what the others are later."""
        yield JitterFrame(self.data, self.timestamp)
        for data, later in self._rest:
            yield JitterFrame(data, self.timestamp + (later & 0xFFFFFFFF))


class PromptJitterBuffer(JitterBuffer):
    """Gives all pictures that are whole; the last packet of one says that it is the last (RFC 6184, 5.1)."""

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        whole: list[JitterFrame] = []
        while self._is_video and (frame := self._whole()) is not None:
            whole.append(frame)
        return Burst(whole) if whole else super()._remove_frame(sequence_number)

    def _whole(self) -> JitterFrame | None:
        packets: list[RtpPacket] = []
        for count in range(self.capacity):
            packet = self._packets[((self._origin or 0) + count) % self.capacity]
            if packet is None or (packets and packet.timestamp != packets[0].timestamp):
                return None
            packets.append(packet)
            if packet.marker:
                self.remove(len(packets))
                return JitterFrame(b"".join(_payload(one) for one in packets), packet.timestamp)
        return None


def _payload(packet: RtpPacket) -> bytes:
    return bytes(packet._data)  # type: ignore[attr-defined]  # noqa: SLF001 - aiortc lays it there, what it is of the codec


class PersistentNack(NackGenerator):
    """Asks for lost packets again until they come. Has state: when it asked last."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock_s, self._asked_s = clock_s, 0.0

    def add(self, packet: RtpPacket) -> bool:
        """Learn of a packet; tell whether those that are missing are to be asked for."""
        is_new, now_s = super().add(packet), self._clock_s()
        if is_new or (self.missing and now_s - self._asked_s >= _ASK_AGAIN_S):
            self._asked_s = now_s
            return True
        return False


def decoded(decoder: Decoder, encoded: JitterFrame) -> list[Frame]:
    """Decode a picture, or all of a burst."""
    each = encoded.each() if isinstance(encoded, Burst) else [encoded]
    return [frame for one in each for frame in decoder.decode(one)]
