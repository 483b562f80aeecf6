"""The number of a frame, drawn into its picture."""

from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.remote.sent_picture import stamped, strip_rows, unstamped
from mien_models.types import as_u8


@given(number=st.integers(0, 2**32 - 1), width=st.sampled_from([64, 66, 160, 322, 640]))
def test_a_picture_gives_back_its_number_and_itself(number: int, width: int) -> None:
    picture = np.random.default_rng(number).integers(0, 256, (48, width, 3), np.uint8)
    found = unstamped(stamped(picture, number))
    assert found is not None
    assert found[1] == number
    assert np.array_equal(found[0], picture)


@pytest.mark.parametrize("width", [160, 320, 640])
def test_a_number_comes_through_the_roughest_video(width: int) -> None:
    """At a bit rate at which the picture itself is a mess of blocks."""
    noise = np.random.default_rng(1)
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, 90 + strip_rows(width), "yuv420p"
    encoder.bit_rate = 40_000
    encoder.time_base = Fraction(1, 30)
    encoder.options = {"tune": "zerolatency"}
    decoder = av.CodecContext.create("h264", "r")
    numbers = [int(number) for number in noise.integers(0, 2**32, 12)]
    read: list[int | None] = []
    for at, number in enumerate(numbers):
        picture = stamped(noise.integers(0, 256, (90, width, 3), np.uint8), number)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = at
        for packet in cast("list[Any]", encoder.encode(frame)):
            for one in decoder.decode(packet):
                found = unstamped(as_u8(one.to_ndarray(format="bgr24")))
                read.append(None if found is None else found[1])
    assert read == numbers[: len(read)]
    assert len(read) > 8


@given(st.integers(0, 2**32 - 1), st.integers(0, 47))
def test_one_wrong_square_proves_nothing(number: int, square: int) -> None:
    picture = stamped(np.zeros((16, 64, 3), np.uint8), number)
    row, column = divmod(square, 8)
    place = np.s_[16 + row * 8 : 24 + row * 8, column * 8 : column * 8 + 8]
    picture[place] = 255 - picture[place]
    found = unstamped(picture)
    assert found is None or found[1] != number


@pytest.mark.parametrize("shape", [(100, 320, 3), (1, 64, 3), (100, 10, 3)])
def test_a_picture_without_a_strip_has_no_number(shape: tuple[int, int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    assert unstamped(noise) is None
