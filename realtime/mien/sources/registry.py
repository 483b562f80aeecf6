"""The sources by name, and which of them an address means."""

import logging
from typing import Final

from mien.pipeline.interfaces import LiveSource, Source, SourceRequest
from mien.sources.pacing import PacedSource
from mien.sources.plugin import Claim, SourcePlugin, local_path
from mien.sources.reader_thread import ThreadedReading
from mien.sources.reconnect import SurvivingSource
from mien_models.errors import SourceError
from mien_models.plugins import Plugins, usual

_LOG = logging.getLogger(__name__)
SOURCES: Final[Plugins[SourcePlugin]] = Plugins("mien.sources.backends", "source", SourcePlugin)


def source_name(address: str) -> str:
    """Name the source that an address means, without opening anything.

    Raises:
        SourceError: the address is empty or names a file that is not there.
        BrokenPluginError: a source of the user's own cannot be used.
    """
    if not address.strip():
        raise SourceError("The camera address is empty. Give a camera's number or name, a file, a URL or 'synthetic'.")
    best, found = Claim.NO, ""
    for name, plugin in SOURCES.each():
        claim = plugin.claims(address)
        if claim > best:
            best, found = claim, name
        if best is Claim.SURE:
            break
    if best in {Claim.NO, Claim.MISSING}:
        raise SourceError(
            f"There is no file or folder {str(local_path(address))!r}. Check the path, or give a camera's number or "
            "name."
        )
    return found


def source_plugin(address: str) -> SourcePlugin:
    """Give the source that an address means.

    Raises:
        SourceError, BrokenPluginError: as `source_name`.
    """
    return SOURCES.load(source_name(address))


def is_played(address: str) -> bool:
    """Whether an address names files, which are played at their own pace.

    Raises:
        SourceError, BrokenPluginError: as `source_name`.
    """
    return source_plugin(address).is_played


def make_source(request: SourceRequest) -> Source:
    """Make the source that the request's address means, closed; it reads at its own speed and survives nothing.

    Raises:
        SourceError, BrokenPluginError: as `source_name`.
    """
    return source_plugin(request.address).make(request)


def live_source(request: SourceRequest, *, loops: bool = True) -> LiveSource:
    """Make the live source of a request, closed: devices and streams survive, files play at their own pace.

    Args:
        request: what the user asked for.
        loops: files start again at their end; else the run ends with them.

    Raises:
        SourceError, BrokenPluginError: as `source_name`.
    """
    plugin = source_plugin(request.address)
    if plugin.can_fail:
        return SurvivingSource(lambda asked: ThreadedReading(plugin.make(asked)), request, can_freeze=plugin.can_freeze)
    return PacedSource(plugin.make(request), loops=loops)


def default_address() -> str:
    """Name what frames are taken from where the user named nothing; what is odd about that is said.

    Raises:
        BrokenPluginError: as `source_name`.
    """
    return usual(((name, plugin.usual) for name, plugin in SOURCES.each()), _LOG.warning)
