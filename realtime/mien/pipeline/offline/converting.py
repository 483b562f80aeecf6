"""Brings each frame, with what was swapped in it, into the form that the encoder takes: no bit is lost without need."""

from typing import Any, Final

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation
from numpy.typing import NDArray

from mien.media.pictures.picture import BACKGROUND, Picture, Samples
from mien.media.video.side_data import side_data_of
from mien.media.video.upright import Orientation, Orientations, has_transparency, matrix_of, range_of, stored_samples
from mien.pipeline.frame import Frame

_EXACT: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
"""Without it every colour comes out a level too dark, and a swapped frame differs from its neighbours."""
_WRITTEN_BY_ENCODERS: Final = (Type.A53_CC, Type.STEREO3D)
"""Captions and which eye a picture is for: encoders write them, if the frame still has them."""


_FORMS: Final = {
    (1, 3): ("bgr24", [0, 1, 2]),
    (1, 4): ("bgra", [0, 1, 2, 3]),
    (2, 3): ("gbrp16le", [2, 1, 0]),
    (2, 4): ("gbrap16le", [2, 1, 0, 3]),
}
"""By bytes and channels: FFmpeg's format, and the order in which PyAV takes blue, green, red and alpha for it."""
_DRAWN: Final = 16
"""Levels by which a pixel differs where something was drawn on it; the invisible mark is far below."""
_LETTER: Final = np.ones((7, 7), np.uint8)


class Converter:
    """Knows what the encoder takes. Has state: how the pictures lie."""

    def __init__(self, first: av.VideoFrame, pixel_format: str, *, keeps_alpha: bool) -> None:
        """Fit the frames to the first.

        Args:
            first: its size and colours are those of the output.
            pixel_format: what the encoder takes.
            keeps_alpha: whether `pixel_format` has transparency and it is to be kept; else it is laid over white.
        """
        self._size = first.width, first.height
        self._orientations = Orientations()
        self._format = pixel_format
        self._keeps_alpha = keeps_alpha
        self._is_deep = keeps_alpha or bits_of(first) > 8
        self.matrix, self.range = colours_of(first)
        """Of the output, as FFmpeg numbers them."""

    def converted(self, decoded: av.VideoFrame, frame: Frame) -> av.VideoFrame:
        """Give the frame for the encoder: as it was decoded where nothing was done to it."""
        orientation = self._orientations.of(decoded)
        if (decoded.width, decoded.height) != self._size:  # it was fitted
            return self._encodable(_drawn(decoded, frame.outgoing.image_bgr))
        is_flat = self._keeps_alpha or not has_transparency(decoded)
        if frame.composed is None and is_flat and orientation.is_upright:
            return self._as_decoded(decoded)
        if self._is_deep or has_transparency(decoded):
            return self._encodable(_drawn(decoded, self._carried_over(decoded, frame, orientation)))
        return self._encodable(_drawn(decoded, frame.outgoing.image_bgr))

    def _as_decoded(self, frame: av.VideoFrame) -> av.VideoFrame:
        matrix, colour_range = colours_of(frame)
        is_rgb = frame.format.is_rgb
        return frame.reformat(
            format=self._format,
            src_colorspace=self.matrix if is_rgb else matrix,
            dst_colorspace=self.matrix,
            src_color_range=ColorRange.JPEG if is_rgb else colour_range,
            dst_color_range=self.range,
        )

    def _carried_over(self, decoded: av.VideoFrame, frame: Frame, orientation: Orientation) -> Samples:
        """Add what was done in 8 bits, and without transparency, to the samples as they were decoded."""
        samples: Samples = orientation.turned(stored_samples(decoded, is_deep=self._is_deep))
        composed = frame.outgoing.image_bgr
        colours = Picture(frame.image, samples[..., :3]).changed_to(composed).samples
        if samples.shape[2] == 3:
            return colours
        seen = np.dstack([colours, opened_for_marks(samples[..., 3], frame)])
        return seen if self._keeps_alpha else over_white(seen)

    def _encodable(self, shown: av.VideoFrame) -> av.VideoFrame:
        return shown.reformat(
            format=self._format,
            dst_colorspace=self.matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=self.range,
            interpolation=_EXACT,
        )


def bits_of(frame: av.VideoFrame) -> int:
    """Give the bits of a frame's deepest component."""
    return max((component.bits for component in frame.format.components), default=8)


def colours_of(frame: av.VideoFrame) -> tuple[int, int]:
    """Give matrix and range of the YUV to write: the frame's own; for RGB those that players expect."""
    matrix = matrix_of(frame)
    if frame.format.is_rgb or matrix is None:
        return (1 if frame.height > 576 else 5), ColorRange.MPEG
    return matrix or 1, range_of(frame)


def _drawn(frame: av.VideoFrame, samples: Samples) -> av.VideoFrame:
    """Make a frame of BGR or BGRA that has what an encoder writes of the decoded one."""
    form, order = _FORMS[samples.dtype.itemsize, samples.shape[2]]
    pixels: NDArray[Any] = np.ascontiguousarray(samples[..., order])
    drawn = av.VideoFrame.from_ndarray(pixels, form)
    if all(side_data_of(frame, kind) is None for kind in _WRITTEN_BY_ENCODERS):
        return drawn
    # PyAV cannot attach side data, but a conversion hands it on: its pixels are written over.
    shown = frame.reformat(width=pixels.shape[1], height=pixels.shape[0], format=form)
    for target, source in zip(shown.planes, drawn.planes, strict=True):
        width = min(target.line_size, source.line_size)
        _rows(target)[:, :width] = _rows(source)[:, :width]
    return shown


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]


def opened_for_marks(alpha: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """Make a frame opaque where a label was put on it; (height, width) in any depth.

    Faces are looked for and swapped in the colours alone, seen or not, so that nobody's own face stays under the
    transparency. What was drawn outside of the new faces is a mark, which has to be seen.
    """
    if frame.composed is None:
        return alpha
    difference = cv2.absdiff(frame.outgoing.image_bgr, frame.image).max(axis=2)
    # Closed, because the edges of letters may have the colour of what is under them.
    drawn = cv2.morphologyEx((difference > _DRAWN).astype(np.uint8), cv2.MORPH_CLOSE, _LETTER)
    for face in frame.swapped:
        height, width = face.crop_bgr.shape[:2]
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float32)
        cv2.fillConvexPoly(drawn, np.rint(corners @ face.frame_from_crop.T).astype(np.int32), 0)
    return np.where(drawn > 0, np.iinfo(alpha.dtype).max, alpha).astype(alpha.dtype)


def over_white(samples: Samples) -> Samples:
    """Lay (height, width, 4) BGRA over white."""
    top = np.iinfo(samples.dtype).max
    alpha = samples[..., 3:].astype(np.float32) / top
    white = BACKGROUND * (top // 255)
    mixed: Samples = np.rint(samples[..., :3] * alpha + white * (1 - alpha)).astype(samples.dtype)
    return mixed
