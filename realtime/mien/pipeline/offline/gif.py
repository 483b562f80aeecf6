"""Writes an animated GIF with a palette of its own for every frame."""

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import OutputContainer
from av.error import BlockingIOError as AvBlockingError
from av.error import EOFError as AvEofError
from av.filter import Graph
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.media.convert import stored_samples
from mien.media.formats import Container
from mien.media.video.orientation import Orientations, orientation_of
from mien.pipeline.frame import Frame
from mien.pipeline.offline.reader import last_length_s
from mien.pipeline.offline.summary import Summary
from mien.pipeline.offline.transparency import opened_for_marks

_LONGEST_DELAY: Final = 65_535


def gif_options(input_path: Path) -> dict[str, str]:
    """Give the muxer's options for what no packet tells it: how long the last picture is shown, and how often all.

    Raises:
        SourceError: the input cannot be read.
    """
    delay = round(last_length_s(input_path) * 100)
    return {"final_delay": str(min(delay, _LONGEST_DELAY)), "loop": str(_repeats(input_path))}


def _repeats(path: Path) -> int:
    """Say how often a GIF is played again as its file counts it: -1 never, 0 for ever as any other film."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            return int(opened.info.get("loop", -1)) if opened.format == "GIF" else 0
    except OSError:
        return 0


class GifWriter:
    """Has state: the filter graph that finds palettes, and the encoder."""

    def __init__(
        self,
        target: OutputContainer,
        container: Container,
        source: VideoStream,
        first: av.VideoFrame,
        summary: Summary,
        *,
        keeps_alpha: bool = False,
    ) -> None:
        self._size = orientation_of(first).size_of(first.width, first.height)
        self._orientations = Orientations()
        self._target = target
        self._time_base = source.time_base or Fraction(1, 100)
        stream = target.add_stream(container.video_codec, rate=source.guessed_rate or Fraction(10))
        assert isinstance(stream, VideoStream)  # noqa: S101 - GIF makes pictures
        self._stream = stream
        stream.width, stream.height = self._size
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = self._time_base
        self._form = "bgra" if keeps_alpha else "bgr24"
        self._graph = self._palettes(keeps_alpha=keeps_alpha)
        summary.note("GIF holds 256 colours a frame and no sound.")
        if keeps_alpha and first.format.name not in ("bgra", "pal8"):
            summary.note("GIF knows no half transparency: each pixel is seen or not.")

    def write(self, decoded: av.VideoFrame, frame: Frame) -> None:
        """Encode one decoded."""
        shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(self._pixels(decoded, frame)), self._form)
        shown.pts, shown.time_base = decoded.pts, self._time_base
        self._graph.push(shown)
        self._pull()

    def finish(self) -> None:
        """Encode what is left."""
        self._graph.push(None)
        self._pull()
        self._target.mux(self._stream.encode(None))

    def _pull(self) -> None:
        while True:
            try:
                found = self._graph.vpull()
            except (AvBlockingError, AvEofError):
                return
            found.pict_type = 0
            self._target.mux(self._stream.encode(found))

    def _pixels(self, decoded: av.VideoFrame, frame: Frame) -> NDArray[np.uint8]:
        image = frame.outgoing.image_bgr
        if self._form == "bgr24":
            return image
        samples = self._orientations.of(decoded).turned(stored_samples(decoded, is_deep=False))
        if samples.shape[:2] != image.shape[:2]:  # of another size, fitted
            return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        return np.dstack([image, opened_for_marks(samples[..., 3], frame)]).astype(np.uint8, copy=False)

    def _palettes(self, *, keeps_alpha: bool) -> Graph:
        graph = Graph()
        pictures = graph.add_buffer(
            width=self._size[0], height=self._size[1], format=av.VideoFormat(self._form), time_base=self._time_base
        )
        split = graph.add("split")
        generate = graph.add("palettegen", f"stats_mode=single:reserve_transparent={int(keeps_alpha)}")
        use = graph.add("paletteuse", "new=1")
        sink = graph.add("buffersink")
        pictures.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(generate, 1, 0)
        generate.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        return graph
