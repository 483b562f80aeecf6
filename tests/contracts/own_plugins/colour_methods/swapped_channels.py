"""Makes blue of green and green of blue."""

from typing import Final

import numpy as np

from mien.stages.colour import ColourMap, ColourPlugin, SkinStatistics


def swap_channels(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
    """Look at neither."""
    return ColourMap("bgr", matrix=np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]], np.float64))


PLUGIN: Final = ColourPlugin(method=swap_channels, help="green becomes blue")
