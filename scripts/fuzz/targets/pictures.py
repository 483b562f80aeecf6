"""Pictures: read, turned upright and written again in another format, with their metadata."""

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import tifffile
from PIL import Image
from PIL.ExifTags import IFD, Base

from mien.media.pictures import read_picture, write_picture
from mien.media.pictures.write import PICTURE_SUFFIXES
from mien.pipeline.offline import swap_file

_XMP: Final = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"/></x:xmpmeta>'


def _shades(*shape: int) -> Any:  # noqa: ANN401 - Pillow takes any array
    return np.random.default_rng(3).integers(0, 255, shape, np.uint8)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Make], exif[Base.DateTime] = 6, "camera", "2026:01:01 00:00:00"
    exif.get_ifd(IFD.Exif)[Base.ExifImageWidth] = 12
    exif.get_ifd(IFD.Exif)[Base.FNumber] = 2.8
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    return exif


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


class _Pictures:
    tokens = (
        b"Exif\0\0",
        b"II*\0",
        b"MM\0*",
        b"IHDR",
        b"IDAT",
        b"iCCP",
        b"eXIf",
        b"ftypavif",
        b"ftypmif1",
        b"VP8X",
        b"ICC_PROFILE\0",
        b"GIF89a",
    )

    def seeds(self) -> Sequence[bytes]:
        rgb, grey = Image.fromarray(_shades(9, 12, 3)), Image.fromarray(_shades(9, 12))
        rgba = Image.fromarray(_shades(9, 12, 4))
        exif = _exif()
        found = [
            _saved(rgb, "JPEG", exif=exif, xmp=_XMP, dpi=(72, 72)),
            _saved(rgb.convert("CMYK"), "JPEG"),
            _saved(grey, "JPEG", progressive=True),
            _saved(rgba, "PNG", exif=exif),
            _saved(rgb.convert("P"), "PNG", transparency=3, interlace=1),
            _saved(rgba, "WEBP", exif=exif, lossless=True),
            _saved(rgb, "WEBP", xmp=_XMP),
            _saved(rgb, "TIFF", exif=exif, compression="tiff_lzw"),
            _saved(rgb, "BMP"),
            _saved(rgb, "PPM"),
            _saved(rgb, "JPEG2000"),
            _saved(rgb, "AVIF", exif=exif),
            _saved(rgb.convert("P"), "GIF", save_all=True, append_images=[rgb.convert("P").rotate(90)]),
        ]
        done, png = cv2.imencode(".png", _shades(9, 12, 3).astype(np.uint16) * 257)
        assert done
        return [*found, png.tobytes(), *self._tiffs()]

    def _tiffs(self) -> Sequence[bytes]:
        deep = _shades(9, 12, 3).astype(np.uint16) * 257
        made: list[bytes] = []
        for pixels, options in (
            (deep, {"photometric": "rgb"}),
            (np.moveaxis(deep, -1, 0), {"photometric": "rgb", "planarconfig": "separate"}),
            (deep[..., 0], {"photometric": "miniswhite"}),
            (deep[..., 0].astype(np.float32) / 65535, {}),
            (_shades(32, 32, 3), {"photometric": "rgb", "tile": (16, 16), "compression": "zlib", "predictor": True}),
        ):
            content = io.BytesIO()
            tifffile.imwrite(content, pixels, **options)
            made.append(content.getvalue())
        return made

    def run(self, content: bytes, folder: Path) -> None:
        source, choice = folder / "in put.png", zlib.crc32(content)
        source.write_bytes(content)
        target = folder / f"out{PICTURE_SUFFIXES[choice % len(PICTURE_SUFFIXES)]}"
        swap_file(source, target, ())
        picture = read_picture(source)
        write_picture(target, picture.changed_to(np.ascontiguousarray(picture.image_bgr[::-1])))
        read_picture(target)


TARGET: Final = _Pictures()
