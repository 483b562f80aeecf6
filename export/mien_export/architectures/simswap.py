"""SimSwap of 224 and 512 px: nine bottleneck blocks styled by the identity between ways down and up.

Described in SimSwap's `fs_networks.py` (224, with tanh), `fs_networks_512.py` (the beta, half the first width and one
step more) and `fs_networks_fix.py` (without tanh, ImageNet's numbers in and out; with `--Gdeep True` one deep step more
and 512 px, with `--Gdeep False` the very keys of `fs_networks.py`).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import called, over_the_picture, strict_norm
from mien_export.contracts import Answer, Architecture, Place, Port, Shapes, Variants, width_of
from mien_models.architectures.simswap import crop, own_identity
from mien_models.specs.network import UNIT_OUTPUT, SwapNames, SwapSpec

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)


class Style(nn.Module):
    """Scale and shift by the identity; the scale is 1 + number."""

    def __init__(self, identity_length: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(identity_length, 2 * channels)

    def forward(self, features: Tensor, identity: Tensor) -> Tensor:
        """Give features of the same shape (n, c, h, w)."""
        scale, shift = called(self.linear, identity).chunk(2, dim=1)
        return features * (over_the_picture(scale) + 1) + over_the_picture(shift)


class Bottleneck(nn.Module):
    """Two normalised, styled convolutions; the input is added."""

    def __init__(self, channels: int, identity_length: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3))
        self.style1 = Style(identity_length, channels)
        self.conv2 = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3))
        self.style2 = Style(identity_length, channels)

    def forward(self, features: Tensor, identity: Tensor) -> Tensor:
        """Give features of the same shape (n, c, h, w)."""
        inner = functional.relu(called(self.style1, strict_norm(called(self.conv1, features)), identity))
        return features + called(self.style2, strict_norm(called(self.conv2, inner)), identity)


class SimSwapModule(nn.Module):
    """The whole network; the keys are those of `*_net_G.pth`."""

    def __init__(self, steps: dict[int, tuple[int, int]], blocks: int, identity_length: int, *, has_tanh: bool) -> None:
        super().__init__()
        first, last = next(iter(steps.values()))[0], next(reversed(steps.values()))[1]
        self.first_layer = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, first, 7), nn.BatchNorm2d(first), nn.ReLU()
        )
        self.step_names = tuple(steps)
        for number, (narrow, wide) in steps.items():
            down = nn.Sequential(nn.Conv2d(narrow, wide, 3, 2, 1), nn.BatchNorm2d(wide), nn.ReLU())
            up = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
                nn.Conv2d(wide, narrow, 3, padding=1),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
            )
            setattr(self, f"down{number}", down)
            setattr(self, f"up{number}", up)
        self.BottleNeck = nn.ModuleList([Bottleneck(last, identity_length) for _ in range(blocks)])
        self.last_layer = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(first, 3, 7))
        self.has_tanh = has_tanh

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Swap RGB (n, 3, h, w) with the unit vector (n, length); 0..1 with the tanh, else ImageNet's numbers."""
        features = called(self.first_layer, target)
        for number in self.step_names:
            features = called(cast("nn.Module", getattr(self, f"down{number}")), features)
        for block in self.BottleNeck:
            features = block(features, source)
        for number in reversed(self.step_names):
            features = called(cast("nn.Module", getattr(self, f"up{number}")), features)
        features = called(self.last_layer, features)
        return (features.tanh() + 1) / 2 if self.has_tanh else features


class Imagenet(nn.Module):
    """A network of ImageNet's numbers that takes and gives 0..1."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, core: nn.Module) -> None:
        super().__init__()
        self.core = core
        self.register_buffer("mean", torch.from_numpy(_column(IMAGENET_MEAN)))
        self.register_buffer("deviation", torch.from_numpy(_column(IMAGENET_DEVIATION)))

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Swap RGB 0..1 (n, 3, h, w)."""
        swapped = called(self.core, (target - self.mean) / self.deviation, source)
        return swapped * self.deviation + self.mean


@dataclass(frozen=True, slots=True)
class SimSwap:
    """Its sizes."""

    steps: tuple[tuple[int, int, int], ...] = ((1, 64, 128), (2, 128, 256), (3, 256, 512))
    """Each way down and up: the number in its name, channels outside and inside."""
    blocks: int = 9
    identity_length: int = 512
    size_px: int = 224
    is_imagenet: bool = False
    """Trained on ImageNet's numbers, without a tanh at the end."""
    source_norm: float = 1.0
    style_keys: str = r"\.style[12]\.linear\.weight$"
    scale_keys: str = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Picture and identity."""
        return Port("target", (3, self.size_px, self.size_px)), Port("source", (self.identity_length,))

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The picture."""
        return (Port("output", (3, self.size_px, self.size_px)),)

    def build(self) -> nn.Module:
        """Make the bare network."""
        steps = {number: (narrow, wide) for number, narrow, wide in self.steps}
        return SimSwapModule(steps, self.blocks, self.identity_length, has_tanh=not self.is_imagenet).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Put mean and deviation of ImageNet around a network that was trained with them."""
        return Imagenet(core).eval() if self.is_imagenet else core

    def spec(self, *, has_map: bool) -> SwapSpec:  # noqa: ARG002 - has no map
        """Say how it is fed."""
        return SwapSpec(
            kind="swapper",
            architecture="simswap",
            crop=crop(self.size_px),
            output=UNIT_OUTPUT,
            identity=own_identity(self.size_px, self.identity_length),
            names=SwapNames("target", "output", "source"),
        )


def _column(numbers: tuple[float, float, float]) -> NDArray[np.float32]:
    return np.array(numbers, np.float32).reshape(3, 1, 1)


def _recognise(shapes: Shapes) -> SimSwap | Variants | None:
    style = shapes.get("BottleNeck.0.style1.linear.weight")
    if width_of(shapes, "first_layer.1.weight") is None or style is None:
        return None
    found = [(number, shapes[f"down{number}.0.weight"]) for number in range(5) if f"down{number}.0.weight" in shapes]
    blocks = sum(key.startswith("BottleNeck.") and key.endswith(".conv1.1.weight") for key in shapes)
    plain = SimSwap(tuple((number, shape[1], shape[0]) for number, shape in found), blocks, style[1])
    numbers = {number for number, _ in found}
    # Only `train.py --Gdeep True` makes a step 4, and only `fs_networks_512.py` a step 0: their keys say it all.
    if 4 in numbers:
        return replace(plain, size_px=512, is_imagenet=True)
    if 0 in numbers:
        return replace(plain, size_px=512)
    return Variants({PLAIN: plain, RETRAINED: replace(plain, is_imagenet=True)}, QUESTION, _beside)


PLAIN: Final = "224"
RETRAINED: Final = "224-imagenet"
QUESTION: Final = (
    f"SimSwap has two networks with these keys: {RETRAINED} is what train.py of its repository makes with --Gdeep "
    "False (no tanh, ImageNet's numbers in and out; beside its checkpoints stand opt.txt with a line 'Gdeep' and "
    f"STEP_net_D.pth), {PLAIN} is the published people/latest_net_G.pth and what was trained with fs_networks.py "
    "(tanh, 0..1)."
)
_OPTIONS: Final = "opt.txt"
_LONGEST: Final = 100_000
_SUFFIX: Final = "_net_G.pth"


def _beside(place: Place) -> Answer | None:
    """Look at the options and the other networks that the training program left beside its generator."""
    checkpoint = place.path
    if checkpoint is None:
        return None
    found = [one for one in (_by_options(checkpoint.with_name(_OPTIONS)), _by_names(checkpoint)) if one is not None]
    return found[0] if len({one.variant for one in found}) == 1 else None


def _by_options(path: Path) -> Answer | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            names = {line.partition(":")[0].strip() for line in file.read(_LONGEST).splitlines()}
    except OSError:
        return None
    if "Gdeep" in names:
        return Answer(RETRAINED, f"{_OPTIONS} beside it has a line 'Gdeep', which only train.py writes")
    if names >= {"num_D", "lambda_GP"}:
        return Answer(PLAIN, f"{_OPTIONS} beside it is of the trainer of fs_networks.py, with 'num_D' and no 'Gdeep'")
    return None


def _by_names(checkpoint: Path) -> Answer | None:
    """Go by the discriminators of the same step: the old trainer had two of them."""
    if not checkpoint.name.endswith(_SUFFIX):
        return None
    step = checkpoint.name.removesuffix(_SUFFIX)
    one = next(
        (name for name in (f"{step}_net_D.pth", f"{step}_optim_G.pth") if checkpoint.with_name(name).exists()), ""
    )
    two = next(
        (name for name in (f"{step}_net_D1.pth", f"{step}_net_D2.pth") if checkpoint.with_name(name).exists()), ""
    )
    if bool(one) == bool(two):
        return None
    return Answer(RETRAINED, f"{one} stands beside it") if one else Answer(PLAIN, f"{two} stands beside it")


BETA: Final = ((0, 32, 64), (1, 64, 128), (2, 128, 256), (3, 256, 512))
DEEP: Final = ((1, 64, 128), (2, 128, 256), (3, 256, 512), (4, 512, 512))


def _published() -> dict[str, SimSwap]:
    plain = SimSwap()
    return {
        PLAIN: plain,
        RETRAINED: replace(plain, is_imagenet=True),
        "512-beta": replace(plain, steps=BETA, size_px=512),
        "512-unofficial": replace(plain, steps=DEEP, size_px=512, is_imagenet=True),
    }


def _tiny(network: SimSwap) -> SimSwap:
    steps = tuple((number, narrow // 16, wide // 16) for number, narrow, wide in network.steps)
    return replace(network, steps=steps, blocks=2)


PLUGIN: Final = Architecture(
    recognise=_recognise,
    published=_published(),
    tiny={name: _tiny(network) for name, network in _published().items()},
    serves_px=(224, 256, 512),
)
