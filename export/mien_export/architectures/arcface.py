"""ArcFace: the improved residual networks of InsightFace, 50 and 100 layers deep; 112 px.

Described in InsightFace's `recognition/arcface_torch/backbones/iresnet.py`. MagFace's `models/iresnet.py` has the same
keys, another epsilon in its norms, and sees BGR 0..1 (its `dataloader/dataloader.py`).
"""

from dataclasses import dataclass, replace
from typing import Final, cast

from torch import Tensor, nn

from mien_export.architectures._plain import called, residual_depths
from mien_export.contracts import Answer, Architecture, Place, Port, Shapes, Variants, width_of
from mien_models.architectures.arcface import SIDE_PX, picture
from mien_models.specs.network import SIGNED_PIXELS, UNIT_PIXELS, EmbedSpec

EPS: Final = 1e-5
MAGFACES_EPS: Final = 2e-5


class Residual(nn.Module):
    """Norm, convolution, norm, slope, convolution (which may halve the side), norm; the input is added."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, eps: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in, eps=eps)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out, eps=eps)
        self.prelu = nn.PReLU(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out, eps=eps)
        self.is_shrinking = stride != 1
        if self.is_shrinking:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out, eps=eps)
            )

    def forward(self, features: Tensor) -> Tensor:
        """Give (n, out, h / stride, w / stride)."""
        inner = features
        for layer in (self.bn1, self.conv1, self.bn2, self.prelu, self.conv2, self.bn3):
            inner = called(layer, inner)
        return inner + (called(self.downsample, features) if self.is_shrinking else features)


class ArcFaceModule(nn.Module):
    """The whole network; the keys are those of InsightFace's `backbone.pth`."""

    def __init__(self, network: "ArcFace") -> None:
        super().__init__()
        depths, width, length = network.depths, network.width, network.length
        eps = MAGFACES_EPS if network.is_magface else EPS
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width, eps=eps)
        self.prelu = nn.PReLU(width)
        channels = [width, *(width * 2**level for level in range(len(depths)))]
        for level, depth in enumerate(depths, 1):
            first = Residual(channels[level - 1], channels[level], 2, eps)
            others = [Residual(channels[level], channels[level], 1, eps) for _ in range(depth - 1)]
            setattr(self, f"layer{level}", nn.Sequential(first, *others))
        self.stage_count = len(depths)
        self.bn2 = nn.BatchNorm2d(channels[-1], eps=eps)
        self.fc = nn.Linear(channels[-1] * (SIDE_PX // 2 ** len(depths)) ** 2, length)
        self.features = nn.BatchNorm1d(length, eps=eps)

    def forward(self, picture: Tensor) -> Tensor:
        """Give the vector (n, length), not of length 1, of a face (n, 3, 112, 112)."""
        inner = called(self.prelu, called(self.bn1, called(self.conv1, picture)))
        for level in range(1, self.stage_count + 1):
            inner = called(cast("nn.Module", getattr(self, f"layer{level}")), inner)
        return called(self.features, called(self.fc, called(self.bn2, inner).flatten(1)))


@dataclass(frozen=True, slots=True)
class ArcFace:
    """Its sizes."""

    depths: tuple[int, ...] = (3, 4, 14, 3)
    """Residual blocks at each side."""
    width: int = 64
    length: int = 512
    is_magface: bool = False
    """Trained by MagFace's code, which sees other numbers."""
    source_norm: float = 1.0
    style_keys: str = ""
    scale_keys: str = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The face."""
        return (Port("input", (3, SIDE_PX, SIDE_PX), 0.0 if self.is_magface else -1.0),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """Its vector."""
        return (Port("output", (self.length,)),)

    def build(self) -> nn.Module:
        """Make the bare network."""
        return ArcFaceModule(self).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Give it as it is."""
        return core

    def spec(self, *, has_map: bool) -> EmbedSpec:  # noqa: ARG002 - has no map
        """Say how it is fed."""
        return EmbedSpec(
            kind="identity",
            architecture="arcface",
            picture=replace(picture(UNIT_PIXELS), colour="bgr") if self.is_magface else picture(SIGNED_PIXELS),
            input="input",
            output="output",
            length=self.length,
        )


INSIGHTFACE: Final = "insightface"
MAGFACE: Final = "magface"
QUESTION: Final = (
    f"ArcFace has two networks with these keys: {INSIGHTFACE} is what InsightFace's arcface_torch makes (backbone.pth; "
    f"sees RGB -1..1), {MAGFACE} is what MagFace's trainer makes (before its keys stands 'features.'; sees BGR 0..1). "
    "The page that it came from says so; the wrong one takes people for each other."
)
_BEFORE: Final = "features"
"""As MagFace's trainer calls the network, with `DataParallel` around it or in it."""


def _recognise(shapes: Shapes) -> Variants | None:
    width, last = width_of(shapes, "conv1.weight"), shapes.get("fc.weight")
    if width is None or last is None or "layer1.0.prelu.weight" not in shapes or "features.weight" not in shapes:
        return None
    plain = ArcFace(residual_depths(shapes), width, last[0])
    return Variants({INSIGHTFACE: plain, MAGFACE: replace(plain, is_magface=True)}, QUESTION, _whose)


_INSIGHTFACES: Final = ("insightface", "arcface", "backbone", "glint360k", "w600k", "ms1mv", "webface")
"""What its files, and the data that they were trained on, are called (`arcface_torch/README.md`)."""


def _whose(place: Place) -> Answer | None:
    """Tell MagFace's by what its trainer writes before each key, else by the name of the file."""
    if _BEFORE in place.prefix.split("."):
        return Answer(MAGFACE, f"{place.prefix!r} stands before its keys, as MagFace's trainer writes it")
    name = "" if place.path is None else place.path.name.lower()
    if MAGFACE in name:
        return Answer(MAGFACE, "its name says so")
    told = next((one for one in _INSIGHTFACES if one in name), None)
    return None if told is None else Answer(INSIGHTFACE, f"{told!r} in its name is what InsightFace calls its own")


R50: Final = ArcFace()
R100: Final = replace(R50, depths=(3, 13, 30, 3))
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"r50": R50, "r100": R100},
    tiny={"r50": replace(R50, width=4, depths=(1, 1, 2, 1)), "r100": replace(R100, width=4, depths=(1, 2, 2, 1))},
)
