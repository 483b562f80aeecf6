"""What FFmpeg decodes, as upright 8-bit pictures with the right colours."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import numpy as np
from av import CodecContext, VideoFrame
from av.frame import Frame
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.media.pictures.read import MAX_PIXELS
from mien.media.video.orientation import Orientation, orientation_of
from mien_models.types import BgrU8

_UNSPECIFIED: Final = 2  # AVCOL_SPC_UNSPECIFIED of FFmpeg's pixfmt.h, which PyAV's enumeration leaves out
_RGB: Final = 0  # AVCOL_SPC_RGB: nothing to convert
_HD_LINES: Final = 576
"""Above it an unmarked picture is taken for BT.709, up to it for BT.601: the rule of video players (mpv, VLC)."""

_EXACT: Final = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_WITH_ALPHA: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these know no transparency, which lies beside the picture (WebM's `alpha_mode`)."""


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
