"""The whole distribution of each channel: follows contrast closely, is harsh with highlights and beards."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stages.colour import GAIN_RANGE, ColourMap, ColourPlugin, SkinStatistics
from mien_models.types import as_u8


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


PLUGIN: Final = ColourPlugin(
    method=match_histogram, help="follows contrast closely, is harsh with highlights and beards"
)
