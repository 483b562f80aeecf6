"""The photo's own light, taken off its skin: what is shadow goes; beard, brows, lips and colour stay.

Skin is taken to be alike all over a face, and alike on both of its sides. What changes slowly with the direction in
which the skin looks is then light (nine spherical harmonics hold 98 % of what a distant light does to a matt surface:
Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps", 2001), and so is what one side
has and the other has not (a nose's shadow). All of it is done in logarithms, in which light is added to skin.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import (
    atlas_points_px,
    face_topology,
    features_mask,
    filled,
    rasterise,
    vertex_normals,
)
from mien_models.geometry.face_regions import BEARD, EYE_LEFT, EYE_RIGHT, FACE_CORE, NOSTRILS, OVAL
from mien_models.swappers.mesh.diffuse import spread
from mien_models.types import as_f32

SIDE_PX: Final = 256
"""The atlas on which light is looked for."""
DARKEST: Final = 8.0
"""Added before a logarithm, in 8-bit levels: below this a photo holds noise."""
RIDGE: Final = (0.02, 0.3)
"""How much harmonics of second order are held back, in parts of all weights: those of brightness, those of hue.

Few normals look far to the sides, and a hue that changes there is more often hair than coloured light.
"""
RELIEF: Final = 0.035
"""Width of the blur that takes nose and lids off the normals, in parts of the side: their shadows are their own."""
OUTLIER: Final = 0.12
"""From about this residual on, a natural logarithm, a texel counts less for the fit: it is hair, a mole, shine."""
FIT_ROUNDS: Final = 6
STRENGTH: Final = (0.15, 0.9)
"""Part of the light that is taken off: of what both sides have alike, which is also the face's relief; of the rest."""
LARGEST: Final = 1.3
"""No place is made brighter or darker by more than this, a natural logarithm."""
ONE_SIDED: Final = 0.018
"""Width of the blur below which a difference of the sides is a mole or a fold, in parts of the atlas' side."""
SHINE: Final = (0.15, 0.55)
"""What is brighter than the skin around it by more than the first loses this part of the excess: grease shines."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """The light in one photo, on the atlas."""

    log_shading: NDArray[np.float32]
    """(SIDE_PX, SIDE_PX, 3) what the light adds to the logarithm of the skin; its median on skin is 0."""
    log_skin: NDArray[np.float32]
    """(3,) the logarithm of the skin in typical light."""

    @property
    def colourless(self) -> "Light":
        """The same without its hues: where something may cover half of the face, they are no light."""
        brightness = self.log_shading.mean(axis=2, keepdims=True)
        return Light(as_f32(np.broadcast_to(brightness, self.log_shading.shape)), self.log_skin)

    @property
    def contrast(self) -> float:
        """How uneven it is: ratio of the brightest to the darkest tenth of the face's skin."""
        values = self.log_shading.mean(axis=2)[filled((FACE_CORE,), SIDE_PX) > 0]
        low, high = np.percentile(values, [10, 90])
        return float(np.exp(high - low))


def logarithm(bgr: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn 8-bit levels to logarithms in which light is a sum."""
    return as_f32(np.log(bgr + np.float32(DARKEST)))


def levels(log_bgr: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn them back."""
    return as_f32(np.exp(log_bgr) - np.float32(DARKEST))


def light_on(log_bgr: NDArray[np.float32], trust: NDArray[np.float32]) -> Light:
    """Fit the light that falls on a face from afar.

    Args:
        log_bgr: (SIDE_PX, SIDE_PX, 3) the photo laid flat, in logarithms.
        trust: (SIDE_PX, SIDE_PX) how much each texel is the face's own skin, 0..1.
    """
    weight = trust * _plain_skin()
    where = weight > 0.02
    if np.count_nonzero(where) < 200:
        return Light(np.zeros_like(log_bgr), as_f32(np.median(log_bgr[trust >= trust.max()], axis=0)))
    shading = _harmonics() @ _fitted(_harmonics()[where], log_bgr[where], weight[where])
    typical = np.median(shading[weight > 0.5 * weight.max()], axis=0)
    return Light(as_f32(np.clip(shading - typical, -LARGEST, LARGEST)), as_f32(typical))


def _fitted(
    basis: NDArray[np.float64], log_bgr: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Fit the harmonics' coefficients, (9, 3), by least squares in which outliers count less from round to round."""
    brightness = as_f32(log_bgr.mean(axis=1, keepdims=True))
    hue = log_bgr - brightness
    held = np.diag([0, *[0.1] * 3, *[1.0] * 5])
    coefficients: NDArray[np.float64] = np.zeros((9, 3))
    firm = weight
    for turn in range(FIT_ROUNDS):
        weighted = (basis * (firm / firm.sum())[:, None]).T
        normal = weighted @ basis
        coefficients = _solved(normal + RIDGE[0] * held, weighted @ brightness) + _solved(
            normal + RIDGE[1] * held, weighted @ hue
        )
        off = np.linalg.norm(log_bgr - basis @ coefficients, axis=1)
        outlier = OUTLIER * (3 if turn < FIT_ROUNDS // 2 else 1.5)
        firm = as_f32(weight / (1 + np.square(off / outlier)))
    return coefficients


def _solved(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve linear equations; the type checkers need to be told the outcome's type."""
    return np.asarray(np.linalg.solve(matrix, right), np.float64)


def delighting(log_bgr: NDArray[np.float32], trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say what must be added to a photo laid flat so that it seems to be lit evenly: (SIDE_PX, SIDE_PX, 3).

    Args:
        log_bgr: (SIDE_PX, SIDE_PX, 3) the photo laid flat, in logarithms.
        trust: (SIDE_PX, SIDE_PX) how much each texel is the face's own, 0..1.
    """
    shading = light_on(log_bgr, trust).log_shading
    even = log_bgr - shading
    still = as_f32(trust * _unmoved())
    both = as_f32(still * still[:, ::-1])
    difference = as_f32((even - even[:, ::-1]) / 2)
    near = np.clip(as_f32(cv2.GaussianBlur(both, (0, 0), 3 * ONE_SIDED * SIDE_PX)) * 3, 0, 1)[..., None]
    one_sided = spread(difference, both, finest_px=ONE_SIDED * SIDE_PX) * near
    common = (shading + shading[:, ::-1]) / 2
    change = -STRENGTH[0] * common - STRENGTH[1] * (shading - common + one_sided)
    return as_f32(np.clip(change - _shine(as_f32(log_bgr + change), trust), -LARGEST, LARGEST))


def _shine(log_bgr: NDArray[np.float32], trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """What grease adds to the skin, as far as it is taken off: (SIDE_PX, SIDE_PX, 1)."""
    skin = as_f32(trust * _plain_skin())
    brightness = as_f32(log_bgr.mean(axis=2))
    fine = as_f32(cv2.GaussianBlur(brightness, (0, 0), 1.5))
    wide = spread(brightness[..., None], skin, finest_px=0.08 * SIDE_PX)[..., 0]
    excess = as_f32(np.maximum(fine - wide - SHINE[0], 0) * np.clip(skin * 2, 0, 1))
    return as_f32(as_f32(cv2.GaussianBlur(excess, (0, 0), 1.5)) * SHINE[1])[..., None]


@cache
def _harmonics() -> NDArray[np.float64]:
    """The real spherical harmonics up to second order, not normalised, at each texel: (SIDE_PX, SIDE_PX, 9)."""
    topology = face_topology()
    points = topology.canonical_cm * np.array([1, -1, -1], np.float32)
    normals = vertex_normals(points, topology.face_triangles)
    spanned = np.concatenate([normals, normals[list(OVAL)]]) / 2 + 0.5
    drawn = rasterise(
        atlas_points_px(SIDE_PX), topology.triangles, as_f32(spanned), width=SIDE_PX, height=SIDE_PX
    ).astype(np.float64)
    covered = as_f32(drawn.max(axis=2) > 0)
    smooth = spread(as_f32(drawn * 2 - 1), covered, finest_px=RELIEF * SIDE_PX).astype(np.float64)
    smooth /= np.maximum(np.linalg.norm(smooth, axis=2, keepdims=True), 1e-6)
    x, y, z = np.moveaxis(smooth, 2, 0)
    ones = np.ones_like(x)
    return np.stack([ones, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=2)


@cache
def _plain_skin() -> NDArray[np.float32]:
    """1 where nothing but skin is expected, less further out, where hair may be, 0 on features and beard."""
    plain = filled((OVAL,), SIDE_PX) & ~features_mask(SIDE_PX, 0.015) & ~filled((BEARD,), SIDE_PX)
    core = as_f32(cv2.GaussianBlur(filled((FACE_CORE,), SIDE_PX), (0, 0), 0.03 * SIDE_PX)) / 255
    return as_f32((plain > 0) * (0.3 + 0.7 * core))


@cache
def _unmoved() -> NDArray[np.float32]:
    """1 where both sides of a face are alike, also in a lopsided smile."""
    moving = filled((EYE_LEFT, EYE_RIGHT, NOSTRILS), SIDE_PX) | features_mask(SIDE_PX, 0.01)
    return as_f32((filled((OVAL,), SIDE_PX) & ~moving) / 255)
