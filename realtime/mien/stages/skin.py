"""The skin that a swapped crop covers, sampled: its statistics, and how the light on it changed with time."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.stages.colour_methods._base import SkinStatistics
from mien_models.types import AffineF64, BgrU8, SwappedFace, Warp, as_f32, as_u8

SAMPLES: Final = 48
"""The grid of samples over a crop has this side."""
FEWEST_SAMPLES: Final = 60
"""Less skin than this says nothing."""
OPAQUE: Final = 200
"""Only where the crop covers the frame at least this much, of 255, is it skin of both."""
CLIPPED: Final = (5, 250)
"""Levels beyond these say nothing of a colour."""
DARKNESS: Final = 4.0
"""Added to both levels of a ratio, so that the noise of dark skin is no change of light."""
NOISE: Final = 0.003
"""A smaller change is none."""
THINNING: Final = 2
"""One sample in so many, each way, is asked how the light changed."""
CHANGE_RANGE: Final = (0.25, 4.0)
"""What light can do from one frame to the next."""


@dataclass(frozen=True, slots=True, eq=False)
class SkinView:
    """One face in one frame, on the same places of skin in every frame as long as the head does not turn."""

    crop_bgr: BgrU8
    """(SAMPLES, SAMPLES, 3) as it would be pasted."""
    frame_bgr: BgrU8
    """(SAMPLES, SAMPLES, 3) what it would cover."""
    usable: NDArray[np.bool_]
    """(SAMPLES, SAMPLES) where the crop is opaque and neither is clipped."""

    @property
    def is_enough(self) -> bool:
        """Whether there is enough skin to say something of it."""
        return int(np.count_nonzero(self.usable)) >= FEWEST_SAMPLES

    @property
    def crop(self) -> SkinStatistics:
        """Measure the crop's skin."""
        return statistics(as_u8(self.crop_bgr[self.usable][:, None]))

    @property
    def frame(self) -> SkinStatistics:
        """Measure the frame's skin."""
        return statistics(as_u8(self.frame_bgr[self.usable][:, None]))


def view_skin(image_bgr: BgrU8, swapped: SwappedFace) -> SkinView:
    """Look at the places of a crop in the crop and in the frame."""
    height, width = swapped.alpha.shape
    across, down = width / SAMPLES, height / SAMPLES
    crop_from_sample = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
    size, flags = (SAMPLES, SAMPLES), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # Both are sampled the same way: a sharper sampling of one would give it the larger spread.
    crop = as_u8(cv2.warpAffine(swapped.crop_bgr, crop_from_sample[:2], size, flags=flags))
    frame = _sampled_frame(image_bgr, swapped.warp, swapped.frame_from_crop @ crop_from_sample)
    alpha = as_u8(cv2.warpAffine(swapped.alpha, crop_from_sample[:2], size, flags=flags))
    usable = alpha >= OPAQUE
    for image in (crop, frame):
        usable &= cv2.inRange(image, (CLIPPED[0],) * 3, (CLIPPED[1],) * 3) > 0
    return SkinView(crop, frame, usable)


def _sampled_frame(image_bgr: BgrU8, warp: Warp | None, frame_from_sample: AffineF64) -> BgrU8:
    """Look at the frame on the grid, where each sample has its content once the frame is bent."""
    if warp is None:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return as_u8(cv2.warpAffine(image_bgr, frame_from_sample[:2], (SAMPLES, SAMPLES), flags=flags))
    columns, rows = np.meshgrid(np.arange(SAMPLES), np.arange(SAMPLES))
    (a, b, x), (c, d, y) = frame_from_sample.tolist()
    at_x, at_y = warp.origin(as_f32(a * columns + b * rows + x), as_f32(c * columns + d * rows + y))
    return as_u8(cv2.remap(image_bgr, at_x, at_y, cv2.INTER_LINEAR))


def light_change(before_bgr: BgrU8, now_bgr: BgrU8, usable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """By which factors (3,) skin became brighter since the last frame: the median over the same places of it.

    A hand that comes before the face changes less than half of them, a lamp all.
    """
    some = usable[::THINNING, ::THINNING]
    if int(np.count_nonzero(some)) * THINNING**2 < FEWEST_SAMPLES:
        return np.ones(3)
    now, before = (as_f32(image[::THINNING, ::THINNING][some].T) for image in (now_bgr, before_bgr))
    ratios = (now + DARKNESS) / (before + DARKNESS)
    middle = ratios.shape[1] // 2
    ratios.partition(middle, axis=1)  # the median, in a third of its time
    change = np.clip(ratios[:, middle].astype(np.float64), *CHANGE_RANGE)
    return np.where(np.abs(change - 1) < NOISE, 1.0, change)


def statistics(skin_bgr: NDArray[np.uint8]) -> SkinStatistics:
    """Measure skin given as (n, 1, 3) pixels."""
    pixels = skin_bgr[:, 0].astype(np.float64)
    mean = pixels.mean(axis=0)
    centred = pixels - mean
    lab = cv2.cvtColor(skin_bgr, cv2.COLOR_BGR2LAB)[:, 0].astype(np.float64)
    histogram = np.stack([np.bincount(skin_bgr[:, 0, c], minlength=256) for c in range(3)]) / len(pixels)
    return SkinStatistics(
        mean_bgr=mean,
        covariance_bgr=centred.T @ centred / len(pixels),
        mean_lab=lab.mean(axis=0),
        std_lab=lab.std(axis=0),
        histogram_bgr=histogram,
    )


def mixed(old: SkinStatistics, new: SkinStatistics, share: float) -> SkinStatistics:
    """Give the old statistics with a share, 0..1, of the new ones in them."""
    return SkinStatistics(
        mean_bgr=old.mean_bgr + share * (new.mean_bgr - old.mean_bgr),
        covariance_bgr=old.covariance_bgr + share * (new.covariance_bgr - old.covariance_bgr),
        mean_lab=old.mean_lab + share * (new.mean_lab - old.mean_lab),
        std_lab=old.std_lab + share * (new.std_lab - old.std_lab),
        histogram_bgr=old.histogram_bgr + share * (new.histogram_bgr - old.histogram_bgr),
    )


def relit(skin: SkinStatistics, gains: NDArray[np.float64]) -> SkinStatistics:
    """Give the statistics that the same skin has under light stronger by (3,) gains for B, G and R."""
    if (gains == 1).all():
        return skin
    mean = np.minimum(skin.mean_bgr * gains, 255)
    lab_before, lab = _lab(skin.mean_bgr), _lab(mean)
    return SkinStatistics(
        mean_bgr=mean,
        covariance_bgr=skin.covariance_bgr * np.outer(gains, gains),
        mean_lab=skin.mean_lab + lab - lab_before,
        std_lab=skin.std_lab * lab[0] / max(lab_before[0], 1.0),
        histogram_bgr=np.stack([_stretched(row, gain) for row, gain in zip(skin.histogram_bgr, gains, strict=True)]),
    )


def _lab(bgr: NDArray[np.float64]) -> NDArray[np.float64]:
    """One colour, (3,) in 0..255, in the units of `SkinStatistics.mean_lab`."""
    lab = as_f32(cv2.cvtColor(as_f32(bgr / 255)[None, None], cv2.COLOR_BGR2LAB))[0, 0].astype(np.float64)
    return np.asarray(lab * (2.55, 1, 1) + (0, 128, 128), np.float64)


def _stretched(histogram: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
    """Move every level of a (256,) histogram to `gain` times itself; what leaves the range stays at its end."""
    levels = np.arange(257)
    below = np.concatenate([[0.0], np.cumsum(histogram)])
    stretched = np.diff(np.interp(levels / gain, levels, below))
    stretched[-1] += 1 - stretched.sum()
    return np.asarray(stretched, np.float64)
