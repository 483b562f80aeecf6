"""Encodes the pictures of a video: size, times and colours as they were, quality above what an eye tells apart."""

from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.codec import Codec
from av.codec.context import Flags
from av.container import OutputContainer
from av.error import BlockingIOError as AvBlockingError
from av.error import EOFError as AvEofError
from av.filter import Graph
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Interpolation
from av.video.stream import VideoStream

from mien.media.convert import matrix_of, range_of
from mien.media.formats import Container
from mien.media.video.frame_times import steady_rate
from mien.media.video.orientation import orientation_of
from mien.pipeline.frame import Frame
from mien.pipeline.offline.reader import last_length_s
from mien.pipeline.offline.summary import Summary

_QUALITY: Final = {"libx264": {"preset": "fast", "crf": "16"}}
_EXACT: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
"""Without it every colour comes out a level too dark, and a swapped frame differs from its neighbours."""
_PQ: Final = 16  # AVCOL_TRC_SMPTE2084 and AVCOL_TRC_ARIB_STD_B67 of FFmpeg's pixfmt.h: the curves of HDR
_HLG: Final = 18
_HELD: Final = 2
"""The last frames are encoded in the order they are shown: the last one's length is then what the container keeps."""
_STATISTICS: Final = ("DURATION", "NUMBER_OF_", "BPS", "_STATISTICS_")
"""Tags that describe the old stream and would be wrong of the new one."""


class VideoWriter:
    """Has state: the encoder, and the last frames."""

    def __init__(
        self, target: OutputContainer, container: Container, source: VideoStream, first: av.VideoFrame, summary: Summary
    ) -> None:
        self._target = target
        self._summary = summary
        orientation = orientation_of(first)
        self._size = orientation.size_of(first.width, first.height)
        self._coded_size = first.width, first.height
        self._matrix, self._range = _colours(first)
        self._time_base = source.time_base or Fraction(1, 90_000)
        rate = source.guessed_rate or source.average_rate or Fraction(25)
        self._held: deque[av.VideoFrame] = deque()
        stream = target.add_stream(container.video_codec, rate=rate, options=_QUALITY[container.video_codec])
        assert isinstance(stream, VideoStream)  # noqa: S101 - every codec of _QUALITY makes pictures
        self._stream = stream
        self._set_up(source, first, is_sideways=orientation.is_sideways)
        if orientation.loses_corners:
            angle = f"{orientation.clockwise_deg:.0f} degrees"
            summary.note(f"The video is shown turned by {angle}: its size is kept, its corners are cut off.")

    def write(self, decoded: av.VideoFrame, frame: Frame) -> None:
        """Encode one frame: as it was decoded where nothing was swapped."""
        encoded = self._converted(decoded, frame)
        encoded.pts, encoded.time_base = decoded.pts, self._time_base
        encoded.pict_type = 0  # what it was in the input is no order for the encoder
        encoded.duration = decoded.duration
        self._held.append(encoded)
        if len(self._held) > _HELD:
            self._target.mux(self._stream.encode(self._held.popleft()))

    def finish(self) -> None:
        """Encode what is left."""
        for frame in self._held:
            frame.pict_type = PictureType.P
            self._target.mux(self._stream.encode(frame))
        self._held.clear()
        self._target.mux(self._stream.encode(None))

    def _set_up(self, source: VideoStream, first: av.VideoFrame, *, is_sideways: bool) -> None:
        self._stream.width, self._stream.height = self._size
        self._format = self._pixel_format(first)
        self._stream.pix_fmt = self._format
        self._stream.time_base = self._time_base
        codec = self._stream.codec_context
        codec.time_base = self._time_base
        codec.flags |= Flags.frame_duration  # else the last frame is shown as long as the one before it
        if steady_rate(source) is None:
            codec.max_b_frames = 0  # a container says how long each lasts by when it is decoded: that must be in order
        codec.colorspace, codec.color_range = self._matrix, self._range
        codec.color_primaries, codec.color_trc = first.color_primaries, first.color_trc
        shape = source.sample_aspect_ratio
        if shape and shape != 1:
            codec.sample_aspect_ratio = 1 / shape if is_sideways else shape
        kept = {key: text for key, text in source.metadata.items() if not key.startswith(_STATISTICS)}
        self._stream.metadata.update(kept)
        if first.color_trc in (_PQ, _HLG):
            self._summary.note(
                "The video is HDR: swapped frames are worked on in 8 bits, its mastering data is left out."
            )

    def _pixel_format(self, first: av.VideoFrame) -> str:
        """Keep chroma and depth where the encoder knows them."""
        codec = self._stream.codec_context.name
        known = {form.name for form in Codec(codec, "w").video_formats or ()}
        name = first.format.name.replace("yuvj", "yuv").replace("yuva", "yuv")
        bits = max((component.bits for component in first.format.components), default=8)
        if not name.startswith("yuv") or name not in known:
            name = "yuv420p"
            if bits > 8:
                self._summary.note(f"The output holds 8 bits a colour: the video's {bits} were rounded.")
        if first.format.name.startswith("yuva"):
            self._summary.note("The video's transparency is left out.")
        if codec == "libx264" and any(side % 2 for side in self._size) and not name.startswith("yuv444p"):
            name = name.replace("yuv420p", "yuv444p").replace("yuv422p", "yuv444p")
            width, height = self._size
            self._summary.note(f"H.264 keeps the odd size {width}x{height} in 4:4:4 only, which few browsers show.")
        return name

    def _converted(self, decoded: av.VideoFrame, frame: Frame) -> av.VideoFrame:
        if (
            frame.composed is None
            and orientation_of(decoded).is_upright
            and (decoded.width, decoded.height) == self._coded_size
        ):
            matrix, colour_range = _colours(decoded)
            if decoded.format.is_rgb:
                matrix = self._matrix
            return decoded.reformat(
                format=self._format,
                src_colorspace=matrix,
                dst_colorspace=self._matrix,
                src_color_range=colour_range if not decoded.format.is_rgb else ColorRange.JPEG,
                dst_color_range=self._range,
            )
        image = frame.outgoing.image_bgr
        return av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), "bgr24").reformat(
            format=self._format,
            dst_colorspace=self._matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=self._range,
            interpolation=_EXACT,
        )


def _colours(frame: av.VideoFrame) -> tuple[int, int]:
    """Give matrix and range of the YUV to write: the frame's own; for RGB those that players expect."""
    if frame.format.is_rgb or matrix_of(frame) is None:
        return (1 if frame.height > 576 else 5), ColorRange.MPEG
    return matrix_of(frame) or 1, range_of(frame)


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
        self, target: OutputContainer, container: Container, source: VideoStream, first: av.VideoFrame, summary: Summary
    ) -> None:
        self._size = orientation_of(first).size_of(first.width, first.height)
        self._target = target
        self._time_base = source.time_base or Fraction(1, 100)
        stream = target.add_stream(container.video_codec, rate=source.guessed_rate or Fraction(10))
        assert isinstance(stream, VideoStream)  # noqa: S101 - GIF makes pictures
        self._stream = stream
        stream.width, stream.height = self._size
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = self._time_base
        self._graph = self._palettes()
        summary.note("GIF holds 256 colours a frame and no sound; transparency is left out.")

    def write(self, decoded: av.VideoFrame, frame: Frame) -> None:
        """Encode one frame."""
        image = frame.outgoing.image_bgr
        shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "bgr24")
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

    def _palettes(self) -> Graph:
        graph = Graph()
        pictures = graph.add_buffer(
            width=self._size[0], height=self._size[1], format=av.VideoFormat("bgr24"), time_base=self._time_base
        )
        split = graph.add("split")
        generate = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = graph.add("paletteuse", "new=1")
        sink = graph.add("buffersink")
        pictures.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(generate, 1, 0)
        generate.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        return graph
