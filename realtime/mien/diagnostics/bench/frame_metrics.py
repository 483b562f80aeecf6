"""One look at a composed frame: its colours, its edge, its detail and where its landmarks are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.tracking.geometry import Extent
from mien_models.interfaces import Landmarker
from mien_models.types import BgrU8, Face, MaskU8, PointsF32, as_f32, as_u8

TILE_PX: Final = 240
SECTORS: Final = 8
FINE_SIGMA: Final = 1.5
"""Detail is what a blur of this width takes away, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameLook:
    """What one swapped frame looks like beside its target."""

    skin_de: float
    skin_de_sector: float
    ring_de: float
    sharp_ratio: float
    background_max: int
    target_points: PointsF32
    """(468, 3) unsmoothed, in parts of the face's width."""
    composed_points: PointsF32


def look_at(frame: Frame, composed_bgr: BgrU8, landmarker: Landmarker) -> FrameLook:
    """Measure the first chosen face of a swapped frame."""
    face = frame.chosen[0]
    alpha = frame_alpha(frame)
    target, composed = _lab(frame.image), _lab(composed_bgr)
    skin = alpha > 220
    sectors = _sectors(alpha.shape, face)
    steps = [_distance(target, composed, skin & (sectors == k)) for k in range(SECTORS)]
    return FrameLook(
        skin_de=_distance(target, composed, skin),
        skin_de_sector=float(np.nanmax(steps)) if np.isfinite(steps).any() else float("nan"),
        ring_de=_ring(target, composed, alpha, sectors, face),
        sharp_ratio=_detail(composed_bgr, skin) / max(_detail(frame.image, skin), 1e-3),
        background_max=_largest_change(frame.image, composed_bgr, alpha == 0),
        target_points=_points(frame.image, face, landmarker),
        composed_points=_points(composed_bgr, face, landmarker),
    )


def frame_alpha(frame: Frame) -> MaskU8:
    """Draw the alphas of all swapped faces on the frame's grid: (height, width), 0 where no crop reaches."""
    height, width = frame.image.shape[:2]
    total = np.zeros((height, width), np.uint8)
    for swapped in frame.swapped:
        placed = cv2.warpAffine(swapped.alpha, swapped.frame_from_crop, (width, height), flags=cv2.INTER_LINEAR)
        total = np.maximum(total, as_u8(placed))
    return total


def jitter(looks: Sequence[FrameLook]) -> float | None:
    """Second difference of the composed landmarks over the target's; 1 = as calm as the clip."""
    if len(looks) < 3:
        return None
    before, after = (np.stack([getattr(look, name) for look in looks]) for name in ("target_points", "composed_points"))
    trembling = [float(np.abs(np.diff(points[..., :2], n=2, axis=0)).mean()) for points in (before, after)]
    return round(trembling[1] / max(trembling[0], 1e-9), 4)


def face_tile(image_bgr: BgrU8, face: Face) -> BgrU8:
    """Cut a square around a face, TILE_PX wide."""
    left, top, right, bottom = (float(v) for v in face.box_xyxy)
    scale = TILE_PX / (1.7 * max(right - left, bottom - top))
    centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
    matrix = np.array([[scale, 0, TILE_PX / 2 - centre_x * scale], [0, scale, TILE_PX / 2 - centre_y * scale]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return as_u8(cv2.warpAffine(image_bgr, matrix, (TILE_PX, TILE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def contact_sheet(photo_tile: BgrU8, pairs: Sequence[tuple[BgrU8, BgrU8]]) -> BgrU8:
    """Put the photo on the left, then each target above what became of it."""
    columns = [np.vstack([photo_tile, np.full_like(photo_tile, 40)])]
    columns += [np.vstack(pair) for pair in pairs]
    return np.hstack(columns)


def _lab(image_bgr: BgrU8) -> NDArray[np.float32]:
    return as_f32(cv2.cvtColor(as_f32(image_bgr) / 255, cv2.COLOR_BGR2LAB))


def _distance(target: NDArray[np.float32], composed: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    """Distance of the mean colours; nan where there are hardly any pixels."""
    if np.count_nonzero(where) < 20:
        return float("nan")
    return float(np.linalg.norm(target[where].mean(axis=0) - composed[where].mean(axis=0)))


def _sectors(shape: tuple[int, ...], face: Face) -> NDArray[np.intp]:
    """Number each pixel by its direction from the middle of the face, 0 .. SECTORS - 1."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    x, y = face.landmarks[[4, 6], :2].mean(axis=0)
    turn = np.arctan2(rows - y, columns - x) / (2 * np.pi) + 0.5
    numbered: NDArray[np.intp] = np.minimum((turn * SECTORS).astype(np.intp), SECTORS - 1)
    return numbered


def _ring(
    target: NDArray[np.float32],
    composed: NDArray[np.float32],
    alpha: MaskU8,
    sectors: NDArray[np.intp],
    face: Face,
) -> float:
    """Compare the colour just inside the mask's edge with just outside it, less the target's own step there."""
    reach = max(3, round(0.05 * face.width_px)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    covered = np.where(alpha > 127, 255, 0).astype(np.uint8)
    inside = (covered > 0) & (np.asarray(cv2.erode(covered, kernel, iterations=2)) == 0)
    outside = (np.asarray(cv2.dilate(covered, kernel, iterations=2)) > 0) & (covered == 0)
    excess: list[float] = []
    for k in range(SECTORS):
        here = sectors == k
        if min(np.count_nonzero(here & inside), np.count_nonzero(here & outside)) < 20:
            continue
        steps = [image[here & inside].mean(axis=0) - image[here & outside].mean(axis=0) for image in (target, composed)]
        excess.append(max(0.0, float(np.linalg.norm(steps[1]) - np.linalg.norm(steps[0]))))
    return float(np.mean(excess)) if excess else float("nan")


def _detail(image_bgr: BgrU8, where: NDArray[np.bool_]) -> float:
    if not where.any():
        return 0.0
    grey = as_f32(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY))
    return float((grey - as_f32(cv2.GaussianBlur(grey, (0, 0), FINE_SIGMA)))[where].std())


def _largest_change(before: BgrU8, after: BgrU8, where: NDArray[np.bool_]) -> int:
    return int(cv2.absdiff(before, after)[where].max(initial=0))


def _points(image_bgr: BgrU8, face: Face, landmarker: Landmarker) -> PointsF32:
    points, _score = landmarker.landmarks(image_bgr, Extent.of(face.landmarks).region())
    return as_f32(points / np.float32(face.width_px))
