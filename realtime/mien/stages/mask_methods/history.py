"""A face's own history: what looks unlike the bare face, at its place on the face, is in front of it."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.stages.mask import OPEN, FaceMask, MaskPlugin
from mien.stages.mask_methods._background_model import BackgroundModel
from mien.stages.mask_methods._features import SIDE_PX
from mien_models.geometry.face_mesh import MeshPatch, face_topology, facing, mesh_patch, rasterise, unwrapper
from mien_models.types import BgrU8, Face, as_f32, as_u8

SMALL_FACE_PX: Final = 96.0
"""The mask is made at the resolution at which a face is about so wide: finer than the atlas, coarser than the frame."""
REACH: Final = 0.03
"""How far a mask may move to meet an edge of the picture, in parts of the face's width."""
SMOOTHNESS: Final = 0.2
"""What counts as an edge, in the spread of the colours on either side of it: the root of a guided filter's epsilon."""
APART: Final = (1.5, 3.0)
"""How far apart, in that spread, the colours of a thing and of the face must be for a colour to tell them."""
PASSAGE: Final = (0.25, 0.75)
"""Below the first, what the filter answers is open, above the second hidden."""
CAMERA_NOISE: Final = 2.0
"""A standard deviation, in 8-bit levels, that colours have in any case."""
SURE: Final = 0.85
"""What is hidden more surely than this shows the colours of what is in front."""
FEWEST_PIXELS: Final = 30


def place(hidden: NDArray[np.float32], region: MeshPatch, facing: NDArray[np.float32]) -> FaceMask:
    """Bring what is hidden to the frame.

    Args:
        hidden: (n, n) 0..1 on the atlas.
        region: where the mesh lies.
        facing: (504,) how much each point faces the camera.
    """
    height, width = region.bgr.shape[:2]
    step = max(1, round(np.ptp(region.points[:, 0]) / SMALL_FACE_PX))
    columns, rows = -(-width // step), -(-height // step)
    placed = region.points / np.float32(step)
    placed[:, :2] = (region.points[:, :2] + 0.5) / step - 0.5
    attributes = np.empty((len(placed), 3), np.float32)
    attributes[:, :2] = face_topology().atlas
    attributes[:, 2] = facing > 0
    drawn = rasterise(placed, face_topology().triangles, attributes, width=columns, height=rows, cull_back_faces=False)
    at_x, at_y = (np.ascontiguousarray(drawn[..., axis]) * len(hidden) - 0.5 for axis in (0, 1))
    found = as_f32(cv2.remap(hidden, as_f32(at_x), as_f32(at_y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    # Averaged over whole steps, as the mesh was made smaller.
    padded = cv2.copyMakeBorder(region.bgr, 0, rows * step - height, 0, columns * step - width, cv2.BORDER_REPLICATE)
    small = as_u8(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA))
    crisp = _along_edges(found, small, max(2, round(REACH * np.ptp(placed[:, 0]))))
    crisp = np.clip((crisp - PASSAGE[0]) / (PASSAGE[1] - PASSAGE[0]), 0, 1)
    image = as_u8(np.clip(255.5 - 255 * crisp, 0, 255))
    half = (step - 1) / 2
    return FaceMask(image, np.array([[step, 0, region.left + half], [0, step, region.top + half]], np.float64))


def _along_edges(hidden: NDArray[np.float32], small_bgr: BgrU8, radius_px: int) -> NDArray[np.float32]:
    """Move a mask's border to the edges of a picture: a guided filter (He, Sun and Tang, 2010).

    Its guide is the one mixture of the colours that tells best what is in front from the face (Fisher's discriminant).
    Where the two are far apart in it, what has the face's colour is the face.
    """
    disc = as_u8(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1)))
    inside = hidden.ravel() > SURE
    outside = as_u8(cv2.dilate((hidden > 0.2).astype(np.uint8), disc)).ravel() == 0
    if min(np.count_nonzero(inside), np.count_nonzero(outside)) < FEWEST_PIXELS:
        return hidden
    colours = small_bgr.reshape(-1, 3).astype(np.float32)
    direction = _telling(colours[inside], colours[outside])
    values = (colours * direction).sum(axis=1)
    front, back = float(values[inside].mean()), float(values[outside].mean())
    guide = as_f32(values.reshape(hidden.shape))
    likely = np.clip((guide - back) / max(front - back, 1e-3) * 2 - 0.5, 0, 1)
    sure = np.clip((front - back - APART[0]) / (APART[1] - APART[0]), 0, 1)
    return _guided(as_f32(hidden * (1 - sure * (1 - likely))), guide, radius_px)


def _guided(mask: NDArray[np.float32], guide: NDArray[np.float32], radius_px: int) -> NDArray[np.float32]:
    size = (2 * radius_px + 1, 2 * radius_px + 1)
    mean_guide, mean_mask = (as_f32(cv2.blur(image, size)) for image in (guide, mask))
    covariance = as_f32(cv2.blur(guide * mask, size)) - mean_guide * mean_mask
    variance = as_f32(cv2.blur(guide * guide, size)) - mean_guide * mean_guide
    slope = covariance / (variance + np.float32(SMOOTHNESS**2))
    offset = mean_mask - slope * mean_guide
    return as_f32(cv2.blur(slope, size)) * guide + as_f32(cv2.blur(offset, size))


def _telling(front: NDArray[np.float32], back: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the mixture of colours, (3,), that tells two sets (n, 3) apart, scaled to their own spread."""
    spread, means = np.diag(np.full(3, CAMERA_NOISE**2)), list[NDArray[np.float64]]()
    for colours in (front, back):
        covariance, mean = cv2.calcCovarMatrix(
            colours, np.empty(0), cv2.COVAR_NORMAL | cv2.COVAR_ROWS | cv2.COVAR_SCALE, ctype=cv2.CV_64F
        )
        spread = spread + np.asarray(covariance, np.float64)
        means.append(np.asarray(mean, np.float64)[0])
    direction = np.asarray(np.linalg.inv(spread), np.float64) @ (means[0] - means[1])
    return as_f32(direction / np.sqrt(max(float(direction @ spread @ direction), 1e-9)))


BESIDE_TEXELS: Final = 7
"""Nothing is learned up to half as many texels beside what others hide."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause a face is learned anew."""
SHOWN_FROM: Final = 0.06
"""Less of an occluder than this, at every texel, is nothing: most frames end here."""


class HistoryMask:
    """Compares each face with what it learned of it; keeps that until the face is forgotten or away for long."""

    def __init__(self) -> None:
        self._topology = face_topology()
        self._unwrap = unwrapper(SIDE_PX)
        self._background: dict[int, BackgroundModel] = {}

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:
        """Learn what is bare and mask what is not; 0.9 ms, 2.3 ms with something in front."""
        return self.mask_given(frame_bgr, face, captured_ns=captured_ns, in_front=())

    def mask_given(
        self, frame_bgr: BgrU8, face: Face, *, captured_ns: int, in_front: Sequence[FaceMask]
    ) -> FaceMask | None:
        """Do the same, and take nothing for the bare face that is known to be in front of it."""
        points = self._topology.with_rim(face.landmarks)
        region = mesh_patch(frame_bgr, points)
        if region is None:
            return None
        towards = facing(points)
        flat = self._unwrap(region.bgr, region.points, np.clip(towards, 0, 1))
        background = self._background.get(face.id)
        if background is None or not 0 <= captured_ns - background.seen_ns <= LONGEST_PAUSE_S * 1e9:
            background = self._background[face.id] = BackgroundModel(captured_ns)
        hidden = background.hidden(flat, captured_ns, self._bare(region, in_front))
        if hidden.max() < SHOWN_FROM:
            return None
        return place(hidden, region, towards)

    def _bare(self, region: MeshPatch, in_front: Sequence[FaceMask]) -> NDArray[np.float32] | None:
        """Lay what others leave open flat: (n, n) 0..1; None where they hide nothing."""
        if not in_front:
            return None
        height, width = region.bgr.shape[:2]
        left_open = np.full((height, width), OPEN, np.uint8)
        for mask in in_front:
            region_from_mask = mask.frame_from_mask - np.array([[0, 0, region.left], [0, 0, region.top]])
            drawn = cv2.warpAffine(mask.image, region_from_mask, (width, height), borderMode=cv2.BORDER_REPLICATE)
            left_open = as_u8(cv2.min(left_open, drawn))
        three = as_u8(cv2.cvtColor(left_open, cv2.COLOR_GRAY2BGR))
        flat = self._unwrap(three, region.points, np.ones(len(region.points), np.float32))
        # Whatever is seen beside its edge may be of it, too.
        return as_f32(cv2.erode(as_f32(flat.bgr[..., 0]) / OPEN, np.ones((BESIDE_TEXELS, BESIDE_TEXELS), np.uint8)))

    def forget(self, face_id: int) -> None:
        """Drop what was learned of a face."""
        self._background.pop(face_id, None)


PLUGIN: Final = MaskPlugin(
    make=lambda _target: HistoryMask(),
    help="hands and things stay in front, by what the bare face looked like; 1 to 2 ms",
)
