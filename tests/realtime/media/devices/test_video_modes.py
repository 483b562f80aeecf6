"""Which mode is asked of a camera."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.media.devices.modes import ModeWish, VideoMode, choose_mode


def mode(text: str) -> VideoMode:
    fourcc, size, fps = text.split()
    width, height = size.split("x")
    return VideoMode(fourcc, int(width), int(height), Fraction(fps))


USB2_WEBCAM = [
    mode(text)
    for text in (
        "YUYV 640x480 30",
        "YUYV 1280x720 10",
        "YUYV 1920x1080 5",
        "MJPG 640x480 30",
        "MJPG 1280x720 60",
        "MJPG 1280x720 30",
        "MJPG 1920x1080 30",
        "H264 1280x720 60",
    )
]


@pytest.mark.parametrize(
    ("modes", "wish", "expected"),
    [
        (USB2_WEBCAM, ModeWish(), "MJPG 1280x720 60"),
        (USB2_WEBCAM, ModeWish(fps=Fraction(30)), "MJPG 1280x720 30"),
        (USB2_WEBCAM, ModeWish(640, 480), "YUYV 640x480 30"),
        (USB2_WEBCAM, ModeWish(1920, 1080), "MJPG 1920x1080 30"),
        (USB2_WEBCAM, ModeWish(height=1080), "MJPG 1920x1080 30"),
        ([mode("YUYV 1280x720 30"), mode("MJPG 1280x720 30")], ModeWish(), "YUYV 1280x720 30"),
        ([mode("NV12 1280x720 60"), mode("MJPG 1280x720 60")], ModeWish(), "NV12 1280x720 60"),
        ([mode("YUYV 1280x720 10"), mode("YUYV 640x480 30")], ModeWish(), "YUYV 640x480 30"),
        ([mode("YUYV 1280x720 10"), mode("YUYV 640x480 30")], ModeWish(1280, 720), "YUYV 1280x720 10"),
        ([mode("MJPG 1280x720 240"), mode("MJPG 1280x720 30")], ModeWish(), "MJPG 1280x720 30"),
        ([mode("YUYV 1920x1080 60")], ModeWish(), "YUYV 1920x1080 60"),
    ],
)
def test_the_mode_is_fluent_then_near_in_size_then_fast_then_cheap(
    modes: list[VideoMode], wish: ModeWish, expected: str
) -> None:
    assert choose_mode(modes, wish) == mode(expected)


def test_a_format_that_cannot_be_shown_is_not_asked_for() -> None:
    assert choose_mode([mode("H264 1280x720 30")], ModeWish()) is None


MODES = st.builds(
    VideoMode,
    st.sampled_from(["MJPG", "YUYV", "NV12", "H264"]),
    st.integers(16, 8000),
    st.integers(16, 8000),
    st.one_of(st.none(), st.fractions(1, 240)),
)


@given(st.lists(MODES, min_size=1, max_size=12))
def test_a_size_that_is_wished_for_and_offered_is_given(modes: list[VideoMode]) -> None:
    wished = modes[0]
    chosen = choose_mode(modes, ModeWish(wished.width, wished.height))
    if wished.fourcc != "H264":
        assert chosen is not None
        assert (chosen.width, chosen.height) == (wished.width, wished.height)
