"""Whether a video is transparent anywhere, which is to be known before the output is begun."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from mien.media.convert import has_transparency, stored_samples
from mien.pipeline.offline.reader import VideoReader, open_video
from mien.pipeline.offline.summary import Summary

_OPAQUE: Final = 255


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
