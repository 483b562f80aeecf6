"""Autoencoders of two people in the manner of DeepFaceLab's `df` and `liae`, deployed as its DFM files are.

Described in iperov/DeepFaceLab's `core/leras/archis/DeepFakeArchi.py`, plain variants without options. One encoder
sees both people. In `df` each has a decoder; in `liae` one decoder is told the person by the halves of its code. The
keys are our own: DeepFaceLab's files of arrays are not read, and its .dfm files need no export.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import called
from mien_export.contracts import Architecture, Port, Shapes
from mien_models.architectures.dfm import crop
from mien_models.specs.network import UNIT_OUTPUT, IdentitySpec, SwapNames, SwapSpec

_SLOPE: Final = 0.1
_SHRUNK: Final = 16
"""The encoder's four steps."""


class Upscale(nn.Module):
    """Doubles height and width: four times the channels, laid out as pixels."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, 4 * wanted, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Double (n, given, h, w)."""
        return functional.pixel_shuffle(functional.leaky_relu(called(self.conv, features), _SLOPE), 2)


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Keep (n, channels, h, w)."""
        inner = functional.leaky_relu(called(self.conv1, features), 0.2)
        return functional.leaky_relu(features + called(self.conv2, inner), 0.2)


class Encoder(nn.Module):
    """Four strided convolutions, then a vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = [3, width, 2 * width, 4 * width, 8 * width]
        self.down = nn.ModuleList([nn.Conv2d(one, other, 5, 2, 2) for one, other in pairwise(sizes)])

    def forward(self, face: Tensor) -> Tensor:
        """Give (n, 8 * width * (side / 16)^2) of BGR 0..1 (n, 3, side, side)."""
        for layer in self.down:
            face = functional.leaky_relu(called(layer, face), _SLOPE)
        return face.flatten(1)


class Inter(nn.Module):
    """The narrow place: a short code, and from it a small picture of features."""

    def __init__(self, given: int, code: int, channels: int, side: int) -> None:
        super().__init__()
        self.dense1 = nn.Linear(given, code)
        self.dense2 = nn.Linear(code, side * side * channels)
        self.upscale = Upscale(channels, channels)
        self._shape = (channels, side, side)

    def forward(self, vector: Tensor) -> Tensor:
        """Give (n, channels, side / 8, side / 8)."""
        small = called(self.dense2, called(self.dense1, vector))
        return called(self.upscale, small.reshape(-1, *self._shape))


class Decoder(nn.Module):
    """Face and mask from the features."""

    def __init__(self, given: int, width: int, mask_width: int) -> None:
        super().__init__()
        self.upscale = _upscales(given, width)
        self.residual = nn.ModuleList([Residual(8 * width), Residual(4 * width), Residual(2 * width)])
        self.out = nn.Conv2d(2 * width, 3, 1)
        self.mask_upscale = _upscales(given, mask_width)
        self.mask_out = nn.Conv2d(2 * mask_width, 1, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Give BGR (n, 3, side, side) and mask (n, 1, side, side), both 0..1."""
        face = mask = features
        for upscale, residual in zip(self.upscale, self.residual, strict=True):
            face = called(residual, called(upscale, face))
        for upscale in self.mask_upscale:
            mask = called(upscale, mask)
        return called(self.out, face).sigmoid(), called(self.mask_out, mask).sigmoid()


def _upscales(given: int, width: int) -> nn.ModuleList:
    return nn.ModuleList([Upscale(one, other) for one, other in pairwise([given, 8 * width, 4 * width, 2 * width])])


class DfModule(nn.Module):
    """A decoder for each person: `src` is the source face, `dst` the target."""

    def __init__(self, network: "Dfl") -> None:
        super().__init__()
        self.encoder = Encoder(network.encoder_width)
        self.inter = network.inter()
        self.decoder_src = network.decoder(network.code)
        self.decoder_dst = network.decoder(network.code)

    def swapped(self, face: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give the source face, its mask, and the target's mask of BGR 0..1 (n, 3, side, side)."""
        features = called(self.inter, called(self.encoder, face))
        source_face, source_mask = self.decoder_src.forward(features)
        return source_face, source_mask, self.decoder_dst.forward(features)[1]


class LiaeModule(nn.Module):
    """One decoder; the target's code has a half of their own, the source face has the common half twice."""

    def __init__(self, network: "Dfl") -> None:
        super().__init__()
        self.encoder = Encoder(network.encoder_width)
        self.inter_AB = network.inter()
        self.inter_B = network.inter()
        self.decoder = network.decoder(2 * network.code)

    def swapped(self, face: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `DfModule.swapped`."""
        vector = called(self.encoder, face)
        common, own = called(self.inter_AB, vector), called(self.inter_B, vector)
        source_face, source_mask = self.decoder.forward(torch.cat([common, common], 1))
        return source_face, source_mask, self.decoder.forward(torch.cat([own, common], 1))[1]


class Dfm(nn.Module):
    """The pair as a DFM file gives it: rows of BGR pixels, the target's mask first."""

    def __init__(self, core: DfModule | LiaeModule) -> None:
        super().__init__()
        self.core = core

    def forward(self, in_face: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Swap BGR 0..1 (n, side, side, 3): the target's mask, the source face, its mask; pixels in rows."""
        source_face, source_mask, mask = self.core.swapped(in_face.permute(0, 3, 1, 2))
        return mask.permute(0, 2, 3, 1), source_face.permute(0, 2, 3, 1), source_mask.permute(0, 2, 3, 1)


@dataclass(frozen=True, slots=True)
class Dfl:
    """Sizes of a pair."""

    kind: Literal["df", "liae"] = "df"
    size_px: int = 224
    """A multiple of 16."""
    code: int = 256
    encoder_width: int = 64
    decoder_width: int = 64
    mask_width: int = 22
    source_norm: float = 1.0
    style_keys: str = ""
    scale_keys: str = ""

    def inter(self) -> Inter:
        """Make the narrow place."""
        side = self.size_px // _SHRUNK
        return Inter(8 * self.encoder_width * side * side, self.code, self.code, side)

    def decoder(self, given: int) -> Decoder:
        """Make a decoder of so many channels."""
        return Decoder(given, self.decoder_width, self.mask_width)

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The target's face."""
        return (Port("in_face:0", (self.size_px, self.size_px, 3)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The target's mask, the source face, its mask."""
        side = self.size_px
        masks = [Port(f"out_{name}_mask:0", (side, side, 1)) for name in ("face", "celeb_face")]
        return masks[0], Port("out_celeb_face:0", (side, side, 3)), masks[1]

    def build(self) -> nn.Module:
        """Make the bare pair."""
        return (DfModule(self) if self.kind == "df" else LiaeModule(self)).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Put it between rows of pixels."""
        if not isinstance(core, DfModule | LiaeModule):
            raise TypeError(f"expected what `build` made, got {type(core).__name__}")
        return Dfm(core).eval()

    def spec(self, *, has_map: bool) -> SwapSpec:  # noqa: ARG002 - has no map
        """Say how it is fed: as every DFM file."""
        return SwapSpec(
            kind="swapper",
            architecture="dfm",
            crop=crop(self.size_px),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="none"),
            names=SwapNames("in_face:0", "out_celeb_face:0", masks=("out_face_mask:0", "out_celeb_face_mask:0")),
        )


def _recognise(shapes: Shapes) -> Dfl | None:
    kind: Literal["df", "liae"] = "liae" if "inter_AB.dense1.weight" in shapes else "df"
    inter, decoder = ("inter_AB", "decoder") if kind == "liae" else ("inter", "decoder_src")
    dense, first = shapes.get(f"{inter}.dense1.weight", ()), shapes.get("encoder.down.0.weight", ())
    out, mask = shapes.get(f"{decoder}.out.weight", ()), shapes.get(f"{decoder}.mask_out.weight", ())
    if len(dense) != 2 or len(first) != 4 or len(out) != 4 or len(mask) != 4:
        return None
    side = math.isqrt(dense[1] // (8 * first[0]))
    return Dfl(kind, _SHRUNK * side, dense[0], first[0], out[1] // 2, mask[1] // 2)


PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"df-224": Dfl(), "liae-224": Dfl("liae")},
    tiny={"df-224": Dfl("df", 64, 16, 4, 4, 2), "liae-224": Dfl("liae", 64, 16, 4, 4, 2)},
)
