"""What a colour method sees and what it answers: statistics of skin in, a colour map out."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mien_models.plugins import Plugins

GAIN_RANGE: Final = (0.6, 1.6)
"""How much a colour method may compress or stretch contrast, so that one odd frame cannot burn a face."""


@dataclass(frozen=True, slots=True, eq=False)
class SkinStatistics:
    """The colours of one face's skin, as moments: they are what is smoothed in time, not pixels."""

    mean_bgr: NDArray[np.float64]
    """(3,) 0..255."""
    covariance_bgr: NDArray[np.float64]
    """(3, 3)."""
    mean_lab: NDArray[np.float64]
    """(3,) CIE L*a*b* as OpenCV's 8-bit code stores it: L 0..255, a and b offset by 128."""
    std_lab: NDArray[np.float64]
    """(3,) in the same units."""
    histogram_bgr: NDArray[np.float64]
    """(3, 256) each row sums to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """A map of colours: a 3x4 matrix in one colour space, or a table per channel."""

    space: Literal["bgr", "lab"]
    matrix: NDArray[np.float64] | None = None
    """(3, 4) out = matrix @ (c0, c1, c2, 1), in 0..255."""
    table: NDArray[np.uint8] | None = None
    """(256, 3) out[c] = table[in[c], c]."""


class ColourMethod(Protocol):
    """Fits the crop's skin to the frame's skin; a pure function."""

    def __call__(self, crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
        """Give the map that makes colours distributed like `crop` look like `frame`.

        Its gains stay within GAIN_RANGE.
        """
        ...


def affine(
    gains: NDArray[np.float64], crop_mean: NDArray[np.float64], frame_mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the (3, 4) matrix that applies (3, 3) gains around the crop's mean and moves that mean to the frame's."""
    return np.column_stack([gains, frame_mean - gains @ crop_mean])


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourPlugin:
    """One colour method, as its file says it."""

    method: ColourMethod
    help: str
    """What it is good for, in a few words for lists."""


COLOURS: Final[Plugins[ColourPlugin]] = Plugins("mien.stages.colour_methods", "colour method", ColourPlugin)
