"""Transparent video: found before the output is begun, seen where marks are put, laid over white where it must be."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.media.convert import has_transparency, stored_samples
from mien.media.pictures.picture import BACKGROUND, Samples
from mien.pipeline.frame import Frame
from mien.pipeline.offline.reader import VideoReader, open_video
from mien.pipeline.offline.summary import Summary

_OPAQUE: Final = 255
_DRAWN: Final = 16
"""Levels by which a pixel differs where something was drawn on it; the invisible mark is far below."""


_LETTER: Final = np.ones((7, 7), np.uint8)


def shows_transparency(path: Path) -> bool:
    """Decode a video up to its first pixel that is not opaque; where the format knows none, one frame.

    Raises:
        SourceError: it cannot be read or holds no video.
    """
    with ExitStack() as stack:
        reader = VideoReader(path, *open_video(path, stack), Summary())
        for frame in reader.decoded(None):
            if not has_transparency(frame):
                return False
            if stored_samples(frame, is_deep=False)[..., 3].min() < _OPAQUE:
                return True
    return False


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
