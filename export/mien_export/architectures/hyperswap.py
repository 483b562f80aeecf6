"""HyperSwap: attributes, adaptive blocks and a network that finds the mask of what is changed; 256 px as published.

Described in facefusion-labs' `hyperswap/src`, whose trainer also makes 128, 512 and 1024 px. Like GHOST, but doubling
does not align corners, the identity starts by a convolution and a pixel shuffle, and the picture is blended with the
target inside.
"""

from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._hyperswap_masker import Layers, Masker
from mien_export.architectures._plain import (
    ModulatedLayers,
    Pyramid,
    attribute_blend,
    attribute_pyramid,
    called,
    doubled,
    generator_channels,
    over_the_picture,
)
from mien_export.contracts import Architecture, Network, Port, Shapes, width_of
from mien_models.specs.network import SIGNED_OUTPUT, SIGNED_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec

SLOPE: Final = 0.1
MASK_FACTOR: Final = 0.01
"""By how much of its side the published files shrink the mask that they give."""
PYRAMIDS: Final = {
    128: ((1, 2, 4, 8, 16, 16), (16, 8, 4, 2, 1)),
    256: ((1, 2, 4, 8, 16, 32, 32), (32, 16, 8, 4, 2, 1)),
    512: ((1, 2, 4, 8, 16, 32, 32, 32), (32, 16, 8, 8, 4, 2, 1)),
    1024: ((1, 2, 4, 8, 16, 32, 64, 64, 64), (64, 32, 16, 8, 8, 4, 2, 1)),
}
"""By the crop's side: the channels of the ways down and up, in units of the first layer's."""


class Attributes(nn.Module):
    """The U-Net that sees the target."""

    def __init__(self, pyramid: Pyramid) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.down_samples = nn.ModuleList(
            [
                Layers(nn.Conv2d(one, other, 4, 2, 1, bias=False), nn.BatchNorm2d(other), nn.LeakyReLU(SLOPE))
                for one, other in pyramid.downs
            ]
        )
        self.up_samples = nn.ModuleList(
            [
                Layers(nn.ConvTranspose2d(one, other, 4, 2, 1, bias=False), nn.BatchNorm2d(other), nn.LeakyReLU(SLOPE))
                for one, other in pyramid.ups
            ]
        )

    def levels(self, target: Tensor) -> list[Tensor]:
        """Give the levels of (n, 3, side, side)."""
        downs, ups = list(self.down_samples), list(self.up_samples)
        return attribute_pyramid(self.pyramid, downs, ups, target, align_corners=False)


class Modulation(nn.Module):
    """One adaptive layer; `linear2` is the scale and `linear1` the shift."""

    def __init__(self, channels: int, attribute_channels: int, identity_length: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(attribute_channels, channels, 1)
        self.conv2 = nn.Conv2d(attribute_channels, channels, 1)
        self.conv3 = nn.Conv2d(channels, 1, 1)
        self.linear1 = nn.Linear(identity_length, channels)
        self.linear2 = nn.Linear(identity_length, channels)
        self.instance_norm = nn.InstanceNorm2d(channels)

    def forward(self, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        """Give features of the same shape (n, c, h, w)."""
        normed = called(self.instance_norm, features)
        return attribute_blend(
            normed,
            (called(self.conv1, attributes), called(self.conv2, attributes)),
            (called(self.linear2, identity), called(self.linear1, identity)),
            called(self.conv3, normed).sigmoid(),
        )


class Block(nn.Module):
    """Modulated convolutions, and a shortcut with one of them where the channels become fewer."""

    def __init__(self, channels: tuple[int, int], attribute_channels: int, identity_length: int, count: int) -> None:
        super().__init__()
        self.primary_layers = ModulatedLayers(Modulation, channels, attribute_channels, identity_length, count)
        has_shortcut = int(channels[0] > channels[1])
        self.shortcut_layers = ModulatedLayers(Modulation, channels, attribute_channels, identity_length, has_shortcut)

    def forward(self, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        """Give (n, out, h, w)."""
        inner = called(self.primary_layers, features, attributes, identity)
        return inner + called(self.shortcut_layers, features, attributes, identity)


class Generator(nn.Module):
    """From the identity to the picture, level by level."""

    def __init__(self, pyramid: Pyramid, identity_length: int, count: int) -> None:
        super().__init__()
        levels = pyramid.levels
        start = nn.Conv2d(identity_length, 4 * 32 * pyramid.width, 3, padding=1)
        self.pixel_shuffle_up_sample = Layers(start, nn.PixelShuffle(2))
        self.layers = nn.ModuleList(
            [
                Block(channels, level, identity_length, count)
                for channels, level in zip(generator_channels(pyramid.width, len(levels)), levels, strict=True)
            ]
        )

    def forward(self, identity: Tensor, *levels: Tensor) -> Tensor:
        """Give RGB -1..1 (n, 3, side, side)."""
        features = called(self.pixel_shuffle_up_sample, over_the_picture(identity))
        for number, attributes in enumerate(levels):
            features = self.layers[number](features, attributes, identity)
            if number < len(levels) - 1:
                features = doubled(features, align_corners=False)
        return features.tanh()


class HyperSwapModule(nn.Module):
    """The whole network; the keys are those of the trainer's checkpoints, without their prefix `generator.`."""

    def __init__(self, network: "HyperSwap") -> None:
        super().__init__()
        pyramid = Pyramid(network.width, *PYRAMIDS[network.size_px])
        self.encoder = Attributes(pyramid)
        self.generator = Generator(pyramid, network.identity_length, network.count)
        self.masker = Masker(2 * network.width, network.filters)

    def forward(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Swap RGB -1..1 (n, 3, 256, 256) with the unit vector (n, length); RGB -1..1, blended, and its mask 0..1."""
        levels = self.encoder.levels(target)
        mask = called(self.masker, target, levels[-1])
        return called(self.generator, source, *levels) * mask + target * (1 - mask), mask


class Eroded(nn.Module):
    """The network with its mask made a little smaller, as in the published files."""

    def __init__(self, core: nn.Module, by_px: int) -> None:
        super().__init__()
        self.core = core
        self.by_px = by_px

    def forward(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Give picture and mask."""
        picture, mask = self.core(source, target)
        return picture, -functional.max_pool2d(-mask, 2 * self.by_px + 1, 1, self.by_px)


@dataclass(frozen=True, slots=True)
class HyperSwap:
    """Its sizes."""

    count: int = 2
    """Blocks at each level."""
    width: int = 32
    """Channels of the first layer."""
    filters: int = 16
    """Channels of the masker's first layer."""
    identity_length: int = 512
    size_px: int = 256
    mask_factor: float = MASK_FACTOR
    source_norm: float = 1.0
    style_keys: str = r"\.linear[12]\.weight$|^generator\.pixel_shuffle"
    scale_keys: str = r"generator.*\.(linear2|conv1)\.bias$"

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Identity and picture."""
        return Port("source", (self.identity_length,)), Port("target", (3, self.size_px, self.size_px), -1.0)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """Picture and mask."""
        side = self.size_px
        return Port("output", (3, side, side), -1.0), Port("mask", (1, side, side))

    def build(self) -> nn.Module:
        """Make the bare network."""
        return HyperSwapModule(self).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Erode the mask that it gives."""
        by_px = int(self.size_px * self.mask_factor + 0.5)
        return Eroded(core, by_px).eval() if by_px else core

    def spec(self, *, has_map: bool) -> SwapSpec:  # noqa: ARG002 - has no map
        """Say how it is fed."""
        return SwapSpec(
            kind="swapper",
            architecture="hyperswap",
            crop=PictureSpec("arcface_128", self.size_px, *SIGNED_PIXELS),
            output=SIGNED_OUTPUT,
            identity=IdentitySpec(form="vector", network="arcface_w600k_r50", length=self.identity_length),
            names=SwapNames("target", "output", "source", masks=("mask",)),
            blends=True,
        )


def _recognise(shapes: Shapes) -> HyperSwap | None:
    width = width_of(shapes, "encoder.down_samples.0.sequences.0.weight")
    filters = width_of(shapes, "masker.down_samples.0.sequences.0.weight")
    start = shapes.get("generator.pixel_shuffle_up_sample.sequences.0.weight")
    if width is None or filters is None or start is None:
        return None
    count = sum(key.startswith("generator.layers.0.primary_layers.") and key.endswith("conv3.bias") for key in shapes)
    downs = sum(key.startswith("encoder.down_samples.") and key.endswith(".sequences.0.weight") for key in shapes)
    side = 2 ** (downs + 1)
    return HyperSwap(count, width, filters, start[1], side) if side in PYRAMIDS else None


def _beside(network: Network, checkpoint: Path) -> tuple[Network, str] | None:
    """Read the settings that the trainer copies beside each checkpoint."""
    settings = checkpoint.with_suffix(".ini")
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(settings.read_text(encoding="utf-8"))
        factor = parser.getfloat("training.modifier", "mask_factor")
        embedder = parser.get("training.model", "generator_embedder_path", fallback="unknown")
    except (OSError, UnicodeDecodeError, ConfigError, ValueError):
        return None
    if not isinstance(network, HyperSwap) or not 0 <= factor < 0.25:
        return None
    told = (
        f"{settings.name} beside it says mask_factor {factor:g} and that it was trained on the vectors of {embedder!r}"
    )
    return replace(network, mask_factor=factor), told


PUBLISHED: Final = HyperSwap()
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"256": PUBLISHED} | {str(side): replace(PUBLISHED, size_px=side) for side in (128, 512, 1024)},
    tiny={str(side): replace(PUBLISHED, width=2, filters=4, size_px=side) for side in (256, 128, 512)},
    presumed=(
        f"taken for the published kind: fed with the vectors of arcface_w600k_r50, its mask shrunk by {MASK_FACTOR:g} "
        "of the side; the settings (.ini) that its trainer leaves beside it are followed where they are there"
    ),
    beside=_beside,
)
