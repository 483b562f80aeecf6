"""Encodes sound while it comes: AAC for files and streams, Opus for what speaks WebRTC."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, TypeAlias

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.packet import Packet
from numpy.typing import NDArray

_RATE_HZ: Final = 48_000
TIME_BASE: Final = Fraction(1, _RATE_HZ)
_BIT_RATE: Final = {"aac": 160_000, "libopus": 128_000}

_FORMAT: Final = {"aac": "fltp", "libopus": "flt"}
"""What they take: each channel by itself, or side by side."""

SoundPacket: TypeAlias = "Packet[AudioStream]"


class LiveSound:
    """One encoder of stereo sound at 48 kHz; has state: samples that do not fill a packet yet."""

    def __init__(self, codec: str) -> None:
        """Take 'aac' or 'libopus'."""
        self._container = av.open("-", "w", format="null")
        stream = self._container.add_stream(codec, rate=_RATE_HZ)
        assert isinstance(stream, AudioStream)  # noqa: S101 - every codec of _BIT_RATE makes sound
        self.template = stream
        """What a muxer must know of the packets."""
        context = stream.codec_context
        context.layout, context.bit_rate, context.time_base = "stereo", _BIT_RATE[codec], TIME_BASE
        context.format = _FORMAT[codec]
        context.flags |= Flags.global_header
        self._container.start_encoding()
        self._count = context.frame_size
        self._format = context.format.name
        self._waiting: NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self._next_pts = 0

    def encode(self, samples: NDArray[np.float32]) -> list[SoundPacket]:
        """Take (n, 2) samples, -1..1, that follow on the last ones; give what is ready, from 0 on in 1/48000 s."""
        waiting = np.concatenate([self._waiting, samples])
        full = len(waiting) // self._count * self._count
        self._waiting = waiting[full:]
        packets: list[SoundPacket] = []
        for begins in range(0, full, self._count):
            packets += self._encoded(waiting[begins : begins + self._count])
        return packets

    def rest(self) -> list[SoundPacket]:
        """Give what still waits; nothing can be encoded after it."""
        packets: Sequence[SoundPacket] = self._encoded(self._waiting) if len(self._waiting) else []
        self._waiting = self._waiting[:0]
        return [*packets, *self._packets(None)]

    def _encoded(self, samples: NDArray[np.float32]) -> Sequence[SoundPacket]:
        is_planar = self._format.endswith("p")
        laid_out = samples.T if is_planar else samples.reshape(1, -1)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(laid_out), "fltp" if is_planar else "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = _RATE_HZ, self._next_pts, TIME_BASE
        self._next_pts += len(samples)
        return self._packets(frame)

    def _packets(self, frame: AudioFrame | None) -> Sequence[SoundPacket]:
        return self.template.encode(frame)  # pyright: ignore[reportUnknownVariableType]
