"""The photo's own colours, only lit like the target."""

from typing import Final

import numpy as np

from mien.stages.colour import ColourMap, ColourPlugin, SkinStatistics


def keep(crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:  # noqa: ARG001 - the contract's signature
    """Change nothing."""
    return ColourMap("bgr", matrix=np.eye(3, 4))


PLUGIN: Final = ColourPlugin(method=keep, help="the colours of the photo, only lit like the frame")
