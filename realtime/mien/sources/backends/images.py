"""A folder of pictures in natural order, or a single picture."""

import logging
import re
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mien.media.pictures import read_picture
from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import SourceInfo
from mien.sources.registry import Claim, SourcePlugin, local_path, what_is_there
from mien_models.errors import PhotoError, SourceError
from mien_models.types import BgrU8

_log: Final = logging.getLogger(__name__)
_DEFAULT_RATE: Final = Fraction(30)
_SUFFIXES: Final = frozenset(
    {".avif", ".bmp", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff"}
    | {".webp"}
)
"""Still pictures; a GIF moves and is a video."""


class ImagesSource:
    """Gives every picture of a folder once, each in its own size, at the rate that was asked for."""

    def __init__(self, path: Path, fps: Fraction | None = None) -> None:
        self._path = path
        self._fps = fps or _DEFAULT_RATE
        self._files: tuple[Path, ...] = ()
        self._next = 0
        self._first: BgrU8 | None = None

    @property
    def info(self) -> SourceInfo:
        """What was found; the size is that of the first picture."""
        if self._first is None:
            raise RuntimeError("info is known between enter and exit")
        height, width = self._first.shape[:2]
        pictures = "1 picture" if len(self._files) == 1 else f"{len(self._files)} pictures"
        return SourceInfo(
            description=f"{self._path.resolve().name}: {pictures}, the first {width}x{height}",
            width=width,
            height=height,
            fps=self._fps,
            frame_count=len(self._files),
            is_live=False,
        )

    def __enter__(self) -> Self:
        """List the pictures and read the first.

        Raises:
            SourceError: there is no picture, or the first cannot be read.
        """
        self._files = _pictures_of(self._path)
        self._next = 0
        self._first = _read(self._files[0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the list."""
        self._files, self._first = (), None

    def read(self) -> Frame | None:
        """Read the next picture; None after the last.

        Raises:
            SourceError: a picture cannot be read; the call after it goes on with the next picture.
        """
        index = self._next
        if index >= len(self._files):
            return None
        self._next += 1
        image = self._first if index == 0 and self._first is not None else _read(self._files[index])
        return Frame(image, UNNUMBERED, int(index * 1_000_000_000 / self._fps))


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort 'frame10' after 'frame9'."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _pictures_of(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        return (path,)
    try:
        found = [p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and not p.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"The folder {str(path)!r} may not be read by this user. Change its permissions.") from error
    if not found:
        raise SourceError(f"The folder {str(path)!r} holds no picture. Give one with PNG, JPEG or WebP files in it.")
    return tuple(sorted(found, key=lambda p: natural_key(p.name)))


def _read(path: Path) -> BgrU8:
    try:
        picture = read_picture(path)
    except PhotoError as error:
        raise SourceError(str(error)) from error
    for note in picture.notes:
        _log.info("%s: %s", path.name, note)
    return picture.image_bgr


def _claim(address: str) -> Claim:
    path = local_path(address)
    is_picture = path.suffix.lower() in _SUFFIXES
    match what_is_there(path):
        case "folder":
            return Claim.SURE
        case "file":
            return Claim.SURE if is_picture else Claim.NO
        case _:
            return Claim.MISSING if is_picture else Claim.NO


PLUGIN: Final = SourcePlugin(
    make=lambda request: ImagesSource(local_path(request.address), request.fps),
    help="a picture, or a folder of them",
    address="DIR",
    claims=_claim,
    is_played=True,
)
