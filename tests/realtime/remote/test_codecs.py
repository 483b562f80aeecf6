"""What comes over the line is put together again as soon as it can be."""

import itertools

from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from mien.remote.codecs import PromptJitterBuffer


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
    return [frame for packet in packets if (frame := buffer.add(packet)[1]) is not None]


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
    whole = _packets([*sizes, 1, 1, 1, 1, 1, 1], 65_530)
    first, rest = whole[0], whole[1:-6]
    shuffled = data.draw(st.permutations(rest))
    buffer = PromptJitterBuffer(capacity=512, is_video=True)
    frames = _given(buffer, [first, *shuffled, *whole[-6:]])
    stamps = [frame.timestamp for frame in frames]
    assert stamps == sorted(set(stamps))
    assert len(frames) >= len(sizes)


def test_a_picture_with_a_hole_waits_until_its_packet_is_sent_again() -> None:
    packets = _packets([3, 2], 10)
    buffer = PromptJitterBuffer(capacity=512, is_video=True)
    assert not _given(buffer, [packets[0], *packets[2:]])
    (frame,) = _given(buffer, [packets[1]])
    assert frame.data == bytes([0, 0, 0, 1, 0, 2])


def test_sound_is_left_to_aiortc() -> None:
    buffer = PromptJitterBuffer(capacity=16, prefetch=4)
    assert not _given(buffer, _packets([1, 1, 1, 1], 0))
