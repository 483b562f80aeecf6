"""Weaves the two fields of interlaced frames into whole pictures, before anybody looks for faces in them."""

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

from av import VideoFrame
from av.error import BlockingIOError as AvBlockingError
from av.error import EOFError as AvEofError
from av.filter import Graph
from av.video.stream import VideoStream

_SILENT: Final = frozenset({"huffyuv", "ffvhuff", "utvideo", "magicyuv", "jpeg2000", "qtrle"})
"""Codecs whose frames carry no flag: of them the container is believed. All others flag frame by frame."""
_FIRST_FIELD: Final = {2: "tff", 3: "bff", 4: "bff", 5: "tff"}
"""AVFieldOrder of FFmpeg's codec_par.h, by the field that is shown first."""
_LEAST_SIDE_PX: Final = 4
"""The filter looks that far around each pixel."""


def deinterlaced(
    frames: Iterator[VideoFrame], stream: VideoStream, say: Callable[[], None] = lambda: None
) -> Iterator[VideoFrame]:
    """Give every frame of `frames` progressive, at its own time: as many come out as go in.

    FFmpeg's bwdif looks at the frames before and after, so from the first interlaced one on each comes one frame later.
    Progressive frames among interlaced ones pass as they are.

    Args:
        frames: what the decoder of `stream` gives, in the order it is shown.
        stream: where they come from.
        say: called once, when the first interlaced frame is met.
    """
    weaver = _Weaver(stream)
    for frame in frames:
        if weaver.is_idle and not weaver.is_interlaced(frame):
            yield frame
            continue
        if weaver.is_idle:
            say()
        yield from weaver.weave(frame)
    yield from weaver.rest()


class _Weaver:
    """Has state: the filter, and the times of the frames in it."""

    def __init__(self, stream: VideoStream) -> None:
        context = stream.codec_context
        order = _FIRST_FIELD.get(context.field_order) if context.name in _SILENT else None
        self._options = f"mode=send_frame:parity={order or 'auto'}:deint={'all' if order else 'interlaced'}"
        self._is_all = order is not None
        self._graph: Graph | None = None
        self._form: tuple[int, int, str, int, int] | None = None
        self._times: deque[tuple[int | None, Fraction | None, int]] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether no interlaced frame has come yet."""
        return self._graph is None

    def is_interlaced(self, frame: VideoFrame) -> bool:
        """Whether a frame is to be woven."""
        is_large = min(frame.width, frame.height) >= _LEAST_SIDE_PX
        return is_large and (self._is_all or frame.interlaced_frame)

    def weave(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Take a frame and give those that are ready."""
        form = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        if form != self._form:
            yield from self.rest()
            self._graph, self._form = self._graph_for(form), form
            self._times.clear()
        assert self._graph is not None  # noqa: S101 - made above
        self._times.append((frame.pts, frame.time_base, frame.duration))
        frame.pts = None  # the filter counts in halves; each picture gets its own time back
        self._graph.push(frame)
        yield from self._ready()

    def rest(self) -> Iterator[VideoFrame]:
        """Give what the filter still holds."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()

    def _ready(self) -> Iterator[VideoFrame]:
        assert self._graph is not None  # noqa: S101 - its callers have one
        while self._times:
            try:
                woven = self._graph.vpull()
            except (AvBlockingError, AvEofError):
                return
            woven.pts, time_base, woven.duration = self._times.popleft()
            if time_base is not None:
                woven.time_base = time_base
            yield woven

    def _graph_for(self, form: tuple[int, int, str, int, int]) -> Graph:
        width, height, pixel_format, matrix, colour_range = form
        graph = Graph()
        graph.link_nodes(
            graph.add(
                "buffer",
                f"video_size={width}x{height}:pix_fmt={pixel_format}:time_base=1/90000:pixel_aspect=0/1"
                f":colorspace={matrix}:range={colour_range}",
            ),
            graph.add("bwdif", self._options),
            graph.add("buffersink"),
        ).configure()
        return graph
