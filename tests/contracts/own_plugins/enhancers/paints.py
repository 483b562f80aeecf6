"""Two that differ in one number: they paint faces red, or a little red."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from mien_models.interfaces import Enhancer, EnhancerFactory
from mien_models.networks.enhancers._base import EnhancerPlugin
from mien_models.types import BgrU8, as_u8


class Painter:
    """Paints with one strength."""

    template, side_px, cost_ms, provider = "ffhq_512", 256, 0.1, "numpy"

    def __init__(self, red: int) -> None:
        self._red = red

    def enhance(self, patch_bgr: BgrU8) -> BgrU8:
        """Set the red of every pixel."""
        painted = patch_bgr.copy()
        painted[..., 2] = np.uint8(self._red)
        return as_u8(painted)


def _painting(red: int) -> EnhancerFactory:
    def make(target: str, *, threads: int = 1, provider: str = "auto") -> Enhancer:
        return Painter(red)

    return make


PLUGINS: Final[Mapping[str, EnhancerPlugin]] = {
    "red": EnhancerPlugin(make=_painting(255), help="paints faces red", target=""),
    "pale_red": EnhancerPlugin(make=_painting(150), help="paints faces a little red", target=""),
}
