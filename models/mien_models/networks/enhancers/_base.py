"""What an enhancer's file says of itself, and the enhancers by name."""

from dataclasses import dataclass
from typing import Final

from mien_models.interfaces import EnhancerFactory
from mien_models.plugins import Plugins


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancerPlugin:
    """One kind of enhancer."""

    make: EnhancerFactory
    help: str
    """What it is good for, at what cost and on what terms, in a few words for lists."""
    target: str = "FILE.onnx"
    """What follows its name and a colon: the user's network; '' for one that brings its own."""


ENHANCERS: Final[Plugins[EnhancerPlugin]] = Plugins("mien_models.networks.enhancers", "enhancer", EnhancerPlugin)
