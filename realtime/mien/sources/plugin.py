"""What a source's file says of itself, so that nothing else has to know it by name."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from mien.config.paths import named_path
from mien.pipeline.interfaces import SourceFactory
from mien_models.plugins import Usual


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
