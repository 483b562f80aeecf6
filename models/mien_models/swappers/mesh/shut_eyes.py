"""Eyes that are shut: lids and lashes are the wearer's then, as no photo shows how a face looks with closed eyes.

Through the opening of the photo's lids a closed eye would be a blank: skin between the lashes of an open eye. The mesh
follows closed lids by half and lags behind, the network takes lashes over a closed eye for half of an open one; each is
sure where the other is not, so that both are asked.
"""

from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_regions import EYE_LIDS
from mien_models.networks.eyes import CORNERS, EyeLook
from mien_models.swappers.mesh.photo_eyes import nearness
from mien_models.types import MaskU8, PointsF32

GAP: Final = (0.19, 0.28)
"""So far apart the mesh has the lids of a closed and of a usual open eye, in parts of the eye's length,"""
SEEN_PX: Final = (1.0, 9.5)
"""and so far open the network sees it, in pixels of a look."""
OF_GAP: Final = 0.6
"""The mesh's share in what both say: of an eye that nobody sees, behind a dark lens, it says that it is open."""
OPEN: Final = (0.3, 0.52)
"""Below the first, 0 closed and 1 open, an eye is shut, above the second it is not at all."""
FARTHEST: Final = 1.2
"""Neither says more than this, however wide an eye is."""
OPENS_S: Final = 0.06
"""Time constant with which an eye that was shut opens; it shuts at once."""
JUST_NOTICED: Final = 0.02


class ShutFilter:
    """Follows how far the eyes of one wearer are shut."""

    def __init__(self) -> None:
        """Begin with open eyes."""
        self._shut = (0.0, 0.0)

    def __call__(
        self, landmarks: PointsF32, looks: tuple[EyeLook, EyeLook] | None, elapsed_s: float
    ) -> tuple[float, float]:
        """Say how far both eyes are shut, 0..1: the one on the picture's left, then the one on its right.

        Small eyes count less: blurred lids look closed to the measure either way, and the photo's are the likeness.

        Args:
            landmarks: (468, 3) the mesh.
            looks: what the network saw of both; None where they may not be shut.
            elapsed_s: since the last frame.
        """
        kept, now = exp(-elapsed_s / OPENS_S), (0.0, 0.0)
        if looks is not None:
            near = nearness(landmarks)
            now = (near * _shut(landmarks, looks[0], 0), near * _shut(landmarks, looks[1], 1))
        left, right = (max(new, kept * old) for new, old in zip(now, self._shut, strict=True))
        self._shut = (left, right)
        return self._shut


def may_be_shut(landmarks: PointsF32) -> bool:
    """Say whether the mesh leaves it open that an eye is shut, at least in part: else none has to be looked at."""
    return min(_said_by_mesh(landmarks, eye) for eye in range(2)) < OPEN[1] and nearness(landmarks) > 0


def _shut(landmarks: PointsF32, look: EyeLook, eye: int) -> float:
    seen_px = float(look.open.sum(axis=0).max())
    said = _said_by_mesh(landmarks, eye) + (1 - OF_GAP) * _share(seen_px, SEEN_PX)
    t = min(1.0, max(0.0, (OPEN[1] - said) / (OPEN[1] - OPEN[0])))
    return t * t * (3 - 2 * t)


def _said_by_mesh(landmarks: PointsF32, eye: int) -> float:
    (upper, lower), (outer, inner) = (landmarks[list(pair)] for pair in (EYE_LIDS[eye], CORNERS[eye]))
    gap = float(np.linalg.norm(upper - lower)) / max(float(np.linalg.norm(outer - inner)), 1e-6)
    return OF_GAP * _share(gap, GAP)


def _share(value: float, ends: tuple[float, float]) -> float:
    return min(FARTHEST, max(0.0, (value - ends[0]) / (ends[1] - ends[0])))


def with_shut(texture: NDArray[np.uint8], shut_alpha: MaskU8, shut: tuple[float, float]) -> NDArray[np.uint8]:
    """Open a texture for eyes that are shut.

    Args:
        texture: (n, n, 4) B, G, R, alpha; it stays as it is.
        shut_alpha: (n, n) its alpha for closed eyes.
        shut: 0..1 for the eye in its left half and for the one in its right half.
    """
    if max(shut) < JUST_NOTICED:
        return texture
    opened, half = texture.copy(), len(texture) // 2
    for columns, share in zip((slice(0, half), slice(half, None)), shut, strict=True):
        alpha, wide = texture[:, columns, 3], shut_alpha[:, columns]
        opened[:, columns, 3] = cv2.addWeighted(alpha, 1 - share, wide, share, 0)
    return opened
