"""The finishing network: a small U-Net that repairs a composed face of 128 pixels."""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as f

CHANNELS: Final = 10
"""In: composed 3, alpha 1, the wearer's light 3, places on the atlas 2, trust 1; all -0.5..0.5."""
SHOWN: Final = 4
"""Of these the first, picture and alpha, are looked at once more at full resolution."""
WIDTHS: Final = (16, 32, 64, 96, 112)
FOLD: Final = 2
"""Works on blocks of so many pixels each way; larger blocks lose thin rims."""
FINE: Final = 8
SHY: Final = 4.0
"""Taken off the opacity's logit: at first nothing is painted over."""


class Block(nn.Module):
    """Two convolutions around which the input passes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return f.relu(x + self.second(f.relu(self.first(x))))


class Finisher(nn.Module):
    """(n, 10, 128, 128) in, (n, 3, 128, 128) out: what is added to the composed picture, as parts of 1.

    It is a residual, and beside it an opacity and a colour that paint over: a rim of any colour goes, which a residual
    would have to cancel exactly.
    """

    def __init__(self) -> None:
        super().__init__()
        pairs = list(pairwise(WIDTHS))
        self.head = nn.Conv2d(CHANNELS * FOLD**2, WIDTHS[0], 3, padding=1)
        self.encoders = nn.ModuleList([Block(width) for width in WIDTHS])
        self.downs = nn.ModuleList([nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs])
        self.ups = nn.ModuleList([nn.Conv2d(b, a, 1) for a, b in reversed(pairs)])
        self.decoders = nn.ModuleList([Block(a) for a, _ in reversed(pairs)])
        self.fine = nn.Conv2d(WIDTHS[0], FOLD**2 * FINE, 3, padding=1)
        self.mix = nn.Conv2d(FINE + SHOWN, FINE, 3, padding=1)
        self.out = nn.Conv2d(FINE, 7, 3, padding=1)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Say what is to be added."""
        y = f.relu(self.head(f.pixel_unshuffle(x, FOLD)))
        passed = []
        for encoder, down in zip(self.encoders, self.downs, strict=False):
            y = encoder(y)
            passed.append(y)
            y = f.relu(down(y))
        y = self.encoders[-1](y)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            y = decoder(f.interpolate(up(y), scale_factor=2.0, mode="bilinear", align_corners=False) + passed.pop())
        z = f.relu(f.pixel_shuffle(self.fine(y), FOLD))
        o = self.out(f.relu(self.mix(torch.cat([z, x[:, :SHOWN]], 1))))
        return o[:, :3] + torch.sigmoid(o[:, 3:4] - SHY) * (o[:, 4:7] - x[:, :3])


class Critic(nn.Module):
    """(n, 3, 128, 128), -0.5..0.5, in; (n, 1, 16, 16) out: how much each patch looks like a picture of a face."""

    def __init__(self) -> None:
        super().__init__()
        normed = nn.utils.parametrizations.spectral_norm
        layers: list[nn.Module] = []
        for a, b in ((3, 32), (32, 64), (64, 96)):
            layers += [normed(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, normed(nn.Conv2d(96, 1, 3, 1, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Judge pictures."""
        return self.layers(x)
