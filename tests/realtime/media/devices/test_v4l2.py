"""What the kernel is asked: the numbers and layouts of <linux/videodev2.h>."""

import pytest

from mien.media.devices import v4l2


def test_requests_have_the_numbers_that_the_kernel_knows() -> None:
    layouts = {0: v4l2.QUERYCAP, 2: v4l2.FMTDESC, 74: v4l2.FRMSIZE, 75: v4l2.FRMIVAL}
    directions = {0: 2, 2: 3, 74: 3, 75: 3}
    numbers = {number: v4l2.request_number(directions[number], number, layouts[number].size) for number in layouts}
    assert numbers == {0: 0x80685600, 2: 0xC0405602, 74: 0xC02C564A, 75: 0xC034564B}


@pytest.mark.parametrize("path", ["/dev/null", "/dev/no-such-device"])
def test_what_is_no_video_device_is_an_os_error(path: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        v4l2.report(path)
