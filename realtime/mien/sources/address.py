"""Which source an address means, decided without opening or importing anything heavy."""

import os
import re
from pathlib import Path
from typing import Final, Literal

from mien.config.paths import named_path
from mien.pipeline.interfaces import Source, SourceFactory, SourceRequest
from mien_models.errors import SourceError
from mien_models.plugins import Plugins

SourceKind = Literal["camera", "images", "synthetic", "url", "video"]

SOURCES: Final[Plugins[SourceFactory]] = Plugins("mien.sources.backends", "source")

IMAGE_SUFFIXES: Final = frozenset(
    {".avif", ".bmp", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff"}
    | {".webp"}
)
"""Still pictures; a GIF moves and is a video."""

_VIDEO_SUFFIXES: Final = frozenset(
    {".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv"}
    | {".ts", ".vob", ".webm", ".wmv", ".y4m"}
)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# Windows gives its cameras such paths (DirectShow and Media Foundation).
_WINDOWS_CAMERA_PREFIXES: Final = ("\\\\?\\", "@device:")


def source_kind(address: str) -> SourceKind:
    """Name the plug-in of `mien.sources` that an address means.

    'synthetic' is itself. A number, a path below /dev, a USB id ('046d:0825') or a word that is no file is a camera;
    something with '://' a URL; a folder or a picture `images`; any other file a video.

    Raises:
        SourceError: the address is empty or names a file that is not there.
    """
    text = address.strip()
    if not text:
        raise SourceError("The camera address is empty. Give a camera's number or name, a file, a URL or 'synthetic'.")
    if text.lower() == "synthetic":
        return "synthetic"
    if _is_camera(text):
        return "camera"
    if _URL.match(text) and not text.lower().startswith("file://"):
        return "url"
    return _kind_of_path(local_path(address), has_folder="/" in text or os.sep in text)


def is_played(address: str) -> bool:
    """Whether an address names files, which are played at their own pace.

    Raises:
        SourceError: as `source_kind`.
    """
    return source_kind(address) in {"video", "images"}


def local_path(address: str) -> Path:
    """Give the file that an address names: a leading '~' and 'file://' are understood."""
    if address.lower().startswith("file://"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(address).path))
    return named_path(address)


def make_source(request: SourceRequest) -> Source:
    """Make the source that the request's address means, closed; it reads at its own speed and survives nothing.

    Raises:
        SourceError: as `source_kind`.
    """
    return SOURCES.load(source_kind(request.address))(request)


def _is_camera(text: str) -> bool:
    return text.isdecimal() or text.startswith(("/dev/", *_WINDOWS_CAMERA_PREFIXES))


def _kind_of_path(path: Path, *, has_folder: bool) -> SourceKind:
    suffix = path.suffix.lower()
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a zero byte in it
        is_folder, exists = False, False
    if is_folder:
        return "images"
    if exists:
        return "images" if suffix in IMAGE_SUFFIXES else "video"
    if has_folder or suffix in IMAGE_SUFFIXES | _VIDEO_SUFFIXES:
        raise SourceError(
            f"There is no file or folder {str(path)!r}. Check the path, or give a camera's number or name."
        )
    return "camera"
