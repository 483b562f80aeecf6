"""Reads picture files of every kind people have, and says in a sentence what is wrong with the others."""

import contextlib
import io
import logging
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from mien.pictures.metadata import metadata_of, orientation_of
from mien.pictures.picture import Metadata, Picture, Samples, picture_from_samples
from mien_models.errors import MienError, PhotoError

MAX_PIXELS: Final = 120_000_000
"""12 000 x 9 000, the largest that telephones take, fits; to swap in it takes about 2 GB."""
FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000")
"""Every format that Pillow may try (JPEG brings MPO along); its other readers are rarely needed and rarely hardened."""

_READABLE: Final = "JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF"


def read_picture(path: Path) -> Picture:
    """Read a picture, turned upright, whole in memory.

    Raises:
        PhotoError: it is missing, no picture, damaged or larger than `MAX_PIXELS`.
    """
    _check_is_file(path)
    with quiet_pillow():
        try:
            return _read(path)
        except (MienError, MemoryError):
            raise
        except Exception as error:
            raise PhotoError(
                f"{str(path)!r} is damaged and cannot be read whole ({_first_line(error)}). Get another copy of it."
            ) from error


@contextlib.contextmanager
def quiet_pillow() -> Generator[None]:
    """Hold back Pillow's warnings and logs about oddities: who asked for the picture gets one sentence or none."""
    log = logging.getLogger("PIL")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _read(path: Path) -> Picture:
    with _opened(path) as opened:
        _check_size(path, opened)
        notes: list[str] = []
        if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
            notes.append(f"{path.name} holds {getattr(opened, 'n_frames', 1)} pictures; only the first one is taken.")
        is_sixteen_bit = _is_sixteen_bit(opened)
        metadata = metadata_of(opened, notes)
        if is_sixteen_bit:
            samples: Samples = _sixteen_bit_samples(path)
        else:
            samples, metadata = _eight_bit_samples(path, opened, metadata, notes)
        # OpenCV and Pillow turn a TIFF upright while they load it, and no other format.
        orientation = 1 if opened.format == "TIFF" else orientation_of(opened)
    upright = _turned(samples, orientation)
    return picture_from_samples(np.ascontiguousarray(upright), metadata, tuple(notes))


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        raise PhotoError(f"Expected a picture, and {str(path)!r} is a folder. Name a file in it.")
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError as error:
        raise PhotoError(f"There is no picture at {str(path)!r}. Check the path.") from error
    except OSError as error:
        raise PhotoError(f"The picture {str(path)!r} cannot be opened: {error.strerror}. Check its rights.") from error
    if not start:
        raise PhotoError(f"Expected a picture, and {str(path)!r} is empty. Get another copy of it.")
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
        raise PhotoError(f"{str(path)!r} is a HEIC picture, which Mien cannot read. Save it as JPEG or PNG first.")


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise PhotoError(f"{str(path)!r} is no picture that Mien can read. Give a {_READABLE} file.") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(_too_large(path, "more than 178 megapixels")) from error


def _check_size(path: Path, opened: Image.Image) -> None:
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise PhotoError(_too_large(path, f"{width}x{height} pixels"))


def _too_large(path: Path, found: str) -> str:
    return f"{str(path)!r} has {found}, more than the {MAX_PIXELS // 1_000_000} megapixels Mien takes. Scale it down."


def _is_sixteen_bit(opened: Image.Image) -> bool:
    """Whether the file holds 16 bits a sample, which Pillow itself gives up for colour; only known before it loads."""
    tiles = getattr(opened, "tile", None) or [None]
    arguments = getattr(tiles[0], "args", "")
    raw_mode = arguments if isinstance(arguments, str) else str(arguments[0] if arguments else "")
    return ";16" in opened.mode or ";16" in raw_mode


def _sixteen_bit_samples(path: Path) -> NDArray[np.uint16]:
    """Decode PNG and TIFF of 16 bits; a float or other depth is refused."""
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
        rgb = _rgb_from_cmyk(opened, metadata.icc_profile)
        metadata = Metadata(metadata.exif, None, metadata.xmp, metadata.dpi)
        return _bgr_first(np.asarray(rgb)), metadata
    has_alpha = "transparency" in opened.info or opened.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    is_grey = opened.mode in ("1", "L", "LA", "La")
    mode = ("LA" if is_grey else "RGBA") if has_alpha else ("L" if is_grey else "RGB")
    converted = opened if opened.mode == mode else opened.convert(mode)
    return _bgr_first(np.asarray(converted)), metadata


def _rgb_from_cmyk(opened: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Convert with the file's own profile; without one as Pillow does, which is what viewers do too."""
    converted = None
    if icc_profile is not None:
        # The stubs leave the type of a built-in profile open.
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType]
        with contextlib.suppress(ImageCms.PyCMSError):
            converted = ImageCms.profileToProfile(opened, io.BytesIO(icc_profile), srgb, outputMode="RGB")
    return opened.convert("RGB") if converted is None else converted


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
