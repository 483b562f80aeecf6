"""What FFmpeg decodes, as upright 8-bit pictures with the right colours."""

from typing import Final

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from mien.media.video.orientation import orientation_of
from mien_models.types import BgrU8

_UNSPECIFIED: Final = 2  # AVCOL_SPC_UNSPECIFIED of FFmpeg's pixfmt.h, which PyAV's enumeration leaves out
_RGB: Final = 0  # AVCOL_SPC_RGB: nothing to convert
_HD_LINES: Final = 576
"""Above it an unmarked picture is taken for BT.709, up to it for BT.601: the rule of video players (mpv, VLC)."""

_EXACT: Final = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def upright_bgr(frame: VideoFrame, *, is_exact: bool = False) -> BgrU8:
    """Convert a decoded frame of any pixel format to (height, width, 3) BGR, full range, laid upright as its file says.

    More than 8 bits are rounded, transparency is dropped, matrix and range are those that the frame carries.
    The array is the caller's own.

    Args:
        frame: what a decoder gave.
        is_exact: right to the level; without it FFmpeg's fast way may be two levels too dark.
    """
    shown = frame.reformat(
        format="bgr24",
        src_colorspace=matrix_of(frame),
        src_color_range=range_of(frame),
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT if is_exact else None,
    )
    return orientation_of(frame).turned(np.asarray(shown.to_ndarray(), np.uint8))


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
