"""Methods that match what is known of skin in both pictures: means, spreads, covariances, whole distributions.

The linear Monge-Kantorovich map is F. Pitié and A. Kokaram's, "The linear Monge-Kantorovitch linear colour mapping for
example-based colour transfer", 2007: the smallest change of colours that gives the frame's mean and covariance. Unlike
a match by principal axes it cannot flip an axis from one frame to the next. L*a*b* is matched as most swappers do it,
after E. Reinhard et al., "Color transfer between images", 2001, on skin pixels only.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stages.colour import GAIN_RANGE, ColourMap, ColourPlugin, SkinStatistics
from mien_models.types import as_u8

FLOOR: Final = 4.0
"""Added to both variances, in squared 8-bit levels: flat skin has no covariance to speak of."""


def match_covariance(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
    """Map T = A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2 for the covariances A of the crop and B of the frame."""
    a = crop.covariance_bgr + FLOOR * np.eye(3)
    b = frame.covariance_bgr + FLOOR * np.eye(3)
    root_a = _power(a, 0.5)
    inverse_root_a = _power(a, -0.5)
    gains = inverse_root_a @ _power(root_a @ b @ root_a, 0.5) @ inverse_root_a
    values, axes = np.linalg.eigh((gains + gains.T) / 2)
    bounded = (axes * np.clip(values, *GAIN_RANGE)) @ axes.T
    return ColourMap("bgr", matrix=_affine(bounded, crop.mean_bgr, frame.mean_bgr))


def _affine(
    gains: NDArray[np.float64], crop_mean: NDArray[np.float64], frame_mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the (3, 4) matrix that applies (3, 3) gains around the crop's mean and moves that mean to the frame's."""
    return np.column_stack([gains, frame_mean - gains @ crop_mean])


def _power(symmetric: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    values, axes = np.linalg.eigh(symmetric)
    powered: NDArray[np.float64] = (axes * np.maximum(values, 1e-9) ** exponent) @ axes.T
    return powered


def match_lab(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
    """Scale and shift L, a and b so that their means and standard deviations are the frame's."""
    gain = np.clip(frame.std_lab / np.maximum(crop.std_lab, 0.5), *GAIN_RANGE)
    return ColourMap("lab", matrix=_affine(np.diag(gain), crop.mean_lab, frame.mean_lab))


def match_mean_std(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
    """Scale and shift each channel so that its mean and standard deviation are the frame's."""
    crop_std, frame_std = (np.sqrt(np.diag(s.covariance_bgr)) for s in (crop, frame))
    gain = np.clip(frame_std / np.maximum(crop_std, 1.0), *GAIN_RANGE)
    return ColourMap("bgr", matrix=_affine(np.diag(gain), crop.mean_bgr, frame.mean_bgr))


def match_histogram(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
    """Map each level to the frame's level of the same rank, no steeper and no flatter than the gains allow."""
    channels = [_table(crop.histogram_bgr[c], frame.histogram_bgr[c]) for c in range(3)]
    return ColourMap("bgr", table=np.stack(channels, axis=1))


def _table(crop: NDArray[np.float64], frame: NDArray[np.float64]) -> NDArray[np.uint8]:
    levels = np.arange(256.0)
    # A little of everything everywhere keeps both ranks strictly rising.
    ranks = np.cumsum(crop + 1e-5) / (crop + 1e-5).sum()
    frame_ranks = np.cumsum(frame + 1e-5) / (frame + 1e-5).sum()
    wanted = np.asarray(np.interp(ranks, frame_ranks, levels), np.float64)
    middle = int(np.searchsorted(ranks, 0.5))
    steps = np.asarray(np.clip(wanted[1:] - wanted[:-1], *GAIN_RANGE), np.float64)
    curve = np.concatenate([[0.0], np.cumsum(steps)])
    bounded: NDArray[np.float64] = curve - curve[middle] + wanted[middle]
    return as_u8(np.clip(bounded + 0.5, 0, 255))


def keep(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:  # noqa: ARG001 - the contract's signature
    """Change nothing."""
    return ColourMap("bgr", matrix=np.eye(3, 4))


PLUGINS: Final[Mapping[str, ColourPlugin]] = {
    "mkl": ColourPlugin(
        method=match_covariance, help="the smallest change that gives the mean and covariance of the skin around"
    ),
    "reinhard_lab": ColourPlugin(method=match_lab, help="mean and spread of lightness and of two axes of colour"),
    "mean_std": ColourPlugin(method=match_mean_std, help="the cheapest, blind to casts across channels"),
    "histogram": ColourPlugin(
        method=match_histogram, help="follows contrast closely, is harsh with highlights and beards"
    ),
    "none": ColourPlugin(method=keep, help="the colours of the photo, only lit like the frame"),
}
