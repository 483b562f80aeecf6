"""Sound that is encoded anew: with which rate and channels, and the way there from whatever was decoded."""

import dataclasses
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Final

import av
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import OutputContainer
from av.error import BlockingIOError as AvBlockingError
from av.error import EOFError as AvEofError
from av.error import FFmpegError
from av.filter import Graph
from av.stream import Discard

_PACKETS: Final = 400
"""The first ones may be damaged, or sound may begin in the middle of something."""
_SAMPLES: Final = 8192
ANSWER: Final = "=== answer ==="
"""Stands before the answer."""
DEFAULT_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""Where a file says only how many channels there are. Three are no 2.1: an encoder would cut the third's treble off."""
_HELD_BY: Final = {
    "5.0": ("5.0(side)",),
    "5.1": ("5.1(side)", "3.1", "4.1"),
    "7.1": (
        *("6.0", "6.0(front)", "hexagonal", "6.1", "6.1(back)", "6.1(front)", "7.0", "7.0(front)"),
        *("7.1(wide)", "7.1(wide-side)"),
    ),
}
"""AAC numbers few layouts (ISO/IEC 14496-3, table 1.19); others it describes, which many players cannot read."""
_MOST_CHANNELS: Final = 8
"""More fit into AAC, but hardly a player knows where they belong."""
_MOST_KBITS_A_CHANNEL: Final = 96
_OUT_OF_STEP_S: Final = 0.04
"""A gap of more than this is filled with silence, an overlap cut: what is seen and heard drifts apart no farther."""


@dataclass(frozen=True, slots=True)
class SoundEncoding:
    """How sound is encoded."""

    codec: str
    """FFmpeg's name of the encoder."""
    rate: int
    """Samples a second."""
    layout: str
    """FFmpeg's name of the channel layout."""
    mixed_channels: int = 0
    """How many channels of the input are mixed into this layout evenly, because they do not fit otherwise; else 0."""

    @property
    def channels(self) -> int:
        """How many channels come out."""
        return av.AudioLayout(self.layout).nb_channels


def encodings_of(frame: av.AudioFrame, codec: str) -> tuple[SoundEncoding, ...]:
    """Give every way to encode sound that is decoded to frames like this one; the first that works is the best."""
    rate = _rate_for(frame.sample_rate, codec)
    channels = frame.layout.nb_channels
    known = frame.layout.name if _is_known(frame.layout) and channels <= _MOST_CHANNELS else None
    wanted = [layout for layout in (known, DEFAULT_LAYOUTS.get(channels)) if layout]
    layouts = dict.fromkeys(layout for name in wanted for layout in (*_numbered(name, codec), name))
    mixed = SoundEncoding(codec, rate, "stereo", mixed_channels=channels)
    return (*(SoundEncoding(codec, rate, layout) for layout in layouts), mixed)


def _numbered(layout: str, codec: str) -> list[str]:
    """Give the layout in which every player hears all channels of another one, if that is another."""
    return [held for held, layouts in _HELD_BY.items() if codec == "aac" and layout in layouts]


def _is_known(layout: av.AudioLayout) -> bool:
    """Whether it says where each speaker stands; FFmpeg calls one that does not `N channels`."""
    return not layout.name.endswith(" channels")


def _rate_for(rate: int, codec: str) -> int:
    """Give the encoder's lowest rate that loses nothing, or its highest."""
    known = sorted(Codec(codec, "w").audio_rates or [rate])
    return next((candidate for candidate in known if candidate >= rate), known[-1])


class SoundEncoder:
    """Resamples, mixes and encodes one track, in step with the times of its frames; has state: graph and encoder."""

    def __init__(self, target: OutputContainer, encoding: SoundEncoding) -> None:
        self._target = target
        self._encoding = encoding
        stream = target.add_stream(encoding.codec, rate=encoding.rate)
        assert isinstance(stream, AudioStream)  # noqa: S101 - the codec of an encoding makes sound
        stream.codec_context.layout = encoding.layout
        kbits = min(_MOST_KBITS_A_CHANNEL, encoding.rate * 6 // 1000)  # AAC's frame holds six bits a sample
        stream.bit_rate = kbits * 1000 * encoding.channels
        self.stream = stream
        """The track in the output."""
        self._graph: Graph | None = None
        self._kind: tuple[str, int, str] | None = None

    def encode(self, frame: av.AudioFrame) -> None:
        """Encode one frame, whose time counts from the start of the output; its form may change on the way."""
        kind = (frame.format.name, frame.sample_rate, frame.layout.name)
        if self._graph is None or kind != self._kind:
            self._drain()
            self._graph = self._graph_for(frame, is_first=self._kind is None)
            self._kind = kind
        self._graph.push(frame)
        self._pull()

    def finish(self) -> None:
        """Encode what is left."""
        self._drain()
        self._target.mux(self.stream.encode(None))

    def _drain(self) -> None:
        if self._graph is not None:
            self._graph.push(None)
            self._pull()
        self._graph = None

    def _pull(self) -> None:
        assert self._graph is not None  # noqa: S101 - its callers have one
        while True:
            try:
                frame = self._graph.pull()
            except (AvBlockingError, AvEofError):
                return
            if isinstance(frame, av.AudioFrame):
                self._target.mux(self.stream.encode(frame))

    def _graph_for(self, frame: av.AudioFrame, *, is_first: bool) -> Graph:
        encoding, graph = self._encoding, Graph()
        is_guessed = not _is_known(frame.layout) and not encoding.mixed_channels
        layout = DEFAULT_LAYOUTS.get(frame.layout.nb_channels) if is_guessed else None
        steps = [
            graph.add(
                "abuffer",
                sample_rate=str(frame.sample_rate),
                sample_fmt=frame.format.name,
                channel_layout=layout or frame.layout.name,
                time_base=str(frame.time_base or Fraction(1, frame.sample_rate)),
            )
        ]
        if encoding.mixed_channels:
            steps.append(graph.add("pan", _mix_of(frame.layout)))
        start = ":first_pts=0" if is_first else ""
        steps += [
            graph.add("aresample", f"{encoding.rate}:async=1:min_hard_comp={_OUT_OF_STEP_S}{start}"),
            graph.add(
                "aformat",
                f"sample_fmts={self.stream.codec_context.format.name}"
                f":sample_rates={encoding.rate}:channel_layouts={encoding.layout}",
            ),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*steps).configure()
        return graph


def _mix_of(layout: av.AudioLayout) -> str:
    """Mix the odd channels to the left and the even ones to the right; `<` keeps the sum from clipping."""
    if layout.name.startswith("ambisonic"):  # W and Y of AmbiX: everything, and what comes from the left
        return "stereo|c0<c0+c1|c1<c0-c1"
    left = "+".join(f"c{channel}" for channel in range(0, layout.nb_channels, 2))
    right = "+".join(f"c{channel}" for channel in range(1, layout.nb_channels, 2)) or left
    return f"stereo|c0<{left}|c1<{right}"


def main() -> None:
    """Answer for one track: arguments are the file, the track's index, muxer, encoder, and the channels it has or 0."""
    path, index, muxer, codec, channels = sys.argv[1:]
    encoding = _best(path, int(index), muxer, codec, int(channels))
    sys.stdout.write(f"\n{ANSWER}\n{json.dumps(dataclasses.asdict(encoding) if encoding else None)}\n")


def nameless(channels: int) -> dict[str, str]:
    """Give a decoder's options by which it forgets where a file's speakers stand."""
    return {"ch_layout": f"{channels} channels"} if channels else {}


def _best(path: str, index: int, muxer: str, codec: str, channels: int) -> SoundEncoding | None:
    frames = list(_first_frames(path, index, channels))
    if not frames:
        return None
    return next((encoding for encoding in encodings_of(frames[0], codec) if _works(encoding, frames, muxer)), None)


def _first_frames(path: str, index: int, channels: int) -> Iterator[av.AudioFrame]:
    """Give frames enough for a trial, from 0 on: what is before 0 would not be heard, and the trial would fail."""
    samples, start = 0, None
    with av.open(path, metadata_errors="replace") as source:
        for other in source.streams:
            other.discard = Discard.default if other.index == index else Discard.all
        stream = source.streams[index]
        assert isinstance(stream, AudioStream)  # noqa: S101 - only those are asked for
        stream.codec_context.options = nameless(channels)
        for packet in islice(source.demux(stream), _PACKETS):
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            for frame in frames:
                samples += frame.samples
                start = frame.pts if start is None else start
                frame.pts = None if frame.pts is None or start is None else frame.pts - start
                yield frame
            if samples >= _SAMPLES:
                return


def _works(encoding: SoundEncoding, frames: list[av.AudioFrame], muxer: str) -> bool:
    file = io.BytesIO()
    try:
        with av.open(file, "w", format=muxer) as target:
            encoder = SoundEncoder(target, encoding)
            for frame in frames:
                encoder.encode(frame)
            encoder.finish()
        file.seek(0)
        with av.open(file, "r") as written:
            return any(frame.samples for frame in written.decode(audio=0))
    except (FFmpegError, ValueError, IndexError):
        return False


if __name__ == "__main__":
    main()
