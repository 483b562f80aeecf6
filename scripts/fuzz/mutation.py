"""Damages an input: bits, bytes, numbers, pieces; the same damage for the same random numbers."""

import random
import struct
from collections.abc import Callable, Sequence
from typing import Final

_EDGES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Numbers at which programs err."""

Damage = Callable[[bytearray, random.Random], None]


def mutated(content: bytes, chance: random.Random, tokens: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """Damage an input a few times.

    Args:
        content: a whole input.
        chance: decides.
        tokens: words of its format.
        others: whole inputs, pieces of which may be put in.
    """
    found = bytearray(content)
    for _ in range(1 << chance.randrange(5)):
        if not found:
            break
        kind = chance.randrange(len(_DAMAGES) + 2)
        if kind < len(_DAMAGES):
            _DAMAGES[kind](found, chance)
        elif kind == len(_DAMAGES) and tokens:
            at = chance.randrange(len(found))
            token = chance.choice(tokens)
            found[at : at + chance.choice((0, len(token)))] = token
        else:
            found[:] = _spliced(found, chance.choice(others), chance)
    return bytes(found)


def _flip_bit(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _set_byte(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] = chance.randrange(256)


def _set_number(content: bytearray, chance: random.Random) -> None:
    number = chance.choice(_EDGES)
    order, size = chance.choice("<>"), chance.choice("HI")
    packed = struct.pack(order + size, number & (0xFFFF if size == "H" else 0xFFFFFFFF))
    at = chance.randrange(len(content))
    content[at : at + len(packed)] = packed


def _remove(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content))
    del content[at : at + chance.randrange(1, 64)]


def _repeat(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content))
    content[at:at] = content[at : at + chance.randrange(1, 64)] * chance.choice((1, 1, 2, 8))


def _cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def _clear(content: bytearray, chance: random.Random) -> None:
    at, length = chance.randrange(len(content)), chance.randrange(1, 32)
    content[at : at + length] = bytes(len(content[at : at + length]))


_DAMAGES: Final[tuple[Damage, ...]] = (
    _flip_bit,
    _flip_bit,
    _set_byte,
    _set_byte,
    _set_number,
    _remove,
    _repeat,
    _cut,
    _clear,
)


def _spliced(content: bytearray, other: bytes, chance: random.Random) -> bytes:
    at, other_at = chance.randrange(len(content)), chance.randrange(len(other) + 1)
    return bytes(content[:at]) + other[other_at:]
