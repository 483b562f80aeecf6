"""What sees how far eyes are open, and where their irises are, closely and in a fifth of a millisecond each.

It was trained for Mien on synthetic faces whose lids were closed by a known part: `export/examples/train_finisher`.
"""

from dataclasses import dataclass
from functools import cache
from math import atan2, hypot
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.crop import Region, cut_patch
from mien_models.interfaces import Session
from mien_models.specs.manifest import Manifest
from mien_models.types import AffineF64, BgrU8, PointsF32, as_f32

CORNERS: Final = ((33, 133), (263, 362))
"""Outer and inner corner of the eye on the picture's left, and of the one on its right."""
SIDE_PX: Final = 56
"""Side of the square that is cut out around an eye."""
ROWS: Final = slice(8, 48)
"""Its rows that are looked at."""
SIZE: Final = (ROWS.stop - ROWS.start, SIDE_PX)
IRIS_PX: Final = 7.0
"""So large an iris' radius is in it."""
IRIS: Final = 0.066
"""And so large in parts of the distance of the eyes' outer corners: the median of 320 faces."""
NARROWEST: Final = 0.75
"""Of a turned head that distance is taken for no less than this part of what it is in space."""
SURER: Final = 1.8
"""What the network says is taken for surer by this factor: faint words of many pixels are no open eye."""
DARKEST: Final = 12.0
"""Added before a logarithm, in 8-bit levels."""


@dataclass(frozen=True, slots=True, eq=False)
class EyeLook:
    """What was seen of one eye."""

    open: NDArray[np.float32]
    """(40, 56) how surely each pixel shows the eyeball, 0..1."""
    iris: NDArray[np.float32]
    """(40, 56) how surely it is of the iris, 0..1, also where a lid hides that; nothing of it on a closed eye."""
    frame_from_eye: AffineF64
    """Takes those pixels to the frame; the eye on the right is seen mirrored."""


def eye_region(landmarks: PointsF32, eye: int) -> Region:
    """Give the square around one of the two eyes in which it is looked at."""
    outer, inner = (landmarks[number] for number in CORNERS[eye])
    across = (inner - outer) if eye == 0 else (outer - inner)
    apart = landmarks[CORNERS[1][0]] - landmarks[CORNERS[0][0]]
    reach = max(hypot(*apart[:2]), NARROWEST * hypot(*apart), 1.0)
    x, y = ((outer + inner) / 2)[:2].tolist()
    return Region((x, y), SIDE_PX / IRIS_PX * IRIS * reach, atan2(float(across[1]), float(across[0])))


def iris_px(landmarks: PointsF32) -> float:
    """Say how large the radius of an iris is expected to be in the frame, in pixels."""
    return eye_region(landmarks, 0).side_px * IRIS_PX / SIDE_PX


def eye_numbers(eye_bgr: BgrU8) -> NDArray[np.float32]:
    """Turn an eye, (40, 56, 3), to what the network is given: logarithms, so that no light is darker than another."""
    logarithms = as_f32(cv2.LUT(eye_bgr, _logarithms()))
    return logarithms - np.float32(sum(cv2.mean(logarithms)[:3]) / 3)


class Eyes:
    """Looks at eyes."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        """Take a session that runs these weights.

        Raises:
            ModelError: they are not this network's.
        """
        if manifest.input.shape != (1, *SIZE, 3) or [o.shape for o in manifest.outputs] != [(1, *SIZE, 2)]:
            raise ModelError(f"{manifest.name!r} should take and give planes of {SIZE}; correct its manifest.")
        self._session = session
        self._input, self._output = manifest.input.name, manifest.outputs[0].name

    def look(self, image_bgr: BgrU8, landmarks: PointsF32) -> tuple[EyeLook, EyeLook]:
        """Look at the eyes of a face: the one on the picture's left, then the one on its right."""
        return self._look(image_bgr, landmarks, 0), self._look(image_bgr, landmarks, 1)

    def _look(self, image_bgr: BgrU8, landmarks: PointsF32, eye: int) -> EyeLook:
        patch = cut_patch(image_bgr, eye_region(landmarks, eye), SIDE_PX, border=cv2.BORDER_REPLICATE)
        seen = patch.image_bgr[ROWS] if eye == 0 else patch.image_bgr[ROWS, ::-1]
        outputs = self._session.run({self._input: eye_numbers(np.ascontiguousarray(seen))[None]})
        said = np.clip((outputs[self._output][0] - np.float32(0.5)) * np.float32(SURER) + np.float32(0.5), 0, 1)
        return EyeLook(as_f32(said[..., 0]), as_f32(said[..., 1]), patch.frame_from_patch @ _patch_from_eye(eye))


@cache
def _patch_from_eye(eye: int) -> AffineF64:
    mirrored = [1, 0, 0] if eye == 0 else [-1, 0, SIDE_PX - 1]
    return np.array([mirrored, [0, 1, ROWS.start], [0, 0, 1]], np.float64)


@cache
def _logarithms() -> NDArray[np.float32]:
    return as_f32(np.log(np.arange(256, dtype=np.float32) + np.float32(DARKEST)))
