"""Colours of print and of measuring, as the RGB of screens."""

import contextlib
import io

from PIL import Image, ImageCms


def rgb_from_cmyk(inks: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Convert with the file's own profile; without one as Pillow does, which is what viewers do too."""
    if icc_profile is not None:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            return _into_srgb(inks, ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)))
    return inks.convert("RGB")


def rgb_from_lab(lab: Image.Image) -> Image.Image:
    """Convert CIE L*a*b* under D50, which is what TIFF files hold."""
    # The stubs leave the type of a built-in profile open.
    profile = ImageCms.createProfile("LAB")  # pyright: ignore[reportUnknownVariableType]
    return _into_srgb(lab, ImageCms.ImageCmsProfile(profile))  # pyright: ignore[reportUnknownArgumentType]


def _into_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType]
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    if converted is None:
        raise ImageCms.PyCMSError("nothing was converted")
    return converted
