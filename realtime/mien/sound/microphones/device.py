"""A microphone of this computer, through PortAudio."""

import queue
from types import TracebackType
from typing import Final, Self

import numpy as np

from mien.sound.devices import (
    PortAudioStream,
    SoundDevice,
    StreamTimes,
    StreamTrouble,
    input_device,
    open_stream,
    stamp_ns,
)
from mien.sound.microphone import MicrophoneInfo, MicrophonePlugin, MicrophoneRequest
from mien.sound.samples import RATE_HZ, RawSound, SamplesF32, samples_ns
from mien_models.errors import SoundError

_BLOCK_S: Final = 0.01
_WAITING: Final = 200
"""Blocks, two seconds; whoever is later than that has lost sound, and is told."""
_QUIET_S: Final = 1.0
"""A device that gives nothing for so long is gone: PortAudio says nothing when one is unplugged."""


class DeviceMicrophone:
    """Has state: the open stream, and the blocks that nobody has read yet."""

    def __init__(self, request: MicrophoneRequest) -> None:
        self._name = request.name
        self._blocks: queue.Queue[RawSound] = queue.Queue(_WAITING)
        self._has_lost = False
        self._quiet_s = 0.0
        self._device: SoundDevice | None = None
        self._rate_hz = RATE_HZ
        self._stream: PortAudioStream | None = None

    @property
    def info(self) -> MicrophoneInfo:
        """What was granted."""
        assert self._device is not None  # noqa: S101 - known between enter and exit
        kind = "mono" if self._channels == 1 else "stereo"
        return MicrophoneInfo(f"{self._device.name}, {self._rate_hz} Hz, {kind}", self._rate_hz, self._channels)

    @property
    def _channels(self) -> int:
        return 1 if self._device is None else min(self._device.channels, 2)

    def __enter__(self) -> Self:
        """Open it at 48 kHz, else at its own rate.

        Raises:
            SoundError: no such microphone, PortAudio is missing, or it does not open.
        """
        self._device = input_device(self._name)
        self._blocks, self._has_lost, self._quiet_s = queue.Queue(_WAITING), False, 0.0
        self._stream, self._rate_hz = open_stream(
            self._device, channels=self._channels, block_s=_BLOCK_S, callback=self._take
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)

    def read(self, timeout_s: float) -> RawSound | None:
        """Give the next 10 ms or so.

        Raises:
            SoundError: nothing has come for a second, so it is unplugged or stuck.
        """
        try:
            sound = self._blocks.get(timeout=timeout_s)
        except queue.Empty:
            self._quiet_s += timeout_s
            is_running = self._stream is not None and self._stream.active
            if self._quiet_s >= _QUIET_S or not is_running:
                raise SoundError(f"The microphone {self._name!r} gives no sound any more; is it plugged in?") from None
            return None
        self._quiet_s = 0.0
        return sound

    def _take(self, samples: SamplesF32, frames: int, times: StreamTimes, status: StreamTrouble) -> None:
        """Keep a block; PortAudio's own thread calls it and must not wait."""
        captured_ns = stamp_ns(times.currentTime, times.inputBufferAdcTime, samples_ns(frames, self._rate_hz))
        is_after_loss, self._has_lost = self._has_lost or bool(status.input_overflow), False
        try:
            self._blocks.put_nowait(RawSound(np.array(samples, np.float32), captured_ns, is_after_loss))
        except queue.Full:
            self._has_lost = True


PLUGIN: Final = MicrophonePlugin(DeviceMicrophone)
