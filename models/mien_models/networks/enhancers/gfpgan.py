"""GFPGAN 1.2 to 1.4, Apache-2.0: clear skin and eyes, for recordings rather than live."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mien_models.interfaces import Enhancer, EnhancerFactory
from mien_models.networks.restoration import RestorationNetwork

TEMPLATES: Final[Mapping[int, str]] = {512: "ffhq_512"}
"""The alignment that the network was trained with, by the side of its picture."""


def gfpgan_enhancer(network: Path, *, threads: int = 1, provider: str = "auto") -> Enhancer:
    """Load the user's file."""
    return RestorationNetwork(network, TEMPLATES, threads=threads, provider=provider)


PLUGIN: Final[EnhancerFactory] = gfpgan_enhancer
