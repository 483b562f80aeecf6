"""What an architecture promises to the exporter: modules for checkpoints by their key names, and the deployed graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from torch import Tensor, nn

from mien_models.plugins import Plugins
from mien_models.specs.network import NetworkSpec

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""A checkpoint by what it looks like: the shape of each of its tensors."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the deployed graph: float32 or bytes, with the batch before `shape`."""

    name: str
    shape: tuple[int, ...]
    low: float = 0.0
    """Smallest number of a picture; a vector, which has one axis, is not bounded."""
    has_batch: bool = True
    """Whether the batch stands before the shape; a single number for the whole batch has none."""
    is_bytes: bool = False
    """Whether it is a picture in rows of uint8 BGR."""

    @property
    def is_vector(self) -> bool:
        """Tell a vector from a picture."""
        return self.has_batch and len(self.shape) == 1


class Network(Protocol):
    """An architecture with its sizes chosen: a frozen dataclass, equal to another with the same sizes."""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What the deployed graph takes, in its order."""
        ...

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What it gives, in its order."""
        ...

    @property
    def source_norm(self) -> float:
        """How long the identity vectors are that it is given; 1 for vectors of length 1."""
        ...

    @property
    def style_keys(self) -> str:
        """A regular expression that finds the weights that an identity vector is multiplied by; '' for none."""
        ...

    @property
    def scale_keys(self) -> str:
        """A regular expression that finds the biases which features are multiplied by; '' if there are none."""
        ...

    def build(self) -> nn.Module:
        """Make the module that a checkpoint is loaded into: the same keys and shapes, in evaluation mode."""
        ...

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:
        """Wrap it into what is deployed: the map of the identity, means and deviations inside.

        Args:
            core: as `build` made it.
            identity_map: (length, length) float32 that the identity vector is multiplied by before it is brought to
                length 1, for a network that was trained with one.
        """
        ...

    def spec(self, *, has_map: bool) -> NetworkSpec:
        """Say how the live program feeds and reads it; `has_map` tells that the identity's map stands in the graph."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands beside a checkpoint tells which variant it is."""

    variant: str
    why: str
    """For people: 'opt.txt beside it says Gdeep'."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a network's keys were found."""

    path: Path | None
    """Of the checkpoint; None where it is none of a file."""
    prefix: str
    """What stands before each of its keys, with its dot; '' for nothing."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Networks that compute differently with the same keys: which one a checkpoint is of is asked, never guessed."""

    networks: Mapping[str, Network]
    """By the word that `--variant` takes."""
    question: str
    """One sentence, for people: how they know which one theirs is."""
    answer: Callable[[Place], Answer | None]
    """Looks for what its training program left: beside the checkpoint, or before its keys."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """One file of `mien_export.architectures`."""

    recognise: Callable[[Shapes], "Network | Variants | None"]
    """Finds the sizes from the keys and shapes of a checkpoint; None for another architecture's."""
    published: Mapping[str, Network]
    """As their authors published them, by variant."""
    tiny: Mapping[str, Network]
    """The same variants with about a sixteenth of the channels, for tests."""
    serves_px: tuple[int, ...] = ()
    """Sides of crops that the same weights serve, in a network's field `size_px`; () where the keys say it."""
    presumed: str = ""
    """What is taken for granted that no key shows, for people; '' for nothing."""
    beside: Callable[[Network, Path], "tuple[Network, str] | None"] | None = None
    """Follows what a training program left beside a checkpoint: the network, and in words what it said."""


ARCHITECTURES: Final[Plugins[Architecture]] = Plugins("mien_export.architectures", "architecture")


def width_of(shapes: Shapes, key: str, rank: int = 4) -> int | None:
    """Give the first axis of a weight, where there is one of that key and rank."""
    shape = shapes.get(key, ())
    return shape[0] if len(shape) == rank else None
