"""The linear Monge-Kantorovich map: the smallest change of colours that gives the frame's mean and covariance.

F. Pitié and A. Kokaram, "The linear Monge-Kantorovitch linear colour mapping for example-based colour transfer", 2007.
Unlike a match by principal axes it cannot flip an axis from one frame to the next.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.stages.colour import GAIN_RANGE, ColourMap, ColourPlugin, SkinStatistics, affine

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
    return ColourMap("bgr", matrix=affine(bounded, crop.mean_bgr, frame.mean_bgr))


def _power(symmetric: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    values, axes = np.linalg.eigh(symmetric)
    powered: NDArray[np.float64] = (axes * np.maximum(values, 1e-9) ** exponent) @ axes.T
    return powered


PLUGIN: Final = ColourPlugin(
    method=match_covariance, help="the smallest change that gives the mean and covariance of the skin around"
)
