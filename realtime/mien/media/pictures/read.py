"""Reads picture files of every kind people have, and says in a sentence what is wrong with the others."""

import contextlib
import logging
import warnings
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mien.media.pictures.metadata import leavings_of, metadata_from, metadata_of, orientation_of
from mien.media.pictures.picture import Metadata, Picture, Samples, picture_from_samples
from mien.media.pictures.tiff import TiffFacts, read_tiff, rgb_from_cmyk, tiff_facts
from mien_models.errors import MienError, PhotoError
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.sentence import sentence

MAX_PIXELS: Final = 120_000_000
"""12 000 x 9 000, the largest that telephones take, fits; to swap in it takes about 2 GB."""
FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000")
"""Every format that Pillow may try (JPEG brings MPO along); its other readers are rarely needed and rarely hardened."""

_BRANDS_BYTES: Final = 256
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIF_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"}
)
"""Of HEIC and of the container that AVIF shares with it (ISO 23008-12)."""
_READABLE: Final = "JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF"


def read_picture(path: Path) -> Picture:
    """Read a picture, turned upright, whole in memory.

    Raises:
        PhotoError: it is missing, no picture, damaged or larger than `MAX_PIXELS`.
    """
    _check_is_file(path)
    with quiet_readers():
        try:
            return _read(path)
        except (MienError, MemoryError):
            raise
        except Exception as error:
            raise PhotoError(
                sentence(
                    "{photo} is damaged and cannot be read whole ({why}). Get another copy of it.",
                    photo=repr(str(path)),
                    why=_first_line(error),
                )
            ) from error


@contextlib.contextmanager
def quiet_readers() -> Generator[None]:
    """Hold back the readers' warnings and logs about oddities: who asked for the picture gets one sentence or none."""
    logs = [logging.getLogger(name) for name in ("PIL", "tifffile")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def _read(path: Path) -> Picture:
    facts = tiff_facts(path)
    if facts is not None and not facts.is_pillows:
        return _read_tiff(path, facts)
    with _opened(path) as opened:
        _check_size(path, opened.size)
        notes: list[str] = []
        if facts is not None:
            opened.seek(facts.page)
        if opened.format != "MPO":
            _note_pictures(path, facts.pictures if facts else getattr(opened, "n_frames", 1), notes)
        is_sixteen_bit = _is_sixteen_bit(opened)
        metadata, untrue = metadata_of(opened, notes)
        left_out = tuple(leavings_of(path, opened, untrue))
        if is_sixteen_bit:
            samples: Samples = _sixteen_bit_samples(path)
        else:
            samples, metadata = _eight_bit_samples(path, opened, metadata, notes)
        # Pillow turns a TIFF upright while it loads it, and no other format.
        orientation = 1 if opened.format == "TIFF" else orientation_of(opened)
    upright = _turned(samples, orientation)
    return picture_from_samples(np.ascontiguousarray(upright), metadata, tuple(notes), left_out)


def _read_tiff(path: Path, facts: TiffFacts) -> Picture:
    def exif() -> Image.Exif:
        found = Image.Exif()
        if not facts.is_big:  # Pillow's parser wants the other header
            found.load(path.read_bytes())
        return found

    notes: list[str] = []
    _check_size(path, facts.size)
    _note_pictures(path, facts.pictures, notes)
    metadata, _ = metadata_from(exif, facts.info, facts.size, notes)
    samples = read_tiff(path, facts.page, notes)
    if samples.dtype == np.uint8:  # of inks or Lab, whose profile no longer holds
        metadata = replace(metadata, icc_profile=None)
    upright = _turned(samples, facts.orientation)
    return picture_from_samples(np.ascontiguousarray(upright), metadata, tuple(notes))


def _note_pictures(path: Path, pictures: int, notes: list[str]) -> None:
    if pictures > 1:
        notes.append(f"{path.name} holds {pictures} pictures; only the first one is taken.")


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        raise PhotoError(f"Expected a picture, and {str(path)!r} is a folder. Name a file in it.")
    try:
        with path.open("rb") as file:
            start = file.read(_BRANDS_BYTES)
    except FileNotFoundError as error:
        raise PhotoError(f"There is no picture at {str(path)!r}. Check the path.") from error
    except OSError as error:
        raise PhotoError(
            f"The picture {str(path)!r} cannot be opened: {cause_of(error)}. {advice_for(error)}"
        ) from error
    if not start:
        raise PhotoError(
            sentence("Expected a picture, and {photo} is empty. Get another copy of it.", photo=repr(str(path)))
        )
    if _brands(start) & _HEIF_BRANDS and not _brands(start) & _AVIF_BRANDS:
        raise PhotoError(
            sentence(
                "{photo} is a HEIC picture, which Mien cannot read. Save it as JPEG or PNG first.",
                photo=repr(str(path)),
            )
        )


def _brands(start: bytes) -> frozenset[bytes]:
    """Give the brands of a file of ISO 14496-12, the major one and those that it says it is compatible with."""
    if start[4:8] != b"ftyp":
        return frozenset()
    listed = start[16 : min(int.from_bytes(start[:4], "big"), len(start))]
    return frozenset({start[8:12], *(listed[at : at + 4] for at in range(0, len(listed), 4))})


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise PhotoError(
            sentence(
                "{photo} is no picture that Mien can read. Give a {kinds} file.", photo=repr(str(path)), kinds=_READABLE
            )
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoError(_too_large(path, "more than 178 megapixels")) from error


def _check_size(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise PhotoError(_too_large(path, f"{width}x{height} pixels"))


def _too_large(path: Path, found: str) -> str:
    return sentence(
        "{photo} has {size}, more than the {most} megapixels Mien takes. Scale it down.",
        photo=repr(str(path)),
        size=found,
        most=MAX_PIXELS // 1_000_000,
    )


def _is_sixteen_bit(opened: Image.Image) -> bool:
    """Whether the file holds 16 bits a sample, which Pillow itself gives up for colour; only known before it loads."""
    tiles = getattr(opened, "tile", None) or [None]
    arguments = getattr(tiles[0], "args", "")
    raw_mode = arguments if isinstance(arguments, str) else str(arguments[0] if arguments else "")
    return ";16" in opened.mode or ";16" in raw_mode


def _sixteen_bit_samples(path: Path) -> NDArray[np.uint16]:
    """Decode PNG and the like of 16 bits; a float or other depth is refused."""
    encoded = np.fromfile(path, np.uint8)
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    decoded = cv2.imdecode(encoded, flags)
    if decoded is None or decoded.dtype != np.uint16:
        raise PhotoError(f"{str(path)!r} is damaged or of a rare kind of 16 bits. Save it as PNG with 8 or 16 bits.")
    return decoded.reshape(*decoded.shape[:2], -1).astype(np.uint16, copy=False)


def _eight_bit_samples(
    path: Path, opened: Image.Image, metadata: Metadata, notes: list[str]
) -> tuple[NDArray[np.uint8], Metadata]:
    if opened.mode in ("I", "F") or opened.mode.startswith(("I;", "F;")):
        raise PhotoError(f"{str(path)!r} has 32 bits a sample, which have no fixed white. Save it with 8 or 16 bits.")
    if opened.mode == "CMYK":
        notes.append(f"{path.name} is CMYK, made for print; it is worked on and written as RGB.")
        rgb = rgb_from_cmyk(opened, metadata.icc_profile)
        metadata = Metadata(metadata.exif, None, metadata.xmp, metadata.dpi)
        return _bgr_first(np.asarray(rgb)), metadata
    has_alpha = "transparency" in opened.info or opened.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    is_grey = opened.mode in ("1", "L", "LA", "La")
    mode = ("LA" if is_grey else "RGBA") if has_alpha else ("L" if is_grey else "RGB")
    converted = opened if opened.mode == mode else opened.convert(mode)
    return _bgr_first(np.asarray(converted)), metadata


def _bgr_first(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn Pillow's RGB(A) or grey(+alpha) into (h, w, c) with blue first."""
    samples = samples.reshape(*samples.shape[:2], -1)
    match samples.shape[2]:
        case 3:
            return cv2.cvtColor(samples, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)
        case 4:
            return cv2.cvtColor(samples, cv2.COLOR_RGBA2BGRA).astype(np.uint8, copy=False)
        case _:
            return samples.copy()


def _turned(samples: Samples, orientation: int) -> Samples:
    """Undo EXIF's orientation 1..8 (tag 0x0112 of TIFF 6.0: where row 0 and column 0 are)."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    flips_columns = orientation in (2, 3, 6, 7)
    flips_rows = orientation in (3, 4, 7, 8)
    samples = samples[:, ::-1] if flips_columns else samples
    return samples[::-1] if flips_rows else samples


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
