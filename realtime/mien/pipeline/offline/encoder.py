"""Encodes the pictures of a video: size, times and colours as they were, quality above what an eye tells apart."""

import re
from collections import deque
from fractions import Fraction
from typing import Final

import av
from av.codec import Codec
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from mien.media.formats import Container
from mien.media.video.film_file import steady_rate
from mien.media.video.orientation import orientation_of
from mien.media.video.side_data import hdr_notes, mastering_options
from mien.pipeline.frame import Frame
from mien.pipeline.offline.converting import Converter, bits_of
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


class VideoWriter:
    """Has state: the encoder, and the last frames."""

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
        self._target = target
        self._summary = summary
        orientation = orientation_of(first)
        self._size = orientation.size_of(first.width, first.height)
        self._time_base = source.time_base or Fraction(1, 90_000)
        rate = source.guessed_rate or source.average_rate or Fraction(25)
        self._held: deque[av.VideoFrame] = deque()
        codec = container.alpha_codec if keeps_alpha and container.alpha_codec else container.video_codec
        stream = target.add_stream(codec, rate=rate, options=_QUALITY[codec] | _mastering(codec, first))
        assert isinstance(stream, VideoStream)  # noqa: S101 - every codec of _QUALITY makes pictures
        self._stream = stream
        self._format = self._pixel_format(first)
        self._converter = Converter(first, self._format, keeps_alpha=keeps_alpha)
        self._set_up(source, first, is_sideways=orientation.is_sideways)
        if orientation.loses_corners:
            angle = f"{orientation.clockwise_deg:.0f} degrees"
            summary.note(f"The video is shown turned by {angle}: its size is kept, its corners are cut off.")

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
