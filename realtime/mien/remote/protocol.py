"""What two machines say to each other: JSON made from these models. Whatever is wrong with a message is one sentence.

On the control line, a WebSocket over TLS: the machine says `Challenge`; the client `Pair` or `Hello`, with proofs; the
machine `Welcome`; the client its photos as PNG, one binary message each, and `Offer`; the machine `Answer` and `Ready`.
On the data channel the machine says one `Swapped` for each picture, and answers each `Ping`.
"""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mien.config.choices import ChooseMode, ConsentKind, EyesMode, GlassesMode, LandmarksMode
from mien_models.errors import MienError

VERSION: Final = 2
"""Both sides say it; another one is refused. It grows with every change that an older program would misread."""
LARGEST_SIDE_PX: Final = 1920
"""Larger pictures are not sent, and not taken."""
LARGEST_PHOTO_PX: Final = 1280
"""A photo's part around the face is sent no larger."""
LARGEST_PHOTO_BYTES: Final = 8 << 20
LARGEST_MESSAGE_BYTES: Final = 9 << 20
"""Of the control line."""
LARGEST_SAYING_BYTES: Final = 16 << 10
"""Of the data channel."""
MOST_PHOTOS: Final = 16
MOST_FACES: Final = 32

_Text: TypeAlias = Annotated[str, Field(max_length=200)]
_Sdp: TypeAlias = Annotated[str, Field(max_length=100_000)]
_Hex: TypeAlias = Annotated[str, Field(max_length=128, pattern="^[0-9a-f]+$")]
_Number: TypeAlias = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
_Pixels: TypeAlias = Annotated[float, Field(ge=-1e5, le=1e5)]
_Name: TypeAlias = Annotated[str, Field(max_length=100, pattern=r"^[^/\\:\x00-\x1f]+$")]
"""Of a plug-in or a model: never a path, nor a plug-in with one."""
_Unit: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class ProtocolError(MienError):
    """The other side said something that it may not say."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Challenge(_Message):
    """The machine's first message; its nonce goes into every proof, so that nothing said before can be said again."""

    kind: Literal["challenge"] = "challenge"
    version: int
    nonce: _Hex
    name: _Text
    """What the machine is called, for people."""


class Pair(_Message):
    """Ask for a pass: somebody has carried the code over."""

    kind: Literal["pair"] = "pair"
    version: int
    nonce: _Hex
    proof: _Hex


class Paired(_Message):
    """The pass; the proof tells that the machine knows the code, too."""

    kind: Literal["paired"] = "paired"
    proof: _Hex
    pass_text: Annotated[str, Field(max_length=2000)]
    secret_hex: _Hex


class Wishes(_Message):
    """How the faces shall be swapped; each as the setting of its name."""

    swapper: _Name = "mesh"
    strength: Annotated[float, Field(ge=0, le=1.5)] = 1.0
    boost: Annotated[int, Field(ge=1, le=4)] = 1
    morph: _Unit | None = None
    template: _Name | None = None
    shape: _Unit = 0.8
    eyes: EyesMode = EyesMode.WEARER
    tone: _Unit = 0.0
    glasses: GlassesMode = GlassesMode.AUTO
    colour: _Name = "mkl"
    detail: bool = True
    enhance: _Name | None = None
    enhance_strength: _Unit = 0.8
    masks: Annotated[tuple[_Name, ...], Field(max_length=8)] = ("history",)
    erode: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    feather: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    landmarks: LandmarksMode = LandmarksMode.QUICK
    assign: ChooseMode = ChooseMode.LARGEST


class FaceTerms(_Message):
    """By what right a face is used; the machine keeps to it as well."""

    consent: ConsentKind
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    """The last day; none without an end."""


class Order(_Message):
    """What to swap with: the photos follow as binary messages, all of them of one person."""

    kind: Literal["order"] = "order"
    wishes: Wishes
    terms: FaceTerms
    photos: Annotated[int, Field(ge=1, le=MOST_PHOTOS)]


class Hello(_Message):
    """Ask for a seat."""

    kind: Literal["hello"] = "hello"
    version: int
    pass_text: Annotated[str, Field(max_length=2000)]
    nonce: _Hex
    proof: _Hex
    run: _Hex
    """Random, of this run: who comes back after a broken line takes the seat that they had."""
    width: Annotated[int, Field(ge=1, le=100_000)]
    height: Annotated[int, Field(ge=1, le=100_000)]
    fps: Annotated[float, Field(gt=0, le=240)]


class IceServer(_Message):
    """A server that helps to find a way between two networks (STUN), or carries everything (TURN)."""

    urls: _Text
    username: _Text | None = None
    credential: _Text | None = None


class Welcome(_Message):
    """There is a seat; the proof tells that it is the machine that gave the pass."""

    kind: Literal["welcome"] = "welcome"
    proof: _Hex
    seats_taken: int
    seats: int
    ice: Annotated[tuple[IceServer, ...], Field(max_length=4)] = ()


class Offer(_Message):
    """The client's side of the picture line, as SDP."""

    kind: Literal["offer"] = "offer"
    sdp: _Sdp


class Answer(_Message):
    """The machine's side of it."""

    kind: Literal["answer"] = "answer"
    sdp: _Sdp


class Ready(_Message):
    """The faces of the last `Order` are in use."""

    kind: Literal["ready"] = "ready"
    networks: dict[str, str]
    """What each network runs on."""


class Refused(_Message):
    """Not now or not like this; what was in force before stays."""

    kind: Literal["refused"] = "refused"
    why: Annotated[str, Field(max_length=600)]
    is_final: bool = False
    """Whether asking again is of no use."""


class Bye(_Message):
    """The machine is about to stop, or is replaced: go on elsewhere, or come again."""

    kind: Literal["bye"] = "bye"
    why: Annotated[str, Field(max_length=600)]


class SeenFace(_Message):
    """A face in a picture, in pixels of it."""

    id: int
    box: tuple[_Pixels, _Pixels, _Pixels, _Pixels]
    """Left, top, right, bottom."""
    points: Annotated[tuple[tuple[_Pixels, _Pixels], ...], Field(min_length=5, max_length=5)]
    """Eyes, nose, mouth corners."""
    pose: tuple[_Pixels, _Pixels, _Pixels]
    """Yaw, pitch, roll in degrees."""
    score: float
    is_chosen: bool


class Swapped(_Message):
    """What became of one picture. Where it was swapped, the picture with the same number follows or has come."""

    kind: Literal["swapped"] = "swapped"
    number: _Number
    faces: Annotated[tuple[SeenFace, ...], Field(max_length=MOST_FACES)]
    is_swapped: bool
    """Whether every chosen face was, completely."""
    why: Annotated[str, Field(max_length=600)] | None = None
    """Where something failed."""
    wait_ms: float
    """How long the picture waited for its turn."""
    swap_ms: float
    """How long it was worked on."""


class Ping(_Message):
    """Ask how long the line takes."""

    kind: Literal["ping"] = "ping"
    sent_ns: int
    """On the clock of who asks."""


class Pong(_Message):
    """Give it back, with how the machine's own side does."""

    kind: Literal["pong"] = "pong"
    sent_ns: int
    encode_ms: float | None = None
    decode_ms: float | None = None
