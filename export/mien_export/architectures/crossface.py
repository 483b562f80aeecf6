"""CrossFace: turns the vector of one identity network into the vector of another.

Described in facefusion-labs' `crossface/src/models/crossface.py`: the vector is brought to length 1, then four linear
layers and a weak shortcut.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import called
from mien_export.contracts import Architecture, Port, Shapes
from mien_models.specs.network import ConvertSpec

SHORTCUT: Final = 0.2


class CrossFaceModule(nn.Module):
    """The whole network."""

    def __init__(self, lengths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for one, other in pairwise(lengths[:-1]):
            layers += [nn.Linear(one, other), nn.LayerNorm(other), nn.GELU(), nn.Dropout()]
        self.sequence = nn.Sequential(*layers, nn.Linear(lengths[-2], lengths[-1]))
        self.linear = nn.Linear(lengths[0], lengths[-1])

    def forward(self, source: Tensor) -> Tensor:
        """Convert vectors (n, length) of any length."""
        unit = functional.normalize(source)
        return called(self.sequence, unit) + called(self.linear, unit) * SHORTCUT


@dataclass(frozen=True, slots=True)
class CrossFace:
    """Its sizes."""

    lengths: tuple[int, ...] = (512, 1024, 2048, 1024, 512)
    source_norm: float = 1.0
    style_keys: str = r"^sequence\.0\.weight$|^linear\.weight$"
    scale_keys: str = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The vector."""
        return (Port("input", (self.lengths[0],)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The other vector."""
        return (Port("output", (self.lengths[-1],)),)

    def build(self) -> nn.Module:
        """Make the bare network."""
        return CrossFaceModule(self.lengths).eval()

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:  # noqa: ARG002 - has no map
        """Give it as it is."""
        return core

    def spec(self, *, has_map: bool) -> ConvertSpec:  # noqa: ARG002 - has no map
        """Say how it is fed."""
        return ConvertSpec(
            kind="converter", architecture="crossface", input="input", output="output", length=self.lengths[-1]
        )


def _recognise(shapes: Shapes) -> CrossFace | None:
    inner = [shapes.get(f"sequence.{index}.weight", ()) for index in (0, 4, 8, 12)]
    if any(len(shape) != 2 for shape in inner) or "linear.weight" not in shapes:
        return None
    return CrossFace((inner[0][1], *(shape[0] for shape in inner)))


PLUGIN: Final = Architecture(
    recognise=_recognise,
    published={"512": CrossFace()},
    tiny={"512": CrossFace((512, 64, 128, 64, 512))},
)
