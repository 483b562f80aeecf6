"""MobileFaceSwap: a small U-Net of separable convolutions with the identity inside its weights, and a mask; 224 px.

Described in MobileFaceSwap's `models/model.py`. Doubling aligns corners; the picture is blended with the target inside.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import called, doubled
from mien_export.contracts import Architecture, Port, Shapes, width_of
from mien_models.architectures.mobilefaceswap import crop
from mien_models.specs.network import UNIT_OUTPUT, IdentitySpec, SwapNames, SwapSpec

SLOPE: Final = 0.1


class MobileFaceSwapModule(nn.Module):
    """The network that runs for each frame; the keys are those of a transcription of Paddle's `swap_model`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        outs = [width * factor for factor in (1, 2, 4, 8, 16)]
        plan = list(zip([3, *outs[:-1]], outs, strict=True))
        self.Encoder = nn.ModuleList([_separable(one, other, 4, 2) for one, other in plan])
        back = [(16, 8), (16, 4), (8, 2), (4, 1)]
        self.Decoder = nn.ModuleList([_separable(one * width, other * width, 3, 1) for one, other in back])
        narrow = max(width // 4, 1)
        self.final = nn.Sequential(
            _upsample(),
            nn.Conv2d(width, narrow, 1),
            nn.BatchNorm2d(narrow),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(narrow, 3, 3, padding=1),
            nn.BatchNorm2d(3),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(3, 3, 3, padding=1),
            nn.Tanh(),
        )
        channels = [16 * width, 4 * width, 2 * width, width, narrow, max(width // 16, 1)]
        steps = [_mask_step(one, other) for one, other in pairwise(channels)]
        self.mask = nn.Sequential(*steps, nn.Conv2d(channels[-1], 1, 3, padding=1), nn.Sigmoid())

    def forward(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Swap RGB 0..1 (n, 3, h, w), sides multiples of 32; RGB 0..1, blended, and its mask 0..1 (n, 1, h, w)."""
        features = (target - 0.5) / 0.5
        on_the_way: list[Tensor] = []
        for layer in self.Encoder:
            features = functional.leaky_relu(layer(features), SLOPE)
            on_the_way.append(features)
        mask = called(self.mask, features)
        for number, layer in enumerate(self.Decoder):
            features = functional.leaky_relu(layer(doubled(features, align_corners=True)), SLOPE)
            if number < len(self.Decoder) - 1:
                features = torch.cat((features, on_the_way[len(self.Decoder) - 1 - number]), 1)
        picture = (called(self.final, features) + 1) / 2
        return picture * mask + (1 - mask) * target, mask


@dataclass(frozen=True, slots=True)
class MobileFaceSwap:
    """Its sizes."""

    width: int = 32
    """Channels of the first layer."""
    size_px: int = 224
    source_norm: float = 1.0
    style_keys: str = ""
    scale_keys: str = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The picture."""
        return (Port("target", (3, self.size_px, self.size_px)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """Picture and mask."""
        side = self.size_px
        return Port("output", (3, side, side)), Port("mask", (1, side, side))

    def build(self) -> nn.Module:
        """Make the bare network."""
        return MobileFaceSwapModule(self.width).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Give it as it is."""
        return core

    def spec(self, *, has_map: bool) -> SwapSpec:  # noqa: ARG002 - has no map
        """Say how it is fed."""
        return SwapSpec(
            kind="swapper",
            architecture="mobilefaceswap",
            crop=crop(self.size_px),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="none"),
            names=SwapNames("target", "output", masks=("mask",)),
            blends=True,
        )


def _separable(channels_in: int, channels_out: int, kernel: int, stride: int) -> nn.Module:
    each = nn.Conv2d(channels_in, channels_in, kernel, stride, 1, groups=channels_in)
    return nn.Sequential(each, nn.Conv2d(channels_in, channels_out, 1))


def _mask_step(channels_in: int, channels_out: int) -> nn.Module:
    each = nn.Conv2d(channels_in, channels_in, 3, 1, 1, groups=channels_in)
    norm = nn.BatchNorm2d(channels_out)
    return nn.Sequential(_upsample(), each, nn.Conv2d(channels_in, channels_out, 1), norm, nn.LeakyReLU(SLOPE))


def _upsample() -> nn.Module:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


def _recognise(shapes: Shapes) -> MobileFaceSwap | None:
    width = width_of(shapes, "Encoder.0.1.weight")
    return None if width is None or "mask.5.weight" not in shapes else MobileFaceSwap(width)


PUBLISHED: Final = MobileFaceSwap()
PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"224": PUBLISHED, "256": replace(PUBLISHED, size_px=256)},
    tiny={"224": replace(PUBLISHED, width=4), "256": replace(PUBLISHED, width=4, size_px=256)},
    serves_px=(224, 256),
)
