"""What other programs say to a session and hear from it: JSON made from these models."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

VERSION: Final = 3
"""Both sides say it first; another one is refused. It grows with every change that an older program would misread."""
LARGEST_REQUEST_BYTES: Final = 256 * 1024
LARGEST_REPLY_BYTES: Final = 8 * 1024 * 1024


class RecordAction(Enum):
    """What can be asked for of recordings."""

    START = "start"
    STOP = "stop"
    SPLIT = "split"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Telling(_Message):
    """A reply with sentences for people."""

    sentences: dict[str, Any] = {}
    """What they were made of, by their English texts, as `mien_models.system.sentence` writes it."""


class Hello(_Message):
    """The first message of both sides."""

    kind: Literal["hello"] = "hello"
    version: int
    program: str
    """Name and version, for people."""


class GetStatus(_Message):
    """Ask how the session is; the answer is a `Status`."""

    kind: Literal["status"] = "status"


class Set(_Message):
    """Ask for other settings; the answer is `AppliedReply` or `RefusedReply`."""

    kind: Literal["set"] = "set"
    values: dict[str, JsonValue]
    revision: int | None = None


class SetPrivacy(_Message):
    """Hide the picture (true), show it again (false), or the other of both (null); the answer is a `Privacy`."""

    kind: Literal["privacy"] = "privacy"
    on: bool | None


class Reveal(_Message):
    """Show the camera as it is for three seconds; the answer is a `Revealed`."""

    kind: Literal["reveal"] = "reveal"


class Freeze(_Message):
    """Hold the last swapped picture (true) or go on (false); the answer is a `Frozen`."""

    kind: Literal["freeze"] = "freeze"
    on: bool


class Record(_Message):
    """Start a recording, stop all, or let them go on in another file; the answer is a `Recorded` or a `Failed`."""

    kind: Literal["record"] = "record"
    action: RecordAction
    path: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """The file to begin, whole from the root; none: one is named by the time, in the user's folder of films."""


class Stop(_Message):
    """End the session; the answer is a `Done`."""

    kind: Literal["stop"] = "stop"


class GetPreview(_Message):
    """Ask for the newest picture as sent; the answer is a `PreviewReply`."""

    kind: Literal["preview"] = "preview"
    width: Annotated[int, Field(ge=16, le=1920)]
    quality: Annotated[int, Field(ge=1, le=100)] = 80
    newer_than: int = -1
    """The index of the picture that is known already: while there is no newer one, none is sent."""
    with_camera: bool = False
    """Whether the camera's own picture comes along, for the person at this machine only."""


class GetFaces(_Message):
    """Ask for the faces in sight, for the person at this machine only; the answer is a `FacesReply`."""

    kind: Literal["faces"] = "faces"
    side_px: Annotated[int, Field(ge=16, le=512)] = 128


class GetEvents(_Message):
    """Ask for what happened since the last such request of this connection; the answer is an `EventsReply`."""

    kind: Literal["events"] = "events"
    wait_s: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Wait so long for the first one."""


Request: TypeAlias = Annotated[
    GetStatus | Set | SetPrivacy | Reveal | Freeze | Record | Stop | GetPreview | GetFaces | GetEvents,
    Field(discriminator="kind"),
]


class Status(_Telling):
    """The session at one moment, as `mien.session.session.SessionStatus`."""

    kind: Literal["status"] = "status"
    status: dict[str, JsonValue]


class AppliedReply(_Message):
    """What was asked for is in force."""

    kind: Literal["applied"] = "applied"
    revision: int
    changed: tuple[str, ...]


class RefusedReply(_Telling):
    """Nothing was changed; for each setting that is in the way a sentence."""

    kind: Literal["refused"] = "refused"
    revision: int
    reasons: dict[str, str]


class Privacy(_Message):
    """Whether the picture is hidden now."""

    kind: Literal["privacy"] = "privacy"
    on: bool


class Revealed(_Message):
    """Whether the camera is shown as it is."""

    kind: Literal["revealed"] = "revealed"
    shown: bool


class Frozen(_Message):
    """Whether the last swapped picture is held."""

    kind: Literal["frozen"] = "frozen"
    on: bool


class Recorded(_Message):
    """The files that a `Record` was about."""

    kind: Literal["recorded"] = "recorded"
    files: tuple[str, ...]


class SeenFace(_Message):
    """A face before the camera."""

    id: int
    role: int | None
    """Which of the source faces it gets, from 0; none: it is left as it is."""
    jpeg: str
    """Its thumbnail, in base64."""


class FacesReply(_Message):
    """The faces of the newest frame, from left to right."""

    kind: Literal["faces"] = "faces"
    faces: tuple[SeenFace, ...]


class Done(_Message):
    """What was asked for is on its way."""

    kind: Literal["done"] = "done"


class PreviewReply(_Message):
    """A picture as JPEG, in base64; none where there is no newer one."""

    kind: Literal["preview"] = "preview"
    jpeg: str | None
    index: int
    state: str
    camera_jpeg: str | None = None
    """The camera's own picture of about the same moment, where it was asked for."""


class EventsReply(_Telling):
    """What happened, oldest first: each with its kind, its fields and when."""

    kind: Literal["events"] = "events"
    events: tuple[dict[str, JsonValue], ...]
    missed: int
    """How many were thrown away because nobody asked in time."""


class Failed(_Telling):
    """The request was not understood or not possible."""

    kind: Literal["failed"] = "failed"
    why: str


Reply: TypeAlias = Annotated[
    Hello
    | Status
    | AppliedReply
    | RefusedReply
    | Privacy
    | Revealed
    | Frozen
    | Recorded
    | Done
    | PreviewReply
    | FacesReply
    | EventsReply
    | Failed,
    Field(discriminator="kind"),
]

REQUEST: Final[TypeAdapter[Any]] = TypeAdapter(Request)
REPLY: Final[TypeAdapter[Any]] = TypeAdapter(Reply)


def text_of(message: BaseModel) -> bytes:
    """Write a message as it is sent."""
    return message.model_dump_json().encode()


def as_json(values: Mapping[str, object]) -> dict[str, JsonValue]:
    """Give values as JSON has them: enums by value, paths and fractions as text, tuples as lists."""
    made: dict[str, JsonValue] = TypeAdapter(dict[str, Any]).dump_python(dict(values), mode="json", fallback=str)
    return made
