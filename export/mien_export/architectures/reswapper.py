"""ReSwapper and inswapper: an encoder, six residual blocks styled by the identity, a decoder.

Fully convolutional: the same weights serve 128 and 256 px. Described in ReSwapper's
`StyleTransferModel_128.py`; its scale is the linear layer's number itself, not 1 + number.
"""

from dataclasses import dataclass, replace
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import Mapped, called, doubled, over_the_picture, strict_norm
from mien_export.contracts import Architecture, Port, Shapes, width_of
from mien_models.architectures.inswapper import crop
from mien_models.specs.network import UNIT_OUTPUT, IdentitySpec, SwapNames, SwapSpec

SLOPE: Final = 0.2


class StyledBlock(nn.Module):
    """Two convolutions, each normalised and then scaled and shifted by the identity; the input is added."""

    def __init__(self, channels: int, identity_length: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, channels, 3)
        self.style1 = nn.Linear(identity_length, 2 * channels)
        self.style2 = nn.Linear(identity_length, 2 * channels)

    def forward(self, features: Tensor, identity: Tensor) -> Tensor:
        """Give features of the same shape (n, c, h, w)."""
        inner = functional.relu(self._styled(self.conv1, self.style1, features, identity))
        return features + self._styled(self.conv2, self.style2, inner, identity)

    @staticmethod
    def _styled(conv: nn.Module, style: nn.Module, features: Tensor, identity: Tensor) -> Tensor:
        normed = strict_norm(called(conv, functional.pad(features, (1, 1, 1, 1), mode="reflect")))
        scale, shift = called(style, identity).chunk(2, dim=1)
        return normed * over_the_picture(scale) + over_the_picture(shift)


class ReSwapperModule(nn.Module):
    """The whole network; the keys are those of a `.pth` of ReSwapper."""

    def __init__(self, width: int, blocks: int, identity_length: int) -> None:
        super().__init__()
        leaky = nn.LeakyReLU(SLOPE)
        self.target_encoder = nn.Sequential(
            nn.Conv2d(3, width, 7),
            leaky,
            nn.Conv2d(width, 2 * width, 3, padding=1),
            leaky,
            nn.Conv2d(2 * width, 4 * width, 3, 2, 1),
            leaky,
            nn.Conv2d(4 * width, 8 * width, 3, 2, 1),
            leaky,
        )
        self.style_blocks = nn.ModuleList([StyledBlock(8 * width, identity_length) for _ in range(blocks)])
        self.decoder = nn.Sequential(nn.Conv2d(8 * width, 4 * width, 3, padding=1), leaky)
        self.decoderPart1 = nn.Sequential(
            nn.Conv2d(4 * width, 2 * width, 3, padding=1), leaky, nn.Conv2d(2 * width, width, 3, padding=1), leaky
        )
        self.decoderPart2 = nn.Sequential(nn.Conv2d(width, 3, 7))

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Swap RGB 0..1 (n, 3, h, w), sides multiples of 4, with the mapped unit vector (n, length); RGB 0..1."""
        features = called(self.target_encoder, functional.pad(target, (3, 3, 3, 3), mode="reflect"))
        for block in self.style_blocks:
            features = block(features, source)
        features = called(self.decoder, doubled(features, align_corners=False))
        features = called(self.decoderPart1, doubled(features, align_corners=False))
        features = called(self.decoderPart2, functional.pad(features, (3, 3, 3, 3), mode="reflect"))
        return (features.tanh() + 1) / 2


@dataclass(frozen=True, slots=True)
class ReSwapper:
    """Its sizes."""

    width: int = 128
    """Channels of the first layer."""
    blocks: int = 6
    identity_length: int = 512
    size_px: int = 128
    source_norm: float = 1.0
    style_keys: str = r"\.style[12]\.weight$"
    scale_keys: str = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Picture and identity."""
        return Port("target", (3, self.size_px, self.size_px)), Port("source", (self.identity_length,))

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The picture."""
        return (Port("output", (3, self.size_px, self.size_px)),)

    def build(self) -> nn.Module:
        """Make the bare network."""
        return ReSwapperModule(self.width, self.blocks, self.identity_length).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:
        """Put the identity's map before it, where it is known."""
        return core if identity_map is None else Mapped(core, identity_map).eval()

    def spec(self, *, has_map: bool) -> SwapSpec:
        """Say how it is fed; without the map in the graph it is expected in a file beside it."""
        return SwapSpec(
            kind="swapper",
            architecture="inswapper",
            crop=crop(self.size_px),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(
                form="vector",
                network="arcface_w600k_r50",
                map="none" if has_map else "file",
                length=self.identity_length,
            ),
            names=SwapNames("target", "output", "source"),
            boosts=self.size_px == 128,
        )


def _recognise(shapes: Shapes) -> ReSwapper | None:
    width, style = width_of(shapes, "target_encoder.0.weight"), shapes.get("style_blocks.0.style1.weight")
    if width is None or style is None or "decoderPart2.0.weight" not in shapes:
        return None
    blocks = sum(key.startswith("style_blocks.") and key.endswith(".conv1.weight") for key in shapes)
    return ReSwapper(width, blocks, style[1])


PUBLISHED: Final = ReSwapper()
TINY: Final = ReSwapper(width=8, blocks=2)
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"128": PUBLISHED, "256": replace(PUBLISHED, size_px=256)},
    tiny={"128": TINY, "256": replace(TINY, size_px=256)},
    serves_px=(128, 256),
)
