"""GHOST: the AEI-Net of FaceShifter with a U-Net of attributes and one to three blocks at each level; 256 px.

Described in GHOST's `network/AEI_Net.py` and `AADLayer.py`. Doubling aligns corners; identity vectors keep
their length.
"""

from dataclasses import dataclass, replace
from typing import Final

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
from mien_models.families.ghost import TERMS, crop, own_identity
from mien_models.spec import SIGNED_OUTPUT, SwapNames, SwapSpec

SLOPE: Final = 0.1


class UpBlock(nn.Module):
    """Doubles the side with weights."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.deconv = nn.ConvTranspose2d(channels_in, channels_out, 4, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)

    def forward(self, features: Tensor) -> Tensor:
        """Give (n, out, 2h, 2w)."""
        return functional.leaky_relu(called(self.bn, called(self.deconv, features)), SLOPE)


class Attributes(nn.Module):
    """The U-Net that sees the target."""

    def __init__(self, width: int) -> None:
        super().__init__()
        downs, ups, _ = pyramid_channels(width)
        for number, (channels_in, channels_out) in enumerate(downs, 1):
            layers = (
                nn.Conv2d(channels_in, channels_out, 4, 2, 1, bias=False),
                nn.BatchNorm2d(channels_out),
                nn.LeakyReLU(SLOPE),
            )
            setattr(self, f"conv{number}", nn.Sequential(*layers))
        for number, (channels_in, channels_out) in enumerate(ups, 1):
            setattr(self, f"deconv{number}", UpBlock(channels_in, channels_out))

    def levels(self, target: Tensor) -> list[Tensor]:
        """Give the eight levels of (n, 3, side, side)."""
        downs: list[nn.Module] = [getattr(self, f"conv{number}") for number in range(1, 8)]
        ups: list[nn.Module] = [getattr(self, f"deconv{number}") for number in range(1, 7)]
        return attribute_pyramid(downs, ups, target, align_corners=True)


class Modulation(nn.Module):
    """One adaptive layer: attributes and identity, mixed by a mask that it finds in the features."""

    def __init__(self, channels: int, attribute_channels: int, identity_length: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(attribute_channels, channels, 1)
        self.conv2 = nn.Conv2d(attribute_channels, channels, 1)
        self.fc1 = nn.Linear(identity_length, channels)
        self.fc2 = nn.Linear(identity_length, channels)
        self.norm = nn.InstanceNorm2d(channels)
        self.conv_h = nn.Conv2d(channels, 1, 1)

    def forward(self, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        """Give features of the same shape (n, c, h, w)."""
        normed = called(self.norm, features)
        return attribute_blend(
            normed,
            (called(self.conv1, attributes), called(self.conv2, attributes)),
            (called(self.fc1, identity), called(self.fc2, identity)),
            called(self.conv_h, normed).sigmoid(),
        )


class Block(nn.Module):
    """Modulated convolutions, and a shortcut with one of them where the channels change."""

    def __init__(self, channels: tuple[int, int], attribute_channels: int, identity_length: int, count: int) -> None:
        super().__init__()
        channels_in, channels_out = channels
        layers: list[nn.Module] = []
        for number in range(count):
            out = channels_out if number == count - 1 else channels_in
            layers += self._layers(channels_in, out, attribute_channels, identity_length)
        self.add_blocks = nn.ModuleList(layers)
        self.has_shortcut = channels_in != channels_out
        if self.has_shortcut:
            self.last_add_block = nn.ModuleList(
                self._layers(channels_in, channels_out, attribute_channels, identity_length)
            )

    def forward(self, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        """Give (n, out, h, w)."""
        inner = self._through(self.add_blocks, features, attributes, identity)
        if self.has_shortcut:
            features = self._through(self.last_add_block, features, attributes, identity)
        return inner + features

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
        self.up1 = nn.ConvTranspose2d(identity_length, 32 * width, 2)
        for number, (channels, level) in enumerate(zip(generator_channels(width), levels, strict=True), 1):
            setattr(self, f"AADBlk{number}", Block(channels, level, identity_length, count))

    def forward(self, identity: Tensor, *levels: Tensor) -> Tensor:
        """Give RGB -1..1 (n, 3, side, side)."""
        features = called(self.up1, over_the_picture(identity))
        for number, attributes in enumerate(levels, 1):
            block: nn.Module = getattr(self, f"AADBlk{number}")
            features = called(block, features, attributes, identity)
            if number < len(levels):
                features = doubled(features, align_corners=True)
        return features.tanh()


class GhostModule(nn.Module):
    """The whole network; the keys are those of `G_unet_*.pth`."""

    def __init__(self, width: int, identity_length: int, count: int) -> None:
        super().__init__()
        self.encoder = Attributes(width)
        self.generator = Generator(width, identity_length, count)

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Swap RGB -1..1 (n, 3, 256, 256) with the vector (n, length) as the identity network gives it."""
        return called(self.generator, source, *self.encoder.levels(target))


@dataclass(frozen=True, slots=True)
class Ghost:
    """Its sizes."""

    count: int = 1
    """Blocks at each level."""
    width: int = 32
    """Channels of the first layer."""
    identity_length: int = 512
    size_px: int = 256
    source_norm: float = 20.0
    style_keys: str = r"\.fc[12]\.weight$|^generator\.up1\.weight$"
    scale_keys: str = r"AADBlk.*\.(fc1|conv1)\.bias$"

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Picture and identity."""
        return Port("target", (3, self.size_px, self.size_px), -1.0), Port("source", (self.identity_length,))

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The picture."""
        return (Port("output", (3, self.size_px, self.size_px), -1.0),)

    def build(self) -> nn.Module:
        """Make the bare network."""
        return GhostModule(self.width, self.identity_length, self.count).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Give it as it is."""
        return core

    def spec(self, *, has_map: bool) -> SwapSpec:  # noqa: ARG002 - has no map
        """Say how it is fed."""
        return SwapSpec(
            kind="swapper",
            architecture="ghost",
            crop=crop(self.size_px),
            output=SIGNED_OUTPUT,
            identity=own_identity(self.identity_length),
            names=SwapNames("target", "output", "source"),
        )


def _recognise(shapes: Shapes) -> Ghost | None:
    width, first = width_of(shapes, "encoder.conv1.0.weight"), shapes.get("generator.up1.weight")
    if width is None or first is None or len(first) != 4:
        return None
    convolutions = [key for key in shapes if key.startswith("generator.AADBlk1.add_blocks.") and "conv_h.w" in key]
    return Ghost(len(convolutions), width, first[0])


PUBLISHED: Final = {f"{count}-block": Ghost(count) for count in (1, 2, 3)}
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published=PUBLISHED,
    tiny={name: replace(network, width=2) for name, network in PUBLISHED.items()},
    terms=TERMS,
)
