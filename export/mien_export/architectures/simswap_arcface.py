"""SimSwap's own identity network: residual blocks with gates for each channel (squeeze and excitation); 112 px.

Described in SimSwap's `models/arcface_models.py`; MobileFaceSwap's `models/arcface.py` is the same in Paddle. It is
published as a module that was saved whole, `arcface_checkpoint.tar`.
"""

from dataclasses import dataclass, replace
from typing import Final, cast

from torch import Tensor, nn

from mien_export.architectures._plain import called, residual_depths
from mien_export.contracts import Architecture, Port, Shapes, width_of
from mien_models.architectures.arcface import SIDE_PX, picture
from mien_models.specs.network import IMAGENET_PIXELS, EmbedSpec

REDUCTION: Final = 16
"""So many channels become one before each gate."""
_LOW: Final = -2.12
"""About what black is in ImageNet's numbers."""


class Gates(nn.Module):
    """Weighs each channel by a number 0..1 that is made of all their means."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, narrow), nn.PReLU(), nn.Linear(narrow, channels), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """Give features of the same shape (n, c, h, w)."""
        return features * called(self.fc, features.mean((2, 3)))[:, :, None, None]


class Residual(nn.Module):
    """Norm, convolution, norm, slope, convolution (which may halve the side), norm, gates; the input is added."""

    def __init__(self, channels: tuple[int, int], stride: int, narrow: int | None) -> None:
        super().__init__()
        given, wanted = channels
        self.bn0 = nn.BatchNorm2d(given)
        self.conv1 = nn.Conv2d(given, given, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(given)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(given, wanted, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wanted)
        self.se = nn.Identity() if narrow is None else Gates(wanted, narrow)
        changes = stride != 1 or given != wanted
        self.downsample = (
            nn.Sequential(nn.Conv2d(given, wanted, 1, stride, bias=False), nn.BatchNorm2d(wanted))
            if changes
            else nn.Identity()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Give (n, wanted, h / stride, w / stride)."""
        inner = features
        for layer in (self.bn0, self.conv1, self.bn1, self.prelu, self.conv2, self.bn2, self.se):
            inner = called(layer, inner)
        return called(self.prelu, inner + called(self.downsample, features))


class SimSwapArcFaceModule(nn.Module):
    """The whole network; the keys are those of `arcface_checkpoint.tar`."""

    def __init__(self, network: "SimSwapArcFace") -> None:
        super().__init__()
        width, depths = network.width, network.depths
        self.conv1 = nn.Conv2d(3, width, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU()
        self.maxpool = nn.MaxPool2d(2)
        channels = [width, *(width * 2**level for level in range(len(depths)))]
        for level, depth in enumerate(depths, 1):
            wanted, stride = channels[level], 1 if level == 1 else 2
            narrow = max(wanted // REDUCTION, 1) if network.has_gates else None
            first = Residual((channels[level - 1], wanted), stride, narrow)
            others = [Residual((wanted, wanted), 1, narrow) for _ in range(depth - 1)]
            setattr(self, f"layer{level}", nn.Sequential(first, *others))
        self.stage_count = len(depths)
        self.bn2 = nn.BatchNorm2d(channels[-1])
        self.fc = nn.Linear(channels[-1] * 7 * 7, network.length)
        self.bn3 = nn.BatchNorm1d(network.length)

    def map_and_vector(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Give the last features (n, 8 * width, 7, 7) too, of which MobileFaceSwap makes its weights."""
        inner = called(self.maxpool, called(self.prelu, called(self.bn1, called(self.conv1, picture))))
        for level in range(1, self.stage_count + 1):
            inner = called(cast("nn.Module", getattr(self, f"layer{level}")), inner)
        features = called(self.bn2, inner)
        return features, called(self.bn3, called(self.fc, features.flatten(1)))

    def forward(self, picture: Tensor) -> Tensor:
        """Give the vector (n, length), not of length 1, of RGB in ImageNet's numbers (n, 3, 112, 112)."""
        return self.map_and_vector(picture)[1]


@dataclass(frozen=True, slots=True)
class SimSwapArcFace:
    """Its sizes."""

    depths: tuple[int, ...] = (3, 4, 23, 3)
    """Residual blocks at each side."""
    width: int = 64
    length: int = 512
    has_gates: bool = True
    source_norm: float = 1.0
    style_keys: str = ""
    scale_keys: str = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The face."""
        return (Port("input", (3, SIDE_PX, SIDE_PX), _LOW),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """Its vector."""
        return (Port("output", (self.length,)),)

    def build(self) -> nn.Module:
        """Make the bare network."""
        return SimSwapArcFaceModule(self).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Give it as it is."""
        return core

    def spec(self, *, has_map: bool) -> EmbedSpec:  # noqa: ARG002 - has no map
        """Say how it is fed."""
        return EmbedSpec(
            kind="identity",
            architecture="arcface",
            picture=picture(IMAGENET_PIXELS),
            input="input",
            output="output",
            length=self.length,
        )


def _recognise(shapes: Shapes) -> SimSwapArcFace | None:
    width, last = width_of(shapes, "conv1.weight"), shapes.get("fc.weight")
    if width is None or last is None or "layer1.0.bn0.weight" not in shapes or "bn3.weight" not in shapes:
        return None
    return SimSwapArcFace(residual_depths(shapes), width, last[0], "layer1.0.se.fc.0.weight" in shapes)


PUBLISHED: Final = SimSwapArcFace()
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"112": PUBLISHED},
    tiny={"112": replace(PUBLISHED, width=4, depths=(1, 1, 2, 1))},
)
