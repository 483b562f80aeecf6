"""The microphone played into a device as late as the picture, whatever the device's clock does."""

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.media.clap import claps_ns
from mien.sound import devices
from mien.sound.devices import SoundDevice
from mien.sound.hub import SoundHub
from mien.sound.microphone import MicrophoneRequest
from mien.sound.samples import RATE_HZ
from mien.sound.speaker import Playout, Speaker
from mien_models.errors import SoundError

FPS = Fraction(30)


class Device:
    """Takes blocks in real time, by a clock that may run wrong, and remembers when each sample was heard."""

    def __init__(self, callback: Callable[..., None], rate_hz: int, drift: float) -> None:
        self.blocks: list[tuple[int, Any]] = []
        self._callback, self._rate_hz = callback, rate_hz * (1 + drift)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    @property
    def active(self) -> bool:
        return not self._ending.is_set()

    def start(self) -> None:
        pass

    def close(self, *, ignore_errors: bool) -> None:  # noqa: ARG002
        self._ending.set()
        self._thread.join()

    def _play(self) -> None:
        began_ns, played = time.monotonic_ns(), 0
        while not self._ending.is_set():
            samples = np.zeros((480, 2), np.float32)
            due_ns = began_ns + round(played * 1e9 / self._rate_hz)
            while time.monotonic_ns() < due_ns - 20_000_000:
                time.sleep(0.001)
            ahead_s = (due_ns - time.monotonic_ns()) / 1e9
            self._callback(samples, 480, SimpleNamespace(currentTime=5.0, outputBufferDacTime=5.0 + ahead_s), None)
            self.blocks.append((due_ns, samples))
            played += 480


@pytest.mark.parametrize(("rate_hz", "drift"), [(44_100, 0.0), (RATE_HZ, 5e-4)])
def test_clicks_are_heard_as_late_as_the_picture(monkeypatch: pytest.MonkeyPatch, rate_hz: int, drift: float) -> None:
    late_ms = clicks_late_ms(monkeypatch, rate_hz, drift, delay_ms=150, seconds=9)
    assert len(late_ms) >= 3
    assert abs(float(np.median(late_ms)) - 150) < 10


def test_sound_that_is_slower_than_its_picture_is_heard_as_soon_as_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late_ms = clicks_late_ms(monkeypatch, RATE_HZ, 0.0, delay_ms=0, seconds=5)
    assert late_ms
    assert 0 < float(np.median(late_ms)) < 500


def clicks_late_ms(
    monkeypatch: pytest.MonkeyPatch, rate_hz: int, drift: float, *, delay_ms: int, seconds: int
) -> list[float]:
    """Play the synthetic microphone for a while; say how late each click was heard."""
    made: list[Device] = []

    def opened(_device: SoundDevice, *, callback: Callable[..., None], **_: object) -> tuple[Device, int]:
        made.append(Device(callback, rate_hz, drift))
        return made[-1], rate_hz

    def found(name: str) -> SoundDevice:
        return SoundDevice(0, name, "", 2, RATE_HZ, True)

    monkeypatch.setattr("mien.sound.speaker.output_device", found)
    monkeypatch.setattr("mien.sound.speaker.open_output", opened)
    hub = SoundHub(MicrophoneRequest("synthetic", FPS), lambda _: None, lambda _: None)
    speaker = Speaker("Cable", hub, lambda: delay_ms * 1_000_000, lambda _: None, lambda _: None)
    hub.start()
    began_ns = time.monotonic_ns()
    speaker.start()
    time.sleep(seconds)
    speaker.close()
    hub.close()
    heard_ns: list[int] = []
    for at_ns, samples in made[0].blocks:
        loud = np.flatnonzero(np.abs(samples[:, 0]) > 0.3)
        if len(loud) and (not heard_ns or at_ns - heard_ns[-1] > 500_000_000):
            heard_ns.append(at_ns + round(int(loud[0]) * 1e9 / rate_hz))
    claps = claps_ns(began_ns, began_ns + seconds * 1_000_000_000, FPS)
    return [
        min((heard - clap for clap in claps), key=lambda apart: abs(apart - delay_ms * 1_000_000)) / 1e6
        for heard in heard_ns
    ]


def test_what_comes_too_late_is_silence_and_what_follows_is_in_its_place() -> None:
    playout = Playout()
    assert not playout.take(10, 1).any()
    playout.put(np.ones((20, 2), np.float32), 5)
    assert playout.take(10, 2)[:, 0].tolist() == [1.0] * 10
    assert playout.take(10, 3)[:, 0].tolist() == [1.0] * 5 + [0.0] * 5
    playout.put(np.full((4, 2), 2, np.float32), 33)
    assert playout.take(10, 4)[:, 0].tolist() == [0.0] * 3 + [2.0] * 4 + [0.0] * 3


def test_a_device_that_is_not_there_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    cable = SoundDevice(3, "CABLE Input (VB-Audio)", "", 2, RATE_HZ, False)

    def listed(*, is_input: bool) -> tuple[SoundDevice, ...]:
        return () if is_input else (cable,)

    monkeypatch.setattr(devices, "_listed", listed)
    assert devices.output_device("cable input") is cable
    with pytest.raises(SoundError, match=r"no output device 'CABEL Inptu \(VB-Audio'; did you mean 'CABLE Input"):
        devices.output_device("CABEL Inptu (VB-Audio")
    with pytest.raises(SoundError, match="no microphone"):
        devices.input_device("x")


class NeverClosed(Device):
    """A driver whose card was pulled out while it was played into."""

    def close(self, *, ignore_errors: bool) -> None:
        super().close(ignore_errors=ignore_errors)
        threading.Event().wait()


def test_a_driver_that_does_not_let_go_of_its_card_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def stream(*, samplerate: int, callback: Callable[..., None], **_: object) -> Device:
        begun.append("stream")
        return (NeverClosed if len(begun) == 1 else Device)(callback, samplerate, 0)

    module = SimpleNamespace(
        PortAudioError=RuntimeError,
        OutputStream=stream,
        _terminate=lambda: begun.append("terminated"),
        _initialize=lambda: None,
        query_devices=list,
        query_hostapis=list,
        default=SimpleNamespace(device=(0, 0)),
    )
    monkeypatch.setattr(devices, "portaudio", lambda: module)
    monkeypatch.setattr(devices, "_CLOSE_S", 0.2)
    monkeypatch.setattr("mien.sound.devices._OPEN.count", 0)
    wanted = SoundDevice(0, "Cable", "", 2, RATE_HZ, True)
    for _ in range(2):
        opened, _rate = devices.open_output(wanted, channels=2, block_s=0.01, callback=lambda *_: None)
        opened.close(ignore_errors=True)
    devices.speakers()
    assert "terminated" not in begun
