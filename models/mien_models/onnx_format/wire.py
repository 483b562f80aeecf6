"""The wire format of protocol buffers, as far as a reader of ONNX files needs it.

A message is a row of fields: a number that holds the field's number and kind, then a varint, 4 or 8 bytes, or a length
and so many bytes (protobuf.dev, 'Encoding'). Nothing is copied: what is read are views of the file.
"""

from collections.abc import Generator
from typing import Final, TypeAlias

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10
LARGEST_BYTES: Final = 2**31 - 1
"""No message is larger."""
Field: TypeAlias = "tuple[int, int | memoryview]"
"""A field's number, and its value or its bytes."""


def fields(content: memoryview) -> Generator[Field, None, None]:
    """Go through one message.

    Raises:
        ValueError, IndexError: it is damaged or cut off.
    """
    for number, value, _ in spans(content):
        yield number, value


def spans(content: memoryview) -> Generator[tuple[int, int | memoryview, memoryview], None, None]:
    """Go through one message; each field comes with the bytes that it takes, number and length included.

    Raises:
        ValueError, IndexError: it is damaged or cut off.
    """
    at, end = 0, len(content)
    while at < end:
        start = at
        key, at = varint(content, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = varint(content, at)
            yield key >> 3, value, content[start:at]
            continue
        if kind == _BYTES:
            size, at = varint(content, at)
        elif kind in {_EIGHT, _FOUR}:
            size = 8 if kind == _EIGHT else 4
        else:
            raise ValueError("unknown kind of field")
        if size > end - at:
            raise ValueError("cut off")
        at += size
        yield key >> 3, content[at - size : at], content[start:at]


def header(number: int, size_bytes: int) -> bytes:
    """Write what stands before the bytes of a field."""
    return _written(number << 3 | _BYTES) + _written(size_bytes)


def _written(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def varint(content: memoryview, at: int) -> tuple[int, int]:
    """Read a number of 7 bits in each byte; give it and where it ends.

    Raises:
        ValueError, IndexError: it is too long or cut off.
    """
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = content[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number too long")


def message(value: "int | memoryview") -> memoryview:
    """Take a field's value for a message inside this one.

    Raises:
        ValueError: it is a number.
    """
    if isinstance(value, int):
        raise ValueError("a number where a message was expected")  # noqa: TRY004 - damaged content, not a wrong call
    return value


def text_of(value: "int | memoryview") -> str:
    """Take a field's value for text.

    Raises:
        ValueError: it is a number or no UTF-8.
    """
    return bytes(message(value)).decode("utf-8")


def packed(content: memoryview, most: int) -> list[int]:
    """Read numbers that follow each other in one field, up to one more than `most` of them.

    Raises:
        ValueError, IndexError: one is too long or cut off.
    """
    numbers: list[int] = []
    at = 0
    while at < len(content) and len(numbers) <= most:
        number, at = varint(content, at)
        numbers.append(number)
    return numbers
