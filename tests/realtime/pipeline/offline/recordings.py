"""Recordings in which a flash is seen and a beep heard at the same moments, and what can go wrong with their clocks."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

RATE = 25
EVERY = 12
FIRST = 6
"""A flash and a beep in the sixth frame and every twelfth after it."""


@dataclass(frozen=True)
class Recording:
    """How one is made."""

    frames: int = 50
    start_s: int = 0
    size: tuple[int, int] = (160, 120)
    pix_fmt: str = "yuv420p"
    sound_hz: int | None = 48_000
    layout: str = "mono"
    codec: str = "libx264"
    sound_codec: str = "aac"
    is_shifted: bool = True
    """Whether a clock that begins before 0 is shifted to 0 when it is written, as most programs do."""
    gap: tuple[int, float] = (0, 0.0)
    """Before which frame everything pauses, and for how many seconds."""

    def write(self, path: Path) -> Path:
        """Write it."""
        with av.open(str(path), "w", options={} if self.is_shifted else {"avoid_negative_ts": "disabled"}) as target:
            stream = target.add_stream(self.codec, rate=RATE)
            assert isinstance(stream, VideoStream)
            (stream.width, stream.height), stream.pix_fmt = self.size, self.pix_fmt
            stream.codec_context.time_base = Fraction(1, RATE)
            stream.codec_context.gop_size = 12
            sound = (
                target.add_stream(self.sound_codec, rate=self.sound_hz, layout=self.layout) if self.sound_hz else None
            )
            for index in range(self.frames):
                picture = np.full((self.size[1], self.size[0], 3), 255 if index % EVERY == FIRST else 20, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "bgr24")
                frame.pts, frame.time_base = self._ticks(index, RATE), Fraction(1, RATE)
                target.mux(stream.encode(frame))
                if isinstance(sound, AudioStream):
                    target.mux(sound.encode(self._sound(index)))
            target.mux(stream.encode(None))
            if isinstance(sound, AudioStream):
                target.mux(sound.encode(None))
        return path

    def _ticks(self, index: int, rate: int) -> int:
        before, pause_s = self.gap
        return round((index / RATE + self.start_s + (pause_s if index >= before else 0)) * rate)

    def _sound(self, index: int) -> av.AudioFrame:
        assert self.sound_hz is not None
        length = self.sound_hz // RATE
        wave = 20_000 * np.sin(np.arange(length) * 2 * np.pi * 1000 / self.sound_hz) * (index % EVERY == FIRST)
        channels = av.AudioLayout(self.layout).nb_channels
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, channels)[None].astype(np.int16), "s16", self.layout)
        frame.sample_rate, frame.pts = self.sound_hz, self._ticks(index, self.sound_hz)
        frame.time_base = Fraction(1, self.sound_hz)
        return frame


def joined(path: Path, *recordings: Recording) -> Path:
    """Lay recordings one behind the other, as people join MPEG-TS."""
    parts = [recording.write(path.with_name(f"part{n}{path.suffix}")) for n, recording in enumerate(recordings)]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def times_of(path: Path) -> list[float]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as film:
        return [frame.time for frame in film.decode(video=0)]


def out_of_step_ms(path: Path) -> list[float]:
    """How much later than each flash its beep is heard."""
    with av.open(str(path)) as film:
        seen = [(frame.time, float(frame.to_ndarray(format="gray").mean())) for frame in film.decode(video=0)]
    flashes = [time for time, level in seen if level > 150]
    beeps = np.array(_beeps(path))
    return [1000 * float((beeps - flash)[np.abs(beeps - flash).argmin()]) for flash in flashes]


def pitches_hz(path: Path) -> list[float]:
    """The pitch of each beep."""
    rate, wave = _heard(path)
    starts = [round(beep * rate) for beep in _beeps(path)]
    beeps = [wave[start + rate // 100 : start + rate // 33] for start in starts]
    return [float((np.diff(np.signbit(beep)) != 0).sum()) / 2 * rate / len(beep) for beep in beeps]


def _beeps(path: Path) -> list[float]:
    rate, wave = _heard(path)
    loud = [start / rate for start in range(0, len(wave), 120) if np.abs(wave[start : start + 120]).mean() > 0.15]
    return [time for before, time in zip([-1.0, *loud], loud, strict=False) if time - before > 0.2]


def _heard(path: Path) -> "tuple[int, NDArray[np.float64]]":
    """The sound as it is played: every frame at its time."""
    with av.open(str(path)) as film:
        frames = [(frame.time or 0.0, frame.sample_rate, frame.to_ndarray()[0]) for frame in film.decode(audio=0)]
    rate = frames[0][1]
    wave = np.zeros(round(frames[-1][0] * rate) + 2 * len(frames[-1][2]))
    for time, _, part in frames:
        start = max(0, round(time * rate))
        wave[start : start + len(part)] = part
    return rate, wave


PLAIN = Recording()
LATER = replace(PLAIN, start_s=3600)
