"""Everything in a video that is no picture: sound, subtitles, chapters, tags. Copied where the container takes it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from mien.media.formats import Container
from mien.media.video.sound import SoundEncoder, SoundEncoding, nameless
from mien.pipeline.offline.reader import start_of
from mien.pipeline.offline.sound_plan import TrackPlan, codec_name
from mien.pipeline.offline.summary import Summary

_OF_CHAPTERS: Final = (None, "", "SubtitleHandler", "Apple Text Media Handler", "QuickTime Text Media Handler")
"""Who handles the text track in which MP4 and MOV keep the names of chapters."""

_TIME_CODE: Final = "timecode"
_WITH_TIME_CODE: Final = frozenset({"mp4", "mov"})
"""Containers whose muxers make a track of it."""
_CODEC: Final = "mov_text"
_MUXERS: Final = frozenset({"mp4", "mov"})
_OF_THE_OLD_FILE: Final = frozenset(
    {
        *("major_brand", "minor_version", "compatible_brands", "encoder"),
        # What FLV says of its own streams.
        *("duration", "width", "height", "framerate", "filesize", "totalduration", "totaldatarate", "bytelength"),
        *("videodatarate", "videocodecid", "audiodatarate", "audiocodecid", "audiosamplerate", "audiosamplesize"),
        *("stereo", "hasvideo", "hasaudio", "hasmetadata", "haskeyframes", "hascuepoints", "canseektoend"),
        *("lasttimestamp", "lastkeyframetimestamp", "lastkeyframelocation", "datasize", "videosize", "audiosize"),
    }
)


class OtherStreams:
    """Has state: which stream of the output each stream of the input goes to."""

    def __init__(
        self,
        source: InputContainer,
        target: OutputContainer,
        container: Container,
        swapped: VideoStream,
        summary: Summary,
        *,
        sound: Mapping[int, TrackPlan],
    ) -> None:
        """Copy what can be, but for what a container does not take; `sound` says what becomes of each track of it."""
        self._target = target
        self._container = container
        self._summary = summary
        self._start_s = start_of(swapped)
        self._copied: dict[int, Stream] = {}
        self._encoded: dict[int, SoundEncoder] = {}
        self._last_dts: dict[int, int] = {}
        self._adts: dict[int, AdtsForm] = {}
        self._converted: dict[int, TextSubtitles] = {}
        target.metadata.update(kept_tags(source.metadata))
        chapters = source.chapters()
        if chapters:
            target.set_chapters(chapters)
        self._has_chapters = bool(chapters)
        self._time_code = _time_code(swapped.metadata) or _time_code(source.metadata)
        for stream in source.streams:
            if stream.index != swapped.index:
                self._add(stream, sound.get(stream.index, TrackPlan()))
        if container.muxer not in _WITH_TIME_CODE and any(map(_time_code, _all_tags(source))):
            summary.note(f"The time code cannot be kept in {container.muxer}: it is left out.")

    def take(self, packet: "Packet[Any]") -> None:
        """Copy or encode one packet."""
        if packet.stream.index in self._copied:
            self._copy(packet, self._copied[packet.stream.index])
        elif packet.stream.index in self._encoded:
            self._encode(packet, self._encoded[packet.stream.index])
        elif packet.stream.index in self._converted and packet.pts is not None:
            packet.pts -= round(self._start_s / packet.time_base)
            self._converted[packet.stream.index].take(packet)

    def finish(self) -> None:
        """Encode what the encoders still hold."""
        for encoder in self._encoded.values():
            encoder.finish()

    def _add(self, stream: Stream, sound: TrackPlan) -> None:
        name = codec_name(stream)
        if stream.type == "video":
            kind = "cover" if stream.disposition & Disposition.attached_pic else "second video"
            self._summary.note(f"The {kind} is left out: it may show the face that was there.")
        elif sound.is_copied or (stream.type == "subtitle" and name in self._target.supported_codecs):
            self._copied[stream.index] = _tagged(self._target.add_stream_from_template(stream), stream)
            if name == "aac" and not stream.codec_context.extradata:
                self._adts[stream.index] = AdtsForm()
        elif sound.encoding is not None and isinstance(stream, AudioStream):
            self._add_encoder(stream, name, sound.encoding, changes=sound.changes)
            stream.codec_context.options = nameless(sound.nameless_channels)
        elif isinstance(stream, SubtitleStream) and is_convertible(stream, self._container.muxer):
            self._converted[stream.index] = TextSubtitles(self._target, stream)
            _tagged(self._converted[stream.index].stream, stream)
            self._summary.note(f"The subtitles ({name}) are written as plain text, without fonts and places.")
        elif not self._is_kept_elsewhere(stream, name):
            self._say_left_out(stream, name)

    def _is_kept_elsewhere(self, stream: Stream, name: str) -> bool:
        """Whether a stream of data is the text of the chapters, or the time code that stands in the video's tags.

        Where a container has no time code, that is said of the file.
        """
        if stream.type != "data":
            return False
        is_text = name == "bin_data" and self._has_chapters and stream.metadata.get("handler_name") in _OF_CHAPTERS
        time_code = _time_code(stream.metadata)
        is_said = self._container.muxer not in _WITH_TIME_CODE
        return is_text or (time_code is not None and (is_said or time_code == self._time_code))

    def _say_left_out(self, stream: Stream, name: str) -> None:
        muxer = self._container.muxer
        if stream.type == "audio" and self._container.audio_codec is not None:
            self._summary.note(
                f"The sound ({name}) can neither be copied into {muxer} nor encoded anew: it is left out."
            )
            return
        named = stream.metadata.get("handler_name", name).strip() or name if stream.type == "data" else name
        kind = "sound" if stream.type == "audio" else f"{stream.type} stream"
        self._summary.note(f"The {kind} ({named}) cannot be kept in {muxer}: it is left out.")

    def _add_encoder(self, stream: AudioStream, name: str, encoding: SoundEncoding, *, changes: bool) -> None:
        encoder = SoundEncoder(self._target, encoding)
        self._encoded[stream.index] = encoder
        _tagged(encoder.stream, stream)
        how = f"it is encoded as {encoding.codec}"
        if encoding.rate != stream.codec_context.sample_rate:
            how += f" at {encoding.rate} Hz"
        if encoding.mixed_channels:
            how += f", its {encoding.mixed_channels} channels mixed into {encoding.channels}"
        why = "changes midway" if changes else f"cannot be copied into {self._container.muxer}"
        self._summary.note(f"The sound ({name}) {why}: {how}.")

    def _copy(self, packet: "Packet[Any]", stream: Stream) -> None:
        if packet.dts is None:
            return
        shift = round(self._start_s / packet.time_base)
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        if packet.stream.index in self._adts and not self._adts[packet.stream.index].holds(bytes(packet)):
            self._count_damage()
            return
        self._keep_order(packet)
        packet.stream = stream
        try:
            self._target.mux(packet)
        except InvalidDataError:  # the muxer reads the head of each packet, as of AAC that comes from MPEG-TS
            self._count_damage()

    def _keep_order(self, packet: "Packet[Any]") -> None:
        """Let each packet of a stream come after the one before, where a file has them out of order: muxers insist."""
        last = self._last_dts.get(packet.stream.index)
        if packet.dts is not None and last is not None and packet.dts <= last:
            packet.dts = last + 1
        if packet.dts is not None:
            self._last_dts[packet.stream.index] = packet.dts
            if packet.pts is not None and packet.pts < packet.dts:
                packet.pts = packet.dts

    def _count_damage(self) -> None:
        self._summary.is_complete = False
        self._summary.note("Some of the sound is damaged and left out.")

    def _encode(self, packet: "Packet[Any]", encoder: SoundEncoder) -> None:
        try:
            frames = packet.decode()
        except FFmpegError:
            self._count_damage()
            return
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                if frame.pts is not None and frame.time_base:
                    frame.pts -= round(self._start_s / frame.time_base)
                encoder.encode(frame)


def _time_code(tags: Mapping[str, str]) -> str | None:
    return next((text for key, text in tags.items() if key.lower() == _TIME_CODE), None)


def _all_tags(source: InputContainer) -> Iterator[Mapping[str, str]]:
    yield source.metadata
    for stream in source.streams:
        yield stream.metadata


def _tagged(target: Stream, source: Stream) -> Stream:
    for key in ("language", "title", "handler_name"):
        if key in source.metadata:
            target.metadata[key] = source.metadata[key]
    target.disposition = source.disposition
    return target


class AdtsForm:
    """Has state: what the first whole header said."""

    def __init__(self) -> None:
        self._form: bytes | None = None

    def holds(self, frame: bytes) -> bool:
        """Whether a frame's header is whole and says what the first one said: profile, rate and channels."""
        form = _form_of(frame)
        self._form = self._form or form
        return form is not None and form == self._form


def _form_of(frame: bytes) -> bytes | None:
    """Give the fixed part of a header; None where the frame is damaged.

    ISO/IEC 13818-7, 6.2: the sync word, layer 0, the frame's own length, one block of data.
    """
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0 or frame[6] & 3:
        return None
    length = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    return bytes([frame[1], frame[2] & 0xFD, frame[3] & 0xC0]) if length == len(frame) else None


def is_convertible(stream: Stream, muxer: str) -> bool:
    """Whether a stream holds subtitles in text that a container can hold in another form."""
    if muxer not in _MUXERS or not isinstance(stream, SubtitleStream):
        return False
    return Codec(stream.codec_context.name, "r").text_sub


class TextSubtitles:
    """Converts one stream; fonts and places are lost, italics stay."""

    def __init__(self, target: OutputContainer, source: SubtitleStream) -> None:
        self._target = target
        self._source = source
        stream = target.add_stream(_CODEC)
        assert isinstance(stream, SubtitleStream)  # noqa: S101 - timed text makes subtitles
        source.codec_context.open(strict=False)
        stream.codec_context.subtitle_header = source.codec_context.subtitle_header
        if source.time_base is not None:
            stream.codec_context.time_base = source.time_base
        self.stream = stream
        """The stream in the output."""

    def take(self, packet: "Packet[Any]") -> None:
        """Convert one packet, whose time counts from the start of the output; what cannot be read is left out."""
        try:
            found = self._source.decode2(packet)
            if found is None or not len(found):
                return
            converted: Packet[Any] = self.stream.codec_context.encode_subtitle(found)  # pyright: ignore[reportUnknownVariableType]
        except (FFmpegError, ValueError):
            return
        converted.pts = converted.dts = packet.pts
        converted.duration, converted.time_base = packet.duration, packet.time_base
        converted.stream = self.stream
        self._target.mux(converted)


def kept_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Leave out what describes the old file."""
    return {key: text for key, text in tags.items() if key.lower() not in _OF_THE_OLD_FILE}
