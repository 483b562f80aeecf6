"""The microphones of this computer: found by name, opened at a rate that they have."""

import ctypes
import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from mien.sound.samples import RATE_HZ
from mien_models.errors import SoundError
from mien_models.system.near_miss import LOOSE, did_you_mean
from mien_models.system.stderr_descriptor import turned_by_a_library, without_lines

_LOCK: Final = threading.RLock()
"""PortAudio may not be asked by two threads at once."""
DEFAULT: Final = "default"
_CLOSE_S: Final = 2.0
_RATES_HZ: Final = (RATE_HZ, 44_100, 96_000, 32_000, 16_000, 8_000)
"""Tried after one another, with the device's own: a card that another program uses has the rate that program chose."""
_TALKATIVE: Final = {
    "libasound.so.2": ("snd_lib_error_set_handler",),
    "libjack.so.0": ("jack_set_error_function", "jack_set_info_function"),
}
_SAYS_NOTHING: Final = ctypes.CFUNCTYPE(None)(lambda: None)
"""Takes the place of what prints; it reads none of its arguments."""


class PortAudioStream(Protocol):
    """An open stream of the library."""

    @property
    def active(self) -> bool:
        """Whether it runs."""
        ...

    def start(self) -> None:
        """Let it run."""
        ...

    def close(self, *, ignore_errors: bool) -> None:
        """Stop and let go."""
        ...


class StreamTimes(Protocol):
    """What a callback is told of the stream's clock, in seconds."""

    currentTime: float  # noqa: N815 - the library's names
    inputBufferAdcTime: float  # noqa: N815
    outputBufferDacTime: float  # noqa: N815


class StreamTrouble(Protocol):
    """What a callback is told of losses."""

    input_overflow: bool


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One device, as PortAudio knows it at the moment."""

    number: int
    name: str
    driver: str
    """ALSA, Core Audio, Windows WASAPI, ..."""
    channels: int
    """That can be recorded, or played into."""
    rate_hz: int
    """The one it likes best."""
    is_default: bool


def portaudio() -> Any:  # noqa: ANN401 - the library is not annotated
    """Give the module `sounddevice`, loaded when it is needed first.

    Raises:
        SoundError: PortAudio is not installed.
    """
    _quieten_drivers()
    try:
        with turned_by_a_library():
            import sounddevice
    except OSError as error:
        raise SoundError(
            "PortAudio, which reads microphones, is not installed. "
            "On Debian and Ubuntu: sudo apt install libportaudio2."
        ) from error
    return sounddevice


@functools.cache
def _quieten_drivers() -> None:
    """Keep ALSA and JACK, which PortAudio asks on Linux, from writing on the terminal what they did not find."""
    for library, functions in _TALKATIVE.items():
        try:
            loaded = ctypes.CDLL(library)
        except OSError:  # not there, and so it says nothing
            continue
        for function in functions:
            getattr(loaded, function)(_SAYS_NOTHING)


def microphones() -> tuple[SoundDevice, ...]:
    """List what is plugged in now; a stream that is open would be lost.

    Raises:
        SoundError: PortAudio is not installed or fails.
    """
    return tuple(device for device in _listed(is_input=True) if device.channels)


def speakers() -> tuple[SoundDevice, ...]:
    """List the devices that sound can be played into; as `microphones`."""
    return tuple(device for device in _listed(is_input=False) if device.channels)


def _listed(*, is_input: bool) -> tuple[SoundDevice, ...]:
    module = portaudio()
    with _LOCK:
        try:
            if not _OPEN.count:
                module._terminate()  # noqa: SLF001 - PortAudio looks for devices only when it begins
                with turned_by_a_library():
                    module._initialize()  # noqa: SLF001
            found = module.query_devices()
            drivers = [driver["name"] for driver in module.query_hostapis()]
            default = module.default.device[0 if is_input else 1]
        except module.PortAudioError as error:
            raise SoundError(f"The sound devices cannot be listed: {_said(error)}.") from error
    return tuple(
        SoundDevice(
            number,
            device["name"],
            drivers[device["hostapi"]],
            device["max_input_channels" if is_input else "max_output_channels"],
            round(device["default_samplerate"]),
            number == default,
        )
        for number, device in enumerate(found)
    )


def input_device(name: str) -> SoundDevice:
    """Find a microphone.

    Raises:
        SoundError: there is none of that name; the nearest is named.
    """
    return _chosen(name, microphones(), "microphone")


def output_device(name: str) -> SoundDevice:
    """Find a device that sound can be played into.

    Raises:
        SoundError: there is none of that name; the nearest is named.
    """
    return _chosen(name, speakers(), "output device")


def _chosen(name: str, devices: Sequence[SoundDevice], kind: str) -> SoundDevice:
    if not devices:
        raise SoundError(f"This computer has no {kind}.")
    if name == DEFAULT:
        return next((device for device in devices if device.is_default), devices[0])
    if name.isdecimal():
        numbered = [device for device in devices if device.number == int(name)]
    else:
        numbered = [device for device in devices if device.name == name]
        numbered = numbered or [device for device in devices if name.lower() in device.name.lower()]
    if numbered:
        return numbered[0]
    names = [device.name for device in devices]
    hint = did_you_mean(name, names, f"there are: {', '.join(map(repr, names))}.", alike=LOOSE)
    raise SoundError(f"There is no {kind} {name!r}; {hint} `mien devices` lists them.")


def open_stream(
    device: SoundDevice, *, channels: int, block_s: float, callback: Callable[..., None]
) -> tuple[PortAudioStream, int]:
    """Open and start a stream of a microphone's float samples at 48 kHz, else at a rate that the device has.

    Returns:
        PortAudio's stream, and its rate.

    Raises:
        SoundError: another program has it, or it has no rate that is usual.
    """
    return _opened("InputStream", device, channels=channels, block_s=block_s, callback=callback)


def open_output(
    device: SoundDevice, *, channels: int, block_s: float, callback: Callable[..., None]
) -> tuple[PortAudioStream, int]:
    """Open and start a stream of float samples into a device; as `open_stream`."""
    return _opened("OutputStream", device, channels=channels, block_s=block_s, callback=callback)


class _OpenStreams:
    """Counts the streams that are open: PortAudio may look for devices anew only while there are none."""

    def __init__(self) -> None:
        self.count = 0


_OPEN: Final = _OpenStreams()


class _Counted:
    """A stream that counts while it is open."""

    def __init__(self, stream: PortAudioStream) -> None:
        self._stream: PortAudioStream | None = stream
        with _LOCK:
            _OPEN.count += 1

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return self._stream is not None and bool(self._stream.active)

    def start(self) -> None:
        """It runs already."""

    def close(self, *, ignore_errors: bool) -> None:
        """Stop and let go; more than once does no harm.

        The driver of a card that was pulled out may never come back from that; it is left to itself then, and counts as
        open for ever, since PortAudio would wait for it as well.
        """
        stream, self._stream = self._stream, None
        if stream is None:
            return
        closing = threading.Thread(target=stream.close, kwargs={"ignore_errors": ignore_errors}, daemon=True)
        with _LOCK:
            with without_lines(_is_of_portaudio):
                closing.start()
                closing.join(_CLOSE_S)
            _OPEN.count -= not closing.is_alive()


def _opened(
    kind: str,
    device: SoundDevice,
    *,
    channels: int,
    block_s: float,
    callback: Callable[..., None],
) -> tuple[PortAudioStream, int]:
    module = portaudio()
    failure: Exception | None = None
    for rate_hz in dict.fromkeys((RATE_HZ, device.rate_hz, *_RATES_HZ)):
        with _LOCK:
            try:
                with without_lines(_is_of_portaudio):
                    stream = getattr(module, kind)(
                        samplerate=rate_hz,
                        device=device.number,
                        channels=channels,
                        dtype="float32",
                        blocksize=round(rate_hz * block_s),
                        callback=callback,
                    )
                    stream.start()
            except (module.PortAudioError, ValueError) as error:
                failure = error
            else:
                return _Counted(stream), rate_hz
    raise SoundError(
        f"{device.name!r} does not open: {_said(failure)}. Does another program use it, or is access to it blocked?"
    ) from failure


def _is_of_portaudio(line: bytes) -> bool:
    """Tell whether PortAudio says there which of its own expressions failed; that something did is told by us."""
    return line.startswith(b"Expression '")


def stamp_ns(now_s: float, at_s: float, block_ns: int) -> int:
    """Bring a time of a stream to `time.monotonic_ns()`.

    Args:
        now_s: the stream's clock at this moment.
        at_s: the time in question, on the stream's clock; 0 where the driver does not tell.
        block_ns: how long a block is: what is taken for unknown times.
    """
    now_ns = time.monotonic_ns()
    return now_ns - (round((now_s - at_s) * 1e9) if at_s > 0 and now_s > 0 else block_ns)


def _said(error: Exception | None) -> str:
    words = str(error).split(":")[-1] if error is not None else "no reason is given"
    return words.split("[")[0].strip().rstrip(".")
