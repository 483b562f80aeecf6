"""What a microphone is to Mien, and which kinds there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Final, Protocol, Self

from mien.sound.samples import RawSound
from mien_models.plugins import Plugins

SYNTHETIC: Final = "synthetic"


@dataclass(frozen=True, slots=True)
class MicrophoneInfo:
    """What a microphone grants, known once it is open."""

    description: str
    """One line for people."""
    rate_hz: int
    channels: int
    """1 or 2."""


@dataclass(frozen=True, slots=True)
class MicrophoneRequest:
    """What is asked of a microphone."""

    name: str
    """As after `--microphone`: a device's name or number, 'default', 'synthetic'."""
    camera_fps: Fraction
    """Of the camera beside it: a synthetic one claps with its frames."""


class Microphone(Protocol):
    """Where sound comes from: `with microphone: sound = microphone.read(0.2)`. One thread reads."""

    @property
    def info(self) -> MicrophoneInfo:
        """What was granted; valid between enter and exit."""
        ...

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SoundError: it is not there, is used by another program or has no rate that fits.
        """
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; never raises."""
        ...

    def read(self, timeout_s: float) -> RawSound | None:
        """Give the next block; None when none came in time.

        Raises:
            SoundError: it is gone.
        """
        ...


class MicrophoneFactory(Protocol):
    """Makes a microphone, closed."""

    def __call__(self, request: MicrophoneRequest) -> Microphone:
        """Make it without opening anything."""
        ...


@dataclass(frozen=True, slots=True)
class MicrophonePlugin:
    """One kind of microphone."""

    make: MicrophoneFactory
    answers_to: Sequence[str] = ()
    """Names after `--microphone` that mean this kind and no device; empty: it takes every other name."""


MICROPHONES: Final[Plugins[MicrophonePlugin]] = Plugins("mien.sound.microphones", "microphone")


def make_microphone(request: MicrophoneRequest) -> Microphone:
    """Make the microphone that a name means, closed."""
    plugins = [MICROPHONES.load(name) for name in MICROPHONES.names()]
    named = [plugin for plugin in plugins if request.name in plugin.answers_to]
    (chosen, *_) = named or [plugin for plugin in plugins if not plugin.answers_to]
    return chosen.make(request)
