"""Mean and spread of lightness and of the two colour axes of CIE L*a*b*.

E. Reinhard et al., "Color transfer between images", 2001, in L*a*b* as most swappers have it, on skin pixels only.
"""

from typing import Final

import numpy as np

from mien.stages.colour import GAIN_RANGE, ColourMap, ColourPlugin, SkinStatistics, affine


def match_lab(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
    """Scale and shift L, a and b so that their means and standard deviations are the frame's."""
    gain = np.clip(frame.std_lab / np.maximum(crop.std_lab, 0.5), *GAIN_RANGE)
    return ColourMap("lab", matrix=affine(np.diag(gain), crop.mean_lab, frame.mean_lab))


PLUGIN: Final = ColourPlugin(method=match_lab, help="mean and spread of lightness and of two axes of colour")
