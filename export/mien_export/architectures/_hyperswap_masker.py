"""The part of HyperSwap that finds where the new face is."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import called


class Layers(nn.Module):
    """Layers under the name `sequences`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.sequences = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Give what the last layer gives."""
        return called(self.sequences, features)


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


def _conv(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()
