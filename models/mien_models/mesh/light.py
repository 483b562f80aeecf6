"""The light of the frame on the source's skin: what is coarse in the target replaces what is coarse in the photo.

A face's picture is taken as skin times light, and light as what is left when the picture is blurred over a sixth of the
face. The photo's own light is divided out, the target's multiplied in. Both are compared on the atlas, where a cheek is
always in the same place, so that the comparison can be smoothed in time while the head moves.
"""

from dataclasses import dataclass
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import BgrU8, PointsF32, as_f32
from mien_models.mesh.raster import rasterise
from mien_models.mesh.regions import BEARD, OVAL
from mien_models.mesh.skin import features_mask, filled
from mien_models.mesh.texture import FaceTexture, atlas_points_px
from mien_models.mesh.topology import face_topology

SIDE_PX: Final = 32
"""The atlas of light has this side; light is coarse."""
BLUR: Final = 0.075
"""Width of the blur that separates light from skin, in parts of the atlas' side (a standard deviation)."""
SETTLING_S: Final = 0.25
"""Time constant with which a change of light is followed, in seconds."""
DARK: Final = (0.2, 0.25)
"""What is darker than the first, in parts of the face's typical brightness, is taken for hair, not for shadow.

The second is the width of the passage between them.
"""
GAIN_RANGE: Final = (0.25, 3.0)
"""What light may do to the photo's skin at any place."""


@dataclass(frozen=True, slots=True, eq=False)
class LightSampler:
    """Looks at a frame where the atlas' texels lie in it."""

    corners: NDArray[np.intp]
    """(SIDE_PX², 3) the corners of the triangle that each texel lies in."""
    shares: NDArray[np.float32]
    """(SIDE_PX², 3, 1) its barycentric coordinates in that triangle."""
    skin: NDArray[np.float32]
    """(SIDE_PX, SIDE_PX) 1 on skin, 0 on brows, eyes, nostrils, where a beard grows and outside the face."""

    def light(self, image_bgr: BgrU8, points: PointsF32, facing: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the coarse light of a face: (SIDE_PX, SIDE_PX, 3), 0..255, spread over the whole atlas.

        Args:
            image_bgr: the picture; best about as large as the atlas of light, so that nothing is aliased.
            points: (504, 3) the mesh with its rim, in pixels of that picture.
            facing: (504,) how much each point faces the camera; what is turned away has no say.
        """
        values = np.empty((len(points), 3), np.float32)
        values[:, :2], values[:, 2] = points[:, :2], facing
        at = (values[self.corners] * self.shares).sum(axis=1).reshape(SIDE_PX, SIDE_PX, 3)
        seen = cv2.remap(image_bgr, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        weight = self.skin * at[..., 2]
        brightness = as_f32(seen).mean(axis=2)
        typical = np.median(brightness[weight > 0.5]) if (weight > 0.5).any() else brightness.max()
        lit = np.clip(brightness / max(float(typical), 1.0) / DARK[1] - DARK[0] / DARK[1], 0.03, 1)
        return coarse(as_f32(seen), as_f32(weight * lit))


def light_sampler() -> LightSampler:
    """Prepare the look-up; about 20 ms."""
    topology = face_topology()
    points = atlas_points_px(topology, SIDE_PX)
    weights = np.zeros((SIDE_PX * SIDE_PX, len(points)), np.float32)
    for first in range(0, len(points), 3):
        # The rasteriser spreads three numbers a vertex: three vertices' own weights at a time.
        ones = np.zeros((len(points), 3), np.float32)
        ones[first : first + 3] = np.eye(3, dtype=np.float32)[: len(points) - first]
        drawn = rasterise(points, topology.triangles, ones, width=SIDE_PX, height=SIDE_PX)
        weights[:, first : first + 3] = drawn.reshape(-1, 3)[:, : len(points) - first]
    skin = filled((OVAL,), 256) & ~features_mask(256, 0.02) & ~filled((BEARD,), 256)
    corners = np.argsort(-weights, axis=1)[:, :3]
    return LightSampler(
        corners=corners,
        shares=np.take_along_axis(weights, corners, axis=1)[..., None],
        skin=as_f32(cv2.resize(skin, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) / 255),
    )


def texture_light(texture: FaceTexture, skin: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the coarse light that is in the photo itself: (SIDE_PX, SIDE_PX, 3), 0..255."""
    small = cv2.resize(texture.bgr, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return coarse(as_f32(small), skin)


def coarse(bgr: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur over the weighted texels only; where there are none near, the wider surroundings answer."""
    colour = bgr * weight[..., None]
    total, share = np.zeros_like(bgr), np.zeros_like(weight)
    for sigma in (BLUR * SIDE_PX, 3 * BLUR * SIDE_PX):
        wide = as_f32(cv2.GaussianBlur(weight, (0, 0), sigma))
        confidence = np.clip(wide * 4, 0.02, 1) * (1 - share)
        blurred = as_f32(cv2.GaussianBlur(colour, (0, 0), sigma)) / np.maximum(wide, 1e-3)[..., None]
        total += blurred * confidence[..., None]
        share += confidence
    return as_f32(total / share[..., None])


class LightFollower:
    """Follows the light on one face; keeps the last gain."""

    def __init__(self, own_light: NDArray[np.float32], skin: NDArray[np.float32]) -> None:
        self._own_light = np.maximum(own_light, 4)
        self._skin = skin
        self._gain: NDArray[np.float32] | None = None

    def change(self, target_light: NDArray[np.float32], elapsed_s: float) -> NDArray[np.uint8]:
        """Give what is added to the photo's skin: (SIDE_PX, SIDE_PX, 4) for B, G, R and alpha, 128 = nothing.

        It turns the photo's own light into the target's, scaled to the photo's tone: the tone is the colour method's.

        Args:
            target_light: (SIDE_PX, SIDE_PX, 3) the coarse light of the target in this frame.
            elapsed_s: since the last frame, in seconds.
        """
        ratio = target_light / self._own_light
        # The median: a fringe over the target's forehead must not brighten its cheeks.
        tone = np.median(ratio[self._skin > 0.5], axis=0)
        now = as_f32(np.clip(ratio / np.maximum(tone, 1e-3), *GAIN_RANGE))
        before = now if self._gain is None else self._gain
        smoothed = as_f32(before + np.float32(1 - exp(-elapsed_s / SETTLING_S)) * (now - before))
        self._gain = smoothed
        added = np.full((SIDE_PX, SIDE_PX, 4), 128, np.uint8)
        added[..., :3] = np.clip(self._own_light * (smoothed - 1) + 128.5, 0, 255)
        return added
