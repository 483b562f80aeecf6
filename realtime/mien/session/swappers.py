"""What can swap: the swappers that are built in, and the networks in the user's own folder of models."""

from typing import Final

from mien.config import paths
from mien_models.interfaces import SwapperFactory
from mien_models.library.builtin import manifest_names
from mien_models.library.store import ModelLibrary
from mien_models.plugins import Plugins

SWAPPERS: Final[Plugins[SwapperFactory]] = Plugins("mien_models.swappers", "swapper")
"""Those that are built in."""


def library() -> ModelLibrary:
    """Give the user's folder of models; no model in it takes a name of what is built in."""
    return ModelLibrary(paths.data_folder() / "models", reserved=(*SWAPPERS.names(), *manifest_names()))
