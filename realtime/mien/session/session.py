"""The running program as everything that steers it sees it: status, changes, privacy, events, the picture."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from mien.pipeline.events import Event
from mien.pipeline.frame import State
from mien.pipeline.live.accounting import Snapshot
from mien.pipeline.report import RemoteReport
from mien.sound.hub import SoundStatus
from mien_models.types import BgrU8


@dataclass(frozen=True, slots=True)
class SettingsPatch:
    """Some settings with other values."""

    values: Mapping[str, object]
    """By name as in `mien.toml`; a setting inside a table has a dot ('policy.lost')."""
    revision: int | None = None
    """The revision that whoever asks has seen; where it is given and no longer in force, the patch is refused."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was asked for is in force."""

    revision: int
    changed: tuple[str, ...]
    """The settings that have another value now; empty where they had these already."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed."""

    revision: int
    """The one that stays in force."""
    reasons: Mapping[str, str]
    """For each setting that is in the way one sentence."""


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """The program at one moment."""

    session_id: str
    """Six hexadecimal digits, those of the mark."""
    run: Snapshot
    """State and cause, rates, ages, stages, sinks."""
    settings: Mapping[str, object]
    """Those in force, as JSON values; tables are mappings."""
    revision: int
    """Grows by one with every change of the settings."""
    pending: tuple[str, ...]
    """Settings that are being changed right now."""
    faces: tuple[str, ...]
    """The source faces in use, by name in the library, else 'photo'."""
    networks: Mapping[str, str]
    """What each network really runs on."""
    sound: SoundStatus | None
    """The microphone; None without one."""
    is_private: bool
    uptime_s: float
    camera: str = ""
    """Where frames come from, as `--camera` takes it; also where none was named."""
    remote: RemoteReport | None = None
    """The line to the machine that swaps; None where this one does."""
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each output is in a line for people, by what was written after `--sink`; also where none was."""
    sync_offset_ms: int | None = None
    """By how much a microphone should be held back that Mien does not carry, such as OBS's own; None: not known yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """The newest picture as it was sent: marked, or a card; small."""

    image_bgr: BgrU8
    """(h, w, 3); nobody else writes into it."""
    index: int
    """Of the output frame."""
    captured_ns: int
    state: State


@dataclass(frozen=True, slots=True, eq=False)
class FaceInSight:
    """A face before the camera as it is: for the person at this machine only, kept and sent nowhere."""

    id: int
    """The same for as long as it is followed."""
    role: int | None
    """Which of the source faces it gets, from 0; None: it is left as it is."""
    image_bgr: BgrU8
    """(side, side, 3) the head with some room around it."""


class Subscription(Protocol):
    """The events from now on; at most so many wait, the oldest go first."""

    def get(self, timeout_s: float | None = None) -> Event | None:
        """Give the next event; None when none came in time or it is closed."""
        ...

    @property
    def missed(self) -> int:
        """How many events nobody took in time."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class Session(Protocol):
    """A running session. Any thread may call anything; nothing here waits for a frame."""

    def status(self) -> SessionStatus:
        """Say how it is."""
        ...

    def apply(self, patch: SettingsPatch) -> "Future[Applied | Refused]":
        """Change settings: all of the patch between two frames, or nothing. Patches are taken one by one."""
        ...

    def set_privacy(self, *, on: bool) -> None:
        """Hide the picture, which is hidden before this returns, or show it again."""
        ...

    def reveal(self) -> bool:
        """Show the camera as it is for three seconds; False where that may not be now."""
        ...

    def stop(self) -> None:
        """End the session cleanly."""
        ...

    def subscribe(self) -> Subscription:
        """Hear what happens from now on."""
        ...

    def freeze(self, *, on: bool) -> bool:
        """Hold the last swapped picture, or go on; say whether it is held now."""
        ...

    def split_recordings(self) -> tuple[str, ...]:
        """Let every recording go on in another file, without a gap; give the files that it goes on in.

        Raises:
            SinkError: one of them has ended.
        """
        ...

    def preview(self, width: int) -> Preview | None:
        """Give the newest picture as sent, `width` pixels wide at most; None before the first."""
        ...

    def camera_picture(self, width: int) -> Preview | None:
        """Give the newest frame as the camera gave it, for the person at this machine only; None before the first."""
        ...

    def faces_in_sight(self, side_px: int) -> tuple[FaceInSight, ...]:
        """Give the faces of the newest frame from left to right, for the person at this machine only."""
        ...
