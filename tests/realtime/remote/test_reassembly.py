"""What comes over the line is put together again as soon as it can be, whatever was lost or overtaken."""

import itertools

from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from mien.remote.reassembly import Burst, PersistentNack, PromptJitterBuffer


def _packets(sizes: list[int], first: int) -> list[RtpPacket]:
    """Pictures of so many packets each, numbered on over the end of 16 bits."""
    numbers = itertools.count(first)
    found: list[RtpPacket] = []
    for picture, size in enumerate(sizes):
        for place in range(size):
            packet = RtpPacket(
                marker=int(place == size - 1), sequence_number=next(numbers) & 0xFFFF, timestamp=3000 * picture
            )
            packet._data = bytes([picture, place])  # type: ignore[attr-defined]
            found.append(packet)
    return found


def _given(buffer: PromptJitterBuffer, packets: list[RtpPacket]) -> list[JitterFrame]:
    found = [frame for packet in packets if (frame := buffer.add(packet)[1]) is not None]
    return [one for frame in found for one in (frame.each() if isinstance(frame, Burst) else [frame])]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 0xFFFF))
def test_each_picture_is_there_with_its_last_packet(sizes: list[int], first: int) -> None:
    buffer = PromptJitterBuffer(capacity=512, is_video=True)
    for packet in _packets(sizes, first):
        frame = buffer.add(packet)[1]
        assert (frame is not None) is bool(packet.marker)
        if frame is not None:
            assert frame.timestamp == packet.timestamp
            size = sizes[packet.timestamp // 3000]
            assert frame.data == b"".join(bytes([packet.timestamp // 3000, place]) for place in range(size))


@given(st.data(), st.lists(st.integers(2, 5), min_size=2, max_size=6))
def test_packets_that_overtook_others_wait_for_them(data: st.DataObject, sizes: list[int]) -> None:
    first, *rest = _packets(sizes, 65_530)
    buffer = PromptJitterBuffer(capacity=512, is_video=True)
    frames = _given(buffer, [first, *data.draw(st.permutations(rest))])
    assert [frame.timestamp for frame in frames] == [3000 * number for number in range(len(sizes))]


def test_what_waited_for_a_lost_packet_is_there_with_it() -> None:
    packets = _packets([1, 1, 1, 1], 0xFFFE)
    buffer = PromptJitterBuffer(capacity=512, is_video=True)
    assert len(_given(buffer, [packets[0], *packets[2:]])) == 1
    assert [frame.data[0] for frame in _given(buffer, [packets[1]])] == [1, 2, 3]


def test_a_packet_that_is_lost_again_is_asked_for_again() -> None:
    now_s = 10.0
    nack = PersistentNack(lambda: now_s)
    packets = _packets([1] * 8, 0)
    nack.add(packets[0])
    assert nack.add(packets[2])
    now_s += 0.02
    assert not nack.add(packets[3])
    now_s += 0.04
    assert nack.add(packets[4])
    now_s += 1
    assert not nack.add(packets[1])
    assert not nack.missing


def test_a_picture_with_a_hole_waits_until_its_packet_is_sent_again() -> None:
    packets = _packets([3, 2], 10)
    buffer = PromptJitterBuffer(capacity=512, is_video=True)
    assert not _given(buffer, [packets[0], *packets[2:]])
    frame, _ = _given(buffer, [packets[1]])
    assert frame.data == bytes([0, 0, 0, 1, 0, 2])


def test_sound_is_left_to_aiortc() -> None:
    buffer = PromptJitterBuffer(capacity=16, prefetch=4)
    assert not _given(buffer, _packets([1, 1, 1, 1], 0))
