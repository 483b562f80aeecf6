"""A picture as Mien works on it, and beside it everything the file held that must come back."""

from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.types import BgrU8

Samples: TypeAlias = NDArray[np.uint8 | np.uint16]
"""(h, w, 1|2|3|4) grey, grey+alpha, BGR or BGR+alpha, full range of 8 or 16 bits."""
BACKGROUND: Final = 255
"""White: what a transparent place shows where there is no transparency."""
_BARELY: Final = 16 / 255
"""By how much less than this something is seen too little, alpha does not rise for it: the watermark is no veil."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture file says of itself, ready to be written again."""

    exif: bytes | None = None
    """TIFF-shaped, without "Exif" in front; orientation, maker notes and thumbnail are left out.

    The last two may carry a small picture of the face that was there before.
    """
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture, upright."""

    image_bgr: BgrU8
    """(h, w, 3) 8 bits, laid over white where it is transparent: what faces are looked for and swapped in."""
    samples: Samples
    """In the channels and the depth of the file; nobody writes into it."""
    metadata: Metadata = field(default_factory=Metadata)
    left_out: tuple[str, ...] = ()
    """What the file also holds and no copy of it will, a sentence each; of use where a copy is written."""
    notes: tuple[str, ...] = ()
    """Sentences for the user about what was not taken as it is in the file."""

    @property
    def has_alpha(self) -> bool:
        """Whether it knows transparency."""
        return self.samples.shape[2] in (2, 4)

    def changed_to(self, composed_bgr: BgrU8) -> "Picture":
        """Carry the difference between `composed_bgr` and `image_bgr` over to the samples.

        Every sample of a pixel that did not change stays bit for bit, whatever its depth. Alpha stays as it is, except
        where something dark was drawn over what could not be seen: there it rises until it is seen. A grey picture
        stays grey.
        """
        unchanged = cv2.inRange(cv2.absdiff(composed_bgr, self.image_bgr), (0, 0, 0), (0, 0, 0))
        left, top, width, height = cv2.boundingRect(cv2.bitwise_not(unchanged))
        samples = self.samples.copy()
        rows, columns = slice(top, top + height), slice(left, left + width)
        if width and height:
            before, after = self.image_bgr[rows, columns], composed_bgr[rows, columns]
            samples[rows, columns] = _moved(samples[rows, columns], after.astype(np.float32) - before)
        return replace(self, image_bgr=composed_bgr, samples=samples)


def picture_from_samples(
    samples: Samples, metadata: Metadata, notes: tuple[str, ...], left_out: tuple[str, ...] = ()
) -> Picture:
    """Make a picture of samples in the file's depth, as `Picture.samples` describes them."""
    return Picture(image_bgr=_shown(samples), samples=samples, metadata=metadata, left_out=left_out, notes=notes)


def eight_bit(samples: Samples) -> NDArray[np.uint8]:
    """Bring samples of 16 bits to 8, rounded to the nearest."""
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8, copy=False)
    return cv2.convertScaleAbs(samples, alpha=1 / 257).reshape(samples.shape).astype(np.uint8, copy=False)


def _shown(samples: Samples) -> BgrU8:
    """Show samples on white, in 8 bits."""
    shown = eight_bit(samples)
    channels = shown.shape[2]
    colours = shown[..., : 1 if channels < 3 else 3]
    bgr: BgrU8 = np.repeat(colours, 3, axis=2) if channels < 3 else np.ascontiguousarray(colours)
    if channels in (1, 3):
        return bgr
    alpha = shown[..., -1:].astype(np.uint16)
    return ((bgr * alpha + BACKGROUND * (255 - alpha) + 127) // 255).astype(np.uint8)


def _moved(samples: Samples, delta_bgr: NDArray[np.float32]) -> Samples:
    """Add a difference of shown colours (0..255) to samples of any kind."""
    channels, top = samples.shape[2], np.iinfo(samples.dtype).max
    colours = 1 if channels < 3 else 3
    delta = delta_bgr if colours == 3 else cv2.cvtColor(delta_bgr, cv2.COLOR_BGR2GRAY)[..., np.newaxis]
    delta = delta * (top / 255)
    if channels in (2, 4):
        return _moved_under_alpha(samples, delta, top)
    moved: Samples = np.clip(np.rint(samples + delta), 0, top).astype(samples.dtype)
    return moved


def _moved_under_alpha(samples: Samples, delta: NDArray[np.float32], top: int) -> Samples:
    """Shown is colour * alpha + white * (1 - alpha): a shown step is a larger step of a thin colour."""
    alpha = samples[..., -1:].astype(np.float32) / top
    shown = samples[..., :-1] * alpha + top * (1 - alpha) + delta
    needed = np.clip(1 - shown.min(axis=2, keepdims=True) / top, 0, 1)
    raised = np.where(needed > alpha + _BARELY, needed, alpha)
    colours = top - np.divide(top - shown, raised, out=np.zeros_like(shown), where=raised > 0)
    moved = np.dstack([np.clip(np.rint(colours), 0, top), np.rint(raised * top)]).astype(samples.dtype)
    is_changed = (delta != 0).any(axis=2, keepdims=True) & (raised > 0)
    result: Samples = np.where(is_changed, moved, samples)
    return result
