"""The sources by name, what each says of itself, and which of them an address means."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from mien.pipeline.interfaces import LiveSource, Source, SourceFactory, SourceRequest
from mien.sources.pacing import PacedSource
from mien.sources.reader_thread import ThreadedReading
from mien.sources.reconnect import SurvivingSource
from mien_models.errors import SourceError
from mien_models.plugins import Plugins, Usual, usual
from mien_models.system.folders import named_path

_LOG = logging.getLogger(__name__)


class Claim(IntEnum):
    """How much speaks for an address being a source's; the strongest claim is believed."""

    NO = 0
    ANY_WORD = 1
    """It may be one of its names, which only opening tells."""
    MISSING = 2
    """It would be a file of its kind, and is not there."""
    LIKELY = 3
    SURE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlugin:
    """One kind of source: what makes it, and what the program must know before it is opened."""

    make: SourceFactory
    help: str
    """Where frames come from, in a few words for lists."""
    address: str
    """How its addresses are written, for help: 'URL'."""
    claims: Callable[[str], Claim]
    """Says whether an address is its own; opens nothing."""
    is_played: bool = False
    """Whether it reads files: they play at their own pace and size, and may be looked at beforehand."""
    can_fail: bool = False
    """Whether it may go away while a run lasts: it gets a thread of its own and is brought back."""
    can_freeze: bool = False
    """Whether it may show one picture for ever when it is gone; without any noise, that is honest."""
    takes_wishes: bool = False
    """Whether it can give several sizes and rates: where the user asked for none, those of a call are asked for."""
    usual: Usual | None = None
    """What makes it the one that is used where the user named none; None: never."""


SOURCES: Final[Plugins[SourcePlugin]] = Plugins("mien.sources.backends", "source", SourcePlugin)


def local_path(address: str) -> Path:
    """Give the file that an address names: a leading '~' and 'file://' are understood."""
    if address.lower().startswith("file://"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(address).path))
    return named_path(address)


def names_a_folder(address: str) -> bool:
    """Whether an address has folders in it, so that it can be no plain word."""
    return "/" in address or os.sep in address


def what_is_there(path: Path) -> str:
    """Say what a path leads to: 'folder', 'file', or '' for nothing."""
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else ""
    except (OSError, ValueError):  # a name that no file can have: too long, or with a zero byte in it
        return ""


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
