"""Encodes the pictures of a video: size, times and colours as they were; a GIF with a palette for every frame."""

import re
from collections import deque
from dataclasses import dataclass
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
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.media.formats import Container
from mien.media.video.film_file import steady_rate
from mien.media.video.side_data import hdr_notes, mastering_options
from mien.media.video.upright import Orientations, orientation_of, stored_samples
from mien.pipeline.frame import Frame
from mien.pipeline.offline.converting import Converter, bits_of, opened_for_marks
from mien.pipeline.offline.reader import last_length_s
from mien.pipeline.offline.summary import Summary

_QUALITY: Final = {
    "libx264": {"preset": "fast", "crf": "16"},
    "prores_ks": {"profile": "4444", "vendor": "apl0", "alpha_bits": "16"},
}
_DEEP: Final = re.compile(r"p(9|10|12|14|16)(le|be)$")
_HELD: Final = 2
"""The last frames are encoded in the order they are shown: the last one's length is then what the container keeps."""
_OF_THE_OLD_STREAM: Final = ("DURATION", "NUMBER_OF_", "BPS", "_STATISTICS_", "ENCODER", "VENDOR_ID", "ALPHA_MODE")
"""Tags that describe the old stream and would be wrong of the new one."""
_LONGEST_DELAY: Final = 65_535


@dataclass(frozen=True, slots=True, eq=False)
class WriterJob:
    """What a writer is made for."""

    target: OutputContainer
    container: Container
    source: VideoStream
    first: av.VideoFrame
    """Of the source; its size and colours are those of the output."""
    summary: Summary
    """Where what is lost is noted."""
    keeps_alpha: bool
    """Whether what is transparent stays so."""


class VideoWriter:
    """Has state: the encoder, and the last frames."""

    def __init__(self, job: WriterJob) -> None:
        self._target, self._summary = job.target, job.summary
        orientation = orientation_of(job.first)
        self._size = orientation.size_of(job.first.width, job.first.height)
        self._time_base = job.source.time_base or Fraction(1, 90_000)
        rate = job.source.guessed_rate or job.source.average_rate or Fraction(25)
        self._held: deque[av.VideoFrame] = deque()
        codec = (job.container.alpha_codec if job.keeps_alpha else None) or job.container.video_codec
        stream = job.target.add_stream(codec, rate=rate, options=_QUALITY[codec] | _mastering(codec, job.first))
        assert isinstance(stream, VideoStream)  # noqa: S101 - every codec of _QUALITY makes pictures
        self._stream = stream
        self._format = self._pixel_format(job.first)
        self._converter = Converter(job.first, self._format, keeps_alpha=job.keeps_alpha)
        self._set_up(job.source, job.first, is_sideways=orientation.is_sideways)
        if orientation.loses_corners:
            angle = f"{orientation.clockwise_deg:.0f} degrees"
            job.summary.note(f"The video is shown turned by {angle}: its size is kept, its corners are cut off.")

    def write(self, decoded: av.VideoFrame, frame: Frame) -> None:
        """Encode one decoded: as it was decoded where nothing was swapped."""
        encoded = self._converter.converted(decoded, frame)
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
        self._stream.pix_fmt = self._format
        self._stream.time_base = self._time_base
        codec = self._stream.codec_context
        codec.time_base = self._time_base
        codec.flags |= Flags.frame_duration  # else the last frame is shown as long as the one before it
        if not _is_steady(source):
            codec.max_b_frames = 0  # a container says how long each lasts by when it is decoded: that must be in order
        codec.colorspace, codec.color_range = self._converter.matrix, self._converter.range
        codec.color_primaries, codec.color_trc = first.color_primaries, first.color_trc
        shape = source.sample_aspect_ratio
        if shape and shape != 1:
            codec.sample_aspect_ratio = 1 / shape if is_sideways else shape
        kept = {key: text for key, text in source.metadata.items() if not key.upper().startswith(_OF_THE_OLD_STREAM)}
        self._stream.metadata.update(kept)
        for sentence in hdr_notes(first):
            self._summary.note(sentence)

    def _pixel_format(self, first: av.VideoFrame) -> str:
        """Keep chroma and depth where the encoder knows them."""
        codec = self._stream.codec_context.name
        known = {form.name for form in Codec(codec, "w").video_formats or ()}
        if codec == "prores_ks":
            return "yuva444p10le"
        name = first.format.name.replace("yuvj", "yuv").replace("yuva", "yuv")
        name = _DEEP.sub("p10le", name)
        bits = bits_of(first)
        if not name.startswith("yuv") or name not in known:
            name = "yuv420p10le" if bits > 8 and "yuv420p10le" in known else "yuv420p"
        held = 10 if "10" in name else 8
        if bits > held:
            self._summary.note(f"The output holds {held} bits a colour: the video's {bits} were rounded.")
        if codec == "libx264" and any(side % 2 for side in self._size) and not name.startswith("yuv444p"):
            name = name.replace("yuv420p", "yuv444p").replace("yuv422p", "yuv444p")
            width, height = self._size
            self._summary.note(f"H.264 keeps the odd size {width}x{height} in 4:4:4 only, which few browsers show.")
        return name


def _is_steady(source: VideoStream) -> bool:
    """Whether pictures follow each other evenly: an index proves it, the rate that other containers tell does not."""
    return "mov" in source.container.format.name.split(",") and steady_rate(source) is not None


def _mastering(codec: str, first: av.VideoFrame) -> dict[str, str]:
    return mastering_options(first) if codec == "libx264" else {}


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

    def __init__(self, job: WriterJob) -> None:
        self._size = orientation_of(job.first).size_of(job.first.width, job.first.height)
        self._orientations = Orientations()
        self._target = job.target
        self._time_base = job.source.time_base or Fraction(1, 100)
        stream = job.target.add_stream(job.container.video_codec, rate=job.source.guessed_rate or Fraction(10))
        assert isinstance(stream, VideoStream)  # noqa: S101 - GIF makes pictures
        self._stream = stream
        stream.width, stream.height = self._size
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = self._time_base
        self._form = "bgra" if job.keeps_alpha else "bgr24"
        self._graph = self._palettes(keeps_alpha=job.keeps_alpha)
        job.summary.note("GIF holds 256 colours a frame and no sound.")
        if job.keeps_alpha and job.first.format.name not in ("bgra", "pal8"):
            job.summary.note("GIF knows no half transparency: each pixel is seen or not.")

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
