"""Which files can carry Content Credentials, and under which media type."""

from pathlib import Path
from typing import Final

from mien_models.errors import SinkError

MEDIA_TYPES: Final = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
}
"""By suffix in lower case: what Mien writes and the library `c2pa` signs."""
_INSTEAD: Final = {".mkv": ".mp4", ".webm": ".mp4", ".avi": ".mp4", ".bmp": ".png"}
"""Well-known kinds for which C2PA or the library has no place to put them, and what to take."""


def check_carries(path: Path) -> None:
    """Refuse a file that could be written, but not say that a face in it was replaced.

    Raises:
        SinkError: it is of such a kind; the message names the one to take.
    """
    instead = _INSTEAD.get(path.suffix.lower())
    if instead is not None:
        raise SinkError(
            f"A {path.suffix} file cannot carry Content Credentials, which say that a face was replaced. "
            f"Write {path.with_suffix(instead).name!r}."
        )


def media_type(path: Path) -> str:
    """Give the media type of a file that `check_carries` lets pass, by its suffix."""
    return MEDIA_TYPES[path.suffix.lower()]
