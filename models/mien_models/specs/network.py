"""What a network of the user's takes and gives: enough to feed it and to read it, whatever file it came in."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field

from mien_models.specs.least_squares import Fit
from mien_models.specs.templates import Extent

_STRICT = ConfigDict(extra="forbid")
Resize: TypeAlias = Literal["linear", "nearest", "corners"]
"""How a crop changes its side: between pixel centres (OpenCV's), every n-th pixel, or with corner pixels on corners."""
DEFAULT_MORPH: Final = 0.75
"""DeepFaceLive's."""
Triple: TypeAlias = tuple[float, float, float]
Pixels: TypeAlias = tuple[Triple, Triple]
UNIT_PIXELS: Final[Pixels] = ((1 / 255, 1 / 255, 1 / 255), (0.0, 0.0, 0.0))
"""Scale and offset that take 0..255 to 0..1."""
SIGNED_PIXELS: Final[Pixels] = ((1 / 127.5, 1 / 127.5, 1 / 127.5), (-1.0, -1.0, -1.0))
"""To -1..1."""
IMAGENET_PIXELS: Final[Pixels] = (
    (1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)),
    (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
"""To what networks trained on ImageNet take, RGB: less the mean, over the standard deviation."""


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """An aligned square picture as a network takes it: `pixel * scale + offset` for each colour."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    template: str
    """How the face is aligned: a name of `mien_models.specs.templates`."""
    size_px: int
    scale: Triple
    """For the pixel 0..255, in the network's order of colours."""
    offset: Triple
    layout: Literal["nchw", "nhwc"] = "nchw"
    colour: Literal["rgb", "bgr"] = "rgb"
    shift_px: float = 0.0
    """Added to the template's x and y."""
    fit: Fit = "similarity"
    cut_px: int | None = None
    """The side at which the face is cut out, where the network was trained with crops that were resized afterwards."""
    resize: Resize = "linear"
    """How it is brought from there to `size_px`."""
    border: Literal["replicate", "black"] = "replicate"
    """What stands in the crop where it reaches over the frame's edge."""
    extent: Extent | None = None
    """How much of the face the crop shows, where that is not what the template says."""

    @property
    def takes_pixels(self) -> bool:
        """Whether pixels go in as the camera has them: BGR in rows, 0..255."""
        is_untouched = (self.scale, self.offset) == ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
        return is_untouched and self.layout == "nhwc" and self.colour == "bgr"


@dataclass(frozen=True, slots=True)
class PixelSpec:
    """How a network's numbers become pixels: `number * scale + offset`, 0..255, laid out like its crop."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    scale: float
    offset: float
    by_colour: Pixels | None = None
    """Scale and offset of each colour in the network's order, where they differ; the numbers above are their means."""


UNIT_OUTPUT: Final = PixelSpec(255.0, 0.0)
"""Of a network that gives 0..1."""
SIGNED_OUTPUT: Final = PixelSpec(127.5, 127.5)
"""Of one that gives -1..1."""
IMAGENET_OUTPUT: Final = PixelSpec(
    255 * 0.226, 255 * 0.449, ((255 * 0.229, 255 * 0.224, 255 * 0.225), (255 * 0.485, 255 * 0.456, 255 * 0.406))
)
"""Of one that gives pixels as ImageNet's networks take them."""


@dataclass(frozen=True, slots=True)
class CutSpec:
    """How a face is cut out and resized."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    template: str
    cut_px: int
    resize: Resize = "linear"
    border: Literal["replicate", "black"] = "replicate"


@dataclass(frozen=True, slots=True)
class IdentitySpec:
    """How the source face is given to a swapper."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    form: Literal["vector", "picture", "none"]
    """'none': the face is inside the network's weights."""
    network: str | None = None
    """For a vector: the identity network that makes it."""
    converter: str | None = None
    """A network that turns that vector into the one that the swapper was trained with."""
    map: Literal["none", "graph", "file"] = "none"
    """Where the matrix that the vector is multiplied by stands: a constant of the file, or a .npy file beside it."""
    length: int = 512
    """Of the vector."""
    is_unit: bool = True
    """Whether the vector is brought to length 1 at the end."""
    picture: PictureSpec | None = None
    """For a picture of the source face."""
    seen: CutSpec | None = None
    """How the identity network sees the face, where the swapper was trained with another crop than that network's."""


@dataclass(frozen=True, slots=True)
class SwapNames:
    """What the network calls its inputs and outputs."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    target: str
    output: str
    source: str | None = None
    masks: tuple[str, ...] = ()
    """Outputs 0..1 that say where the new face is; their product counts."""
    morph: str | None = None
    """A number 0..1 that DeepFaceLab's AMP models take."""


@dataclass(frozen=True, slots=True)
class SwapSpec:
    """A swapper network."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kind: Literal["swapper"]
    architecture: str
    """A plug-in of `mien_models.architectures`."""
    crop: PictureSpec
    output: PixelSpec
    identity: IdentitySpec
    names: SwapNames
    tolerance: float = 0.004
    """Largest difference from its reference that an export of it may have; black to white is 1."""
    boosts: bool = False
    """Whether it may be run on interleaved pixels of a larger crop (pixel boost)."""
    blends: bool = False
    """Whether the picture that it gives is the crop already where its mask is closed."""
    morph: float = DEFAULT_MORPH
    """How far a network with such an input is morphed, unless the user says otherwise."""


@dataclass(frozen=True, slots=True)
class EmbedSpec:
    """A network that makes a vector of a face."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kind: Literal["identity"]
    architecture: str
    picture: PictureSpec
    input: str
    output: str
    length: int


@dataclass(frozen=True, slots=True)
class ConvertSpec:
    """A network that turns one identity network's vector, of length 1, into another's."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kind: Literal["converter"]
    architecture: str
    input: str
    output: str
    length: int


NetworkSpec: TypeAlias = Annotated[SwapSpec | EmbedSpec | ConvertSpec, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what terms the weights may be used."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    """An SPDX identifier, or 'unknown' or 'non-commercial'."""
    sentence: str
    """What it means to a user."""


@dataclass(frozen=True, slots=True)
class UserManifest:
    """One set of weights in the user's folder of models: its `manifest.toml`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    file: str
    """Beside the manifest."""
    sha256: str
    origin: str
    """Where it came from: an address, or the name of the file that was added."""
    licence: Terms
    network: NetworkSpec
    side_file: str | None = None
    """The identity map beside it, a .npy file, where the network's spec says 'file'."""
