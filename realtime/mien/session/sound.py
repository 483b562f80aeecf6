"""The session's sound: which microphone, who records and streams with it, and what is known of it."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Final

from mien.pipeline.events import EventFact, MicrophoneAway, MicrophoneOpened
from mien.pipeline.interfaces import Sink
from mien.pipeline.report import SoundReport
from mien.session.options import SoundOptions
from mien.sinks.live_tracks import Encoders, Recording, Studio
from mien.sound.devices import DEFAULT
from mien.sound.held_back import HeldBack
from mien.sound.hub import SoundHub, SoundState, SoundStatus
from mien.sound.microphone import MicrophoneRequest
from mien.sound.speaker import Speaker

NO_MICROPHONE = "none"
_HOW_TO_MAKE_ONE: Final = {
    "linux": "This makes one: pactl load-module module-null-sink sink_name=mien "
    "sink_properties=device.description=Mien; then it is --microphone-out Mien, and in the call 'Monitor of Mien'.",
    "darwin": "BlackHole (existential.audio) makes one.",
    "win32": "VB-Cable (vb-audio.com) makes one.",
}


class SessionSound:
    """Has state: the hub, once there is a microphone, and the options in force. Any thread may call anything."""

    def __init__(self, options: SoundOptions, camera_fps: Fraction) -> None:
        """Take what the user wishes; the microphone is opened when an output has sound."""
        self._options, self._fps = options, camera_fps
        self._tell: Callable[[EventFact], None] = lambda _fact: None
        self._is_private = False
        self._hub = SoundHub(self._request(options), self._opened, self._away)
        self._held_back = HeldBack()
        self._speaker: Speaker | None = None
        self._studio = Studio(Encoders(), self._hub, options.recording, is_in_lan=options.is_in_lan)

    def lend(self, sinks: Iterable[Sink]) -> None:
        """Let sinks that record or stream use the session's encoders and sound; before they are opened."""
        for sink in sinks:
            if isinstance(sink, Recording):
                sink.studio = self._studio

    def start(self, tell: Callable[[EventFact], None]) -> None:
        """Open the microphone; `tell` hears how that goes."""
        self._tell = tell
        self._apply()
        self._hub.start()
        if (name := self._options.microphone_out) is not None:
            self._speaker = Speaker(name, self._hub, lambda: self._held_back.delay_ns, self._played, self._unplayed)
            self._speaker.start()

    def pictures_are(self, age_ms: float | None) -> None:
        """Know how late pictures go out of late: what is played is held back by that."""
        if age_ms is not None:
            self._held_back.saw(round(age_ms * 1e6))

    def close(self) -> None:
        """Close the microphone, and what it is played into."""
        if self._speaker is not None:
            self._speaker.close()
        self._hub.close()

    def change(self, options: SoundOptions) -> None:
        """Take other options from now on; a recording that began without sound stays without."""
        if options.microphone != self._options.microphone:
            self._hub.change(self._request(options))
        self._options = options
        self._apply()

    def prepare(self, options: SoundOptions) -> None:
        """Let recordings that begin from now on be as these options say."""
        self._studio = replace(self._studio, recording=options.recording)

    def hush(self, *, is_private: bool) -> None:
        """Know whether the panic key is down."""
        self._is_private = is_private
        self._apply()

    @property
    def status(self) -> SoundStatus | None:
        """How the microphone is; None without one."""
        status = self._hub.status
        return None if status.state is SoundState.OFF else status

    @property
    def report(self) -> SoundReport | None:
        """What the report says of it; None without a microphone."""
        status = self._hub.status
        return SoundReport(None, status.drift_ppm, status.gaps) if self._hub.was_on else None

    def _apply(self) -> None:
        self._hub.is_muted = self._options.is_muted
        self._hub.is_hushed = self._is_private and self._options.panic_mutes

    def _request(self, options: SoundOptions) -> MicrophoneRequest | None:
        name = DEFAULT if options.microphone is None else options.microphone
        return None if name == NO_MICROPHONE else MicrophoneRequest(name, self._fps)

    def _opened(self, description: str) -> None:
        self._tell(MicrophoneOpened(description))

    def _played(self, name: str) -> None:
        self._tell(MicrophoneOpened(f"played into {name}, as late as the picture; choose that device in your call"))

    def _unplayed(self, why: str) -> None:
        self._tell(MicrophoneAway(f"{why} {_how_to_make_one()}".strip()))

    def _away(self, why: str) -> None:
        self._tell(MicrophoneAway(why))


def _how_to_make_one() -> str:
    return _HOW_TO_MAKE_ONE.get(sys.platform, "")
