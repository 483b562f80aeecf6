"""Several photos of one person become one face: each region from the photo that shows it best."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import disc, features_mask
from mien_models.library.builtin import load_eyewear
from mien_models.swappers.mesh.delight import SIDE_PX, delighting, logarithm
from mien_models.swappers.mesh.diffuse import spread
from mien_models.swappers.mesh.glasses import Glasses, glasses_of
from mien_models.swappers.mesh.inpaint import resized
from mien_models.swappers.mesh.neutralise import smile
from mien_models.swappers.mesh.relief import relief
from mien_models.swappers.mesh.skin_mask import OwnSkin, own_skin
from mien_models.swappers.mesh.unwrap_photo import FlatPhoto, lay_flat
from mien_models.types import Face, FaceView, as_f32

BEST_ONLY: Final = 6
"""How strongly the best photo of a region is preferred: shares are these powers of what the photos show there."""
TURNED_DEG: Final = (24.0, 36.0)
"""A head that is turned less than the first is believed on both sides, more than the second on the near one only."""
BEYOND: Final = (-0.01, 0.05)
"""From where to where beyond the face's middle belief ends, in parts of the atlas' side."""
PROFILE: Final = (40.0, 60.0, 0.02)
"""From the first turn to the second that border comes nearer by the third: a profile's ridge shows the background."""
SEAM: Final = 0.06
"""So near to a turned face's middle what is laid flat may be the background, in parts of the atlas' side."""
STRANGE: Final = 0.3
"""It is where it is darker, lighter or of another hue than the skin around by more than this, a natural logarithm."""
BANDS: Final = 5
"""Coarse bands are joined over wide seams, fine ones over narrow seams: a pyramid of so many levels."""


@dataclass(frozen=True, slots=True, eq=False)
class FlatView:
    """One photo on the atlas, understood."""

    photo: FlatPhoto
    skin: OwnSkin
    glasses: Glasses
    log_even: NDArray[np.float32]
    """(n, n, 3) its logarithm, as in even light."""
    detail: float
    """Pixels across the face, for comparing photos."""
    smile: float
    """How strongly the photo smiles, 0..1."""
    relief: float
    """How much its skin stands out, see `relief`."""


@dataclass(frozen=True, slots=True, eq=False)
class MultiView:
    """All photos, joined."""

    log_bgr: NDArray[np.float32]
    """(n, n, 3) in logarithms and even light; anything where nothing is trusted."""
    trust: NDArray[np.float32]
    """(SIDE_PX, SIDE_PX) 0..1, the best of all photos."""


def understand(view: FaceView, side_px: int) -> FlatView:
    """Lay one photo flat, find what of it is the face's own, and take its light off."""
    glasses = glasses_of(load_eyewear().look(view.photo_bgr, view.face.landmarks))
    return understand_flat(lay_flat(view, side_px), view.face, glasses)


def understand_flat(photo: FlatPhoto, face: Face, glasses: Glasses) -> FlatView:
    """The same for a photo that was laid flat, and of whose glasses it is known where they are."""
    side_px = len(photo.bgr)
    photo = replace(photo, seen=as_f32(photo.seen * near_half(face.pose.yaw_deg, side_px)))
    small = resized(as_f32(photo.bgr), SIDE_PX)
    skin = own_skin(small, resized(photo.seen, SIDE_PX), glasses)
    log_small = logarithm(small)
    change = delighting(log_small, skin.trust)
    even = as_f32(log_small + change)
    skin = replace(skin, trust=as_f32(skin.trust * without_seam(even, skin.trust, face.pose.yaw_deg)))
    log_even = as_f32(logarithm(as_f32(photo.bgr)) + resized(change, side_px))
    return FlatView(photo, skin, glasses, log_even, face.width_px, smile(face.landmarks), relief(even, skin.trust))


def without_seam(log_even: NDArray[np.float32], trust: NDArray[np.float32], yaw_deg: float) -> NDArray[np.float32]:
    """Say what of a turned face is no background: (SIDE_PX, SIDE_PX), 0..1.

    Near its middle a profile ends, and what is laid flat there shows what is behind the nose; mirrored it would be a
    slit or a glowing line.
    """
    if abs(yaw_deg) < TURNED_DEG[0]:
        return np.ones_like(trust)
    middle = np.abs((np.arange(SIDE_PX) + 0.5) / SIDE_PX - 0.5) < SEAM
    skin = as_f32(trust * (features_mask(SIDE_PX, 0.02) == 0) * ~middle)
    off = np.abs(log_even - spread(log_even, skin, finest_px=SEAM * SIDE_PX)).max(axis=2)
    strange = np.where((off > STRANGE) & middle & (features_mask(SIDE_PX, 0.0) == 0), 255, 0).astype(np.uint8)
    grown = as_f32(cv2.GaussianBlur(cv2.dilate(strange, disc(7)), (0, 0), 1.5))
    return as_f32(np.clip(1 - 1.5 / 255 * grown, 0, 1))


def near_half(yaw_deg: float, side_px: int) -> NDArray[np.float32]:
    """Say which half of a turned face is believed: (1, side_px) 1 on the near side, less beyond the middle.

    Of a head that is turned far, the landmarks beyond the nose are guessed: brows are doubled there, and a nose's side
    becomes a cheek. The near half, mirrored, is a face.
    """
    share = np.clip((abs(yaw_deg) - TURNED_DEG[0]) / (TURNED_DEG[1] - TURNED_DEG[0]), 0, 1)
    away = (np.arange(side_px, dtype=np.float32) + 0.5) / side_px - 0.5
    nearer = PROFILE[2] * np.clip((abs(yaw_deg) - PROFILE[0]) / (PROFILE[1] - PROFILE[0]), 0, 1)
    beyond = np.clip((np.sign(yaw_deg) * away - BEYOND[0] + nearer) / (BEYOND[1] - BEYOND[0]), 0, 1)
    return as_f32(1 - share * beyond)[None]


def merge_views(views: tuple[FlatView, ...]) -> MultiView:
    """Join views of one atlas' side; the first sets the tone."""
    first, *others = views
    trust = first.skin.trust
    if not others:
        return MultiView(first.log_even, trust)
    images, scores = [first.log_even], [_score(first, views)]
    reference = resized(first.log_even, SIDE_PX)
    for view in others:
        small = resized(view.log_even, SIDE_PX)
        tone = spread(as_f32(reference - small), as_f32(first.skin.trust * view.skin.trust), finest_px=8.0)
        images.append(as_f32(view.log_even + resized(tone, len(view.log_even))))
        scores.append(_score(view, views))
        trust = np.maximum(trust, view.skin.trust)
    powers = np.stack(scores) ** BEST_ONLY + np.float32(1e-9)
    shares = powers / powers.sum(axis=0)
    return MultiView(_joined(images, [as_f32(share) for share in shares]), trust)


def _score(view: FlatView, views: tuple[FlatView, ...]) -> NDArray[np.float32]:
    """How well a view shows each texel, beside the others: (SIDE_PX, SIDE_PX), 0..1."""
    detail = view.detail / max(other.detail for other in views)
    seen = as_f32(cv2.GaussianBlur(resized(view.photo.seen, SIDE_PX), (0, 0), 2.0))
    return as_f32(view.skin.trust * seen * detail)


def _joined(images: list[NDArray[np.float32]], shares: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join pictures band by band (Burt and Adelson, "A multiresolution spline", 1983)."""
    side_px = len(images[0])
    weights = [resized(share, side_px) for share in shares]
    bands: list[NDArray[np.float32]] = []
    for _ in range(BANDS):
        smaller = [as_f32(cv2.pyrDown(image)) for image in images]
        details = [image - _enlarged(small) for image, small in zip(images, smaller, strict=True)]
        bands.append(_weighted([as_f32(detail) for detail in details], weights))
        images, weights = smaller, [as_f32(cv2.pyrDown(weight)) for weight in weights]
    joined = _weighted(images, weights)
    for band in reversed(bands):
        joined = as_f32(_enlarged(joined) + band)
    return joined


def _enlarged(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return as_f32(cv2.pyrUp(image))


def _weighted(images: list[NDArray[np.float32]], weights: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    total = np.zeros_like(images[0])
    for image, weight in zip(images, weights, strict=True):
        total += image * weight[..., None]
    return total
