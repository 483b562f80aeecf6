"""Says of each frame of a video whether it lies in a dissolve: a second reader of the file runs ahead of the first."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import av
import numpy as np

from mien.pipeline.frame import Frame
from mien.pipeline.offline.reader import VideoReader, open_video
from mien.pipeline.offline.summary import Summary
from mien.tracking.dissolves import Dissolves
from mien.tracking.scan import Glance

_SEEN_PX: Final = (128, 72)


def dissolve_shares(path: Path) -> Generator[float | None, None, None]:
    """Give for each frame the share of the shot that comes, None outside of dissolves; memory for glances only.

    Raises:
        SourceError: it cannot be read or holds no video.
    """
    dissolves = Dissolves()
    with ExitStack() as stack:
        for frame in VideoReader(path, *open_video(path, stack), Summary()).decoded(None):
            yield from dissolves.take(_glance(frame))
    yield from dissolves.rest()


def with_shares(
    frames: Iterator[tuple[Frame, av.VideoFrame]], shares: Iterator[float | None]
) -> Iterator[tuple[Frame, av.VideoFrame]]:
    """Write into each frame what is known of it."""
    for frame, decoded in frames:
        share = next(shares, None)
        yield (frame if share is None else replace(frame, dissolve_share=share)), decoded


def _glance(frame: av.VideoFrame) -> Glance:
    width, height = _SEEN_PX
    small = frame.reformat(width=width, height=height, format="bgr24").to_ndarray()
    return Glance.of(np.asarray(small, np.uint8))
