"""What several architectures share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_export.contracts import Shapes

STRICT_EPS = 1e-8
"""Of the norms that ReSwapper and SimSwap write out by hand. As `x + 1e-8` the exporter takes it for `+ 0` and drops
it, and a flat channel becomes NaN; as an attribute of InstanceNormalization it stays."""


def strict_norm(features: Tensor) -> Tensor:
    """Bring each channel of each picture (n, c, h, w) to mean 0 and deviation 1."""
    return functional.instance_norm(features, eps=STRICT_EPS)


def doubled(features: Tensor, *, align_corners: bool) -> Tensor:
    """Double height and width, bilinearly."""
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=align_corners)


def over_the_picture(vector: Tensor) -> Tensor:
    """Make (n, c) of (n, c, 1, 1)."""
    return vector[:, :, None, None]


def called(module: nn.Module, *arguments: Tensor) -> Tensor:
    """Call a module that gives one tensor."""
    return cast("Tensor", module(*arguments))


class Mapped(nn.Module):
    """A swapper with the identity's map before it: the source is multiplied, then brought to length 1."""

    identity_map: Tensor

    def __init__(self, core: nn.Module, identity_map: Tensor) -> None:
        super().__init__()
        self.core = core
        self.register_buffer("identity_map", identity_map)

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Swap (n, 3, h, w) with raw or unit identity vectors (n, length)."""
        return called(self.core, target, functional.normalize(source @ self.identity_map))


def attribute_blend(
    features: Tensor, attributes: tuple[Tensor, Tensor], identity: tuple[Tensor, Tensor], mask: Tensor
) -> Tensor:
    """Modulate normalised features by scale and shift of attributes and of an identity, and mix them by a mask."""
    of_attributes = attributes[0] * features + attributes[1]
    of_identity = over_the_picture(identity[0]) * features + over_the_picture(identity[1])
    return (1 - mask) * of_attributes + mask * of_identity


class ModulatedLayers(nn.ModuleList):
    """Modulations by attributes and identity, each followed by ReLU and a convolution; the last one's changes channels.

    The keys are those of a plain list.
    """

    def __init__(
        self,
        modulation: Callable[[int, int, int], nn.Module],
        channels: tuple[int, int],
        attribute_channels: int,
        identity_length: int,
        count: int,
    ) -> None:
        channels_in, channels_out = channels
        layers: list[nn.Module] = []
        for number in range(count):
            out = channels_out if number == count - 1 else channels_in
            conv = nn.Conv2d(channels_in, out, 3, padding=1, bias=False)
            layers += [modulation(channels_in, attribute_channels, identity_length), nn.ReLU(), conv]
        super().__init__(layers)

    def forward(self, features: Tensor, attributes: Tensor, identity: Tensor) -> Tensor:
        """Give (n, out, h, w); without layers, the features as they are."""
        for number, layer in enumerate(self):
            is_modulation = number % 3 == 0
            features = called(layer, features, attributes, identity) if is_modulation else called(layer, features)
        return features


def residual_depths(shapes: Shapes) -> tuple[int, ...]:
    """Count the blocks in each of the four levels of a residual network for identities."""
    return tuple(
        sum(key.startswith(f"layer{level}.") and key.endswith(".conv1.weight") for key in shapes)
        for level in range(1, 5)
    )


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A U-Net's channels, in units of its first layer's: from the whole side down to 2 px, and up again."""

    width: int
    down: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 32)
    """Of each module that halves the side."""
    up: tuple[int, ...] = (32, 16, 8, 4, 2, 1)
    """Of each module that doubles it; after each, the features of the way down with the same side are joined."""
    adds: bool = False
    """Whether they are joined by adding them; else they become channels beside each other."""

    @property
    def downs(self) -> list[tuple[int, int]]:
        """Channels in and out of the ways down."""
        outs = [self.width * factor for factor in self.down]
        return list(zip([3, *outs[:-1]], outs, strict=True))

    @property
    def ups(self) -> list[tuple[int, int]]:
        """Channels in and out of the ways up."""
        return [(given, self.width * factor) for given, factor in zip(self.levels, self.up, strict=False)]

    @property
    def levels(self) -> list[int]:
        """Channels of what is given: the lowest features, each way up joined, and the last once more, doubled."""
        skipped = [0 if self.adds else factor for factor in reversed(self.down[:-1])]
        joined = [self.width * (out + beside) for out, beside in zip(self.up, skipped, strict=True)]
        return [self.width * self.down[-1], *joined, joined[-1]]


def attribute_pyramid(
    pyramid: Pyramid, downs: list[nn.Module], ups: list[nn.Module], target: Tensor, *, align_corners: bool
) -> list[Tensor]:
    """Run a U-Net's halves and give the features of every level, from 2 px to the whole side.

    Args:
        pyramid: how features are joined.
        downs: modules that halve the side.
        ups: modules that double it.
        target: (n, 3, side, side); the last of `downs` gives 2 px.
        align_corners: of the last doubling, which has no weights.
    """
    on_the_way: list[Tensor] = []
    features = target
    for down in downs:
        features = called(down, features)
        on_the_way.append(features)
    levels = [features]
    for up, skipped in zip(ups, reversed(on_the_way[:-1]), strict=True):
        doubled_features = called(up, features)
        features = doubled_features + skipped if pyramid.adds else torch.cat((doubled_features, skipped), 1)
        levels.append(features)
    return [*levels, doubled(features, align_corners=align_corners)]


def generator_channels(width: int, levels: int) -> list[tuple[int, int]]:
    """Give channels in and out of the blocks of a generator that follows so many levels up to a picture."""
    outs = [width * factor for factor in (*[32] * (levels - 5), 16, 8, 4, 2)]
    return list(zip([32 * width, *outs], [*outs, 3], strict=True))
