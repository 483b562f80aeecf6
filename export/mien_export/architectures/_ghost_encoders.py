"""What sees the target in GHOST: a U-Net, the same with sums in the place of channels, or a residual network."""

from typing import Final, Literal, TypeAlias

from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import Pyramid, attribute_pyramid, called

SLOPE: Final = 0.1
Backbone: TypeAlias = Literal["unet", "linknet", "resnet"]
BACKBONES: Final[tuple[Backbone, ...]] = ("unet", "linknet", "resnet")
EXPANSION: Final = 4
"""Of a bottleneck's channels in its last convolution."""


def levels_of(backbone: Backbone, width: int) -> list[int]:
    """Give the channels of the eight levels."""
    return Pyramid(width, adds=backbone == "linknet").levels


def encoder_of(backbone: Backbone, width: int) -> "Attributes | ResidualAttributes":
    """Make the module."""
    return ResidualAttributes(width) if backbone == "resnet" else Attributes(Pyramid(width, adds=backbone == "linknet"))


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
    """The U-Net; the pyramid says how skipped features are joined."""

    def __init__(self, pyramid: Pyramid) -> None:
        super().__init__()
        self.pyramid = pyramid
        for number, (channels_in, channels_out) in enumerate(pyramid.downs, 1):
            layers = (
                nn.Conv2d(channels_in, channels_out, 4, 2, 1, bias=False),
                nn.BatchNorm2d(channels_out),
                nn.LeakyReLU(SLOPE),
            )
            setattr(self, f"conv{number}", nn.Sequential(*layers))
        for number, (channels_in, channels_out) in enumerate(pyramid.ups, 1):
            setattr(self, f"deconv{number}", UpBlock(channels_in, channels_out))

    def levels(self, target: Tensor) -> list[Tensor]:
        """Give the eight levels of (n, 3, side, side)."""
        downs: list[nn.Module] = [getattr(self, f"conv{number}") for number in range(1, 8)]
        ups: list[nn.Module] = [getattr(self, f"deconv{number}") for number in range(1, 7)]
        return attribute_pyramid(self.pyramid, downs, ups, target, align_corners=True)


class Bottleneck(nn.Module):
    """Three convolutions, the second over a neighbourhood; the input is added."""

    def __init__(self, given: int, planes: int, stride: int) -> None:
        super().__init__()
        wanted = EXPANSION * planes
        self.conv1 = nn.Conv2d(given, planes, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, wanted, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wanted)
        changes = stride != 1 or given != wanted
        self.downsample = (
            nn.Sequential(nn.Conv2d(given, wanted, 1, stride, bias=False), nn.BatchNorm2d(wanted))
            if changes
            else nn.Identity()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Give (n, 4 * planes, h / stride, w / stride)."""
        inner = functional.relu(called(self.bn1, called(self.conv1, features)))
        inner = functional.relu(called(self.bn2, called(self.conv2, inner)))
        inner = called(self.bn3, called(self.conv3, inner))
        return functional.relu(inner + called(self.downsample, features))


class ResidualAttributes(nn.Module):
    """The residual network: each of its stages is a level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 2 * width, 7, 1, 3, bias=False)
        self.bn0 = nn.BatchNorm2d(2 * width)
        self.conv1 = nn.Conv2d(2 * width, 2 * width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(2 * width)
        given = 2 * width
        for number, planes in enumerate((1, 2, 4, 8, 16, 8), 1):
            wanted = EXPANSION * planes * width
            stage = nn.Sequential(Bottleneck(given, planes * width, 2), Bottleneck(wanted, planes * width, 1))
            setattr(self, f"layer{number}", stage)
            given = wanted

    def levels(self, target: Tensor) -> list[Tensor]:
        """Give the eight levels of (n, 3, side, side), the smallest first."""
        found = [functional.relu(called(self.bn0, called(self.conv0, target)))]
        found.append(functional.relu(called(self.bn1, called(self.conv1, found[-1]))))
        for number in range(1, 7):
            stage: nn.Module = getattr(self, f"layer{number}")
            found.append(called(stage, found[-1]))
        return found[::-1]
