"""GHOST: the AEI-Net of FaceShifter with one to three blocks at each level; 256 px.

Described in GHOST's `network/AEI_Net.py` and `AADLayer.py`. What sees the target is a U-Net, the same with sums
(linknet), or a residual network. Doubling aligns corners; identity vectors keep their length.
"""

from dataclasses import dataclass, replace
from typing import Final

from torch import Tensor, nn

from mien_export.architectures._ghost_encoders import BACKBONES, Backbone, encoder_of, levels_of
from mien_export.architectures._plain import (
    ModulatedLayers,
    attribute_blend,
    called,
    doubled,
    generator_channels,
    over_the_picture,
)
from mien_export.contracts import Architecture, Port, Shapes, width_of
from mien_models.architectures.ghost import crop, own_identity
from mien_models.specs.network import SIGNED_OUTPUT, SwapNames, SwapSpec

SLOPE: Final = 0.1


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
        self.add_blocks = ModulatedLayers(Modulation, channels, attribute_channels, identity_length, count)
        self.has_shortcut = channels[0] != channels[1]
        if self.has_shortcut:
            self.last_add_block = ModulatedLayers(Modulation, channels, attribute_channels, identity_length, 1)

    def forward(self, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        """Give (n, out, h, w)."""
        inner = called(self.add_blocks, features, attributes, identity)
        if self.has_shortcut:
            features = called(self.last_add_block, features, attributes, identity)
        return inner + features


class Generator(nn.Module):
    """From the identity to the picture, level by level."""

    def __init__(self, width: int, levels: list[int], identity_length: int, count: int) -> None:
        super().__init__()
        self.up1 = nn.ConvTranspose2d(identity_length, 32 * width, 2)
        plan = zip(generator_channels(width, len(levels)), levels, strict=True)
        for number, (channels, level) in enumerate(plan, 1):
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
    """The whole network; the keys are those of `G_unet_*.pth` and of the trainer's other backbones."""

    def __init__(self, network: "Ghost") -> None:
        super().__init__()
        self.encoder = encoder_of(network.backbone, network.width)
        levels = levels_of(network.backbone, network.width)
        self.generator = Generator(network.width, levels, network.identity_length, network.count)

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Swap RGB -1..1 (n, 3, 256, 256) with the vector (n, length) as the identity network gives it."""
        return called(self.generator, source, *self.encoder.levels(target))


@dataclass(frozen=True, slots=True)
class Ghost:
    """Its sizes."""

    count: int = 1
    """Blocks at each level."""
    backbone: Backbone = "unet"
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
        return GhostModule(self).eval()

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
    first = shapes.get("generator.up1.weight")
    if first is None or len(first) != 4:
        return None
    convolutions = [key for key in shapes if key.startswith("generator.AADBlk1.add_blocks.") and "conv_h.w" in key]
    found = Ghost(len(convolutions), width=max(1, first[1] // 32), identity_length=first[0])
    if width_of(shapes, "encoder.conv0.weight") is not None:
        return replace(found, backbone="resnet")
    ups = shapes.get("encoder.deconv2.deconv.weight", ()), shapes.get("encoder.deconv1.deconv.weight", ())
    if any(len(shape) != 4 for shape in ups):
        return None
    # Where skipped features become channels, the second step up takes those of two.
    return replace(found, backbone="unet" if ups[0][0] > ups[1][1] else "linknet")


PUBLISHED: Final = {f"{count}-block": Ghost(count) for count in (1, 2, 3)} | {
    f"{count}-block-{backbone}": Ghost(count, backbone) for backbone in BACKBONES[1:] for count in (1, 2)
}
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published=PUBLISHED,
    tiny={name: replace(network, width=2) for name, network in PUBLISHED.items()},
)
