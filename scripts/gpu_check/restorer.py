"""A network that costs what GFPGAN 1.4 costs: the same channels at every size, untrained.

Channels after the paper's "clean" variant: a U-Net of 32 to 256 channels from 512 px down to 4, a vector of 8192
numbers of it, and a decoder of two styled convolutions a size, 512 channels up to 64 px and 64 at 512.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE_PX: Final = 512
_ENCODER: Final = (32, 64, 128, 256, 256, 256, 256, 256)
"""Channels at 512, 256 ... 4 px."""
_DECODER: Final = (512, 512, 512, 512, 512, 256, 128, 64)
"""Channels at 4, 8 ... 512 px."""
_STYLE: Final = 512


class _Styled(nn.Module):
    """Channels scaled by a style, a convolution, a skipped picture of the way down."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.style = nn.Linear(_STYLE, before)
        self.convolution = nn.Conv2d(before, after, 3, padding=1)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Give (n, after, h, w)."""
        scaled = features * (1 + 0.1 * self.style(style))[:, :, None, None]
        return functional.leaky_relu(self.convolution(scaled), 0.2)


class Restorer(nn.Module):
    """Takes and gives (1, 3, 512, 512), -1..1."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, _ENCODER[0], 1)
        pairs = list(pairwise(_ENCODER))
        self.down = nn.ModuleList([nn.Conv2d(one, two, 3, padding=1) for one, two in pairs])
        self.vector = nn.Linear(_ENCODER[-1] * 16, 16 * _STYLE)
        self.skips = nn.ModuleList(
            [nn.Conv2d(one, two, 3, padding=1) for one, two in zip(reversed(_ENCODER), _DECODER, strict=True)]
        )
        self.constant: Tensor = nn.Parameter(torch.randn(1, _DECODER[0], 4, 4))
        befores = (_DECODER[0], *_DECODER[:-1])
        self.one = nn.ModuleList([_Styled(one, two) for one, two in zip(befores, _DECODER, strict=True)])
        self.two = nn.ModuleList([_Styled(one, one) for one in _DECODER])
        self.last = nn.Conv2d(_DECODER[-1], 3, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Restore one picture."""
        features = functional.leaky_relu(self.first(picture), 0.2)
        levels = [features]
        for layer in self.down:
            features = functional.avg_pool2d(functional.leaky_relu(layer(features), 0.2), 2)
            levels.append(features)
        styles = self.vector(features.flatten(1)).reshape(-1, 16, _STYLE)
        features = self.constant.expand(picture.shape[0], -1, -1, -1)
        for level, skipped in enumerate(reversed(levels)):
            if level:
                features = functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
            features = self.one[level](features, styles[:, 2 * level]) + 0.3 * self.skips[level](skipped)
            features = self.two[level](features, styles[:, 2 * level + 1])
        return torch.tanh(self.last(features))
