"""The built-in swapper: the photo's skin on the target's mesh, in the target's light, with the target's own gaze."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import ATLAS_MARGIN, Unwrapped, face_topology, facing, unwrapper
from mien_models.interfaces import Swapper, SwapperFactory
from mien_models.library.builtin import load_eyes, load_landmarker
from mien_models.swappers.mesh.photo_eyes import PhotoEyes, SeenEyes, WornEyes, photo_eyes
from mien_models.swappers.mesh.pitch_offset import apparent_pitch_offset
from mien_models.swappers.mesh.relight import FOLDS_PX, ExpressionFilter, LightFilter, target_light, texture_light
from mien_models.swappers.mesh.render import atlas_map, draw_texture
from mien_models.swappers.mesh.shape import ShapeFilter, WarpedFace, mean_shape_cm, warp_face
from mien_models.swappers.mesh.shut_eyes import ShutFilter, may_be_shut, with_shut
from mien_models.swappers.mesh.texture import FaceTexture, bake
from mien_models.types import BgrU8, Face, MaskU8, PointsF32, SourceFace, SwapOptions, SwappedFace, as_f32, as_u8

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


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The texture in one size."""

    texture: NDArray[np.uint8]
    """(n, n, 4) with its alpha."""
    shut_alpha: MaskU8
    """(n, n) the alpha for closed eyes."""


@dataclass(slots=True)
class _TargetFace:
    """What is kept of one target face."""

    light: LightFilter
    shape: ShapeFilter
    expression: ExpressionFilter
    eyes: WornEyes | None
    shut: ShutFilter
    level: int
    seen_ns: int
    added: NDArray[np.float32] | None = None
    """What its light adds to the photo's skin, as last looked at."""
    lit_ns: int = 0


class MeshSwapper:
    """Draws one texture on any number of faces; keeps each face's light and texture size until it is forgotten."""

    def __init__(
        self,
        texture: FaceTexture,
        shape_cm: NDArray[np.float32],
        *,
        strength: float,
        pitch_offset_rad: float,
        eyes: PhotoEyes | None = None,
    ) -> None:
        self._topology = face_topology()
        self._unwrap = unwrapper(FOLDS_PX)
        self._own_light = texture_light(texture)
        self._skin = as_f32(cv2.resize(texture.bgr, (FOLDS_PX, FOLDS_PX), interpolation=cv2.INTER_AREA))
        self._texture = texture
        self._side_px = texture.side_px
        self._shape_cm = shape_cm
        self._strength = strength
        self._pitch_offset_rad = pitch_offset_rad
        self._eyes = eyes
        self._network = load_eyes()
        self._levels: dict[int, _Level] = {}
        self._in_use: dict[int, _TargetFace] = {}

    def swap(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> SwappedFace:
        """Draw the texture over the face's mesh; about 4 ms for a face of 380 px."""
        in_use, elapsed_s = self._remember(face, captured_ns)
        eyes, shut = self._eyes_of(frame_bgr, face.landmarks, in_use, elapsed_s)
        warped = self._warped(eyes.landmarks, frame_bgr, in_use, elapsed_s)
        points, drawn = (self._topology.with_rim(landmarks) for landmarks in (eyes.landmarks, warped.landmarks))
        towards = facing(points)
        own = self._unwrap(*_cut_out(frame_bgr, points), _smoothstep(towards, *VISIBLE))
        change = self._change(own, in_use, elapsed_s)
        left, top, right, bottom = _rectangle(drawn, frame_bgr)
        drawn[:, :2] -= (left, top)
        found = atlas_map(drawn, towards, right - left, bottom - top, face.width_px)
        level = self._level(in_use.level)
        crop, alpha = draw_texture(found, change, with_shut(level.texture, level.shut_alpha, shut))
        crop, alpha = crop[: bottom - top, : right - left], alpha[: bottom - top, : right - left]
        frame_from_crop = np.array([[1, 0, left], [0, 1, top]], np.float64)
        return SwappedFace(face.id, crop, alpha, frame_from_crop, warped.warp, eyes.retouches, self._texture.trust)

    def forget(self, face_id: int) -> None:
        """Drop the light and the looks kept of a face."""
        self._in_use.pop(face_id, None)

    def _eyes_of(
        self, frame_bgr: BgrU8, landmarks: PointsF32, in_use: _TargetFace, elapsed_s: float
    ) -> tuple[SeenEyes, tuple[float, float]]:
        """Look at the target's eyes where something depends on it; give how far each is shut, too."""
        if in_use.eyes is None and not may_be_shut(landmarks):
            return SeenEyes(landmarks, ()), in_use.shut(landmarks, None, elapsed_s)
        looks = self._network.look(frame_bgr, landmarks)
        shut = in_use.shut(landmarks, looks, elapsed_s)
        if in_use.eyes is None:
            return SeenEyes(landmarks, ()), shut
        return in_use.eyes.see(frame_bgr, landmarks, looks, shut, elapsed_s), shut

    def _warped(self, landmarks: PointsF32, frame_bgr: BgrU8, in_use: _TargetFace, elapsed_s: float) -> WarpedFace:
        """Give the face its new proportions."""
        if self._strength == 0:
            return WarpedFace(landmarks, None)
        height, width = frame_bgr.shape[:2]
        return warp_face(landmarks, in_use.shape.change_px(landmarks, elapsed_s), (width, height))

    def _remember(self, face: Face, captured_ns: int) -> tuple[_TargetFace, float]:
        """What is kept of a face, made anew after a pause, and the seconds since it was last seen."""
        texels_per_px = self._side_px * (1 - 2 * ATLAS_MARGIN) / max(face.width_px, 8.0)
        wanted = float(np.log2(max(texels_per_px / TEXELS_PER_PX, 1.0)) * LEVELS_PER_OCTAVE)
        in_use = self._in_use.get(face.id)
        if in_use is None or abs(captured_ns - in_use.seen_ns) > LONGEST_PAUSE_S * 1e9:
            light = LightFilter(self._own_light)
            shape = ShapeFilter(self._shape_cm, self._strength, pitch_offset_rad=self._pitch_offset_rad)
            eyes = None if self._eyes is None else WornEyes(self._eyes)
            in_use = _TargetFace(light, shape, ExpressionFilter(), eyes, ShutFilter(), round(wanted), captured_ns)
            self._in_use[face.id] = in_use
        elif abs(wanted - in_use.level) > 0.75:  # more than half a step: a face on the border does not flicker
            in_use.level = round(wanted)
        elapsed_s, in_use.seen_ns = max(captured_ns - in_use.seen_ns, 0) / 1e9, captured_ns
        return in_use, elapsed_s

    def _level(self, level: int) -> _Level:
        """The texture made smaller by `level` steps."""
        if level not in self._levels:
            side_px = max(16, round(self._side_px * 2 ** (-level / LEVELS_PER_OCTAVE)))
            pixel = TEXELS_PER_PX / side_px
            texture = np.dstack([self._texture.bgr, self._texture.alpha(pixel)])
            layers = (texture, self._texture.alpha(pixel, shut=True))
            small = (as_u8(cv2.resize(layer, (side_px, side_px), interpolation=cv2.INTER_AREA)) for layer in layers)
            self._levels[level] = _Level(*small)
        return self._levels[level]

    def _change(self, own: Unwrapped, in_use: _TargetFace, elapsed_s: float) -> NDArray[np.uint8]:
        """What the target's light and expression add to the photo's skin and alpha: (n, n, 4), 128 = nothing."""
        since_lit_s = (in_use.seen_ns - in_use.lit_ns) / 1e9
        if in_use.added is None or in_use.light.is_changing or not 0 <= since_lit_s < LIGHT_EVERY_S:
            added = in_use.light.added(target_light(own), max(since_lit_s, 0.0))
            in_use.added = as_f32(cv2.resize(added, (FOLDS_PX, FOLDS_PX), interpolation=cv2.INTER_LINEAR))
            in_use.lit_ns = in_use.seen_ns
        folds = in_use.expression.change(own, elapsed_s)[..., None]
        change = np.full((FOLDS_PX, FOLDS_PX, 4), 128, np.uint8)
        change[..., :3] = np.clip(in_use.added + folds * (self._skin + in_use.added) + 128.5, 0, 255)
        return change


def mesh_swapper(source: SourceFace, options: SwapOptions) -> Swapper:
    """Bake the source face's texture; 0.1 to 0.4 s."""
    shape_cm = mean_shape_cm([view.face.landmarks for view in source.views])
    eyes = photo_eyes(source) if options.photo_eyes else None
    texture = bake(source if eyes is None else eyes.source)
    pitch_offset_rad = apparent_pitch_offset(texture.bgr, load_landmarker())
    return MeshSwapper(texture, shape_cm, strength=options.shape, pitch_offset_rad=pitch_offset_rad, eyes=eyes)


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
