"""The 48 bits that a mark says, and the code that makes 144 of them, so that a third may be lost."""

from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

VERSION: Final = 1
BITS: Final = 48
RATE: Final = 3
CODED_BITS: Final = BITS * RATE
_GENERATORS: Final = (0o133, 0o171, 0o165)
"""3GPP TS 36.212, 5.1.3.1: the tail-biting convolutional code of constraint length 7."""
_MEMORY: Final = 6
_STATES: Final = 1 << _MEMORY
_TURNS: Final = 3
"""A tail-biting code has no end; after so many rounds the path no longer depends on where the decoder began."""

Bits = NDArray[np.uint8]


class Flags(IntFlag):
    """What else a mark says."""

    SWAPPED = 8
    """A face in this picture was replaced."""
    LABELLED = 4
    """The visible label is part of every picture of the session."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What a mark says: version 4 bits, flags 4, session 24, then CRC-16 of these four bytes."""

    session: int
    """A random number, 0..2^24-1, that is made anew for every run and says nothing of a person or a computer."""
    flags: int = 0
    version: int = VERSION

    @property
    def session_id(self) -> str:
        """The session as people and logs write it: six hexadecimal digits."""
        return f"{self.session:06x}"

    def bits(self) -> Bits:
        """Give the 48 bits, the highest first."""
        head = (self.version << 28 | self.flags << 24 | self.session).to_bytes(4, "big")
        return np.unpackbits(np.frombuffer(head + crc16(head).to_bytes(2, "big"), np.uint8))

    @classmethod
    def from_bits(cls, bits: Bits) -> Self | None:
        """Read 48 bits; None when the CRC does not agree."""
        raw = np.packbits(bits).tobytes()
        if crc16(raw[:4]) != int.from_bytes(raw[4:], "big"):
            return None
        head = int.from_bytes(raw[:4], "big")
        return cls(session=head & 0xFFFFFF, flags=head >> 24 & 15, version=head >> 28)


def crc16(data: bytes) -> int:
    """Compute CRC-16/CCITT-FALSE: polynomial 0x1021, begun with 0xFFFF, nothing reflected."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def encode(bits: Bits) -> Bits:
    """Give three coded bits for each bit, (144,), those of one bit side by side."""
    coded = np.empty((len(bits), RATE), np.uint8)
    for place in range(len(bits)):
        # The newest bit is the highest of the register's seven; before the first come the last six.
        register = sum(int(bits[place - back]) << (_MEMORY - back) for back in range(_MEMORY + 1))
        coded[place] = [(register & generator).bit_count() & 1 for generator in _GENERATORS]
    return coded.ravel()


@dataclass(frozen=True, slots=True, eq=False)
class _Trellis:
    """For each state and each of its two predecessors: where it comes from, and which coded signs that sends."""

    before: NDArray[np.intp]
    """(64, 2)"""
    signs: NDArray[np.float32]
    """(64, 2, 3)"""


@cache
def _trellis() -> _Trellis:
    before = np.empty((_STATES, 2), np.intp)
    signs = np.empty((_STATES, 2, RATE), np.float32)
    for state in range(_STATES):
        for lost in (0, 1):
            # A state holds the newest six bits, the newest highest; the one that falls out is lost.
            register = state << 1 | lost
            before[state, lost] = register & (_STATES - 1)
            signs[state, lost] = [1.0 if (register & taps).bit_count() & 1 else -1.0 for taps in _GENERATORS]
    return _Trellis(before, signs)


def decode(soft: NDArray[np.float32]) -> Bits:
    """Find the bits whose code agrees best with 144 soft values, positive where a coded bit is 1 (Viterbi)."""
    trellis = _trellis()
    steps = np.tile(soft.reshape(BITS, RATE), (_TURNS, 1))
    metric = np.zeros(_STATES, np.float32)
    chosen = np.empty((len(steps), _STATES), np.intp)
    everywhere = np.arange(_STATES)
    for place, values in enumerate(steps):
        ways = metric[trellis.before] + trellis.signs @ values
        chosen[place] = ways.argmax(axis=1)
        metric = ways[everywhere, chosen[place]]
    state = int(metric.argmax())
    bits = np.empty(len(steps), np.uint8)
    for place in range(len(steps) - 1, -1, -1):
        bits[place] = state >> (_MEMORY - 1)
        state = int(trellis.before[state, chosen[place, state]])
    middle = (_TURNS // 2) * BITS
    return bits[middle : middle + BITS]
