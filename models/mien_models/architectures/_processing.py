"""How an architecture feeds its networks and reads their answers, where its spec alone does not say it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mien_models.architectures._registry import ARCHITECTURES
from mien_models.specs.network import NetworkSpec, SwapSpec
from mien_models.types import BgrU8, MaskU8, SwapOptions


@dataclass(frozen=True, slots=True, eq=False)
class Processed:
    """What became of a crop."""

    crop_bgr: BgrU8
    """As large as the crop that went in."""
    mask: MaskU8 | None = None
    """255 where the new face is, in any size; None takes the outline of the face."""


class Processing(Protocol):
    """Pre- and post-processing of one swapper; may keep memory between two calls. One thread at a time calls it."""

    def feeds(self, crop_bgr: BgrU8, source: NDArray[np.float32] | None) -> Mapping[str, NDArray[Any]]:
        """Make every array that the network takes.

        Args:
            crop_bgr: the aligned face, as `SwapSpec.crop` says; only read.
            source: the source face, as `SwapSpec.identity` says; None where it is inside the network.
        """
        ...

    def picture(self, answers: Mapping[str, NDArray[Any]]) -> Processed:
        """Make the swapped crop of what the network gives, in an array of its own.

        Raises:
            ModelError: it is no picture.
        """
        ...


@runtime_checkable
class OwnProcessing(Protocol):
    """An architecture that brings its pre- and post-processing along."""

    def processing(self, spec: SwapSpec, options: SwapOptions) -> Processing:
        """Prepare it for one swapper."""
        ...


def own_processing(spec: NetworkSpec, options: SwapOptions) -> Processing | None:
    """Give what a network's architecture brings along; None where the spec says it all, as in a manifest by hand.

    Raises:
        BrokenPluginError: its architecture's file is the user's own and cannot be used.
    """
    if not isinstance(spec, SwapSpec) or spec.architecture not in ARCHITECTURES.names():
        return None
    architecture = ARCHITECTURES.load(spec.architecture)
    if isinstance(architecture, OwnProcessing):
        return architecture.processing(spec, options)
    return None
