"""What FFmpeg decodes, as upright 8-bit pictures with the right colours."""

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import cv2
import numpy as np
from av import CodecContext, VideoFrame
from av.frame import Frame
from av.packet import Packet
from av.sidedata.sidedata import Type
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.media.pictures.read import MAX_PIXELS
from mien.media.video.side_data import side_data_of
from mien_models.types import BgrU8

_Pixels = TypeVar("_Pixels", bound=NDArray[Any])
_NEARLY_DEG: Final = 1.0
"""FFmpeg takes what is this near a right angle for one, and so do we."""
_TURNS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_UNSPECIFIED: Final = 2  # AVCOL_SPC_UNSPECIFIED of FFmpeg's pixfmt.h, which PyAV's enumeration leaves out
_RGB: Final = 0  # AVCOL_SPC_RGB: nothing to convert
_HD_LINES: Final = 576
"""Above it an unmarked picture is taken for BT.709, up to it for BT.601: the rule of video players (mpv, VLC)."""
_EXACT: Final = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_WITH_ALPHA: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these know no transparency, which lies beside the picture (WebM's `alpha_mode`)."""


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


def decoder_of(stream: VideoStream) -> Callable[["Packet[Any]"], Sequence[Frame]]:
    """Give what decodes the packets of a stream, transparency included; a picture of more than `MAX_PIXELS` is damage.

    A few bytes of a header can announce 268 million pixels, which take gigabytes and minutes each.
    """
    bound = {"max_pixels": str(MAX_PIXELS)}
    name = _WITH_ALPHA.get(stream.codec_context.name)
    tags = {key.lower(): text for key, text in stream.metadata.items()}
    if name is None or tags.get("alpha_mode") != "1":
        stream.codec_context.options = {**stream.codec_context.options, **bound}
        return lambda packet: packet.decode()
    context = CodecContext.create(name, "r")
    assert isinstance(context, VideoCodecContext)  # noqa: S101 - both make pictures
    context.options = bound
    return lambda packet: context.decode(packet if packet.size else None)


def upright_bgr(frame: VideoFrame, orientation: Orientation | None = None, *, is_exact: bool = False) -> BgrU8:
    """Convert a decoded frame of any pixel format to (height, width, 3) BGR, full range, laid upright.

    More than 8 bits are rounded, transparency is dropped, matrix and range are those that the frame carries.
    The array is the caller's own.

    Args:
        frame: what a decoder gave.
        orientation: how it lies, as `Orientations` knows; None where the frame itself says it.
        is_exact: right to the level; without it FFmpeg's fast way may be two levels too dark.
    """
    orientation = orientation or orientation_of(frame)
    return orientation.turned(np.asarray(_converted(frame, "bgr24", is_exact=is_exact), np.uint8))


def stored_samples(frame: VideoFrame, *, is_deep: bool) -> NDArray[np.uint8 | np.uint16]:
    """Give (height, width, 3) BGR, or 4 with alpha where the format knows it, full range, as it lies in the file.

    Args:
        frame: what a decoder gave.
        is_deep: 16 bits instead of 8.
    """
    has_alpha = has_transparency(frame)
    if not is_deep:
        return _converted(frame, "bgra" if has_alpha else "bgr24", is_exact=True)
    # In planes, because FFmpeg's way to packed 16 bits is wrong where chroma is interpolated.
    rgb = _converted(frame, "gbrap16le" if has_alpha else "gbrp16le", is_exact=True)
    return rgb[..., (2, 1, 0, 3)[: rgb.shape[2]]]


def _converted(frame: VideoFrame, form: str, *, is_exact: bool) -> NDArray[np.uint8 | np.uint16]:
    shown = frame.reformat(
        format=form,
        src_colorspace=matrix_of(frame),
        src_color_range=range_of(frame),
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT if is_exact else None,
    )
    return cast("NDArray[np.uint8 | np.uint16]", shown.to_ndarray())


def has_transparency(frame: VideoFrame) -> bool:
    """Whether a frame's pixel format knows transparency; a palette may hold some."""
    return frame.format.has_palette or any(component.is_alpha for component in frame.format.components)


def matrix_of(frame: VideoFrame) -> int | None:
    """Give the YUV matrix of a frame as FFmpeg numbers it, guessed by its size where it says none; None for RGB."""
    if frame.colorspace == _RGB or frame.format.is_rgb:
        return None
    if frame.colorspace == _UNSPECIFIED:
        return Colorspace.ITU709 if frame.height > _HD_LINES else Colorspace.ITU601
    return frame.colorspace


def range_of(frame: VideoFrame) -> int:
    """Give the range of a frame's values as FFmpeg numbers it, guessed by its format where it says none."""
    if frame.color_range != ColorRange.UNSPECIFIED:
        return frame.color_range
    is_full = frame.format.is_rgb or frame.format.name.startswith(("yuvj", "gray"))
    return ColorRange.JPEG if is_full else ColorRange.MPEG
