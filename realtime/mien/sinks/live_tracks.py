"""Picture and sound of a recording or a stream: encoded, on one clock, beginning together."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias, runtime_checkable

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet

from mien.media.formats import RecordingWish
from mien.media.video.live_sound import TIME_BASE as SOUND_TICK
from mien.media.video.live_sound import LiveSound
from mien.media.video.live_video import TIME_BASE as VIDEO_TICK
from mien.media.video.live_video import LiveVideo, VideoWish
from mien.pipeline.frame import OutputFrame
from mien.sound.feed import Feed
from mien.sound.hub import SoundHub
from mien.sound.samples import RATE_HZ, Sound, silence

AnyPacket: TypeAlias = "Packet[av.VideoStream] | Packet[av.AudioStream]"
_NS: Final = 1_000_000_000


class Encoders:
    """The video encoders of a session, one for each wish. Has state: which are in use, and by how many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_use: dict[VideoWish, tuple[LiveVideo, int]] = {}

    def take(self, wish: VideoWish) -> LiveVideo:
        """Give the encoder for a wish, a new one where nobody has it.

        Raises:
            SinkError: no encoder works.
        """
        with self._lock:
            video, users = self._in_use.get(wish) or (LiveVideo(wish), 0)
            self._in_use[wish] = video, users + 1
            return video

    def give_back(self, video: LiveVideo) -> bool:
        """Let go of it; tells whether nobody else has it, who would want what follows."""
        with self._lock:
            _, users = self._in_use[video.wish]
            if users > 1:
                self._in_use[video.wish] = video, users - 1
                return False
            del self._in_use[video.wish]
            return True


@dataclass(frozen=True, slots=True)
class Studio:
    """What a session lends to sinks that record or stream."""

    encoders: Encoders = field(default_factory=Encoders)
    hub: SoundHub | None = None
    """None: there is no sound."""
    recording: RecordingWish = field(default_factory=RecordingWish)
    is_in_lan: bool = False
    """Whether pages that this computer serves may be opened by other ones of its network."""


@runtime_checkable
class Recording(Protocol):
    """A sink that takes picture and sound encoded."""

    studio: Studio
    """Set to that of the session before the sink is opened."""


class LiveTracks:
    """What one sink writes. Has state: when it began, its encoders, and the sound that it has.

    Both tracks count from the time of the first picture: sound before it is left out, and where the microphone began
    later there is silence, so that neither is shifted against the other.
    """

    def __init__(self, studio: Studio, wish: VideoWish, sound_codec: str = "aac") -> None:
        """Begin to listen now.

        Raises:
            SinkError: no encoder works.
        """
        self._studio = studio
        self.video = studio.encoders.take(wish)
        self._taker = self.video.taker()
        self._feed: Feed | None = None if studio.hub is None else studio.hub.listen()
        self._sound_codec = sound_codec
        self._sound: LiveSound | None = None if self._feed is None else LiveSound(sound_codec)
        self._origin_ns: int | None = None
        self._origin_pts: int | None = None
        self._has_begun = False
        self._streams: tuple[av.VideoStream | None, av.AudioStream | None] = (None, None)

    def captured_ns(self, packet: AnyPacket) -> int:
        """Say when what is in a packet was seen or heard, as `time.monotonic_ns()`."""
        return (self._origin_ns or 0) + int((packet.pts or 0) * packet.time_base * _NS)

    def add_to(self, container: OutputContainer) -> "tuple[av.VideoStream, av.AudioStream | None]":
        """Add the streams to a container that nothing was written to; another one than before may be given."""
        video = container.add_stream_from_template(self.video.template)
        video.time_base = VIDEO_TICK
        sound = None
        if self._sound is not None:
            sound = container.add_stream_from_template(self._sound.template)
            sound.time_base = SOUND_TICK
        self._streams = video, sound
        return video, sound

    def skip_to_key(self) -> None:
        """Leave out pictures until the next key frame, which is made."""
        self._taker.skip_to_key()

    def begin_anew(self) -> None:
        """Start from 0 again with the next key frame, for another container: a stream whose line came back."""
        self._taker.skip_to_key()
        self._origin_ns, self._origin_pts, self._has_begun = None, None, False
        self._sound = None if self._feed is None else LiveSound(self._sound_codec)

    def write(self, frame: OutputFrame) -> list[AnyPacket]:
        """Encode a frame and what was heard; give what is ready.

        Raises:
            OSError: an encoder failed.
        """
        self.video.write(frame.index, frame.image, frame.time_ns)
        return [*self._pictures(), *self._sounds()]

    def finish(self) -> list[AnyPacket]:
        """Stop; give what is left."""
        is_last = self._studio.encoders.give_back(self.video)
        if is_last:
            self.video.finish()
        packets = [*self._pictures(), *self._sounds()]
        if self._sound is not None and self._origin_ns is not None:
            packets += self._placed_sounds(self._sound.rest())
        self.leave()
        return packets

    def leave(self) -> None:
        """Listen no longer."""
        feed, self._feed = self._feed, None
        if feed is not None and self._studio.hub is not None:
            self._studio.hub.leave(feed)

    def _pictures(self) -> list[AnyPacket]:
        packets: list[AnyPacket] = []
        for packet in self._taker.take():
            if packet.pts is None or packet.dts is None:
                continue
            if self._origin_pts is None:
                self._origin_pts = packet.pts
                self._origin_ns = int(packet.pts * VIDEO_TICK * _NS)
            packets.append(_placed(packet, -self._origin_pts, self._streams[0]))
        return packets

    def _sounds(self) -> list[AnyPacket]:
        if self._feed is None or self._sound is None or self._origin_ns is None:
            return []
        heard = self._feed.take()
        if heard is None:
            return []
        return self._placed_sounds(self._sound.encode(self._since_origin(heard, self._origin_ns).samples))

    def _since_origin(self, heard: Sound, origin_ns: int) -> Sound:
        """Leave out what was before the first picture; fill up to where it begins with silence."""
        if self._has_begun:
            return heard
        early = round((origin_ns - heard.captured_ns) * RATE_HZ / _NS)
        if early >= len(heard.samples):
            return replace(heard, samples=silence(0))
        self._has_begun = True
        if early >= 0:
            return replace(heard, samples=heard.samples[early:])
        return replace(heard, samples=np.concatenate([silence(-early), heard.samples]))

    def _placed_sounds(self, packets: Iterable["Packet[av.AudioStream]"]) -> list[AnyPacket]:
        return [_placed(packet, 0, self._streams[1]) for packet in packets]


def _placed(packet: AnyPacket, shift: int, stream: "av.VideoStream | av.AudioStream | None") -> AnyPacket:
    """Copy a packet for one container: a muxer changes the times of what it is given."""
    copy: AnyPacket = Packet(bytes(packet))  # type: ignore[assignment]
    copy.pts = None if packet.pts is None else packet.pts + shift
    copy.dts = None if packet.dts is None else packet.dts + shift
    copy.duration, copy.time_base, copy.is_keyframe = packet.duration, packet.time_base, packet.is_keyframe
    if stream is not None:
        copy.stream = stream  # pyright: ignore[reportAttributeAccessIssue]
    return copy
