"""GPEN-BFR: at 256 px the only one that comes near to live speed; for non-commercial use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mien_models.interfaces import Enhancer, EnhancerFactory
from mien_models.networks.restoration import RestorationNetwork

TEMPLATES: Final[Mapping[int, str]] = {256: "arcface_128", 512: "ffhq_512", 1024: "ffhq_512", 2048: "ffhq_512"}
"""The alignment that the network was trained with, by the side of its picture."""


def gpen_enhancer(network: Path, *, threads: int = 1, provider: str = "auto") -> Enhancer:
    """Load the user's file."""
    return RestorationNetwork(network, TEMPLATES, threads=threads, provider=provider)


PLUGIN: Final[EnhancerFactory] = gpen_enhancer
