"""A swapper that takes and gives pixels as a camera has them: the ways to numbers and back are in the graph."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from mien_export.contracts import Network, Port
from mien_export.graph import ExportError
from mien_models.specs.network import NetworkSpec, PictureSpec, PixelSpec, SwapSpec

_AS_IT_IS: Final = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


class FusedModule(nn.Module):
    """A deployed swapper between bytes: (n, side, side, 3) uint8 BGR in and out; other inputs and masks as they are."""

    scale: Tensor
    offset: Tensor

    def __init__(self, core: nn.Module, network: Network, spec: SwapSpec) -> None:
        super().__init__()
        self.core = core
        self._place = [port.name for port in network.inputs].index(spec.names.target)
        self._drawn = [port.name for port in network.outputs].index(spec.names.output)
        self._spec = spec
        self.register_buffer("scale", torch.tensor(spec.crop.scale))
        self.register_buffer("offset", torch.tensor(spec.crop.offset))

    def forward(self, first: Tensor, second: Tensor | None = None) -> tuple[Tensor, ...]:
        """Swap; the inputs are in the network's own order."""
        given = [first] if second is None else [first, second]
        given[self._place] = self._numbers(given[self._place])
        answer: Any = self.core(*given)
        outputs = [answer] if isinstance(answer, Tensor) else list(answer)
        outputs[self._drawn] = self._pixels(outputs[self._drawn])
        return tuple(outputs)

    def _numbers(self, pixels: Tensor) -> Tensor:
        """Take bytes to what the network was trained with."""
        crop = self._spec.crop
        colours = pixels.float().flip(3) if crop.colour == "rgb" else pixels.float()
        numbers = colours * self.scale + self.offset
        return numbers.permute(0, 3, 1, 2) if crop.layout == "nchw" else numbers

    def _pixels(self, numbers: Tensor) -> Tensor:
        """Take the network's numbers to bytes, rounded: cut off, every picture would be half a grey level darker."""
        crop, output = self._spec.crop, self._spec.output
        rows = numbers.permute(0, 2, 3, 1) if crop.layout == "nchw" else numbers
        levels = (rows.flip(3) if crop.colour == "rgb" else rows) * output.scale + output.offset
        return levels.round().clamp(0, 255).byte()


@dataclass(frozen=True, slots=True)
class Fused:
    """A swapper network whose deployed graph takes bytes."""

    plain: Network

    @property
    def source_norm(self) -> float:
        """As the plain one's."""
        return self.plain.source_norm

    @property
    def style_keys(self) -> str:
        """As the plain one's."""
        return self.plain.style_keys

    @property
    def scale_keys(self) -> str:
        """As the plain one's."""
        return self.plain.scale_keys

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The plain one's, the target in rows of bytes."""
        return _in_bytes(self.plain.inputs, fusible(self.plain).names.target)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The plain one's, the swapped picture in rows of bytes."""
        return _in_bytes(self.plain.outputs, fusible(self.plain).names.output)

    def build(self) -> nn.Module:
        """Make the plain core."""
        return self.plain.build()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:
        """Wrap the plain one."""
        return FusedModule(self.plain.deployed(core, identity_map), self.plain, fusible(self.plain)).eval()

    def spec(self, *, has_map: bool) -> NetworkSpec:
        """Say that pixels go in and come out as they are."""
        plain = fusible(self.plain, has_map=has_map)
        crop: PictureSpec = dataclasses.replace(
            plain.crop, scale=_AS_IT_IS[0], offset=_AS_IT_IS[1], layout="nhwc", colour="bgr"
        )
        return dataclasses.replace(plain, crop=crop, output=PixelSpec(1.0, 0.0))


def fusible(network: Network, *, has_map: bool = True) -> SwapSpec:
    """Give the spec of a network that can be fused.

    Raises:
        ExportError: it gives no picture, or takes more than two inputs.
    """
    spec = network.spec(has_map=has_map)
    if not isinstance(spec, SwapSpec) or len(network.inputs) > 2:
        raise ExportError(
            f"--fused is for swappers with a picture and at most a source, not for {type(network).__name__}."
        )
    return spec


def _in_bytes(ports: tuple[Port, ...], name: str) -> tuple[Port, ...]:
    def changed(port: Port) -> Port:
        side = max(port.shape)
        return Port(port.name, (side, side, 3), is_bytes=True)

    return tuple(changed(port) if port.name == name else port for port in ports)
