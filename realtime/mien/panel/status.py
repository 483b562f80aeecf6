"""A session's status as the pages read it: typed, and forgiving about what a newer session says more."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

Told: TypeAlias = Annotated[str, SkipValidation]
"""Left as it is: it may be a `Sentence`."""


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SinkView(_View):
    """How one output is doing."""

    description: str
    state: str
    why: Told | None = None
    written: int = 0
    dropped: int = 0
    fps: float | None = None


class LevelView(_View):
    """How loud the microphone is, in dB of full scale."""

    peak_db: float = -90.0
    rms_db: float = -90.0


class SoundView(_View):
    """The microphone."""

    state: str
    description: Told = ""
    level: LevelView = LevelView()
    is_muted: bool = False


class AgeView(_View):
    """How old frames were, in milliseconds, over all of the run."""

    p50: float | None = None
    p95: float | None = None


class RunView(_View):
    """The run."""

    state: str
    why: Told = ""
    cause: str | None = None
    source: str | None = None
    fps_in: float | None = None
    fps_out: float | None = None
    age_ms: AgeView = AgeView()
    recent_age_ms: float | None = None
    recent_age_p95_ms: float | None = None
    recent_stages_ms: Mapping[str, float] = Field(default_factory=dict[str, float])
    frames_in: int = 0
    frames_swapped: int = 0
    frames_out: int = 0
    dropped: Mapping[str, int] = Field(default_factory=dict[str, int])
    shed: tuple[Told, ...] = ()
    sinks: tuple[SinkView, ...] = ()
    faces: int = 0
    is_frozen: bool = False


class RemoteView(_View):
    """The other machine that swaps; times in milliseconds, of late."""

    machine: str
    state: str
    why: Told = ""
    codec: str | None = None
    rtt_ms: float | None = None
    loss: float | None = None
    encode_ms: float | None = None
    decode_ms: float | None = None
    there_encode_ms: float | None = None
    there_decode_ms: float | None = None
    there_wait_ms: float | None = None
    there_swap_ms: float | None = None
    back_ms: float | None = None
    sent_size: tuple[int, int] | None = None
    bits_per_s: float | None = None
    seats: str = ""
    is_taken_over: bool = False


class StatusView(_View):
    """The session."""

    session_id: str
    run: RunView
    settings: Mapping[str, JsonValue]
    revision: int
    pending: tuple[str, ...] = ()
    faces: tuple[str, ...] = ()
    networks: Mapping[str, str] = Field(default_factory=dict[str, str])
    is_private: bool = False
    sound: SoundView | None = None
    remote: RemoteView | None = None
    uptime_s: float = 0.0
    camera: str = ""
    outputs: Mapping[str, str] = Field(default_factory=dict[str, str])
    sync_offset_ms: int | None = None

    def value(self, name: str) -> Any:  # noqa: ANN401 - as diverse as settings are
        """Give a setting in force; one inside a table has a dot."""
        table, _, inner = name.partition(".")
        value: Any = self.settings.get(table)
        return value.get(inner) if inner and isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType]

    @property
    def recording(self) -> str | None:
        """The output that records."""
        return next((spec for spec in self.outputs if spec.startswith("file:")), None)
