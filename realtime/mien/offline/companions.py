"""Everything in a video that is no picture: sound, subtitles, chapters, tags. Copied where the container takes it."""

from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from mien.offline.reading import start_of
from mien.offline.result import Tally
from mien.recording.containers import Container

_OF_THE_OLD_FILE: Final = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


class Companions:
    """Has state: which stream of the output each stream of the input goes to."""

    def __init__(
        self,
        source: InputContainer,
        target: OutputContainer,
        container: Container,
        swapped: VideoStream,
        tally: Tally,
        *,
        changing: frozenset[int] = frozenset(),
    ) -> None:
        """Copy what can be, but for the streams of sound in `changing`, which do not go on as they begin."""
        self._target = target
        self._container = container
        self._tally = tally
        self._start_s = start_of(swapped)
        self._copied: dict[int, Stream] = {}
        self._encoded: dict[int, AudioStream] = {}
        self._changing = changing
        self._resamplers: dict[int, tuple[object, av.AudioResampler]] = {}
        self._last_dts: dict[int, int] = {}
        tags = {key: text for key, text in source.metadata.items() if key not in _OF_THE_OLD_FILE}
        target.metadata.update(tags)
        chapters = source.chapters()
        if chapters:
            target.set_chapters(chapters)
        for stream in source.streams:
            if stream.index != swapped.index:
                self._add(stream)

    def take(self, packet: "Packet[Any]") -> None:
        """Copy or encode one packet."""
        if packet.stream.index in self._copied:
            self._copy(packet, self._copied[packet.stream.index])
        elif packet.stream.index in self._encoded:
            self._encode(packet, self._encoded[packet.stream.index])

    def finish(self) -> None:
        """Encode what the encoders still hold."""
        for stream in self._encoded.values():
            self._target.mux(stream.encode(None))

    def _add(self, stream: Stream) -> None:
        name = _codec_name(stream)
        if stream.type == "video":
            kind = "cover" if stream.disposition & Disposition.attached_pic else "second video"
            self._tally.note(f"The {kind} is left out: it may show the face that was there.")
        elif (
            name in self._target.supported_codecs
            and stream.type in ("audio", "subtitle")
            and stream.index not in self._changing
        ):
            self._copied[stream.index] = _tagged(self._target.add_stream_from_template(stream), stream)
        elif stream.type == "audio" and self._container.audio_codec is not None and isinstance(stream, AudioStream):
            self._add_encoder(stream, name)
        elif name != "bin_data":  # the text track of chapters, which are kept as chapters
            self._tally.note(
                f"The {stream.type} stream ({name}) cannot be kept in {self._container.muxer}: it is left out."
            )

    def _add_encoder(self, stream: AudioStream, name: str) -> None:
        codec = self._container.audio_codec or ""
        encoded = self._target.add_stream(codec, rate=stream.rate)
        assert isinstance(encoded, AudioStream)  # noqa: S101 - the container's audio codec
        encoded.layout = stream.layout
        encoded.bit_rate = 96_000 * max(1, stream.layout.nb_channels)
        self._encoded[stream.index] = encoded
        _tagged(encoded, stream)
        if stream.index in self._changing:
            self._tally.note(f"The sound ({name}) changes midway: all of it is encoded as {codec}, as it begins.")
        else:
            muxer = self._container.muxer
            self._tally.note(f"The sound ({name}) cannot be copied into {muxer}: it is encoded as {codec}.")

    def _copy(self, packet: "Packet[Any]", stream: Stream) -> None:
        if packet.dts is None:
            return
        shift = round(self._start_s / packet.time_base)
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        self._keep_order(packet)
        packet.stream = stream
        self._target.mux(packet)

    def _keep_order(self, packet: "Packet[Any]") -> None:
        """Let each packet of a stream come after the one before, where a file has them out of order: muxers insist."""
        last = self._last_dts.get(packet.stream_index)
        if packet.dts is not None and last is not None and packet.dts <= last:
            packet.dts = last + 1
        if packet.dts is not None:
            self._last_dts[packet.stream_index] = packet.dts
            if packet.pts is not None and packet.pts < packet.dts:
                packet.pts = packet.dts

    def _encode(self, packet: "Packet[Any]", stream: AudioStream) -> None:
        try:
            frames = packet.decode()
        except FFmpegError:
            self._tally.is_complete = False
            self._tally.note("Some of the sound is damaged and left out.")
            return
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                if frame.pts is not None and frame.time_base:
                    frame.pts -= round(self._start_s / frame.time_base)
                for resampled in self._resampled(frame, packet.stream_index, stream):
                    self._target.mux(stream.encode(resampled))

    def _resampled(self, frame: av.AudioFrame, index: int, stream: AudioStream) -> list[av.AudioFrame]:
        """Bring a frame into the form of its encoder; its own may change on the way."""
        form = (frame.format.name, frame.sample_rate, frame.layout.name)
        known, resampler = self._resamplers.get(index, (None, None))
        is_first = resampler is None
        rest = resampler.resample(None) if resampler is not None and form != known else []
        if resampler is None or form != known:
            resampler = av.AudioResampler(stream.codec_context.format, stream.layout, stream.rate)
            self._resamplers[index] = form, resampler
        resampled = [part for part in (*rest, *resampler.resample(frame)) if part is not None]
        for part in resampled[1:] if is_first else resampled:
            part.pts = None  # after the part before: a change of form leaves less than a packet between the two
        return resampled


def _codec_name(stream: Stream) -> str:
    """Give the codec's own name, not that of one of its decoders."""
    context = getattr(stream, "codec_context", None)
    name = str(getattr(context, "name", None) or getattr(stream, "name", None) or "unknown")
    try:
        return Codec(name, "r").canonical_name
    except ValueError:
        return name


def _tagged(target: Stream, source: Stream) -> Stream:
    for key in ("language", "title", "handler_name"):
        if key in source.metadata:
            target.metadata[key] = source.metadata[key]
    target.disposition = source.disposition
    return target
