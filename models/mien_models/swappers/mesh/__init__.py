"""The built-in swapper: the photo's skin on the target's mesh, in the target's light, with the target's own eyes."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import ATLAS_MARGIN, face_topology
from mien_models.geometry.unwrap import Unwrapped, unwrapper
from mien_models.interfaces import Swapper, SwapperFactory
from mien_models.library.builtin import load_landmarker
from mien_models.swappers.mesh.pitch_offset import apparent_nod
from mien_models.swappers.mesh.relight import LightFollower, target_light, texture_light
from mien_models.swappers.mesh.render import atlas_map, draw_texture
from mien_models.swappers.mesh.shape import ShapeFollower, mean_shape_cm
from mien_models.swappers.mesh.texture import FaceTexture, bake
from mien_models.swappers.mesh.unwrap_photo import facing
from mien_models.swappers.mesh.warp_field import BentFace, bend_face
from mien_models.swappers.mesh.wrinkles import SIDE_PX, ExpressionFollower
from mien_models.types import BgrU8, Face, PointsF32, SourceFace, SwapOptions, SwappedFace, as_f32, as_u8

VISIBLE: Final = (0.05, 0.32)
"""How much a point must face the camera to be believed: below the first not at all, above the second fully."""
LIGHT_EVERY_S: Final = 0.05
"""Light that does not change is looked at no more often than this."""
LEVELS_PER_OCTAVE: Final = 3
"""The texture is kept in sizes this close together."""
TEXELS_PER_PX: Final = 1.26
"""How fine the texture is for the pixels it is drawn to: about as sharp as a webcam sees skin, without aliasing."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause the light is taken anew."""


@dataclass(slots=True)
class _Worn:
    """What is kept of one target face."""

    light: LightFollower
    shape: ShapeFollower
    expression: ExpressionFollower
    level: int
    seen_ns: int
    added: NDArray[np.float32] | None = None
    """What its light adds to the photo's skin, as last looked at."""
    lit_ns: int = 0


class MeshSwapper:
    """Wears one texture on any number of faces; keeps each face's light and texture size until it is forgotten."""

    def __init__(self, texture: FaceTexture, shape_cm: NDArray[np.float32], *, strength: float, nod_rad: float) -> None:
        self._topology = face_topology()
        self._unwrap = unwrapper(SIDE_PX)
        self._own_light = texture_light(texture)
        self._skin = as_f32(cv2.resize(texture.bgr, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))
        self._texture = texture
        self._shape_cm = shape_cm
        self._strength = strength
        self._nod_rad = nod_rad
        self._levels: dict[int, NDArray[np.uint8]] = {}
        self._worn: dict[int, _Worn] = {}

    def swap(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> SwappedFace:
        """Draw the texture over the face's mesh; about 4 ms for a face of 380 px."""
        worn, elapsed_s = self._remember(face, captured_ns)
        bent = self._bent(face.landmarks, frame_bgr, worn, elapsed_s)
        points, drawn = (self._topology.with_rim(landmarks) for landmarks in (face.landmarks, bent.landmarks))
        towards = facing(points)
        own = self._unwrap(*_cut_out(frame_bgr, points), _smoothstep(towards, *VISIBLE))
        change = self._change(own, worn, elapsed_s)
        left, top, right, bottom = _rectangle(drawn, frame_bgr)
        drawn[:, :2] -= (left, top)
        found = atlas_map(drawn, towards, right - left, bottom - top, face.width_px)
        crop, alpha = draw_texture(found, change, self._level(worn.level))
        crop, alpha = crop[: bottom - top, : right - left], alpha[: bottom - top, : right - left]
        frame_from_crop = np.array([[1, 0, left], [0, 1, top]], np.float64)
        return SwappedFace(face.id, crop, alpha, frame_from_crop, bent.bend)

    def forget(self, face_id: int) -> None:
        """Drop the light and the looks kept of a face."""
        self._worn.pop(face_id, None)

    def _bent(self, landmarks: PointsF32, frame_bgr: BgrU8, worn: _Worn, elapsed_s: float) -> BentFace:
        """Give the face its new proportions."""
        if self._strength == 0:
            return BentFace(landmarks, None)
        height, width = frame_bgr.shape[:2]
        return bend_face(landmarks, worn.shape.change_px(landmarks, elapsed_s), (width, height))

    def _remember(self, face: Face, captured_ns: int) -> tuple[_Worn, float]:
        """What is kept of a face, made anew after a pause, and the seconds since it was last seen."""
        texels_per_px = self._texture.side_px * (1 - 2 * ATLAS_MARGIN) / max(face.width_px, 8.0)
        wanted = float(np.log2(max(texels_per_px / TEXELS_PER_PX, 1.0)) * LEVELS_PER_OCTAVE)
        worn = self._worn.get(face.id)
        if worn is None or abs(captured_ns - worn.seen_ns) > LONGEST_PAUSE_S * 1e9:
            light = LightFollower(self._own_light)
            shape = ShapeFollower(self._shape_cm, self._strength, nod_rad=self._nod_rad)
            worn = self._worn[face.id] = _Worn(light, shape, ExpressionFollower(), round(wanted), captured_ns)
        elif abs(wanted - worn.level) > 0.75:  # more than half a step: a face on the border does not flicker
            worn.level = round(wanted)
        elapsed_s, worn.seen_ns = max(captured_ns - worn.seen_ns, 0) / 1e9, captured_ns
        return worn, elapsed_s

    def _level(self, level: int) -> NDArray[np.uint8]:
        """The texture with its alpha, (n, n, 4), made smaller by `level` steps."""
        if level not in self._levels:
            side_px = max(16, round(self._texture.side_px * 2 ** (-level / LEVELS_PER_OCTAVE)))
            texture = np.dstack([self._texture.bgr, self._texture.alpha(TEXELS_PER_PX / side_px)])
            self._levels[level] = as_u8(cv2.resize(texture, (side_px, side_px), interpolation=cv2.INTER_AREA))
        return self._levels[level]

    def _change(self, own: Unwrapped, worn: _Worn, elapsed_s: float) -> NDArray[np.uint8]:
        """What the target's light and expression add to the photo's skin and alpha: (n, n, 4), 128 = nothing."""
        since_lit_s = (worn.seen_ns - worn.lit_ns) / 1e9
        if worn.added is None or worn.light.is_changing or not 0 <= since_lit_s < LIGHT_EVERY_S:
            added = worn.light.added(target_light(own), max(since_lit_s, 0.0))
            worn.added = as_f32(cv2.resize(added, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR))
            worn.lit_ns = worn.seen_ns
        folds = worn.expression.change(own, elapsed_s)[..., None]
        change = np.full((SIDE_PX, SIDE_PX, 4), 128, np.uint8)
        change[..., :3] = np.clip(worn.added + folds * (self._skin + worn.added) + 128.5, 0, 255)
        return change


def mesh_swapper(source: SourceFace, options: SwapOptions) -> Swapper:
    """Bake the source face's texture; 0.1 to 0.4 s."""
    shape_cm = mean_shape_cm([view.face.landmarks for view in source.views])
    texture = bake(source)
    nod_rad = apparent_nod(texture.bgr, load_landmarker())
    return MeshSwapper(texture, shape_cm, strength=options.shape, nod_rad=nod_rad)


def _rectangle(points: PointsF32, frame_bgr: BgrU8) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the mesh inside the frame; at least two pixels each way."""
    height, width = frame_bgr.shape[:2]
    low, high = np.floor(points[:, :2].min(axis=0)), np.ceil(points[:, :2].max(axis=0)) + 1
    left, top = int(np.clip(low[0], 0, width - 2)), int(np.clip(low[1], 0, height - 2))
    right, bottom = int(np.clip(high[0], left + 2, width)), int(np.clip(high[1], top + 2, height))
    return left, top, right, bottom


def _cut_out(frame_bgr: BgrU8, points: PointsF32) -> tuple[BgrU8, PointsF32]:
    """Cut the mesh's rectangle out of the frame, and give the mesh in its pixels."""
    left, top, right, bottom = _rectangle(points, frame_bgr)
    placed = points.copy()
    placed[:, :2] -= (left, top)
    return frame_bgr[top:bottom, left:right], placed


def _smoothstep(values: NDArray[np.float32], begin: float, full: float) -> NDArray[np.float32]:
    t = np.clip((values - begin) / (full - begin), 0, 1)
    return as_f32(t * t * (3 - 2 * t))


PLUGIN: Final[SwapperFactory] = mesh_swapper
