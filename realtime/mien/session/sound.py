"""The session's sound: which microphone, who records and streams with it, and what is known of it."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Final

from mien.pipeline.events import EventFact, MicrophoneAway, MicrophoneOpened, ObsAway, SyncOffset
from mien.pipeline.report import SoundReport
from mien.pipeline.sink_interfaces import Sink
from mien.session.options import SoundOptions
from mien.sinks.live_tracks import Encoders, Recording, Studio
from mien.sound.devices import DEFAULT
from mien.sound.held_back import HeldBack
from mien.sound.hub import SoundHub, SoundState, SoundStatus
from mien.sound.microphone import MicrophoneRequest
from mien.sound.obs import ObsMicrophone, password_of
from mien.sound.speaker import Speaker

NO_MICROPHONE = "none"
_TOLD_PER_S: Final = 4.0
_HOW_TO_MAKE_ONE: Final = {
    "linux": "This makes one: pactl load-module module-null-sink sink_name=mien "
    "sink_properties=device.description=Mien; then it is --microphone-out Mien, and in the call 'Monitor of Mien'.",
    "darwin": "BlackHole (existential.audio) makes one.",
    "win32": "VB-Cable (vb-audio.com) makes one.",
}


class SessionSound:
    """Has state: the hub, once there is a microphone, and the options in force. Any thread may call anything."""

    def __init__(self, options: SoundOptions, camera_fps: Fraction, *, can_ask: bool) -> None:
        """Take what the user wishes, and whether somebody is there to be asked for the password of OBS.

        The microphone is opened when an output has sound.
        """
        self._options, self._fps = options, camera_fps
        self._tell: Callable[[EventFact], None] = lambda _fact: None
        self._is_private = False
        self._hub = SoundHub(self._request(options), self._opened, self._away)
        self._held_back = HeldBack(_TOLD_PER_S)
        self._speaker: Speaker | None = None
        self._obs: ObsMicrophone | None = None
        self._is_said = False
        self._password = "" if options.obs is None else password_of(options.obs, can_ask=can_ask)
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
        if (wish := self._options.obs) is not None:
            self._obs = ObsMicrophone(wish, self._password, lambda: self.offset_ms or 0, self._set, self._unset)
            self._obs.start()

    def pictures_are(self, age_ms: float | None, *, are_in_a_camera: bool) -> None:
        """Know how late pictures go out of late, and whether others take them from a virtual camera.

        What is played is held back by that, and whoever hears another microphone is told by how much.
        """
        if age_ms is not None:
            self._held_back.saw(round(age_ms * 1e6))
        is_carried = self._obs is not None or self._speaker is not None
        if are_in_a_camera and not is_carried and not self._is_said and self.offset_ms is not None:
            self._is_said = True
            self._tell(SyncOffset(self.offset_ms, None))

    @property
    def offset_ms(self) -> int | None:
        """By how much a microphone should be held back that Mien does not carry; None: not known yet."""
        return round(self._held_back.delay_ns / 1e6) if self._held_back.is_settled else None

    def close(self) -> None:
        """Close the microphone, and what it is played into; OBS gets its own offset back."""
        if self._obs is not None:
            self._obs.close()
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

    def _set(self, obs_input: str, offset_ms: int) -> None:
        self._tell(SyncOffset(offset_ms, obs_input))

    def _unset(self, why: str) -> None:
        self._tell(ObsAway(why))

    def _away(self, why: str) -> None:
        self._tell(MicrophoneAway(why))


def _how_to_make_one() -> str:
    return _HOW_TO_MAKE_ONE.get(sys.platform, "")
