"""How a decoded picture is to be mirrored and turned before it is shown: a video's display matrix."""

import math
import struct
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from av import VideoFrame
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from mien.media.video.side_data import side_data_of

_Pixels = TypeVar("_Pixels", bound=NDArray[Any])
_NEARLY_DEG: Final = 1.0
"""FFmpeg takes what is this near a right angle for one, and so do we."""
_TURNS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class Orientation:
    """First the picture is mirrored top to bottom, where it is, then it is turned."""

    is_mirrored: bool = False
    clockwise_deg: float = 0.0
    """0 <= angle < 360; 0, 90, 180 and 270 are exact and lose nothing."""

    @property
    def is_upright(self) -> bool:
        """Whether the picture is shown as it is stored."""
        return not self.is_mirrored and self.clockwise_deg == 0

    @property
    def is_sideways(self) -> bool:
        """Whether width and height change places."""
        return self.clockwise_deg in (90, 270)

    @property
    def loses_corners(self) -> bool:
        """Whether it is turned by an odd angle: the size stays, so corners are cut off and others stay black."""
        return self.clockwise_deg % 90 != 0

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """Give the width and height that a stored picture of this width and height is shown with."""
        return (height, width) if self.is_sideways else (width, height)

    def turned(self, stored: _Pixels) -> _Pixels:
        """Give the picture as it is shown; the same array where it is upright. Any depth, one to four channels."""
        image: NDArray[Any] = cv2.flip(stored, 0) if self.is_mirrored else stored
        if self.loses_corners:
            height, width = image.shape[:2]
            centre = (width - 1) / 2, (height - 1) / 2
            # OpenCV turns counterclockwise.
            onto = cv2.getRotationMatrix2D(centre, -self.clockwise_deg, 1.0)
            image = cv2.warpAffine(image, onto, (width, height), flags=cv2.INTER_LINEAR)
        elif self.clockwise_deg:
            image = cv2.rotate(image, _TURNS[round(self.clockwise_deg)])
        return np.asarray(image).reshape(*image.shape[:2], *stored.shape[2:])  # type: ignore[return-value]


class Orientations:
    """The orientation of each picture of one video. Has state: the last one that a picture had.

    A container's matrix comes with every picture. H.264 and HEVC say it in a message of their own, with the first
    picture that it is about, and it holds on (ISO/IEC 14496-10, D.2.26).
    """

    def __init__(self) -> None:
        self._last = Orientation()

    def of(self, frame: VideoFrame) -> Orientation:
        """Give the orientation of the next frame, in the order they are shown."""
        self._last = _own_orientation(frame) or self._last
        return self._last


def orientation_of(frame: VideoFrame) -> Orientation:
    """Give what a frame's own display matrix says; upright where it has none."""
    return _own_orientation(frame) or Orientation()


def _own_orientation(frame: VideoFrame) -> Orientation | None:
    """Read the frame's display matrix (ISO/IEC 14496-12, `tkhd`); upright where it makes no sense, None without one.

    The matrix takes a stored (column, row) to where it is shown: x = a*column + c*row, y = b*column + d*row. A negative
    determinant mirrors. Scale and shift say nothing about a single picture and are left out, as in FFmpeg.
    """
    matrix = side_data_of(frame, Type.DISPLAYMATRIX)
    if matrix is None or len(matrix) < 36:
        return None
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    if a == b == 0:
        return Orientation()
    angle_deg = math.degrees(math.atan2(b, a)) % 360
    nearest_deg = round(angle_deg / 90) * 90
    if abs(angle_deg - nearest_deg) < _NEARLY_DEG:
        angle_deg = nearest_deg % 360
    return Orientation(is_mirrored=a * d < b * c, clockwise_deg=angle_deg)
