"""What can swap: the swappers that are built in, and the networks in the user's own folder of models."""

from typing import TYPE_CHECKING, Final

import psutil

from mien.session.options import SwapperOptions
from mien_models.errors import UnknownPluginError
from mien_models.interfaces import Swapper, SwapperFactory
from mien_models.library.builtin import manifest_names
from mien_models.library.store import ModelLibrary
from mien_models.plugins import Plugins
from mien_models.system import folders
from mien_models.types import SourceFace

if TYPE_CHECKING:
    from mien_models.swappers._loader import Networks

SWAPPERS: Final[Plugins[SwapperFactory]] = Plugins("mien_models.swappers", "swapper")
"""Those that are built in."""


def library() -> ModelLibrary:
    """Give the user's folder of models; no model in it takes a name of what is built in."""
    return ModelLibrary(folders.data_folder() / "models", reserved=(*SWAPPERS.names(), *manifest_names()))


LEFT_FREE: Final = 2
"""Cores that a swapper's network leaves to decoding, tracking, blending and the sinks."""


def user_networks(options: SwapperOptions) -> "Networks":
    """Give what loads the user's networks where they run best."""
    from mien_models.swappers._loader import Networks

    cores = psutil.cpu_count(logical=False) or 1
    return Networks(
        library(),
        preferred=options.provider,
        threads=options.threads or max(1, cores - LEFT_FREE),
        caches=folders.data_folder() / "engines",
    )


def check_swapper(name: str) -> None:
    """Refuse a swapper that is neither built in nor one of the user's models.

    Raises:
        UnknownPluginError: the choices are listed.
    """
    if name in SWAPPERS.names() or name in library().names():
        return
    try:
        SWAPPERS.check(name)
    except UnknownPluginError as error:
        raise UnknownPluginError(
            f"{error} Of your own models there are: {', '.join(library().names()) or 'none'}; "
            "'mien models add FILE' adds one."
        ) from error


def make_swapper(options: SwapperOptions, source: SourceFace, networks: "Networks") -> Swapper:
    """Prepare one source face for the swapper that was asked for.

    Raises:
        ModelError: its network, or one that it needs, is missing or does not run.
        PhotoError: the face cannot be used.
    """
    if options.name in SWAPPERS.names():
        return SWAPPERS.load(options.name)(source, options.wishes)
    return networks.swapper(options.name, source, options.wishes)
