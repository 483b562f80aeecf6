"""HyperSwap 256: attributes, adaptive blocks and a network that finds the mask of what is changed.

Described in facefusion-labs' `hyperswap/src`. Like GHOST, but doubling does not align corners, the identity starts by a
convolution and a pixel shuffle, and the picture is blended with the target inside.
"""

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import (
    attribute_blend,
    attribute_pyramid,
    called,
    doubled,
    generator_channels,
    over_the_picture,
    pyramid_channels,
)
from mien_export.contracts import Architecture, Port, Shapes, width_of
from mien_models.families.hyperswap import TERMS
from mien_models.spec import SIGNED_OUTPUT, SIGNED_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec

SLOPE: Final = 0.1
EROSION_PX: Final = 3
"""By how much the published files shrink the mask that they give: 0.01 of 256 px, rounded up."""


class Layers(nn.Module):
    """Layers under the name `sequences`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.sequences = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Give what the last layer gives."""
        return called(self.sequences, features)


class Attributes(nn.Module):
    """The U-Net that sees the target."""

    def __init__(self, width: int) -> None:
        super().__init__()
        downs, ups, _ = pyramid_channels(width)
        self.down_samples = nn.ModuleList(
            [
                Layers(nn.Conv2d(one, other, 4, 2, 1, bias=False), nn.BatchNorm2d(other), nn.LeakyReLU(SLOPE))
                for one, other in downs
            ]
        )
        self.up_samples = nn.ModuleList(
            [
                Layers(nn.ConvTranspose2d(one, other, 4, 2, 1, bias=False), nn.BatchNorm2d(other), nn.LeakyReLU(SLOPE))
                for one, other in ups
            ]
        )

    def levels(self, target: Tensor) -> list[Tensor]:
        """Give the eight levels of (n, 3, side, side)."""
        return attribute_pyramid(list(self.down_samples), list(self.up_samples), target, align_corners=False)


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
        channels_in, channels_out = channels
        layers: list[nn.Module] = []
        for number in range(count):
            out = channels_out if number == count - 1 else channels_in
            layers += self._layers(channels_in, out, attribute_channels, identity_length)
        self.primary_layers = nn.ModuleList(layers)
        shortcut = channels_in > channels_out
        self.shortcut_layers = nn.ModuleList(
            self._layers(channels_in, channels_out, attribute_channels, identity_length) if shortcut else []
        )

    def forward(self, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        """Give (n, out, h, w)."""
        inner = self._through(self.primary_layers, features, attributes, identity)
        return inner + self._through(self.shortcut_layers, features, attributes, identity)

    @staticmethod
    def _layers(channels_in: int, channels_out: int, attribute_channels: int, length: int) -> list[nn.Module]:
        conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        return [Modulation(channels_in, attribute_channels, length), nn.ReLU(), conv]

    @staticmethod
    def _through(layers: nn.ModuleList, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        for layer in layers:
            features = layer(features, attributes, identity) if isinstance(layer, Modulation) else layer(features)
        return features


class Generator(nn.Module):
    """From the identity to the picture, level by level."""

    def __init__(self, width: int, identity_length: int, count: int) -> None:
        super().__init__()
        _, _, levels = pyramid_channels(width)
        start = nn.Conv2d(identity_length, 4 * 32 * width, 3, padding=1)
        self.pixel_shuffle_up_sample = Layers(start, nn.PixelShuffle(2))
        self.layers = nn.ModuleList(
            [
                Block(channels, level, identity_length, count)
                for channels, level in zip(generator_channels(width), levels, strict=True)
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


class Bottleneck(Layers):
    """Layers whose input is added to what they give."""

    def forward(self, features: Tensor) -> Tensor:
        """Give features of the same shape."""
        return functional.relu(super().forward(features) + features)


class Masker(nn.Module):
    """Finds where the new face is, from the target and the last level of its attributes."""

    def __init__(self, attribute_channels: int, filters: int) -> None:
        super().__init__()
        plan = [(3 + attribute_channels, filters), (filters, 2 * filters), (2 * filters, 4 * filters)]
        self.down_samples = nn.ModuleList([Layers(*_conv(one, other), nn.MaxPool2d(2)) for one, other in plan])
        self.bottleneck = Bottleneck(*_conv(4 * filters, 4 * filters), *_conv(4 * filters, 4 * filters))
        ups = [(4 * filters, 2 * filters), (2 * filters, filters), (filters, filters)]
        self.up_samples = nn.ModuleList([Layers(nn.ConvTranspose2d(one, other, 2, 2), nn.ReLU()) for one, other in ups])
        self.conv = nn.Conv2d(filters, 1, 1)

    def forward(self, target: Tensor, attributes: Tensor) -> Tensor:
        """Give 0..1 (n, 1, side, side)."""
        features = torch.cat((target, attributes), 1)
        for layer in [*self.down_samples, self.bottleneck, *self.up_samples, self.conv]:
            features = layer(features)
        return features.sigmoid()


class HyperSwapModule(nn.Module):
    """The whole network; the keys are those of the trainer's checkpoints, without their prefix `generator.`."""

    def __init__(self, width: int, identity_length: int, count: int, filters: int) -> None:
        super().__init__()
        self.encoder = Attributes(width)
        self.generator = Generator(width, identity_length, count)
        self.masker = Masker(2 * width, filters)

    def forward(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Swap RGB -1..1 (n, 3, 256, 256) with the unit vector (n, length); RGB -1..1, blended, and its mask 0..1."""
        levels = self.encoder.levels(target)
        mask = called(self.masker, target, levels[-1])
        return called(self.generator, source, *levels) * mask + target * (1 - mask), mask


class Eroded(nn.Module):
    """The network with its mask made a little smaller, as in the published files."""

    def __init__(self, core: nn.Module) -> None:
        super().__init__()
        self.core = core

    def forward(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Give picture and mask."""
        picture, mask = self.core(source, target)
        return picture, -functional.max_pool2d(-mask, 2 * EROSION_PX + 1, 1, EROSION_PX)


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
        return HyperSwapModule(self.width, self.identity_length, self.count, self.filters).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Erode the mask that it gives."""
        return Eroded(core).eval()

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


def _conv(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()


def _recognise(shapes: Shapes) -> HyperSwap | None:
    width = width_of(shapes, "encoder.down_samples.0.sequences.0.weight")
    filters = width_of(shapes, "masker.down_samples.0.sequences.0.weight")
    start = shapes.get("generator.pixel_shuffle_up_sample.sequences.0.weight")
    if width is None or filters is None or start is None:
        return None
    count = sum(key.startswith("generator.layers.0.primary_layers.") and key.endswith("conv3.bias") for key in shapes)
    return HyperSwap(count, width, filters, start[1])


PUBLISHED: Final = HyperSwap()
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"256": PUBLISHED},
    tiny={"256": replace(PUBLISHED, width=2, filters=4)},
    terms=TERMS,
)
