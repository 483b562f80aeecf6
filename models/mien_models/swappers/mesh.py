"""The built-in swapper: the photo's skin on the target's mesh, in the target's light, with the target's own eyes."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import BgrU8, MaskU8, PointsF32, as_f32, as_u8
from mien_models.contracts import Swapper, SwapperFactory
from mien_models.faces import Face, SourceFace, SwappedFace
from mien_models.mesh.light import SIDE_PX as LIGHT_PX
from mien_models.mesh.light import LightFollower, LightSampler, light_sampler, texture_light
from mien_models.mesh.raster import rasterise
from mien_models.mesh.texture import FaceTexture, bake, facing
from mien_models.mesh.topology import ATLAS_MARGIN, face_topology

VISIBLE: Final = (0.06, 0.34)
"""How much a point must face the camera to be drawn: below the first not at all, above the second fully."""
MAP_STEP: Final = 2
"""The map into the texture is drawn at this fraction of the frame's resolution; it is linear inside every triangle."""
FINE_BELOW_PX: Final = 120.0
"""Faces narrower than this get their map at full resolution."""
LEVELS_PER_OCTAVE: Final = 3
"""The texture is kept in sizes this close together, so that one texel is about one pixel at every distance."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause the light is taken anew."""


@dataclass(slots=True)
class _Worn:
    """What is kept of one target face."""

    light: LightFollower
    level: int
    captured_ns: int


class MeshSwapper:
    """Wears one texture on any number of faces; keeps each face's light and texture size until it is forgotten."""

    def __init__(self, texture: FaceTexture) -> None:
        self._topology = face_topology()
        self._sampler: LightSampler = light_sampler()
        self._own_light = texture_light(texture, self._sampler.skin)
        self._texture = texture
        self._levels: dict[int, NDArray[np.uint8]] = {}
        self._worn: dict[int, _Worn] = {}

    def swap(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> SwappedFace:
        """Draw the texture over the face's mesh; about 3 ms for a face of 380 px."""
        points = self._topology.with_rim(face.landmarks)
        left, top, right, bottom = _rectangle(points, frame_bgr)
        points[:, :2] -= (left, top)
        towards = facing(points, self._topology)
        atlas_map = self._map(points, towards, right - left, bottom - top, fine=face.width_px < FINE_BELOW_PX)
        worn = self._remember(face, captured_ns)
        gain = self._gain(frame_bgr[top:bottom, left:right], points, towards, worn, captured_ns)
        crop, alpha = self._draw(atlas_map, gain, self._level(worn.level), right - left, bottom - top)
        frame_from_crop = np.array([[1, 0, left], [0, 1, top]], np.float64)
        return SwappedFace(face_id=face.id, crop_bgr=crop, alpha=alpha, frame_from_crop=frame_from_crop)

    def forget(self, face_id: int) -> None:
        """Drop the light kept of a face."""
        self._worn.pop(face_id, None)

    def _map(
        self, points: PointsF32, towards: NDArray[np.float32], width: int, height: int, *, fine: bool
    ) -> NDArray[np.float32]:
        """Where on the atlas each pixel lies, and how visible it is; at a part of the resolution unless `fine`."""
        step = 1 if fine else MAP_STEP
        columns, rows = -(-width // step), -(-height // step)
        attributes = np.empty((len(points), 3), np.float32)
        attributes[:, :2] = self._topology.atlas
        attributes[:, 2] = _smoothstep(towards, *VISIBLE)
        placed = points.copy()
        placed[:, :2] = (points[:, :2] + 0.5) / step - 0.5
        placed[:, 2] /= step
        return rasterise(placed, self._topology.triangles, attributes, width=columns, height=rows)

    def _remember(self, face: Face, captured_ns: int) -> _Worn:
        texels_per_px = self._texture.side_px * (1 - 2 * ATLAS_MARGIN) / max(face.width_px, 8.0)
        wanted = float(np.log2(max(texels_per_px, 1.0)) * LEVELS_PER_OCTAVE)
        worn = self._worn.get(face.id)
        if worn is None or abs(captured_ns - worn.captured_ns) > LONGEST_PAUSE_S * 1e9:
            worn = _Worn(LightFollower(self._own_light, self._sampler.skin), round(wanted), captured_ns)
            self._worn[face.id] = worn
        elif abs(wanted - worn.level) > 0.75:  # more than half a step: a face on the border does not flicker
            worn.level = round(wanted)
        return worn

    def _level(self, level: int) -> NDArray[np.uint8]:
        """The texture with its alpha, (n, n, 4), made smaller by `level` steps."""
        if level not in self._levels:
            side_px = max(16, round(self._texture.side_px * 2 ** (-level / LEVELS_PER_OCTAVE)))
            texture = np.dstack([self._texture.bgr, self._texture.alpha])
            self._levels[level] = as_u8(cv2.resize(texture, (side_px, side_px), interpolation=cv2.INTER_AREA))
        return self._levels[level]

    def _gain(
        self, region_bgr: BgrU8, points: PointsF32, towards: NDArray[np.float32], worn: _Worn, captured_ns: int
    ) -> NDArray[np.float32]:
        scale = min(1.0, LIGHT_PX / region_bgr.shape[1])
        small = as_u8(cv2.resize(region_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        placed = points.copy()
        placed[:, :2] = (points[:, :2] + 0.5) * (small.shape[1] / region_bgr.shape[1]) - 0.5
        target_light = self._sampler.light(small, placed, _smoothstep(towards, *VISIBLE))
        gain = worn.light.gain(target_light, max(captured_ns - worn.captured_ns, 0) / 1e9)
        worn.captured_ns = captured_ns
        return gain

    def _draw(
        self,
        atlas_map: NDArray[np.float32],
        gain: NDArray[np.float32],
        texture: NDArray[np.uint8],
        width: int,
        height: int,
    ) -> tuple[BgrU8, MaskU8]:
        light_x, light_y = (atlas_map[..., k] * LIGHT_PX - 0.5 for k in range(2))
        gain_map = as_f32(cv2.remap(gain, light_x, light_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        if atlas_map.shape[1] != width:
            atlas_map = _enlarged(atlas_map, width, height)
            gain_map = _enlarged(gain_map, width, height)
        side_px = len(texture)
        at_x, at_y, visible = cv2.split(atlas_map)
        worn = cv2.remap(texture, at_x * side_px - 0.5, at_y * side_px - 0.5, cv2.INTER_LINEAR)
        crop = cv2.multiply(worn[..., :3], gain_map, dtype=cv2.CV_8U)
        alpha = cv2.multiply(worn[..., 3], visible, dtype=cv2.CV_8U)
        return as_u8(crop), as_u8(alpha)


def mesh_swapper(source: SourceFace) -> Swapper:
    """Bake the source face's texture; 0.1 to 0.4 s."""
    return MeshSwapper(bake(source))


def _rectangle(points: PointsF32, frame_bgr: BgrU8) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the mesh inside the frame; at least two pixels each way."""
    height, width = frame_bgr.shape[:2]
    low, high = np.floor(points[:, :2].min(axis=0)), np.ceil(points[:, :2].max(axis=0)) + 1
    left, top = int(np.clip(low[0], 0, width - 2)), int(np.clip(low[1], 0, height - 2))
    right, bottom = int(np.clip(high[0], left + 2, width)), int(np.clip(high[1], top + 2, height))
    return left, top, right, bottom


def _enlarged(image: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Enlarge by MAP_STEP exactly, then cut to size: the last half pixel of an odd side is beyond the edge."""
    rows, columns = image.shape[:2]
    large = as_f32(cv2.resize(image, (columns * MAP_STEP, rows * MAP_STEP), interpolation=cv2.INTER_LINEAR))
    return large[:height, :width]


def _smoothstep(values: NDArray[np.float32], begin: float, full: float) -> NDArray[np.float32]:
    t = np.clip((values - begin) / (full - begin), 0, 1)
    return as_f32(t * t * (3 - 2 * t))


PLUGIN: Final[SwapperFactory] = mesh_swapper
